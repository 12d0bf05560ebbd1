/* What cells, headers and lines mean: pandas.read_csv is the model, its results are written out
 * here. */
#include "csv_fixture.h"

struct example {
    const char *csv;
    const char *table;
};

static void expect_all(void **state, const struct example *examples, size_t count,
                       const dk_csv_options *options)
{
    for (size_t i = 0; i < count; i++)
        expect_table(*state, examples[i].csv, options, examples[i].table);
}

#define EXPECT_ALL(state, examples, options)                                                       \
    expect_all(state, examples, sizeof(examples) / sizeof *(examples), options)

/* Types are inferred as pandas does: int64, uint64, float64, bool, else text. */
static void test_inference(void **state)
{
    static const struct example examples[] = {
        {"a,b\n1,x\n2,y\n", "a:int64 b:str\n1|x\n2|y\n"},
        {"a\n1\n2.5\n", "a:float64\n1.0\n2.5\n"},
        {"a\n1\n1e5\n", "a:float64\n1.0\n100000.0\n"},
        {"a,b\n1,1\n,2\n", "a:float64 b:int64\n1.0|1\n<NA>|2\n"},
        {"a\n9223372036854775807\n-9223372036854775808\n",
         "a:int64\n9223372036854775807\n-9223372036854775808\n"},
        {"a\n9223372036854775808\n1\n", "a:uint64\n9223372036854775808\n1\n"},
        {"a\n18446744073709551615\n", "a:uint64\n18446744073709551615\n"},
        {"a\n18446744073709551616\n", "a:str\n18446744073709551616\n"},
        {"a\n9223372036854775808\n-1\n", "a:str\n9223372036854775808\n-1\n"},
        {"a\n-9223372036854775809\n", "a:str\n-9223372036854775809\n"},
        {"a\n1\n1.5\n9999999999999999999\n", "a:float64\n1.0\n1.5\n1e+19\n"},
        {"a,b\nTrue,1\nFALSE,2\ntRue,3\n", "a:bool b:int64\nTrue|1\nFalse|2\nTrue|3\n"},
        {"a,b\nTrue,1\n,2\n", "a:bool b:int64\nTrue|1\n<NA>|2\n"},
        {"a\nTrue\n1\n", "a:str\nTrue\n1\n"},
        {"a,b\n,1\n,2\n", "a:float64 b:int64\n<NA>|1\n<NA>|2\n"},
        {"a,b\n", "a:str b:str\n"},
        {"a,b", "a:str b:str\n"},
    };
    EXPECT_ALL(state, examples, NULL);
}

/* Numbers may have a sign, blanks around them, quotes, leading zeros, and the forms of C floats. */
static void test_numbers(void **state)
{
    static const struct example examples[] = {
        {"a\n+1\n 2\n3 \n\t4\n0005\n\"6\"\n", "a:int64\n1\n2\n3\n4\n5\n6\n"},
        {"a\n1.\n.5\n+.5\n-0\n\"2.5\"\n 7 \n", "a:float64\n1.0\n0.5\n0.5\n-0.0\n2.5\n7.0\n"},
        {"a\n1e400\n1e-400\n-1E3\n1e+2\n", "a:float64\ninf\n0.0\n-1000.0\n100.0\n"},
        {"a\ninf\n-inf\nInfinity\n+INF\n-Infinity\n", "a:float64\ninf\n-inf\ninf\ninf\n-inf\n"},
        {"a\n100.23456789012344\n0.1\n123456789.123456789\n1.7976931348623157e308\n",
         "a:float64\n100.23456789012344\n0.1\n123456789.12345679\n1.7976931348623157e+308\n"},
        {"a\n1_000\n", "a:str\n1_000\n"},
        {"a\n0x10\n", "a:str\n0x10\n"},
        {"a\n1e\n", "a:str\n1e\n"},
        {"a\n1e+\n", "a:str\n1e+\n"},
        {"a\n.\n", "a:str\n.\n"},
        {"a\n+-1\n", "a:str\n+-1\n"},
        {"a\n1 2\n", "a:str\n1 2\n"},
        {"a\n inf\n", "a:str\n inf\n"},
        {"a\n True\nFalse\n", "a:str\n True\nFalse\n"},
    };
    EXPECT_ALL(state, examples, NULL);
}

/* Every default word for missing values is one, in every kind of column, quoted or not. */
static void test_missing_words(void **state)
{
    static const char *const words[] = {
        "",     "#N/A",   "#N/A N/A", "#NA",     "-1.#IND", "-1.#QNAN", "-NaN",
        "-nan", "1.#IND", "<NA>",     "1.#QNAN", "N/A",     "NA",       "NULL",
        "NaN",  "None",   "n/a",      "nan",     "null",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char csv[128];
        (void)snprintf(csv, sizeof csv, "a,b,c\n%s,%s,\"%s\"\n1,x,True\n", words[i], words[i],
                       words[i]);
        expect_table(*state, csv, NULL, "a:float64 b:str c:bool\n<NA>|<NA>|<NA>\n1.0|x|True\n");
    }
    expect_table(*state, "a\nna\n \nNa\n", NULL, "a:str\nna\nNa\n");
}

