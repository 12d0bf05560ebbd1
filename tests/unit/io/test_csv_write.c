/* Tables are written as pandas' to_csv writes them. The expected texts are pandas' own. */
#include "csv_fixture.h"

#include "column/table.h"

#include <math.h>

#define NS  INT64_C(1000000000)
#define DAY (86400 * NS)

static struct column *freeze(struct vec *vec)
{
    struct column *column;
    assert_int_equal(vec_freeze(vec, &column), DK_OK);
    vec_deinit(vec);
    return column;
}

static struct column *make_floats(struct memory *memory, const double *values, int64_t nrows)
{
    struct vec vec;
    vec_init(&vec, memory, DK_FLOAT64);
    assert_int_equal(vec_reset(&vec, nrows), DK_OK);
    memcpy(vec.data, values, (size_t)nrows * 8);
    return freeze(&vec);
}

/* INT64_MIN stands for a missing value. */
static struct column *make_integers(struct memory *memory, dk_type type, const int64_t *values,
                                    int64_t nrows)
{
    struct vec vec;
    vec_init(&vec, memory, type);
    assert_int_equal(vec_reset(&vec, nrows), DK_OK);
    memcpy(vec.data, values, (size_t)nrows * 8);
    for (int64_t i = 0; i < nrows; i++)
        if (values[i] == INT64_MIN)
            vec_set_null(&vec, i);
    return freeze(&vec);
}

/* NULL stands for a missing value. */
static struct column *make_texts(struct memory *memory, const char *const *values, int64_t nrows)
{
    struct vec vec;
    vec_init(&vec, memory, DK_TEXT);
    for (int64_t i = 0; i < nrows; i++)
        assert_int_equal(values[i] ? vec_append_text(&vec, values[i], strlen(values[i]))
                                   : vec_append_null(&vec),
                         DK_OK);
    return freeze(&vec);
}

/* The column alone, called "a", with the row numbers in front of it; takes it. */
static void expect_column(struct fixture *fixture, struct column *column,
                          const dk_to_csv_options *options, const char *expected)
{
    const char *names[] = {"a"};
    dk_table *table;
    struct text text;
    text_init(&text, fixture->memory);
    assert_int_equal(table_new(fixture->memory, column->view.nrows, 1, names, &column, NULL, NULL,
                               false, &table),
                     DK_OK);
    assert_int_equal(csv_format(table, options, true, &text, &fixture->err), DK_OK);
    assert_string_equal(text.data, expected);
    text_deinit(&text);
    dk_table_unref(table);
    column_unref(column);
}

/* Floats as repr, missing ones as nothing or na_rep. */
static void test_floats(void **state)
{
    struct fixture *fixture = *state;
    const double values[] = {0.1, NAN, INFINITY, -0.0, 1e16, 1e300, 5e-324};
    expect_column(fixture, make_floats(fixture->memory, values, 7), NULL,
                  ",a\n0,0.1\n1,\n2,inf\n3,-0.0\n4,1e+16\n5,1e+300\n6,5e-324\n");
    expect_column(fixture, make_floats(fixture->memory, values, 2),
                  &(dk_to_csv_options){.na_rep = "a,b"}, ",a\n0,0.1\n1,\"a,b\"\n");
}

/* Fields are quoted where they have to be; a line of one empty field is quoted so that it is no
 * blank line. */
static void test_quotes(void **state)
{
    struct fixture *fixture = *state;
    const char *const values[] = {"x", NULL, "a,b", "q\"q", "l\nl", "", " sp", "r\rr", "'"};
    expect_column(fixture, make_texts(fixture->memory, values, 9), NULL,
                  ",a\n0,x\n1,\n2,\"a,b\"\n3,\"q\"\"q\"\n4,\"l\nl\"\n5,\n6, sp\n7,\"r\rr\"\n8,'\n");
    expect_column(fixture, make_texts(fixture->memory, values, 2),
                  &(dk_to_csv_options){.no_index = true}, "a\nx\n\"\"\n");
    expect_column(fixture, make_texts(fixture->memory, values + 2, 1),
                  &(dk_to_csv_options){.sep = ';', .no_header = true}, "0;a,b\n");
}

/* Timestamps: days alone when all are days, else as many digits as the column needs. */
static void test_timestamps(void **state)
{
    struct fixture *fixture = *state;
    struct memory *memory = fixture->memory;
    const int64_t days[] = {16436 * DAY, INT64_MIN};
    const int64_t seconds[] = {16436 * DAY, 16436 * DAY + 43200 * NS};
    const int64_t millis[] = {16436 * DAY + NS + NS / 2, INT64_MIN, 16801 * DAY};
    const int64_t nanos[] = {16436 * DAY + 1, 16801 * DAY};
    expect_column(fixture, make_integers(memory, DK_TIMESTAMP, days, 2), NULL,
                  ",a\n0,2015-01-01\n1,\n");
    expect_column(fixture, make_integers(memory, DK_TIMESTAMP, seconds, 2), NULL,
                  ",a\n0,2015-01-01 00:00:00\n1,2015-01-01 12:00:00\n");
    expect_column(fixture, make_integers(memory, DK_TIMESTAMP, millis, 3), NULL,
                  ",a\n0,2015-01-01 00:00:01.500\n1,\n2,2016-01-01 00:00:00.000\n");
    expect_column(fixture, make_integers(memory, DK_TIMESTAMP, nanos, 2), NULL,
                  ",a\n0,2015-01-01 00:00:00.000000001\n1,2016-01-01 00:00:00.000000000\n");
}

