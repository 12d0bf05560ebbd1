/* Every allocation may fail: the error is DK_ENOMEM, nothing leaks, the next try can succeed. */
#include "csv_fixture.h"

#include <zlib.h>
#include <zstd.h>

#include "support/failing.h"

/* Reads everything; false when memory ran out. */
static bool read_all(struct memory *memory, const char *path, const dk_csv_options *options)
{
    struct csv_source *source;
    dk_error err = {0};
    struct text text;
    dk_status status = csv_source_open(memory, &path, 1, options, &source, &err);
    if (status == DK_OK) {
        text_init(&text, memory);
        status = render_source(memory, source, 3, &text, &err);
        text_deinit(&text);
        csv_source_unref(source);
    }
    if (status != DK_OK && status != DK_ENOMEM)
        fail_msg("%s", err.message);
    assert_int_equal(err.status, status);
    return status == DK_OK;
}

static void fail_everywhere(const char *path, const dk_csv_options *options)
{
    struct failing failing = {.left = -1};
    dk_allocator allocator = {failing_resize, &failing};
    struct memory *memory = memory_new(&allocator, 0);
    int64_t n = 0;
    bool done = false;
    assert_non_null(memory);
    for (; !done; n++) {
        failing.left = n;
        done = read_all(memory, path, options);
        failing.left = -1;
        assert_int_equal(memory_use(memory).current, 0);
    }
    assert_true(n > 10);
    memory_close(memory);
}

/* All kinds of columns, quotes, holes, blank lines, several blocks. */
static void test_everything(void **state)
{
    static const dk_column_type types[] = {{"c", DK_CATEGORY}};
    dk_csv_options options = {.dtype = types,
                              .ndtype = 1,
                              .parse_dates = DK_NAMES("t"),
                              .na_values = DK_NAMES("--"),
                              .include_path_column = "path",
                              .blocksize = 60};
    fail_everywhere(fixture_write(*state, "f.csv",
                                  "t,a,b,c,d,a\n2015-01-02 03:04:05,1,1.5,\"x\"\"y\",text,True\n\n"
                                  ",2,,z,\"a\nb\",False\r\n2015-01-02 03:04:06,3,--,x\n"
                                  "2015-01-02 03:04:06,3,2,u,v,\n"),
                    &options);
}

/* Long rows and rows of many cells, which do not fit the buffers, and quotes within quotes in a
 * column whose type is sought. */
static dk_status read_in_small_chunks(struct memory *memory)
{
    static const char csv[] = "a,b,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n1,\"x\"\"y\"\n"
                              "2,\"a text that is longer than the chunks are\"\n3,c\n4,\n,\n5\n";
    struct csv_tuning tuning = {.chunk_nbytes = 16};
    struct csv_source *source;
    struct text text;
    dk_error err = {0};
    DK_TRY(csv_source_open_bytes(memory, "f", csv, sizeof csv - 1, NULL, tuning, &source, &err));
    text_init(&text, memory);
    dk_status status = render_source(memory, source, 3, &text, &err);
    text_deinit(&text);
    csv_source_unref(source);
    return status;
}

static void test_growth(void **state)
{
    (void)state;
    fail_each_allocation(read_in_small_chunks);
}

/* Errors are made from allocations too. */
static void test_errors(void **state)
{
    struct fixture *fixture = *state;
    static const char *const files[] = {"a,b\n1,2\n3,4,5\n", "a,b\n1,\"x\n", "a\n1\n1\nx\n",
                                        "a\n1\n\"x\"\"\"\n", "a,b\n"};
    struct failing failing = {.left = -1};
    dk_allocator allocator = {failing_resize, &failing};
    struct memory *memory = memory_new(&allocator, 0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = fixture_write(fixture, "f.csv", files[i]);
        for (int64_t n = 0; n < 60; n++) {
            struct csv_source *source;
            struct text text;
            dk_error err = {0};
            dk_csv_options options = {.sample = 1};
            failing.left = n;
            text_init(&text, memory);
            if (csv_source_open(memory, &path, 1, &options, &source, &err) == DK_OK) {
                (void)render_source(memory, source, 3, &text, &err);
                csv_source_unref(source);
            }
            text_deinit(&text);
            assert_int_equal(memory_use(memory).current, 0);
        }
    }
    memory_close(memory);
}

/* zlib's and zstd's own memory is on the ledger and may fail, too: that of their windows only comes
 * when there is more than a buffer takes. */
static void test_compressed(void **state)
{
    struct fixture *fixture = *state;
    enum { NROWS = 40000 };
    static char csv[NROWS * 6];
    static char zstd[sizeof csv];
    size_t nbytes = 0;
    for (int i = 0; i < NROWS; i++)
        nbytes += (size_t)sprintf(csv + nbytes, "%d\n", i);
    size_t ncompressed = ZSTD_compress(zstd, sizeof zstd, csv, nbytes, 1);
    assert_false(ZSTD_isError(ncompressed));
    fail_everywhere(fixture_write_bytes(fixture, "f.zst", zstd, ncompressed), NULL);
    char path[160];
    (void)snprintf(path, sizeof path, "%s/f.gz", fixture->folder);
    gzFile gzip = gzopen(path, "wb");
    assert_int_equal(gzwrite(gzip, csv, (unsigned)nbytes), nbytes);
    assert_int_equal(gzclose(gzip), Z_OK);
    fail_everywhere(path, NULL);
}

/* A scan of a large file stays small. */
static void test_footprint(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 200000 };
    char *csv = malloc(ROWS * 24 + 64);
    size_t n = (size_t)sprintf(csv, "a,b,c\n");
    for (int i = 0; i < ROWS; i++)
        n += (size_t)sprintf(csv + n, "%d,%d.5,x%d\n", i, i % 97, i % 7);
    const char *path = fixture_write_bytes(fixture, "f.csv", csv, n);
    free(csv);
    struct csv_source *source;
    struct csv_scan *scan;
    struct vec vecs[3];
    int32_t columns[] = {0, 1, 2};
    int64_t nrows;
    int64_t total = 0;
    assert_int_equal(csv_source_open(fixture->memory, &path, 1, NULL, &source, &fixture->err),
                     DK_OK);
    for (int32_t i = 0; i < 3; i++)
        vec_init(&vecs[i], fixture->memory, csv_source_type(source, i));
    assert_int_equal(csv_scan_open(fixture->memory, source, 0, columns, 3, &scan, &fixture->err),
                     DK_OK);
    do {
        assert_int_equal(scan_all(scan, 1 << 16, 3, vecs, &nrows, &fixture->err), DK_OK);
        total += nrows;
    } while (nrows > 0);
    assert_int_equal(total, ROWS);
    assert_in_range(memory_use(fixture->memory).peak, 1, 4 << 20);
    csv_scan_close(scan);
    for (int i = 0; i < 3; i++)
        vec_deinit(&vecs[i]);
    csv_source_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_everything), fixture_test(test_growth),    fixture_test(test_errors),
        fixture_test(test_compressed), fixture_test(test_footprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
