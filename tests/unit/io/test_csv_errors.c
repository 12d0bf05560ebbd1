/* Errors name the file, the line, the column, the text and the cure. */
#include "csv_fixture.h"

#include <sys/time.h>

static void expect_words(struct fixture *fixture, const char *csv, const dk_csv_options *options,
                         dk_status status, int64_t line, const char *const *words)
{
    for (; *words; words++)
        expect_error(fixture, csv, options, status, *words);
    assert_int_equal(fixture->err.line, line);
}

#define EXPECT_WORDS(state, csv, options, status, line, ...)                                       \
    expect_words(*(state), csv, options, status, line, (const char *const[]){__VA_ARGS__, NULL})

/* A row with too many fields is reported in pandas' words, with its line in the file. */
static void test_too_many_fields(void **state)
{
    EXPECT_WORDS(state, "a,b,c\n1,2,3\n4,5,6,7\n", NULL, DK_EPARSE, 3,
                 "t.csv:3: ", "Error tokenizing data: Expected 3 fields in line 3, saw 4");
    EXPECT_WORDS(state, "a,b\n1,\"x\ny\"\n\n3,4,5\n", NULL, DK_EPARSE, 5, "t.csv:5: ", "in line 5");
    EXPECT_WORDS(state, "a,b\r1,2\r3,4,5\r", NULL, DK_EPARSE, 3, "in line 3");
    EXPECT_WORDS(state, "a,b\r\n1,2\r\n3,4,5\r\n", NULL, DK_EPARSE, 3, "in line 3");
}

/* One field more in the first row would be pandas' index; that is refused. */
static void test_index_column(void **state)
{
    EXPECT_WORDS(state, "a,b\n1,2,3\n4,5,6\n", NULL, DK_EPARSE, 2,
                 "t.csv:2: the first row has 3 fields and there are names for 2");
}

/* A quote that is never closed is reported where it was opened. */
static void test_unterminated(void **state)
{
    EXPECT_WORDS(state, "a,b\n1,x\n2,\"xy\n3,z\n", NULL, DK_EPARSE, 3,
                 "t.csv:3: EOF inside string");
}

/* Files without columns. */
static void test_no_columns(void **state)
{
    expect_error(*state, "", NULL, DK_EPARSE, "t.csv: No columns to parse from file");
    expect_error(*state, "\n \n\n", NULL, DK_EPARSE, "No columns to parse from file");
}

/* Options that name columns which do not exist. */
static void test_missing_columns(void **state)
{
    dk_csv_options use = {.usecols = DK_NAMES("a", "zz")};
    expect_error(*state, "a,b\n1,2\n", &use, DK_ECOLUMN,
                 "Usecols do not match columns, columns expected but not found: 'zz'; there are "
                 "'a', 'b' in");
    dk_csv_options dates = {.parse_dates = DK_NAMES("zz")};
    expect_error(*state, "a,b\n1,2\n", &dates, DK_ECOLUMN,
                 "Missing column provided to 'parse_dates': 'zz'");
    dk_csv_options left_out = {.usecols = DK_NAMES("b"), .parse_dates = DK_NAMES("a")};
    expect_error(*state, "a,b\n1,2\n", &left_out, DK_ECOLUMN, "'parse_dates': 'a'; there are 'b'");
    dk_column_type type = {"zz", DK_INT8};
    dk_csv_options types = {.dtype = &type, .ndtype = 1};
    expect_error(*state, "a,b\n1,2\n", &types, DK_ECOLUMN,
                 "Missing column provided to 'dtype': 'zz'");
}

