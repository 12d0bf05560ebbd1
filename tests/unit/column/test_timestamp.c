/* Timestamps as text: pandas' values, and what is not a timestamp. */
#include "elementwise_support.h"

#include "column/kernels/datetime.h"

/* Made by pandas 3.1.1: Timestamp(text) in nanoseconds of UTC. */
static const struct {
    const char *text;
    int64_t ns;
} examples[] = {
    {"2015-05-05", INT64_C(1430784000000000000)},
    {"2015-05-05 12:34", INT64_C(1430829240000000000)},
    {"2015-05-05T12:34", INT64_C(1430829240000000000)},
    {"2015-05-05 12:34:56", INT64_C(1430829296000000000)},
    {"2015-05-05T12:34:56", INT64_C(1430829296000000000)},
    {"2015-05-05 12:34:56.7", INT64_C(1430829296700000000)},
    {"2015-05-05 12:34:56.789", INT64_C(1430829296789000000)},
    {"2015-05-05 12:34:56.000001", INT64_C(1430829296000001000)},
    {"2015-05-05 12:34:56.12345678", INT64_C(1430829296123456780)},
    {"2015-05-05 12:34:56.123456789", INT64_C(1430829296123456789)},
    {"2015-05-05 12:34:56.1234567899", INT64_C(1430829296123456789)},
    {"2015-05-05 12:34:56Z", INT64_C(1430829296000000000)},
    {"2015-05-05 12:34:56.5Z", INT64_C(1430829296500000000)},
    {"2015-05-05T12:34:56+05:30", INT64_C(1430809496000000000)},
    {"2015-05-05T12:34:56.123-11:00", INT64_C(1430868896123000000)},
    {"2015-05-05 12:34+01:00", INT64_C(1430825640000000000)},
    {"2015-05-05 00:10:00+01:00", INT64_C(1430781000000000000)},
    {"2015", INT64_C(1420070400000000000)},
    {"2015-05", INT64_C(1430438400000000000)},
    {"20150505", INT64_C(1430784000000000000)},
    {"1970-01-01", INT64_C(0)},
    {"1969-12-31 23:59:59.999999999", INT64_C(-1)},
    {"2016-02-29", INT64_C(1456704000000000000)},
    {"2000-02-29", INT64_C(951782400000000000)},
    {"1677-09-21 00:12:43.145224193", INT64_C(-9223372036854775807)},
    {"1677-09-22", INT64_C(-9223286400000000000)},
    {"2262-04-11 23:47:16.854775807", INT64_C(9223372036854775807)},
    {"2262-04-11", INT64_C(9223286400000000000)},
    {"1900-03-01 00:00:00.1", INT64_C(-2203891199900000000)},
};

static const char *const refused[] = {
    "",
    "2",
    "abc",
    "201505",
    "2015-5-5",
    "2015/05/05",
    "2015-05-05 ",
    " 2015-05-05",
    "2015-05-05x12:34",
    "2015-05-05 12",
    "2015-05-05 12:",
    "2015-05-05 12:3",
    "2015-05-05 12:34:",
    "2015-05-05 12:34:5",
    "2015-05-05 12:34:56.",
    "2015-05-05 12:34:56,5",
    "2015-05-05 12:34:56.12a",
    "2015-05-05 12:34:56.123456789a",
    "2015-05-05 12:34:56z",
    "2015-05-05 12:34:56.5+1:00",
    "2015-05-05 12:34:56+24:00",
    "2015-05-05 12:34:56+01:60",
    "2015-05-05 24:00",
    "2015-05-05 24:00:00",
    "2015-05-05 12:60:00",
    "2015-05-05 12:60",
    "2015-05-05 12:34:60",
    "2015-05-05 1a:34:56",
    "2015-00-05",
    "2015-13-05",
    "2015-05-00",
    "2015-05-32",
    "2015-04-31",
    "2015-02-29",
    "1900-02-29",
    "2015-0:-05",
    "2015-05-0/",
    "20150532",
    "2015-1",
    "1677-09-21",
    "1677-09-21 00:12:43.145224192",
    "2262-04-11 23:47:16.854775808",
    "2262-04-12",
    "0000-01-01",
    "9999-12-31 23:59:59",
};