/* Durations the same way. */
static void test_durations(void **state)
{
    struct fixture *fixture = *state;
    struct memory *memory = fixture->memory;
    const int64_t days[] = {DAY, 0, INT64_MIN};
    const int64_t seconds[] = {DAY, NS, -NS};
    const int64_t micros[] = {DAY, NS / 1000};
    const int64_t nanos[] = {DAY, -NS, 1};
    expect_column(fixture, make_integers(memory, DK_DURATION, days, 3), NULL,
                  ",a\n0,1 days\n1,0 days\n2,\n");
    expect_column(fixture, make_integers(memory, DK_DURATION, seconds, 3), NULL,
                  ",a\n0,1 days 00:00:00\n1,0 days 00:00:01\n2,-1 days +23:59:59\n");
    expect_column(fixture, make_integers(memory, DK_DURATION, micros, 2), NULL,
                  ",a\n0,1 days 00:00:00.000000\n1,0 days 00:00:00.001000\n");
    expect_column(fixture, make_integers(memory, DK_DURATION, nanos, 3), NULL,
                  ",a\n0,1 days 00:00:00.000000000\n1,-1 days +23:59:59.000000000\n"
                  "2,0 days 00:00:00.000000001\n");
}

/* A named index comes first under its name; a series without a name is column 0. */
static void test_index_and_series(void **state)
{
    struct fixture *fixture = *state;
    const char *const labels[] = {"u", "v,w"};
    const int64_t values[] = {1, -9000000000};
    struct column *index = make_texts(fixture->memory, labels, 2);
    struct column *column = make_integers(fixture->memory, DK_INT64, values, 2);
    const char *names[] = {NULL};
    dk_table *table;
    struct text text;
    text_init(&text, fixture->memory);
    assert_int_equal(table_new(fixture->memory, 2, 1, names, &column, "ix", index, true, &table),
                     DK_OK);
    assert_int_equal(csv_format(table, NULL, true, &text, &fixture->err), DK_OK);
    assert_int_equal(csv_format(table, NULL, false, &text, &fixture->err), DK_OK);
    assert_string_equal(text.data, "ix,0\nu,1\n\"v,w\",-9000000000\nu,1\n\"v,w\",-9000000000\n");
    text_deinit(&text);
    dk_table_unref(table);
    column_unref(column);
    column_unref(index);
}

/* What was written reads back to the same. */
static void test_round_trip(void **state)
{
    struct fixture *fixture = *state;
    enum { ROWS = 3000 };
    double *values = malloc(ROWS * sizeof *values);
    uint64_t seed = 11;
    const char *names[] = {"x"};
    dk_table *table;
    struct text text;
    assert_non_null(values);
    for (int i = 0; i < ROWS; i++) {
        uint64_t random = fixture_random(&seed);
        memcpy(&values[i], &random, 8);
        if (!isfinite(values[i]))
            values[i] = (double)i / 7;
    }
    text_init(&text, fixture->memory);
    struct column *column = make_floats(fixture->memory, values, ROWS);
    assert_int_equal(table_new(fixture->memory, ROWS, 1, names, &column, NULL, NULL, false, &table),
                     DK_OK);
    assert_int_equal(
        csv_format(table, &(dk_to_csv_options){.no_index = true}, true, &text, &fixture->err),
        DK_OK);
    struct csv_source *source;
    struct csv_scan *scan;
    struct vec vec;
    int64_t nrows;
    int32_t columns[] = {0};
    struct csv_tuning tuning = {CSV_CHUNK_NBYTES, CSV_ENGINE_BEST};
    assert_int_equal(csv_source_open_bytes(fixture->memory, "m", text.data, text.length, NULL,
                                           tuning, &source, &fixture->err),
                     DK_OK);
    assert_int_equal(csv_scan_open(fixture->memory, source, 0, columns, 1, &scan, &fixture->err),
                     DK_OK);
    vec_init(&vec, fixture->memory, DK_FLOAT64);
    assert_int_equal(scan_all(scan, ROWS, 1, &vec, &nrows, &fixture->err), DK_OK);
    assert_int_equal(nrows, ROWS);
    assert_memory_equal(vec.data, values, ROWS * sizeof *values);
    vec_deinit(&vec);
    csv_scan_close(scan);
    csv_source_unref(source);
    text_deinit(&text);
    dk_table_unref(table);
    column_unref(column);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_floats),           fixture_test(test_quotes),
        fixture_test(test_timestamps),       fixture_test(test_durations),
        fixture_test(test_index_and_series), fixture_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
