/* All engines find the structure that the state machine defines. */
#include "csv_fixture.h"

#define BYTES_MAX 1200

struct found {
    uint32_t storage[BYTES_MAX + 2 * CSV_STRUCTURE_SLACK + 1];
    uint32_t rows[BYTES_MAX + 2 * CSV_STRUCTURE_SLACK];
    struct csv_structure structure;
};

static void find(struct found *found, enum csv_engine engine, const char *bytes, uint32_t begin,
                 uint32_t end)
{
    found->structure = (struct csv_structure){
        .ends = found->storage + 1,
        .rows = found->rows,
        .max_ends = sizeof found->storage / sizeof *found->storage - 1,
        .max_rows = sizeof found->rows / sizeof *found->rows,
    };
    csv_structure_find(&found->structure, engine, bytes, begin, end, ',');
}

static void expect_equal(const struct csv_structure *a, const struct csv_structure *b)
{
    assert_int_equal(a->nrows, b->nrows);
    if (a->nrows == 0)
        return;
    assert_memory_equal(a->rows, b->rows, a->nrows * sizeof *a->rows);
    assert_memory_equal(a->ends - 1, b->ends - 1, (a->rows[a->nrows - 1] + 1) * sizeof *a->ends);
    assert_int_equal(csv_structure_tail(a), csv_structure_tail(b));
    assert_int_equal(a->is_full, b->is_full);
}

/* Random bytes: mostly letters, with separators, line ends and quotes where writers put them, or
 * anywhere. */
static uint32_t write_random(uint64_t *seed, char *bytes)
{
    static const char *const pieces[] = {
        "a",       "bcd",    ",",  ",",       "\n",           "\r\n", "\r",  "\"q\"",
        "\",\n\"", "\"\"\"", "\"", "x\"y\"z", ",\"e\"\"f\",", "1.5",  ",2,", "\n\n"};
    uint32_t filled = 0;
    uint64_t shape = fixture_random(seed);
    size_t count = sizeof pieces / sizeof *pieces;
    while (filled < BYTES_MAX - CSV_PADDING - 32) {
        uint64_t random = fixture_random(seed);
        size_t choice = random % count;
        if (shape % 3 == 0 && choice >= 5 && choice <= 12)
            continue; /* no quotes, no \r */
        if (shape % 3 == 1 && (choice == 9 || choice == 10))
            continue; /* well formed */
        size_t length = strlen(pieces[choice]);
        memcpy(bytes + filled, pieces[choice], length);
        filled += (uint32_t)length;
        if (random >> 60 == 0 && random >> 50 & 1)
            break;
    }
    memset(bytes + filled, 0, CSV_PADDING);
    return filled;
}

/* The portable and the AVX2 scan agree with the state machine on random bytes. */
static void test_engines(void **state)
{
    static struct found scalar;
    static struct found portable;
    static struct found best;
    char bytes[BYTES_MAX];
    uint64_t seed = 99;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t end = write_random(&seed, bytes);
        uint32_t begin = end ? (uint32_t)(fixture_random(&seed) % (end < 70 ? end : 70)) : 0;
        find(&scalar, CSV_ENGINE_SCALAR, bytes, begin, end);
        find(&portable, CSV_ENGINE_PORTABLE, bytes, begin, end);
        find(&best, CSV_ENGINE_BEST, bytes, begin, end);
        expect_equal(&portable.structure, &scalar.structure);
        expect_equal(&best.structure, &scalar.structure);
    }
}

/* With little room the scan stops, says so, and what it found is right. */
static void test_room(void **state)
{
    static struct found all;
    static struct found little;
    char bytes[BYTES_MAX] = {0};
    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        bytes[i] = i % 4 == 3 ? '\n' : i % 2 ? ',' : 'x';
    find(&all, CSV_ENGINE_SCALAR, bytes, 0, 1000);
    for (int engine = CSV_ENGINE_BEST; engine <= CSV_ENGINE_PORTABLE; engine++) {
        little.structure = (struct csv_structure){
            .ends = little.storage + 1, .rows = little.rows, .max_ends = 200, .max_rows = 150};
        csv_structure_find(&little.structure, (enum csv_engine)engine, bytes, 0, 1000, ',');
        assert_true(little.structure.is_full);
        assert_true(little.structure.nends <= 200);
        assert_in_range(little.structure.nrows, 1, 150);
        assert_memory_equal(little.rows, all.rows, little.structure.nrows * sizeof(uint32_t));
        assert_memory_equal(little.storage, all.storage,
                            (little.structure.nends + 1) * sizeof(uint32_t));
    }
}

/* The quote that is never closed is found. */
static void test_open_quote(void **state)
{
    const char text[] = "a,b\n1,\"x\"\"y\"\n2,\"zz\n3,4\n";
    (void)state;
    uint32_t end = (uint32_t)strlen(text);
    assert_int_equal(csv_structure_open_quote(text, 0, end, ','), strstr(text, "\"zz") - text);
    assert_int_equal(csv_structure_open_quote(text, 0, 13, ','), 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engines),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_open_quote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