/* A copy without a terminating zero, so that the address sanitizer sees a byte read too much. */
static bool parse(struct timestamp_cache *cache, const char *text, int64_t *ns)
{
    size_t nbytes = strlen(text);
    char *copy = malloc(nbytes ? nbytes : 1);
    memcpy(copy, text, nbytes);
    bool read =
        cache ? timestamp_parse_cached(cache, copy, nbytes, ns) : timestamp_parse(copy, nbytes, ns);
    free(copy);
    return read;
}

/* ISO 8601 in all its accepted lengths gives pandas' nanoseconds, with and without a cache. */
static void test_pandas_examples(void **state)
{
    (void)state;
    struct timestamp_cache cache = {0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
            int64_t ns = 0, cached = 0;
            if (!parse(NULL, examples[i].text, &ns) || ns != examples[i].ns)
                fail_msg("%s: %" PRId64, examples[i].text, ns);
            if (!parse(&cache, examples[i].text, &cached) || cached != ns)
                fail_msg("%s cached: %" PRId64, examples[i].text, cached);
        }
}

/* Anything else is refused, also right after a timestamp of the same day was read. */
static void test_refused(void **state)
{
    (void)state;
    struct timestamp_cache cache = {0};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        int64_t ns;
        if (parse(NULL, refused[i], &ns))
            fail_msg("'%s' was read", refused[i]);
        assert_true(parse(&cache, "2015-05-05 12:34:56", &ns));
        if (parse(&cache, refused[i], &ns))
            fail_msg("'%s' was read from the cache", refused[i]);
    }
}

/* Proves which words stand for no timestamp: pandas' spellings, and nothing near them. */
static void test_missing_words(void **state)
{
    (void)state;
    static const char *const words[] = {"NaT", "nat", "NAT", "NaN", "nan", "NAN"};
    static const char *const others[] = {"", "Na", "NaTs", "NA", "nAt", "not"};
    for (size_t i = 0; i < 6; i++) {
        assert_true(timestamp_is_missing_word(words[i], strlen(words[i])));
        assert_false(timestamp_is_missing_word(others[i], strlen(others[i])));
    }
}

/* With one character changed to anything, both functions still agree. */
static void test_cache_agrees(void **state)
{
    (void)state;
    struct timestamp_cache cache = {0};
    for (size_t at = 0; at < 23; at++)
        for (int c = 0; c < 256; c++) {
            char text[] = "2015-05-05 12:34:56.789";
            int64_t plain = 0, cached = 0;
            text[at] = (char)c;
            bool read = timestamp_parse(text, 23, &plain);
            assert_int_equal(timestamp_parse_cached(&cache, text, 23, &cached), read);
            assert_true(!read || plain == cached);
        }
}

/* What is printed with nine digits reads back to the same instant, over the whole range. */
static void test_print_and_parse(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (int i = 0; i < 5000; i++) {
        int64_t ns = (int64_t)next_random(&seed), back = 0;
        char text[40];
        size_t length = timestamp_format(ns, false, 9, text);
        assert_int_equal(length, 29);
        assert_true(timestamp_parse(text, length, &back));
        assert_int_equal(back, ns);
    }
}

/* The parts asked for are printed, fractions cut. */
static void test_print(void **state)
{
    (void)state;
    char text[40];
    const int64_t ns = INT64_C(1430829296123456789);
    timestamp_format(ns, true, 0, text);
    assert_string_equal(text, "2015-05-05");
    timestamp_format(ns, false, 0, text);
    assert_string_equal(text, "2015-05-05 12:34:56");
    timestamp_format(ns, false, 6, text);
    assert_string_equal(text, "2015-05-05 12:34:56.123456");
    timestamp_format(-1, false, 9, text);
    assert_string_equal(text, "1969-12-31 23:59:59.999999999");
    timestamp_format(INT64_MAX, false, 9, text);
    assert_string_equal(text, "2262-04-11 23:47:16.854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pandas_examples), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cache_agrees),    cmocka_unit_test(test_missing_words),
        cmocka_unit_test(test_print_and_parse), cmocka_unit_test(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