/* na_values adds words, which match numbers by value; keep_default_na_off leaves only them. */
static void test_missing_options(void **state)
{
    dk_csv_options more = {.na_values = DK_NAMES("--", "99")};
    expect_table(*state, "a,b,c\n1,--,99\n2,3,5\n", &more,
                 "a:int64 b:float64 c:float64\n1|<NA>|<NA>\n2|3.0|5.0\n");
    expect_table(*state, "a\n1.5\n99.0\n", &more, "a:float64\n1.5\n<NA>\n");
    dk_csv_options only = {.na_values = DK_NAMES("--"), .keep_default_na_off = true};
    expect_table(*state, "a,b\n--,NA\nx,\n", &only, "a:str b:str\n<NA>|NA\nx|<NA>\n");
}

/* Quotes hide separators and line ends; "" is one quote; quotes elsewhere are text. */
static void test_quotes(void **state)
{
    static const struct example examples[] = {
        {"a,b\n1,\"x,y\"\n", "a:int64 b:str\n1|x,y\n"},
        {"a,b\n1,\"x\ny\"\n", "a:int64 b:str\n1|x\ny\n"},
        {"a,b\n1,\"x\"\"y\"\n", "a:int64 b:str\n1|x\"y\n"},
        {"a,b\n1,x\"y\"z\n", "a:int64 b:str\n1|x\"y\"z\n"},
        {"a,b\n1,\"a\"b\"c\n", "a:int64 b:str\n1|ab\"c\n"},
        {"a,b\n1,\"\"\"\"\n2,\"\"\n", "a:int64 b:str\n1|\"\n2|<NA>\n"},
        {"\"x,1\",\"y\"\"z\"\n1,2\n", "x,1:int64 y\"z:int64\n1|2\n"},
        {"a,b\n1, \"x\"\n", "a:int64 b:str\n1| \"x\"\n"},
        {"a,b\r\n1,\"x\"\r\n", "a:int64 b:str\n1|x\n"},
        {"a\n\"x\"", "a:str\nx\n"},
    };
    EXPECT_ALL(state, examples, NULL);
}

/* \n, \r\n and \r end lines; blank lines are no rows; a byte order mark is skipped. */
static void test_lines(void **state)
{
    static const struct example examples[] = {
        {"a,b\r\n1,x\r\n2,y\r\n", "a:int64 b:str\n1|x\n2|y\n"},
        {"a,b\r1,x\r2,y", "a:int64 b:str\n1|x\n2|y\n"},
        {"a,b\n1,x\n\n  \n\t\n2,y", "a:int64 b:str\n1|x\n2|y\n"},
        {"a\n\n1\n  \n2\n\n", "a:int64\n1\n2\n"},
        {"\n\na,b\n1,x\n", "a:int64 b:str\n1|x\n"},
        {"a,b\r\n1,x\r\n\r\n2,y\r\n", "a:int64 b:str\n1|x\n2|y\n"},
        {"\xef\xbb\xbf"
         "a,b\n1,x\n",
         "a:int64 b:str\n1|x\n"},
        {"\xef\xbb\xbf\"a\",b\n1,x\n", "a:int64 b:str\n1|x\n"},
        {"a,b,c\n1\n2,x\n3,y,z\n", "a:int64 b:str c:str\n1|<NA>|<NA>\n2|x|<NA>\n3|y|z\n"},
        {"a\n\"\"\n1\n", "a:float64\n<NA>\n1.0\n"},
    };
    EXPECT_ALL(state, examples, NULL);
}

/* Names given twice get numbers that are free; missing names are "Unnamed: n". */
static void test_header(void **state)
{
    static const struct example examples[] = {
        {"a,a,a\n1,2,3\n", "a:int64 a.1:int64 a.2:int64\n1|2|3\n"},
        {"a,a,a.1,a\n1,2,3,4\n", "a:int64 a.2:int64 a.1:int64 a.3:int64\n1|2|3|4\n"},
        {",a,\n1,2,3\n", "Unnamed: 0:int64 a:int64 Unnamed: 2:int64\n1|2|3\n"},
        {"a, b\n1,2\n", "a:int64  b:int64\n1|2\n"},
    };
    EXPECT_ALL(state, examples, NULL);
}

/* names replaces the header, or does without one. */
static void test_names(void **state)
{
    dk_csv_options none = {.names = DK_NAMES("x", "y")};
    expect_table(*state, "1,2\n3,4\n", &none, "x:int64 y:int64\n1|2\n3|4\n");
    dk_csv_options replaced = {.names = DK_NAMES("x", "y"), .header = true};
    expect_table(*state, "a,b\n3,4\n", &replaced, "x:int64 y:int64\n3|4\n");
    dk_csv_options more = {.names = DK_NAMES("x", "y", "z")};
    expect_table(*state, "1,2\n", &more, "x:int64 y:int64 z:float64\n1|2|<NA>\n");
    expect_error(*state, "1,2,3\n", &none, DK_EPARSE, "3 fields and there are names for 2");
}