/* Options that make no sense. */
static void test_bad_options(void **state)
{
    static const dk_column_type duration[] = {{"a", DK_DURATION}};
    expect_error(*state, "a\n1\n", &(dk_csv_options){.sep = '"'}, DK_EINVAL, "sep");
    expect_error(*state, "a\n1\n", &(dk_csv_options){.blocksize = -2}, DK_EINVAL, "blocksize");
    expect_error(*state, "a\n1\n", &(dk_csv_options){.sample = -1}, DK_EINVAL, "sample");
    expect_error(*state, "a\n1\n", &(dk_csv_options){.names = DK_NAMES("x", "x")}, DK_EINVAL,
                 "Duplicate names are not allowed: 'x'");
    expect_error(*state, "a\n1\n", &(dk_csv_options){.dtype = duration, .ndtype = 1}, DK_EINVAL,
                 "timedelta64[ns] is not supported");
    expect_error(*state, "a\n1\n", &(dk_csv_options){.include_path_column = "a"}, DK_EINVAL,
                 "Files already contain the column name: 'a'");
}

/* Rows of integers and one that is not, far behind the sample. */
static const char *make_drift(const char *first, const char *other, const char *last)
{
    static char csv[8192];
    size_t n = (size_t)snprintf(csv, sizeof csv, "x,y\n");
    for (int i = 0; i < 500; i++)
        n += (size_t)snprintf(csv + n, sizeof csv - n, "%s,a\n", first);
    (void)snprintf(csv + n, sizeof csv - n, "%s,a\n%s,b\n", other, last);
    return csv;
}

/* A type that does not hold behind the sample: what was found, what expected, what to pass. */
static void test_drift(void **state)
{
    dk_csv_options options = {.sample = 100};
    EXPECT_WORDS(state, make_drift("1", "1.5", "2"), &options, DK_EPARSE, 502,
                 "t.csv:502: column 'x': cannot parse '1.5' as int64",
                 "column 'x', found float64, expected int64", "dtype={'x': 'float64'}",
                 "infer_all=True", "assume_missing=True");
    EXPECT_WORDS(state, make_drift("1", "NA", "2"), &options, DK_EPARSE, 502,
                 "column 'x': Integer column has NA values", "dtype={'x': 'float64'}",
                 "assume_missing=True");
    EXPECT_WORDS(state, make_drift("1", "abc", "2"), &options, DK_EPARSE, 502,
                 "cannot parse 'abc' as int64", "found str", "dtype={'x': 'str'}");
    EXPECT_WORDS(state, make_drift("1.5", "abc", "2"), &options, DK_EPARSE, 502,
                 "cannot parse 'abc' as float64", "dtype={'x': 'str'}");
    EXPECT_WORDS(state, make_drift("True", "1", "False"), &options, DK_EPARSE, 502,
                 "cannot parse '1' as bool", "dtype={'x': 'str'}");
    EXPECT_WORDS(state, make_drift("1", "99999999999999999999", "2"), &options, DK_EPARSE, 502,
                 "cannot parse '99999999999999999999' as int64", "dtype={'x': 'str'}");
}

/* The line is right in later blocks, and infer_all, dtype and assume_missing do cure it. */
static void test_drift_cures(void **state)
{
    struct fixture *fixture = *state;
    struct text text;
    static const dk_column_type types[] = {{"x", DK_FLOAT64}};
    dk_csv_options options = {.sample = 100, .blocksize = 300};
    EXPECT_WORDS(state, make_drift("1", "1.5", "2"), &options, DK_EPARSE, 502, "t.csv:502: ");
    dk_csv_options cures[] = {{.infer_all = true, .blocksize = 300},
                              {.sample = 100, .dtype = types, .ndtype = 1},
                              {.sample = 100, .assume_missing = true}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_read(fixture, fixture->path, &cures[i], &text), DK_OK);
        assert_non_null(strstr(text.data, "1.5|a\n"));
        text_deinit(&text);
    }
}

/* Of several faults in one morsel the first row's is reported, whatever the morsels are. */
static void test_first_fault(void **state)
{
    dk_csv_options options = {.sample = 1};
    EXPECT_WORDS(state, "a,b\n1,1\n1,1\n1,x\ny,1\n", &options, DK_EPARSE, 4, "column 'b'", "'x'");
}

