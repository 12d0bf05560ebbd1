#include "column/kernels/align.h"
#include "kernels_support.h"

#define ROWS_MAX 700

/* Insertion sort of row numbers by (missing, number): slow, stable and obviously right. */
static void sort_simply(const int64_t *numbers, const bool *missing, int64_t n, int64_t *rows)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at = i;
        for (; at > 0; at--) {
            int64_t other = rows[at - 1];
            bool after = missing[other] != missing[i] ? missing[other]
                                                      : !missing[i] && numbers[other] > numbers[i];
            if (!after)
                break;
            rows[at] = other;
        }
        rows[at] = i;
    }
}

static void check(dk_type type, const int64_t *numbers, const bool *missing, int64_t n)
{
    struct memory *memory = memory_new(NULL, 0);
    int64_t expected[ROWS_MAX], rows[ROWS_MAX];
    struct column *column = make_column(memory, type, numbers, missing, n);
    sort_simply(numbers, missing, n, expected);
    assert_int_equal(argsort(memory, &column->view, rows), DK_OK);
    assert_memory_equal(rows, expected, (size_t)n * sizeof *rows);
    column_unref(column);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves that every type sorts ascending and stable, missing values last, for few and many rows,
 * repeated values, and columns that are sorted already. */
static void sorts_every_type(void **state)
{
    uint64_t seed = 6;
    int64_t numbers[ROWS_MAX];
    bool missing[ROWS_MAX];
    (void)state;
    for (dk_type type = 0; type < DK_TYPE_COUNT; type++) {
        for (int round = 0; round < 12; round++) {
            int64_t n = random_below(&seed, round % 2 ? 40 : ROWS_MAX);
            int64_t range = round % 3 ? 90 : 3;
            for (int64_t i = 0; i < n; i++) {
                numbers[i] =
                    round % 4 == 3 ? i * range / n : random_below(&seed, 2 * range) - range;
                if (type == DK_BOOL)
                    numbers[i] &= 1;
                missing[i] = round > 5 && random_below(&seed, 6) == 0;
            }
            check(type, numbers, missing, n);
        }
    }
}

/* Proves the order of 64-bit integers where all eight bytes matter. */
static void sorts_wide_integers(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    uint64_t seed = 7, values[ROWS_MAX];
    int64_t rows[ROWS_MAX];
    (void)state;
    for (int i = 0; i < ROWS_MAX; i++)
        values[i] = random_u64(&seed);
    struct view view = {.type = DK_UINT64, .nrows = ROWS_MAX, .data = values};
    assert_int_equal(argsort(memory, &view, rows), DK_OK);
    for (int i = 1; i < ROWS_MAX; i++)
        assert_true(values[rows[i - 1]] <= values[rows[i]]);
    view.type = DK_INT64;
    assert_int_equal(argsort(memory, &view, rows), DK_OK);
    for (int i = 1; i < ROWS_MAX; i++)
        assert_true((int64_t)values[rows[i - 1]] <= (int64_t)values[rows[i]]);
    /* Only one byte in the middle differs, as in rounded timestamps. */
    for (int i = 0; i < ROWS_MAX; i++)
        values[i] = (values[i] & 0xff) << 40 | 7;
    assert_int_equal(argsort(memory, &view, rows), DK_OK);
    for (int i = 1; i < ROWS_MAX; i++)
        assert_true(values[rows[i - 1]] <= values[rows[i]]);
    memory_close(memory);
}

/* Proves the order of special doubles: infinities outermost, zeros of both signs equal, NaN last in
 * row order. */
static void sorts_special_doubles(void **state)
{
    static const double values[] = {NAN,       0.0,    INFINITY, -0.0, -NAN,
                                    -INFINITY, 5e-324, -5e-324,  0.0};
    static const int64_t expected[] = {5, 7, 1, 3, 8, 6, 2, 0, 4};
    struct memory *memory = memory_new(NULL, 0);
    struct view view = {.type = DK_FLOAT64, .nrows = 9, .data = values};
    int64_t rows[9];
    (void)state;
    assert_int_equal(argsort(memory, &view, rows), DK_OK);
    assert_memory_equal(rows, expected, sizeof expected);
    memory_close(memory);
}

/* Proves that texts compare as bytes: prefixes first, zero bytes and bytes above 127 in their
 * place, equal beginnings of eight bytes and more told apart. */
static void sorts_texts_bytewise(void **state)
{
    static const char pool[] = "b\0bbb\xc3\xa9prefix-2prefix-10prefix-1b";
    static const int64_t offsets[] = {0, 1, 2, 2, 4, 5, 7, 15, 24, 32, 33};
    /* b, \0, "", bb, b, e acute, prefix-2, prefix-10, prefix-1, b */
    static const int64_t expected[] = {2, 1, 0, 4, 9, 3, 8, 7, 6, 5};
    struct memory *memory = memory_new(NULL, 0);
    struct view view = {.type = DK_TEXT, .nrows = 10, .data = pool, .offsets = offsets};
    int64_t rows[10];
    (void)state;
    assert_int_equal(argsort(memory, &view, rows), DK_OK);
    assert_memory_equal(rows, expected, sizeof expected);
    memory_close(memory);
}

static dk_status sort_column(struct memory *memory, void *context)
{
    int64_t rows[50];
    return argsort(memory, &((struct column *)context)->view, rows);
}

/* Proves that running out of memory is reported and leaks nothing. */
static void survives_failed_allocations(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    int64_t numbers[50];
    (void)state;
    for (int i = 0; i < 50; i++)
        numbers[i] = i * 7 % 50;
    for (dk_type type = DK_INT64; type < DK_TYPE_COUNT; type++) {
        struct column *column = make_column(memory, type, numbers, NULL, 50);
        fail_every_allocation(sort_column, column);
        column_unref(column);
    }
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_every_type),
        cmocka_unit_test(sorts_wide_integers),
        cmocka_unit_test(sorts_special_doubles),
        cmocka_unit_test(sorts_texts_bytewise),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
