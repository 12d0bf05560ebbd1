/* How values of each type are printed. */
#include "unit/column/format_support.h"

/* Proves that floats lose the zeros they share at their end, down to one decimal. */
static void test_floats_share_decimals(void **state)
{
    const double values[] = {1.5, -2.25, 100, 0};
    check_floats(*state, values, COUNT(values),
                 "0      1.50\n"
                 "1     -2.25\n"
                 "2    100.00\n"
                 "3      0.00\n"
                 "Name: x, dtype: float64");
    const double whole[] = {1, 2};
    check_floats(*state, whole, COUNT(whole),
                 "0    1.0\n"
                 "1    2.0\n"
                 "Name: x, dtype: float64");
}

/* Proves that at most six decimals are printed, rounded, with missing and infinite values beside
 * them. */
static void test_floats_six_decimals(void **state)
{
    const double values[] = {1.0 / 3, NAN, INFINITY, -INFINITY, 2.0000005};
    check_floats(*state, values, COUNT(values),
                 "0    0.333333\n"
                 "1         NaN\n"
                 "2         inf\n"
                 "3        -inf\n"
                 "4    2.000001\n"
                 "Name: x, dtype: float64");
}

/* Proves that a number that six decimals would show as zero gives the column exponents. */
static void test_floats_small(void **state)
{
    const double values[] = {1e-7, 1, NAN};
    check_floats(*state, values, COUNT(values),
                 "0    1.000000e-07\n"
                 "1    1.000000e+00\n"
                 "2             NaN\n"
                 "Name: x, dtype: float64");
    const double borderline[] = {1e-6, 0};
    check_floats(*state, borderline, COUNT(borderline),
                 "0    0.000001\n"
                 "1    0.000000\n"
                 "Name: x, dtype: float64");
}

/* Proves that large numbers have exponents only when they would take too much room. */
static void test_floats_large(void **state)
{
    const double round[] = {1e9, 1};
    check_floats(*state, round, COUNT(round),
                 "0    1.000000e+09\n"
                 "1    1.000000e+00\n"
                 "Name: x, dtype: float64");
    const double longer[] = {1e9, 1.25};
    check_floats(*state, longer, COUNT(longer),
                 "0    1.000000e+09\n"
                 "1    1.250000e+00\n"
                 "Name: x, dtype: float64");
    const double huge[] = {-1e300, 1e300, 0.5};
    check_floats(*state, huge, COUNT(huge),
                 "0   -1.000000e+300\n"
                 "1    1.000000e+300\n"
                 "2     5.000000e-01\n"
                 "Name: x, dtype: float64");
}

/* Proves that only missing floats print as such. */
static void test_floats_missing(void **state)
{
    const double values[] = {NAN, NAN};
    check_floats(*state, values, COUNT(values),
                 "0   NaN\n"
                 "1   NaN\n"
                 "Name: x, dtype: float64");
}

/* Proves that float32 values print the digits that they really have. */
static void test_float32(void **state)
{
    const float values[] = {0.1f, 16777216.0f, 1e-6f};
    check_series(numbers(*state, DK_FLOAT32, values, COUNT(values), NULL),
                 "0    1.000000e-01\n"
                 "1    1.677722e+07\n"
                 "2    1.000000e-06\n"
                 "Name: x, dtype: float32");
}

/* Proves that integers are aligned right, up to the ends of their range. */
static void test_integers(void **state)
{
    const int64_t wide[] = {INT64_MIN, 7, INT64_MAX};
    check_series(numbers(*state, DK_INT64, wide, COUNT(wide), NULL), "0   -9223372036854775808\n"
                                                                     "1                      7\n"
                                                                     "2    9223372036854775807\n"
                                                                     "Name: x, dtype: int64");
    const uint64_t unsigned_[] = {0, UINT64_MAX};
    check_series(numbers(*state, DK_UINT64, unsigned_, COUNT(unsigned_), NULL),
                 "0                       0\n"
                 "1    18446744073709551615\n"
                 "Name: x, dtype: uint64");
    const int8_t narrow[] = {-128, 127};
    check_series(numbers(*state, DK_INT8, narrow, COUNT(narrow), NULL), "0   -128\n"
                                                                        "1    127\n"
                                                                        "Name: x, dtype: int8");
}

