/* Several files: patterns, columns by each file's own header, sampling, the path column, tokens. */
#include "csv_fixture.h"

static void expect_files(struct fixture *fixture, const char *pattern,
                         const dk_csv_options *options, const char *expected)
{
    struct text text;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/%s", fixture->folder, pattern);
    if (fixture_read(fixture, path, options, &text) != DK_OK)
        fail_msg("%s", fixture->err.message);
    assert_string_equal(text.data, expected);
    text_deinit(&text);
}

/* The matches of a pattern are sorted by their bytes: f1, f10, f2. */
static void test_order(void **state)
{
    struct fixture *fixture = *state;
    (void)fixture_write(fixture, "f2.csv", "a\n3\n");
    (void)fixture_write(fixture, "f10.csv", "a\n2\n");
    (void)fixture_write(fixture, "f1.csv", "a\n1\n");
    expect_files(fixture, "f*.csv", NULL, "a:int64\n1\n2\n3\n");
}

/* A file whose name looks like a pattern is that file. */
static void test_literal_name(void **state)
{
    struct fixture *fixture = *state;
    (void)fixture_write(fixture, "f[1].csv", "a\n7\n");
    (void)fixture_write(fixture, "f1.csv", "a\n1\n");
    expect_files(fixture, "f[1].csv", NULL, "a:int64\n7\n");
}

/* Columns are found by each file's own header; unknown ones are passed over, lacking ones are an
 * error. */
static void test_own_header(void **state)
{
    struct fixture *fixture = *state;
    struct text text;
    char path[200];
    (void)fixture_write(fixture, "f1.csv", "a,b\n1,x\n");
    (void)fixture_write(fixture, "f2.csv", "b,new,a\ny,9,2\nz,9,3\n");
    expect_files(fixture, "f*.csv", NULL, "a:int64 b:str\n1|x\n2|y\n3|z\n");
    expect_files(fixture, "f*.csv", &(dk_csv_options){.blocksize = 8},
                 "a:int64 b:str\n1|x\n2|y\n3|z\n");
    (void)fixture_write(fixture, "f3.csv", "a,c\n1,2\n");
    (void)snprintf(path, sizeof path, "%s/f*.csv", fixture->folder);
    assert_int_equal(fixture_read(fixture, path, NULL, &text), DK_ECOLUMN);
    assert_non_null(strstr(fixture->err.message, "f3.csv: the file has no column 'b'"));
}

/* Types come from the first, the middle and the last file: the widest wins. */
static void test_sampling(void **state)
{
    struct fixture *fixture = *state;
    (void)fixture_write(fixture, "f1.csv", "a,b\n1,1\n");
    (void)fixture_write(fixture, "f2.csv", "a,b\n2.5,2\n");
    (void)fixture_write(fixture, "f3.csv", "a,b\n3,x\n");
    expect_files(fixture, "f*.csv", NULL, "a:float64 b:str\n1.0|1\n2.5|2\n3.0|x\n");
}

/* Files without rows say nothing about types as long as another has some. */
static void test_header_only_files(void **state)
{
    struct fixture *fixture = *state;
    (void)fixture_write(fixture, "f1.csv", "a,b\n");
    (void)fixture_write(fixture, "f2.csv", "a,b\n1,2.5\n");
    (void)fixture_write(fixture, "f3.csv", "a,b\n");
    (void)fixture_write(fixture, "f4.csv", "a,b");
    expect_files(fixture, "f*.csv", NULL, "a:int64 b:float64\n1|2.5\n");
    expect_files(fixture, "f[134].csv", NULL, "a:str b:str\n");
}

/* The path column is a category of all paths, last. */
static void test_path_column(void **state)
{
    struct fixture *fixture = *state;
    char expected[400];
    (void)fixture_write(fixture, "f1.csv", "a\n1\n");
    (void)fixture_write(fixture, "f2.csv", "a\n2\n3\n");
    (void)snprintf(expected, sizeof expected,
                   "a:int64 path:category\n1|%s/f1.csv\n2|%s/f2.csv\n3|%s/f2.csv\n",
                   fixture->folder, fixture->folder, fixture->folder);
    expect_files(fixture, "f*.csv", &(dk_csv_options){.include_path_column = "path"}, expected);
}

