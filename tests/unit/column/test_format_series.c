/* How a series is printed: labels, limits, footer. */
#include "unit/column/format_support.h"

/* A series of the numbers 0, 1, 2, ... as labels and as values. */
static dk_table *counting_series(struct memory *memory, int64_t nrows)
{
    const char *names[] = {"n"};
    struct column *column = column_range(memory, 0, nrows);
    assert_non_null(column);
    return make(true, names, &column, 1, (struct labels){0});
}

/* Proves that an empty series shows name and type, and its categories. */
static void test_series_empty(void **state)
{
    check_series(numbers(*state, DK_FLOAT64, NULL, 0, NULL), "Series([], Name: x, dtype: float64)");
    const char *words[] = {"a"};
    check_series(categories(*state, NULL, 0, NULL, texts(*state, words, 1)),
                 "Series([], Name: x, dtype: category\n"
                 "Categories (1, str): ['a'])");
}

/* Proves that the name of the index has a line of its own, and that a series may have no name. */
static void test_series_index_name(void **state)
{
    const char *strings[] = {"one", "three"};
    const int64_t values[] = {-1, 3};
    struct column *column = numbers(*state, DK_INT64, values, 2, NULL);
    struct labels index = {"key", texts(*state, strings, 2)};
    check_with(make(true, NULL, &column, 1, index), NULL,
               "key\n"
               "one     -1\n"
               "three    3\n"
               "dtype: int64");
}

/* Proves how labels of each kind are aligned: numbers left of each other, text and times as they
 * are. */
static void test_series_labels(void **state)
{
    const double floats[] = {1.5, NAN, -20};
    const int64_t ints[] = {5, -10, 100};
    const int64_t times[] = {0, 1000000000, 0};
    const uint8_t bools[] = {1, 0, 1};
    struct column *indexes[] = {numbers(*state, DK_FLOAT64, floats, 3, NULL),
                                numbers(*state, DK_INT64, ints, 3, NULL),
                                numbers(*state, DK_INT64, ints, 3, ".x."),
                                numbers(*state, DK_TIMESTAMP, times, 3, "..x"),
                                numbers(*state, DK_DURATION, times, 3, "..x"),
                                numbers(*state, DK_BOOL, bools, 3, NULL),
                                numbers(*state, DK_BOOL, bools, 3, "..x")};
    static const char *const expected[] = {
        " 1.5     7\n"
        " NaN     8\n"
        "-20.0    9\n"
        "Name: x, dtype: int64",
        " 5      7\n"
        "-10     8\n"
        " 100    9\n"
        "Name: x, dtype: int64",
        "5.0      7\n"
        "NaN      8\n"
        "100.0    9\n"
        "Name: x, dtype: int64",
        "1970-01-01 00:00:00    7\n"
        "1970-01-01 00:00:01    8\n"
        "NaT                    9\n"
        "Name: x, dtype: int64",
        "0 days 00:00:00    7\n"
        "0 days 00:00:01    8\n"
        "NaT                9\n"
        "Name: x, dtype: int64",
        "True     7\n"
        "False    8\n"
        "True     9\n"
        "Name: x, dtype: int64",
        "True     7\n"
        "False    8\n"
        "NaN      9\n"
        "Name: x, dtype: int64",
    };
    const char *names[] = {"x"};
    const int64_t values[] = {7, 8, 9};
    for (int64_t i = 0; i < COUNT(expected); i++) {
        struct column *column = numbers(*state, DK_INT64, values, 3, NULL);
        check_with(make(true, names, &column, 1, (struct labels){NULL, indexes[i]}), NULL,
                   expected[i]);
    }
}

static int64_t count_lines(dk_table *table, const dk_print_options *options)
{
    char *text = NULL;
    assert_int_equal(dk_table_format(table, options, &text, NULL), DK_OK);
    int64_t lines = 1;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    dk_text_free(text);
    dk_table_unref(table);
    return lines;
}

/* Proves that up to 60 rows are printed, and of more the first and last five. */
static void test_series_long(void **state)
{
    assert_int_equal(count_lines(counting_series(*state, 60), NULL), 61);
    check_with(counting_series(*state, 1000), NULL,
               "0        0\n"
               "1        1\n"
               "2        2\n"
               "3        3\n"
               "4        4\n"
               "      ... \n"
               "995    995\n"
               "996    996\n"
               "997    997\n"
               "998    998\n"
               "999    999\n"
               "Name: n, Length: 1000, dtype: int64");
    const dk_print_options all = {.max_rows = -1};
    assert_int_equal(count_lines(counting_series(*state, 1000), &all), 1001);
}

/* Proves that the limits of rows are the caller's. */
static void test_series_limits(void **state)
{
    const dk_print_options few = {.max_rows = 4, .min_rows = 3};
    check_with(counting_series(*state, 5), &few,
               "0    0\n"
               "    ..\n"
               "4    4\n"
               "Name: n, Length: 5, dtype: int64");
    const dk_print_options one = {.max_rows = 1};
    check_with(counting_series(*state, 5), &one,
               "0    0\n"
               "    ..\n"
               "Name: n, Length: 5, dtype: int64");
    const dk_print_options no_least = {.max_rows = 4, .min_rows = -1};
    check_with(counting_series(*state, 5), &no_least,
               "0    0\n"
               "1    1\n"
               "    ..\n"
               "3    3\n"
               "4    4\n"
               "Name: n, Length: 5, dtype: int64");
}

/* Proves that only the rows shown decide how they are shown. */
static void test_long_formats_what_is_shown(void **state)
{
    double values[100];
    for (int i = 0; i < 100; i++)
        values[i] = i == 50 ? 0.123456 : i;
    check_floats(*state, values, COUNT(values),
                 "0      0.0\n"
                 "1      1.0\n"
                 "2      2.0\n"
                 "3      3.0\n"
                 "4      4.0\n"
                 "      ... \n"
                 "95    95.0\n"
                 "96    96.0\n"
                 "97    97.0\n"
                 "98    98.0\n"
                 "99    99.0\n"
                 "Name: x, Length: 100, dtype: float64");
}

/* Proves that a slice prints its own rows, with missing values where they belong. */
static void test_slice(void **state)
{
    const int64_t values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct column *column = numbers(*state, DK_INT64, values, COUNT(values), "x.........x.");
    const char *names[] = {"x"};
    dk_table *whole = make(true, names, &column, 1, (struct labels){0});
    dk_table *slice = NULL;
    assert_int_equal(table_slice(whole, 9, 3, &slice), DK_OK);
    dk_table_unref(whole);
    check_with(slice, NULL,
               "9     10.0\n"
               "10     NaN\n"
               "11    12.0\n"
               "Name: x, dtype: float64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_series_empty),  LEDGER_TEST(test_series_index_name),
        LEDGER_TEST(test_series_labels), LEDGER_TEST(test_series_long),
        LEDGER_TEST(test_series_limits), LEDGER_TEST(test_long_formats_what_is_shown),
        LEDGER_TEST(test_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