/* Proves that integers with a missing one print as the floats that pandas would hold. */
static void test_integers_missing(void **state)
{
    const int32_t values[] = {1, 0, 3};
    check_series(numbers(*state, DK_INT32, values, COUNT(values), ".x."),
                 "0    1.0\n"
                 "1    NaN\n"
                 "2    3.0\n"
                 "Name: x, dtype: float64");
}

/* Proves that a bitmap without a missing value leaves integers as they are. */
static void test_integers_none_missing(void **state)
{
    const int32_t values[] = {1, 2};
    check_series(numbers(*state, DK_INT32, values, COUNT(values), ".."), "0    1\n"
                                                                         "1    2\n"
                                                                         "Name: x, dtype: int32");
}

/* Proves that bools print as Python's words, and as objects when one is missing. */
static void test_bools(void **state)
{
    const uint8_t values[] = {1, 0, 1};
    check_series(numbers(*state, DK_BOOL, values, COUNT(values), NULL), "0     True\n"
                                                                        "1    False\n"
                                                                        "2     True\n"
                                                                        "Name: x, dtype: bool");
    check_series(numbers(*state, DK_BOOL, values, COUNT(values), "..x"), "0     True\n"
                                                                         "1    False\n"
                                                                         "2      NaN\n"
                                                                         "Name: x, dtype: object");
}

/* Proves that timestamps print as dates when all are midnights. */
static void test_timestamps_dates(void **state)
{
    const int64_t values[] = {0, 16560 * DAY_NS, -DAY_NS};
    check_series(numbers(*state, DK_TIMESTAMP, values, COUNT(values), NULL),
                 "0   1970-01-01\n"
                 "1   2015-05-05\n"
                 "2   1969-12-31\n"
                 "Name: x, dtype: datetime64[ns]");
    check_series(numbers(*state, DK_TIMESTAMP, values, COUNT(values), "x.x"),
                 "0          NaT\n"
                 "1   2015-05-05\n"
                 "2          NaT\n"
                 "Name: x, dtype: datetime64[ns]");
}

/* Proves that all timestamps have as many digits as the finest needs: 0, 3, 6 or 9. */
static void test_timestamps_digits(void **state)
{
    const int64_t values[] = {0, 1000000000, 1000000, 1000, 1, -1};
    struct column *all = numbers(*state, DK_TIMESTAMP, values, COUNT(values), NULL);
    static const char *const expected[] = {
        "0   1970-01-01 00:00:00\n"
        "1   1970-01-01 00:00:01\n"
        "Name: x, dtype: datetime64[ns]",
        "0   1970-01-01 00:00:00.000\n"
        "1   1970-01-01 00:00:01.000\n"
        "2   1970-01-01 00:00:00.001\n"
        "Name: x, dtype: datetime64[ns]",
        "0   1970-01-01 00:00:00.000000\n"
        "1   1970-01-01 00:00:01.000000\n"
        "2   1970-01-01 00:00:00.001000\n"
        "3   1970-01-01 00:00:00.000001\n"
        "Name: x, dtype: datetime64[ns]",
        "0   1970-01-01 00:00:00.000000000\n"
        "1   1970-01-01 00:00:01.000000000\n"
        "2   1970-01-01 00:00:00.001000000\n"
        "3   1970-01-01 00:00:00.000001000\n"
        "4   1970-01-01 00:00:00.000000001\n"
        "Name: x, dtype: datetime64[ns]",
        "0   1970-01-01 00:00:00.000000000\n"
        "1   1970-01-01 00:00:01.000000000\n"
        "2   1970-01-01 00:00:00.001000000\n"
        "3   1970-01-01 00:00:00.000001000\n"
        "4   1970-01-01 00:00:00.000000001\n"
        "5   1969-12-31 23:59:59.999999999\n"
        "Name: x, dtype: datetime64[ns]",
    };
    for (int64_t i = 0; i < COUNT(expected); i++)
        check_series(column_slice(all, 0, i + 2), expected[i]);
    column_unref(all);
}

