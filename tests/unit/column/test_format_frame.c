/* How a frame is printed: headers, wrapping, what is left out. */
#include "unit/column/format_support.h"

/* A frame of `ncolumns` columns c0, c1, ... of the numbers 0, 1, 2, ... */
static dk_table *counting_frame(struct memory *memory, int32_t ncolumns, int64_t nrows)
{
    static const char *const names[] = {
        "c0",  "c1",  "c2",  "c3",  "c4",  "c5",  "c6",  "c7",  "c8",  "c9",  "c10", "c11", "c12",
        "c13", "c14", "c15", "c16", "c17", "c18", "c19", "c20", "c21", "c22", "c23", "c24"};
    struct column *columns[COUNT(names)] = {NULL};
    for (int32_t i = 0; i < ncolumns; i++) {
        columns[i] = column_range(memory, 0, nrows);
        assert_non_null(columns[i]);
    }
    return make(false, names, columns, ncolumns, (struct labels){0});
}

/* A frame with one column of most kinds. */
static dk_table *mixed_frame(struct memory *memory, struct labels index)
{
    const char *names[] = {"high", "ok", "name", "timestamp", "a long header"};
    const char *strings[] = {"GOOG", NULL};
    const char *words[] = {"up", "down"};
    struct column *columns[] = {
        numbers(memory, DK_FLOAT64, (const double[]){101.25, NAN}, 2, NULL),
        numbers(memory, DK_BOOL, (const uint8_t[]){1, 0}, 2, NULL), texts(memory, strings, 2),
        numbers(memory, DK_TIMESTAMP, (const int64_t[]){0, 1000000000}, 2, ".x"),
        categories(memory, (const int32_t[]){1, 0}, 2, NULL, texts(memory, words, 2))};
    return make(false, names, columns, 5, index);
}

/* Proves that headers are aligned right and that each column is formatted on its own. */
static void test_frame(void **state)
{
    check_with(mixed_frame(*state, (struct labels){0}), NULL,
               "     high     ok  name  timestamp a long header\n"
               "0  101.25   True  GOOG 1970-01-01          down\n"
               "1     NaN  False   NaN        NaT            up");
}

/* Proves that a named index has a line of its own below the header. */
static void test_frame_index_name(void **state)
{
    const char *labels[] = {"first", "2"};
    check_with(mixed_frame(*state, (struct labels){"key", texts(*state, labels, 2)}), NULL,
               "         high     ok  name  timestamp a long header\n"
               "key                                                \n"
               "first  101.25   True  GOOG 1970-01-01          down\n"
               "2         NaN  False   NaN        NaT            up");
}

/* Proves that headers of numbers stand a blank apart and that long ones are not cut. */
static void test_frame_headers(void **state)
{
    const char *names[] = {"", "tab\t", "  padded",
                           "a header of more than fifty characters, all of them shown"};
    struct column *columns[4];
    for (int i = 0; i < 4; i++)
        columns[i] = column_range(*state, 0, 2);
    check_with(make(false, names, columns, 4, (struct labels){0}), &(dk_print_options){.width = -1},
               "      tab\\t    padded  a header of more than fifty characters, all of them shown\n"
               "0  0      0         0                                                  0        \n"
               "1  1      1         1                                                  1        ");
}

/* Proves that a long frame shows head, dots and tail, and its size. */
static void test_frame_long(void **state)
{
    check_with(counting_frame(*state, 2, 200), NULL,
               "      c0   c1\n"
               "0      0    0\n"
               "1      1    1\n"
               "2      2    2\n"
               "3      3    3\n"
               "4      4    4\n"
               "..   ...  ...\n"
               "195  195  195\n"
               "196  196  196\n"
               "197  197  197\n"
               "198  198  198\n"
               "199  199  199\n"
               "\n"
               "[200 rows x 2 columns]");
    const dk_print_options options = {.max_rows = 10, .min_rows = 1};
    check_with(counting_frame(*state, 1, 20), &options,
               "    c0\n"
               "0    0\n"
               "1    1\n"
               "2    2\n"
               "3    3\n"
               "4    4\n"
               "5    5\n"
               "6    6\n"
               "7    7\n"
               "8    8\n"
               "9    9\n"
               "..  ..\n"
               "\n"
               "[20 rows x 1 columns]");
}

/* Proves that a frame wider than the terminal goes on below. */
static void test_frame_wrapped(void **state)
{
    check_with(counting_frame(*state, 20, 3), NULL,
               "   c0  c1  c2  c3  c4  c5  c6  c7  c8  c9  c10  c11  c12  c13  c14  c15  c16  \\\n"
               "0   0   0   0   0   0   0   0   0   0   0    0    0    0    0    0    0    0   \n"
               "1   1   1   1   1   1   1   1   1   1   1    1    1    1    1    1    1    1   \n"
               "2   2   2   2   2   2   2   2   2   2   2    2    2    2    2    2    2    2   \n"
               "\n"
               "   c17  c18  c19  \n"
               "0    0    0    0  \n"
               "1    1    1    1  \n"
               "2    2    2    2  ");
    const dk_print_options narrow = {.width = 10};
    check_with(counting_frame(*state, 4, 2), &narrow,
               "   c0  \\\n"
               "0   0   \n"
               "1   1   \n"
               "\n"
               "   c1  \\\n"
               "0   0   \n"
               "1   1   \n"
               "\n"
               "   c2  \\\n"
               "0   0   \n"
               "1   1   \n"
               "\n"
               "   c3  \n"
               "0   0  \n"
               "1   1  ");
    const dk_print_options unlimited = {.width = -1};
    check_with(counting_frame(*state, 20, 1), &unlimited,
               "   c0  c1  c2  c3  c4  c5  c6  c7  c8  c9  c10  c11  c12  c13  c14  c15  c16  c17  "
               "c18  c19\n"
               "0   0   0   0   0   0   0   0   0   0   0    0    0    0    0    0    0    0    0  "
               "  0    0");
}

