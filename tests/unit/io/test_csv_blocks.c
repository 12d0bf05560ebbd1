/* Blocks and chunks: however a file is cut, its rows are the same, each in one block. */
#include "csv_fixture.h"

/* 100 rows in 494 bytes, which Dask reads with blocksize=100 as partitions of 26, 25, 25 and 24
 * rows. */
static char *make_494_bytes(void)
{
    static char csv[600];
    size_t n = (size_t)snprintf(csv, sizeof csv, "x,y\n");
    for (int i = 0; i < 100; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%d,%d\n", i, i % 10);
    assert_int_equal(n, 494);
    return csv;
}

static struct csv_source *open_source(struct fixture *fixture, const char *path,
                                      const dk_csv_options *options)
{
    struct csv_source *source = NULL;
    if (csv_source_open(fixture->memory, &path, 1, options, &source, &fixture->err) != DK_OK)
        fail_msg("%s", fixture->err.message);
    return source;
}

static int64_t count_rows(struct fixture *fixture, struct csv_source *source, int32_t block)
{
    struct csv_scan *scan;
    int64_t nrows;
    int64_t total = 0;
    assert_int_equal(csv_scan_open(fixture->memory, source, block, NULL, 0, &scan, &fixture->err),
                     DK_OK);
    do {
        assert_int_equal(csv_scan_next(scan, 7, &nrows, &fixture->err), DK_OK);
        total += nrows;
    } while (nrows > 0);
    csv_scan_close(scan);
    return total;
}

/* A file is divided evenly into as many blocks as fit in it whole. */
static void test_even_division(void **state)
{
    static const int64_t expected[] = {26, 25, 25, 24};
    struct fixture *fixture = *state;
    dk_csv_options options = {.blocksize = 100};
    const char *path = fixture_write(fixture, "a.csv", make_494_bytes());
    struct csv_source *source = open_source(fixture, path, &options);
    assert_int_equal(csv_source_nblocks(source), 4);
    for (int32_t b = 0; b < 4; b++) {
        assert_in_range(csv_source_nbytes(source, b), 123, 124);
        assert_int_equal(count_rows(fixture, source, b), expected[b]);
        assert_string_equal(csv_source_path(source, b), path);
    }
    csv_source_unref(source);
}

/* One block a file: for a large blocksize, and on request. */
static void test_one_block(void **state)
{
    static const int64_t blocksizes[] = {-1, 0, 494, 1000};
    struct fixture *fixture = *state;
    const char *path = fixture_write(fixture, "a.csv", make_494_bytes());
    for (int i = 0; i < 4; i++) {
        dk_csv_options options = {.blocksize = blocksizes[i]};
        struct csv_source *source = open_source(fixture, path, &options);
        assert_int_equal(csv_source_nblocks(source), 1);
        assert_int_equal(count_rows(fixture, source, 0), 100);
        csv_source_unref(source);
    }
}

/* Text that is hard to cut: quoted line ends, doubled quotes, literal quotes, blank lines. */
static const char HARD[] =
    "a,b,c\n1,\"x\ny,\n\",2\n2,\"\"\"\n\"\"\",3\n\n3,5\" pipe,4\n  \n4,\"q\"r\"s,5\n"
    "5,\"\n\n\n\n\n\n\n\n\n,,,,\n\n\n\n\n\n\n\",6\n6,x,7\n7,\"y\",8\n8,z,9\n9,,10";

static void expect_same_rows(struct fixture *fixture, const char *csv, size_t nbytes,
                             const dk_csv_options *options, struct csv_tuning tuning,
                             int64_t max_rows, const char *expected)
{
    struct csv_source *source;
    struct text text;
    text_init(&text, fixture->memory);
    if (csv_source_open_bytes(fixture->memory, "memory", csv, nbytes, options, tuning, &source,
                              &fixture->err) != DK_OK)
        fail_msg("%s", fixture->err.message);
    if (render_source(fixture->memory, source, max_rows, &text, &fixture->err) != DK_OK)
        fail_msg("blocksize %d chunk %u: %s", (int)options->blocksize, tuning.chunk_nbytes,
                 fixture->err.message);
    if (strcmp(text.data, expected) != 0)
        fail_msg("blocksize %d chunk %u:\n%s", (int)options->blocksize, tuning.chunk_nbytes,
                 text.data);
    text_deinit(&text);
    csv_source_unref(source);
}

static void expect_same_everywhere(struct fixture *fixture, const char *csv)
{
    struct text whole;
    dk_csv_options options = {.blocksize = -1, .infer_all = true};
    assert_int_equal(fixture_read(fixture, fixture_write(fixture, "t.csv", csv), &options, &whole),
                     DK_OK);
    for (int64_t blocksize = 1; blocksize <= (int64_t)strlen(csv); blocksize += 3) {
        for (uint32_t chunk = 1; chunk < 130; chunk += chunk < 10 ? 1 : 29) {
            struct csv_tuning tuning = {chunk, (enum csv_engine)(blocksize % 3)};
            options.blocksize = blocksize;
            expect_same_rows(fixture, csv, strlen(csv), &options, tuning, 1 + blocksize % 4,
                             whole.data);
        }
    }
    text_deinit(&whole);
}

/* Any blocksize and any chunk gives the same rows: a cut never falls inside quotes. */
static void test_hard_cuts(void **state)
{
    expect_same_everywhere(*state, HARD);
}

/* The same with \r\n, where a chunk may end between the two, and with \r alone. */
static void test_return_cuts(void **state)
{
    expect_same_everywhere(*state, "a,b\r\n1,x\r\n\r\n2,\"y\r\nz\"\r\n3,\r\n4,w\r\n");
    expect_same_everywhere(*state, "a,b\r1,x\r\r2,\"y\rz\"\r3,\r4,w");
    expect_same_everywhere(*state, "\xef\xbb\xbf\"a\",b\n1,x\n2,y\n");
}

/* Blocks may be scanned in any order, and several at once. */
static void test_any_order(void **state)
{
    struct fixture *fixture = *state;
    dk_csv_options options = {.blocksize = 9};
    const char *path = fixture_write(fixture, "a.csv", HARD);
    struct csv_source *source = open_source(fixture, path, &options);
    int32_t nblocks = csv_source_nblocks(source);
    int64_t forward[64];
    assert_in_range(nblocks, 5, 64);
    for (int32_t b = nblocks - 1; b >= 0; b--)
        forward[b] = count_rows(fixture, source, b);
    int64_t total = 0;
    for (int32_t b = 0; b < nblocks; b++) {
        assert_int_equal(count_rows(fixture, source, b), forward[b]);
        total += forward[b];
    }
    assert_int_equal(total, 9);
    csv_source_unref(source);
}

/* A row that is longer than the chunk, or has more fields than there is room for, makes it grow. */
static void test_long_rows(void **state)
{
    struct fixture *fixture = *state;
    enum { FIELDS = 3000 };
    char *csv = malloc(4 * FIELDS * 6);
    size_t n = 0;
    assert_non_null(csv);
    for (int row = 0; row < 4; row++)
        for (int i = 0; i < FIELDS; i++)
            n += (size_t)sprintf(csv + n, row ? "%d%c" : "f%d%c", i % 10,
                                 i + 1 < FIELDS ? ',' : '\n');
    struct csv_source *source;
    struct csv_tuning tuning = {16, CSV_ENGINE_BEST};
    assert_int_equal(
        csv_source_open_bytes(fixture->memory, "m", csv, n, NULL, tuning, &source, &fixture->err),
        DK_OK);
    assert_int_equal(csv_source_ncolumns(source), FIELDS);
    assert_int_equal(csv_source_type(source, FIELDS - 1), DK_INT64);
    assert_int_equal(count_rows(fixture, source, 0), 3);
    csv_source_unref(source);
    free(csv);
}

/* Short rows in a file of many columns do not need memory for all the cells they lack. */
static void test_short_rows(void **state)
{
    struct fixture *fixture = *state;
    enum { FIELDS = 60, ROWS = 100000 };
    char *csv = malloc(4 * FIELDS + 2 * ROWS + 2);
    size_t n = 0;
    assert_non_null(csv);
    for (int i = 0; i < FIELDS; i++)
        n += (size_t)sprintf(csv + n, "c%d,", i);
    csv[n - 1] = '\n';
    for (int i = 0; i < ROWS; i++)
        n += (size_t)sprintf(csv + n, "1\n");
    struct csv_source *source;
    struct csv_tuning tuning = {CSV_CHUNK_NBYTES, CSV_ENGINE_BEST};
    assert_int_equal(
        csv_source_open_bytes(fixture->memory, "m", csv, n, NULL, tuning, &source, &fixture->err),
        DK_OK);
    struct text text;
    text_init(&text, fixture->memory);
    assert_int_equal(render_block(fixture->memory, source, 0, 1 << 20, &text, &fixture->err),
                     DK_OK);
    text_deinit(&text);
    assert_in_range(memory_use(fixture->memory).peak, 1, 64 << 20);
    csv_source_unref(source);
    free(csv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_even_division), fixture_test(test_one_block),
        fixture_test(test_hard_cuts),     fixture_test(test_return_cuts),
        fixture_test(test_any_order),     fixture_test(test_long_rows),
        fixture_test(test_short_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
