#include "column/kernels/group_rows.h"
#include "kernels_support.h"

#define BITS_MAX 600

/* Proves that the runs of set bits are found from any offset, through long stretches of one value,
 * and that no byte beyond the last bit is read. */
static void finds_runs_of_valid_rows(void **state)
{
    uint64_t seed = 10;
    (void)state;
    for (int round = 0; round < 3000; round++) {
        int64_t offset = random_below(&seed, 20), n = random_below(&seed, BITS_MAX - 20);
        int64_t length = round % 2 ? 3 : 100, nbytes = (offset + n + 7) / 8;
        uint8_t *bits = calloc((size_t)nbytes + !nbytes, 1);
        for (int64_t i = 0, set = 0; i < offset + n; i++) {
            if (random_below(&seed, length) == 0)
                set = !set;
            if (set)
                bit_set(bits, i);
        }
        struct view view = {
            .type = DK_INT8, .nrows = n, .validity = bits, .validity_offset = offset};
        int64_t row = 0, start, stop = 0;
        while (next_valid_run(&view, stop, n, &start, &stop)) {
            for (; row < start; row++)
                assert_true(view_is_null(&view, row));
            assert_true(start < stop);
            for (; row < stop; row++)
                assert_false(view_is_null(&view, row));
        }
        for (; row < n; row++)
            assert_true(view_is_null(&view, row));
        free(bits);
    }
}

/* The group of every row, GROUP_NONE between runs. */
static void spread(const struct group_rows *rows, uint32_t *out)
{
    for (int64_t i = 0; i < rows->nrows; i++)
        out[i] = rows->scattered ? rows->groups[i] : GROUP_NONE;
    for (int32_t i = 0; !rows->scattered && i < rows->nruns; i++)
        for (int32_t row = rows->starts[i]; row < rows->ends[i]; row++)
            out[row] = rows->groups[i];
}

/* Proves that taking out null rows keeps every other row in its group, whether runs stay runs or
 * become too short. */
static void leaves_null_rows_out(void **state)
{
    static struct group_scratch runs, scratch;
    uint32_t groups[BITS_MAX], before[BITS_MAX], after[BITS_MAX];
    uint8_t bits[BITS_MAX / 8];
    uint64_t seed = 11;
    bool seen[2] = {false};
    (void)state;
    for (int round = 0; round < 500; round++) {
        struct group_rows rows = {BITS_MAX, false, 0, runs.starts, runs.ends, runs.groups}, present;
        struct view view = {.type = DK_INT8, .nrows = BITS_MAX, .validity = bits};
        for (int32_t row = (int32_t)random_below(&seed, 9); row < BITS_MAX - 60;) {
            runs.starts[rows.nruns] = row;
            runs.groups[rows.nruns] = (uint32_t)random_below(&seed, 5);
            runs.ends[rows.nruns++] = row += 1 + (int32_t)random_below(&seed, 50);
            row += (int32_t)random_below(&seed, 3);
        }
        for (int i = 0; i < BITS_MAX / 8; i++)
            bits[i] = (uint8_t)(round % 2 ? random_u64(&seed) : random_below(&seed, 9) ? 0xff : 0);
        group_rows_without_nulls(&rows, &view, &scratch, &present);
        seen[present.scattered] = true;
        spread(&rows, before);
        spread(&present, after);
        for (int64_t i = 0; i < BITS_MAX; i++)
            assert_int_equal(after[i], view_is_null(&view, i) ? GROUP_NONE : before[i]);
        assert_memory_equal(group_rows_scatter(&present, groups), after, sizeof after);
    }
    assert_true(seen[false] && seen[true]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_runs_of_valid_rows),
        cmocka_unit_test(leaves_null_rows_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