/* Proves that of more than 20 columns the first and last ten are shown. */
static void test_frame_wide(void **state)
{
    check_with(counting_frame(*state, 25, 2), NULL,
               "   c0  c1  c2  c3  c4  c5  c6  c7  c8  c9  ...  c15  c16  c17  c18  c19  c20  \\\n"
               "0   0   0   0   0   0   0   0   0   0   0  ...    0    0    0    0    0    0   \n"
               "1   1   1   1   1   1   1   1   1   1   1  ...    1    1    1    1    1    1   \n"
               "\n"
               "   c21  c22  c23  c24  \n"
               "0    0    0    0    0  \n"
               "1    1    1    1    1  \n"
               "\n"
               "[2 rows x 25 columns]");
    check_with(counting_frame(*state, 21, 61), &(dk_print_options){.min_rows = 2, .width = -1},
               "    c0  c1  c2  c3  c4  c5  c6  c7  c8  c9  ...  c11  c12  c13  c14  c15  c16  c17 "
               " c18  c19  c20\n"
               "0    0   0   0   0   0   0   0   0   0   0  ...    0    0    0    0    0    0    0 "
               "   0    0    0\n"
               "..  ..  ..  ..  ..  ..  ..  ..  ..  ..  ..  ...  ...  ...  ...  ...  ...  ...  ... "
               " ...  ...  ...\n"
               "60  60  60  60  60  60  60  60  60  60  60  ...   60   60   60   60   60   60   60 "
               "  60   60   60\n"
               "\n"
               "[61 rows x 21 columns]");
}

/* Proves that a frame without rows or without columns lists its labels. */
static void test_frame_empty(void **state)
{
    check_with(counting_frame(*state, 3, 0), NULL,
               "Empty DataFrame\n"
               "Columns: [c0, c1, c2]\n"
               "Index: []");
    check_with(counting_frame(*state, 21, 0), NULL,
               "Empty DataFrame\n"
               "Columns: [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, "
               "c16, c17, c18, c19, c20]\n"
               "Index: []\n"
               "\n"
               "[0 rows x 21 columns]");
    struct labels floats = {"key",
                            numbers(*state, DK_FLOAT64, (const double[]){1e20, NAN, 0.5}, 3, NULL)};
    check_with(make(false, NULL, NULL, 0, floats), NULL,
               "Empty DataFrame\n"
               "Columns: []\n"
               "Index: [100000000000000000000.0, nan, 0.5]");
    struct labels times = {NULL,
                           numbers(*state, DK_TIMESTAMP, (const int64_t[]){0, 1, 1000}, 3, "x..")};
    check_with(make(false, NULL, NULL, 0, times), NULL,
               "Empty DataFrame\n"
               "Columns: []\n"
               "Index: [NaT, 1970-01-01 00:00:00.000000001, 1970-01-01 00:00:00.000001]");
    const char *strings[] = {"a\n", NULL};
    check_with(make(false, NULL, NULL, 0, (struct labels){NULL, texts(*state, strings, 2)}), NULL,
               "Empty DataFrame\n"
               "Columns: []\n"
               "Index: [a\n"
               ", nan]");
    struct labels many = {NULL, column_range(*state, 0, 101)};
    check_with(make(false, NULL, NULL, 0, many), NULL,
               "Empty DataFrame\n"
               "Columns: []\n"
               "Index: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, "
               "21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, "
               "41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, "
               "61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, "
               "81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, ...]\n"
               "\n"
               "[101 rows x 0 columns]");
}

static dk_status print_everything(struct memory *memory)
{
    /* The table comes from a ledger of its own: only printing may fail. */
    struct memory *own = memory_new(NULL, 0);
    const char *strings[] = {"a\tb",
                             "a label that is much too long for the fifty characters it gets"};
    dk_table *table = mixed_frame(own, (struct labels){"key", texts(own, strings, 2)});
    dk_table *series = NULL;
    assert_int_equal(
        table_new(own, 2, 1, NULL, &table->columns[4], "key", table->index, true, &series), DK_OK);
    table->memory = series->memory = memory;
    char *frame_text = NULL;
    char *series_text = NULL;
    const dk_print_options narrow = {.width = 30};
    dk_status status = dk_table_format(table, &narrow, &frame_text, NULL);
    if (status == DK_OK)
        status = dk_table_format(series, NULL, &series_text, NULL);
    dk_text_free(frame_text);
    dk_text_free(series_text);
    table->memory = series->memory = own;
    dk_table_unref(table);
    dk_table_unref(series);
    assert_int_equal(memory_use(own).current, 0);
    memory_close(own);
    return status;
}

/* Proves that whatever allocation fails while printing is reported, and nothing is kept. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(print_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_frame),         LEDGER_TEST(test_frame_index_name),
        LEDGER_TEST(test_frame_headers), LEDGER_TEST(test_frame_long),
        LEDGER_TEST(test_frame_wrapped), LEDGER_TEST(test_frame_wide),
        LEDGER_TEST(test_frame_empty),   cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