static struct token token_of_files(struct fixture *fixture, const dk_csv_options *options)
{
    struct csv_source *source;
    char path[200];
    const char *paths[] = {path};
    (void)snprintf(path, sizeof path, "%s/f*.csv", fixture->folder);
    assert_int_equal(csv_source_open(fixture->memory, paths, 1, options, &source, &fixture->err),
                     DK_OK);
    struct token token = csv_source_token(source);
    csv_source_unref(csv_source_ref(source));
    csv_source_unref(source);
    return token;
}

/* Equal files and options have equal tokens; each change makes another. */
static void test_token(void **state)
{
    struct fixture *fixture = *state;
    (void)fixture_write(fixture, "f1.csv", "a\n1\n");
    struct token token = token_of_files(fixture, NULL);
    assert_true(token_equal(token, token_of_files(fixture, NULL)));
    assert_false(
        token_equal(token, token_of_files(fixture, &(dk_csv_options){.assume_missing = true})));
    assert_false(
        token_equal(token, token_of_files(fixture, &(dk_csv_options){.na_values = DK_NAMES("x")})));
    assert_false(
        token_equal(token, token_of_files(fixture, &(dk_csv_options){.usecols = DK_NAMES("a")})));
    (void)fixture_write(fixture, "f1.csv", "a\n12\n");
    struct token changed = token_of_files(fixture, NULL);
    assert_false(token_equal(token, changed));
    (void)fixture_write(fixture, "f2.csv", "a\n1\n");
    assert_false(token_equal(changed, token_of_files(fixture, NULL)));
}

/* Columns may be asked for in any order, and only they are converted. */
static void test_projection(void **state)
{
    struct fixture *fixture = *state;
    const char *path = fixture_write(fixture, "f.csv", "a,b,c\n1,bad,x\n2,3,y\n");
    static const dk_column_type types[] = {{"b", DK_INT64}};
    dk_csv_options options = {.dtype = types, .ndtype = 1};
    struct csv_source *source;
    struct csv_scan *scan;
    struct vec vecs[2];
    int32_t columns[] = {2, 0};
    int64_t nrows;
    assert_int_equal(csv_source_open(fixture->memory, &path, 1, &options, &source, &fixture->err),
                     DK_OK);
    assert_int_equal(csv_scan_open(fixture->memory, source, 0, columns, 2, &scan, &fixture->err),
                     DK_OK);
    vec_init(&vecs[0], fixture->memory, DK_TEXT);
    vec_init(&vecs[1], fixture->memory, DK_INT64);
    assert_int_equal(scan_all(scan, 100, 2, vecs, &nrows, &fixture->err), DK_OK);
    assert_int_equal(nrows, 2);
    assert_int_equal(((int64_t *)vecs[1].data)[1], 2);
    assert_memory_equal(vecs[0].data, "xy", 2);
    assert_int_equal(csv_scan_nbytes(scan), (int64_t)strlen("a,b,c\n1,bad,x\n2,3,y\n"));
    assert_int_equal(scan_all(scan, 100, 2, vecs, &nrows, &fixture->err), DK_OK);
    assert_int_equal(nrows, 0);
    vec_deinit(&vecs[0]);
    vec_deinit(&vecs[1]);
    csv_scan_close(scan);
    csv_source_unref(source);
}

/* A category keeps its codes from morsel to morsel. */
static void test_category(void **state)
{
    static const dk_column_type types[] = {{"a", DK_CATEGORY}};
    dk_csv_options options = {.dtype = types, .ndtype = 1, .blocksize = -1};
    struct fixture *fixture = *state;
    char csv[20000] = "a\n";
    size_t n = 2;
    for (int i = 0; i < 3000; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "w%d\n", i * 7 % 300);
    struct text text;
    assert_int_equal(fixture_read(fixture, fixture_write(fixture, "f.csv", csv), &options, &text),
                     DK_OK);
    assert_string_equal(strchr(text.data, '\n'), csv + 1);
    text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_order),
        fixture_test(test_literal_name),
        fixture_test(test_own_header),
        fixture_test(test_sampling),
        fixture_test(test_header_only_files),
        fixture_test(test_path_column),
        fixture_test(test_token),
        fixture_test(test_projection),
        fixture_test(test_category),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