/* parse_dates reads ISO forms, with time zones as UTC, and empty cells as missing. */
static void test_dates(void **state)
{
    dk_csv_options options = {.parse_dates = DK_NAMES("t")};
    expect_table(*state,
                 "t,a\n2015-01-02 03:04:05,1\n2015-01-02 03:04:06,2\n2015-01-03T00:00:00,3\n"
                 "2015-01-03,4\n,5\n2015-01-03T10:00:00Z,6\n2015-01-03 10:00:00+02:00,7\n"
                 "\"2015-01-04 23:59:59\",8\n 2015-01-04 00:00:00 ,9\n1969-12-31 23:59:58,10\n",
                 &options,
                 "t:datetime64[ns] a:int64\n2015-01-02 03:04:05|1\n2015-01-02 03:04:06|2\n"
                 "2015-01-03 00:00:00|3\n2015-01-03 00:00:00|4\n<NA>|5\n2015-01-03 10:00:00|6\n"
                 "2015-01-03 08:00:00|7\n2015-01-04 23:59:59|8\n2015-01-04 00:00:00|9\n"
                 "1969-12-31 23:59:58|10\n");
}

/* Given types win over what the cells look like. */
static void test_dtype(void **state)
{
    static const dk_column_type types[] = {
        {"a", DK_FLOAT64}, {"b", DK_TEXT},  {"c", DK_INT8},    {"d", DK_CATEGORY}, {"e", DK_BOOL},
        {"f", DK_INT32},   {"g", DK_INT16}, {"h", DK_FLOAT32}, {"i", DK_UINT64},
    };
    dk_csv_options options = {.dtype = types, .ndtype = sizeof types / sizeof *types};
    expect_table(*state,
                 "a,b,c,d,e,f,g,h,i\n1,1e5,-128,u,1,2.0,5,0.1,7\n2,NA,127,v,True,3,-6,1e30,8\n"
                 "3,x,0,u,,4,7,,9\n",
                 &options,
                 "a:float64 b:str c:int8 d:category e:bool f:int32 g:int16 h:float32 i:uint64\n"
                 "1.0|1e5|-128|u|True|2|5|0.1|7\n2.0|<NA>|127|v|True|3|-6|1e+30|8\n"
                 "3.0|x|0|u|<NA>|4|7|<NA>|9\n");
    expect_error(*state, "c\n128\n", &(dk_csv_options){.dtype = types + 2, .ndtype = 1}, DK_EPARSE,
                 "cannot parse '128' as int8");
    expect_error(*state, "c\n1.5\n", &(dk_csv_options){.dtype = types + 2, .ndtype = 1}, DK_EPARSE,
                 "cannot parse '1.5' as int8");
    expect_error(*state, "i\n-1\n", &(dk_csv_options){.dtype = types + 8, .ndtype = 1}, DK_EPARSE,
                 "cannot parse '-1' as uint64");
    expect_error(*state, "c\n1\nNA\n", &(dk_csv_options){.dtype = types + 2, .ndtype = 1},
                 DK_EPARSE, "Integer column has NA values");
}

/* usecols keeps file order; another separator; assume_missing reads integers as floats. */
static void test_other_options(void **state)
{
    dk_csv_options use = {.usecols = DK_NAMES("c", "a")};
    expect_table(*state, "a,b,c\n1,x,2\n", &use, "a:int64 c:int64\n1|2\n");
    dk_csv_options semicolon = {.sep = ';'};
    expect_table(*state, "a;b\n1,5;2\n", &semicolon, "a:str b:int64\n1,5|2\n");
    dk_csv_options tab = {.sep = '\t'};
    expect_table(*state, "a\tb\n1\t \n", &tab, "a:int64 b:str\n1| \n");
    dk_csv_options floats = {.assume_missing = true};
    expect_table(*state, "a,b\n1,x\n", &floats, "a:float64 b:str\n1.0|x\n");
}

/* Text is checked to be UTF-8. */
static void test_utf8(void **state)
{
    expect_table(*state, "a\n\xc3\xa9\xe6\x97\xa5\xf0\x9f\x99\x82\n", NULL,
                 "a:str\n\xc3\xa9\xe6\x97\xa5\xf0\x9f\x99\x82\n");
    expect_error(*state, "a,b\n1,x\n2,\xff\n", NULL, DK_EPARSE,
                 "t.csv:3: column 'b': the text is "
                 "not valid UTF-8");
    expect_error(*state, "a\n\xc3\n\xa9\n", NULL, DK_EPARSE, "t.csv:2: column 'a'");
    expect_error(*state, "b\n\xed\xa0\x80\n", NULL, DK_EPARSE, "not valid UTF-8");
    expect_error(*state, "b\n\xc0\x80\n", NULL, DK_EPARSE, "not valid UTF-8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(test_inference),     fixture_test(test_numbers),
        fixture_test(test_missing_words), fixture_test(test_missing_options),
        fixture_test(test_quotes),        fixture_test(test_lines),
        fixture_test(test_header),        fixture_test(test_names),
        fixture_test(test_dates),         fixture_test(test_dtype),
        fixture_test(test_other_options), fixture_test(test_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