/* A date that does not parse names column, file and line. */
static void test_bad_dates(void **state)
{
    dk_csv_options options = {.parse_dates = DK_NAMES("t")};
    EXPECT_WORDS(state, "t,a\n2015-01-02,1\n13/02/2015,2\n", &options, DK_EPARSE, 3,
                 "t.csv:3: column 't' failed to properly parse as dates", "'13/02/2015'");
    EXPECT_WORDS(state, "t,a\n2015-01-02 03:04:05,1\n2015-01-02 24:04:05,1\n", &options, DK_EPARSE,
                 3, "column 't' failed");
}

/* Long cells are not shown in full. */
static void test_long_cell(void **state)
{
    static const dk_column_type types[] = {{"a", DK_INT64}};
    dk_csv_options options = {.dtype = types, .ndtype = 1};
    char csv[600] = "a\n";
    memset(csv + 2, 'z', 500);
    expect_error(*state, csv, &options, DK_EPARSE, "zzz...' as int64, the type given for it");
}

/* Paths: a pattern without match, a missing file, a directory, one that may not be read. */
static void test_paths(void **state)
{
    struct fixture *fixture = *state;
    struct text text;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/*.nothing", fixture->folder);
    assert_int_equal(fixture_read(fixture, path, NULL, &text), DK_ENOFILE);
    assert_non_null(strstr(fixture->err.message, "*.nothing resolved to no files"));
    (void)snprintf(path, sizeof path, "%s/nowhere/*.csv", fixture->folder);
    assert_int_equal(fixture_read(fixture, path, NULL, &text), DK_ENOFILE);
    assert_non_null(strstr(fixture->err.message, "nowhere/*.csv resolved to no files"));
    (void)snprintf(path, sizeof path, "%s/nothing.csv", fixture->folder);
    assert_int_equal(fixture_read(fixture, path, NULL, &text), DK_ENOFILE);
    assert_non_null(strstr(fixture->err.message, "nothing.csv"));
    assert_int_equal(fixture_read(fixture, fixture->folder, NULL, &text), DK_EIO);
    assert_non_null(strstr(fixture->err.message, "irectory"));
    if (geteuid() == 0)
        return; /* root may read everything */
    assert_int_equal(chmod(fixture_write(fixture, "x.csv", "a\n1\n"), 0), 0);
    assert_int_equal(fixture_read(fixture, fixture->path, NULL, &text), DK_EIO);
    assert_non_null(strstr(fixture->err.message, "x.csv"));
}

static dk_status scan_once(struct fixture *fixture, struct csv_source *source, int32_t block)
{
    struct text text;
    text_init(&text, fixture->memory);
    dk_status status = render_block(fixture->memory, source, block, 100, &text, &fixture->err);
    text_deinit(&text);
    return status;
}

/* A file that goes, or changes, between planning and reading. */
static void test_changed(void **state)
{
    struct fixture *fixture = *state;
    struct csv_source *source;
    const char *path = fixture_write(fixture, "a.csv", "a\n1\n2\n3\n4\n5\n");
    dk_csv_options options = {.blocksize = 4};
    assert_int_equal(csv_source_open(fixture->memory, &path, 1, &options, &source, &fixture->err),
                     DK_OK);
    assert_int_equal(scan_once(fixture, source, 1), DK_OK);
    assert_int_equal(utimes(path, (struct timeval[2]){{0, 0}, {0, 0}}), 0);
    assert_int_equal(scan_once(fixture, source, 1), DK_EIO);
    assert_non_null(strstr(fixture->err.message, "a.csv: the file changed after it was divided"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(scan_once(fixture, source, 0), DK_ENOFILE);
    assert_non_null(strstr(fixture->err.message, "a.csv"));
    csv_source_unref(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_too_many_fields), fixture_test(test_index_column),
        fixture_test(test_unterminated),    fixture_test(test_no_columns),
        fixture_test(test_missing_columns), fixture_test(test_bad_options),
        fixture_test(test_drift),           fixture_test(test_drift_cures),
        fixture_test(test_first_fault),     fixture_test(test_bad_dates),
        fixture_test(test_long_cell),       fixture_test(test_paths),
        fixture_test(test_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