/* Proves that durations print days, seconds, micro- or nanoseconds, whatever all of them need. */
static void test_durations(void **state)
{
    const int64_t values[] = {DAY_NS, -DAY_NS, -1000000000, 1000000, -1};
    struct column *all = numbers(*state, DK_DURATION, values, COUNT(values), NULL);
    static const char *const expected[] = {
        "0    1 days\n"
        "1   -1 days\n"
        "Name: x, dtype: timedelta64[ns]",
        "0     1 days 00:00:00\n"
        "1   -1 days +00:00:00\n"
        "2   -1 days +23:59:59\n"
        "Name: x, dtype: timedelta64[ns]",
        "0     1 days 00:00:00.000000\n"
        "1   -1 days +00:00:00.000000\n"
        "2   -1 days +23:59:59.000000\n"
        "3     0 days 00:00:00.001000\n"
        "Name: x, dtype: timedelta64[ns]",
        "0     1 days 00:00:00.000000000\n"
        "1   -1 days +00:00:00.000000000\n"
        "2   -1 days +23:59:59.000000000\n"
        "3     0 days 00:00:00.001000000\n"
        "4   -1 days +23:59:59.999999999\n"
        "Name: x, dtype: timedelta64[ns]",
    };
    for (int64_t i = 0; i < COUNT(expected); i++)
        check_series(column_slice(all, 0, i + 2), expected[i]);
    column_unref(all);
    check_series(numbers(*state, DK_DURATION, values, 2, ".x"), "0   1 days\n"
                                                                "1      NaT\n"
                                                                "Name: x, dtype: timedelta64[ns]");
}

/* Proves that text is aligned right by characters, with blanks escaped and missing ones as NaN. */
static void test_texts(void **state)
{
    const char *strings[] = {"a", NULL, "tab\there", "line\nend\r", "na\xc3\xafve", ""};
    check_series(texts(*state, strings, COUNT(strings)), "0              a\n"
                                                         "1            NaN\n"
                                                         "2      tab\\there\n"
                                                         "3    line\\nend\\r\n"
                                                         "4          na\xc3\xaf"
                                                         "ve\n"
                                                         "5               \n"
                                                         "Name: x, dtype: str");
}

/* Proves that text longer than 50 characters is cut, with characters kept whole. */
static void test_texts_long(void **state)
{
    const char *strings[] = {
        "short", "12345678901234567890123456789012345678901234567890",
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"};
    check_series(texts(*state, strings, COUNT(strings)),
                 "0                                                short\n"
                 "1    1234567890123456789012345678901234567890123456...\n"
                 "2    \xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "\xc3\xa9"
                 "...\n"
                 "Name: x, dtype: str");
}

/* Proves that a categorical series lists its categories below. */
static void test_categories(void **state)
{
    const char *words[] = {"b", "it's", "a"};
    const int32_t codes[] = {0, 2, 0};
    check_series(categories(*state, codes, 3, "..x", texts(*state, words, 3)),
                 "0      b\n"
                 "1      a\n"
                 "2    NaN\n"
                 "Name: x, dtype: category\n"
                 "Categories (3, str): ['b', 'it's', 'a']");
}

/* Proves that of many categories the first and last four are listed, over several lines. */
static void test_categories_many(void **state)
{
    const char *words[] = {
        "category number 1", "category number 2", "category number 3", "category number 4", "5",
        "category number 6", "category number 7", "category number 8", "category number 9"};
    const int32_t codes[] = {8};
    check_series(categories(*state, codes, 1, NULL, texts(*state, words, COUNT(words))),
                 "0    category number 9\n"
                 "Name: x, dtype: category\n"
                 "Categories (9, str): ['category number 1', 'category number 2',\n"
                 "                      'category number 3', 'category number 4', ...,\n"
                 "                      'category number 6', 'category number 7',\n"
                 "                      'category number 8', 'category number 9']");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_floats_share_decimals),
        LEDGER_TEST(test_floats_six_decimals),
        LEDGER_TEST(test_floats_small),
        LEDGER_TEST(test_floats_large),
        LEDGER_TEST(test_floats_missing),
        LEDGER_TEST(test_float32),
        LEDGER_TEST(test_integers),
        LEDGER_TEST(test_integers_missing),
        LEDGER_TEST(test_integers_none_missing),
        LEDGER_TEST(test_bools),
        LEDGER_TEST(test_timestamps_dates),
        LEDGER_TEST(test_timestamps_digits),
        LEDGER_TEST(test_durations),
        LEDGER_TEST(test_texts),
        LEDGER_TEST(test_texts_long),
        LEDGER_TEST(test_categories),
        LEDGER_TEST(test_categories_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
