/* Frequencies: pandas' names and refusals. */
#include "elementwise_support.h"

#include "column/kernels/datetime.h"

/* `message` NULL: accepted, as `ns` nanoseconds. */
struct example {
    const char *text;
    int64_t ns;
    const char *message;
};

/* Made by pandas 3.1.1: to_offset(text), and what Series.dt.round(text) says of it. */
static const struct example examples[] = {
    {"ns", INT64_C(1), NULL},
    {"us", INT64_C(1000), NULL},
    {"ms", INT64_C(1000000), NULL},
    {"s", INT64_C(1000000000), NULL},
    {"min", INT64_C(60000000000), NULL},
    {"h", INT64_C(3600000000000), NULL},
    {"D", INT64_C(86400000000000), NULL},
    {"ME", 0, "<MonthEnd> is a non-fixed frequency"},
    {"MS", 0, "<MonthBegin> is a non-fixed frequency"},
    {"B", 0, "<BusinessDay> is a non-fixed frequency"},
    {"W", 0, "<Week: weekday=6> is a non-fixed frequency"},
    {"QE", 0, "<QuarterEnd: startingMonth=12> is a non-fixed frequency"},
    {"YE", 0, "<YearEnd: month=12> is a non-fixed frequency"},
    {"YS", 0, "<YearBegin: month=1> is a non-fixed frequency"},
    {"QS", 0, "<QuarterBegin: startingMonth=1> is a non-fixed frequency"},
    {"BME", 0, "<BusinessMonthEnd> is a non-fixed frequency"},
    {"BMS", 0, "<BusinessMonthBegin> is a non-fixed frequency"},
    {"BQE", 0, "<BusinessQuarterEnd: startingMonth=12> is a non-fixed frequency"},
    {"BQS", 0, "<BusinessQuarterBegin: startingMonth=1> is a non-fixed frequency"},
    {"BYE", 0, "<BYearEnd: month=12> is a non-fixed frequency"},
    {"BYS", 0, "<BYearBegin: month=1> is a non-fixed frequency"},
    {"SME", 0, "<SemiMonthEnd: day_of_month=15> is a non-fixed frequency"},
    {"SMS", 0, "<SemiMonthBegin: day_of_month=15> is a non-fixed frequency"},
    {"C", 0, "<CustomBusinessDay> is a non-fixed frequency"},
    {"CBMS", 0, "<CustomBusinessMonthBegin> is a non-fixed frequency"},
    {"CBME", 0, "<CustomBusinessMonthEnd> is a non-fixed frequency"},
    {"bh", 0, "<BusinessHour: bh=09:00-17:00> is a non-fixed frequency"},
    {"cbh", 0, "<CustomBusinessHour: cbh=09:00-17:00> is a non-fixed frequency"},
    {"W-MON", 0, "<Week: weekday=0> is a non-fixed frequency"},
    {"W-TUE", 0, "<Week: weekday=1> is a non-fixed frequency"},
    {"QE-JAN", 0, "<QuarterEnd: startingMonth=1> is a non-fixed frequency"},
    {"QS-FEB", 0, "<QuarterBegin: startingMonth=2> is a non-fixed frequency"},
    {"YE-JUN", 0, "<YearEnd: month=6> is a non-fixed frequency"},
    {"YS-APR", 0, "<YearBegin: month=4> is a non-fixed frequency"},
    {"LWOM-MON", 0, "<LastWeekOfMonth: weekday=0> is a non-fixed frequency"},
    {"2ME", 0, "<2 * MonthEnds> is a non-fixed frequency"},
    {"3B", 0, "<3 * BusinessDays> is a non-fixed frequency"},
    {"2W", 0, "<2 * Weeks: weekday=6> is a non-fixed frequency"},
    {"2W-MON", 0, "<2 * Weeks: weekday=0> is a non-fixed frequency"},
    {"2QE", 0, "<2 * QuarterEnds: startingMonth=12> is a non-fixed frequency"},
    {"2YE-JAN", 0, "<2 * YearEnds: month=1> is a non-fixed frequency"},
    {"1D12h", INT64_C(129600000000000), NULL},
    {"90min", INT64_C(5400000000000), NULL},
    {"1.5h", INT64_C(5400000000000), NULL},
    {"0.5D", INT64_C(43200000000000), NULL},
    {"2h1D", INT64_C(93600000000000), NULL},
    {".5h", INT64_C(1800000000000), NULL},
    {"+1D", INT64_C(86400000000000), NULL},
    {"1.0h", INT64_C(3600000000000), NULL},
    {"0.3s", INT64_C(300000000), NULL},
    {"0.1us", INT64_C(100), NULL},
    {"7D", INT64_C(604800000000000), NULL},
    {"1h30min15s", INT64_C(5415000000000), NULL},
    {"+", 0, "Invalid frequency: +"},
    {"1", 0, "Invalid frequency: 1"},
    {"1.5ns", 0, "Invalid frequency: 1.5ns"},
    {"1e3s", 0, "Invalid frequency: 1e3s"},
    {"1D-1h", 0, "Invalid frequency: 1D-1h"},
    {"day", 0, "Invalid frequency: day"},
    {"minutes", 0, "Invalid frequency: minutes"},
    {"Q-XXX", 0, "Invalid frequency: Q-XXX"},
    {"W-XXX", 0, "Invalid frequency: W-XXX"},
    {"1D1ME", 0, "Invalid frequency: 1D1ME"},
    {".", 0, "Invalid frequency: ."},
    {"1..5h", 0, "Invalid frequency: 1..5h"},
    {"1.5ME", 0, "Invalid frequency: 1.5ME"},
    {"", 0, "Invalid frequency: "},
    {"1 D", INT64_C(86400000000000), NULL},
    {" 1D ", INT64_C(86400000000000), NULL},
    {"1D,12h", 0, "Invalid frequency: 1D,12h"},
};

#define HOUR_NS (3600 * NS_PER_SECOND)

/* Spellings of earlier releases, which pandas 3 refuses or warns about. */
static const struct example old_examples[] = {
    {"d", NS_PER_DAY, NULL},
    {"1d", NS_PER_DAY, NULL},
    {"H", HOUR_NS, NULL},
    {"12H", 12 * HOUR_NS, NULL},
    {"T", 60 * NS_PER_SECOND, NULL},
    {"t", 60 * NS_PER_SECOND, NULL},
    {"5T", 300 * NS_PER_SECOND, NULL},
    {"Min", 60 * NS_PER_SECOND, NULL},
    {"S", NS_PER_SECOND, NULL},
    {"L", 1000000, NULL},
    {"l", 1000000, NULL},
    {"U", 1000, NULL},
    {"u", 1000, NULL},
    {"N", 1, NULL},
    {"n", 1, NULL},
    {"1D12H", 36 * HOUR_NS, NULL},
    {"1d 12h", 36 * HOUR_NS, NULL},
    {"M", 0, "<MonthEnd> is a non-fixed frequency"},
    {"2M", 0, "<2 * MonthEnds> is a non-fixed frequency"},
    {"Q", 0, "<QuarterEnd: startingMonth=12> is a non-fixed frequency"},
    {"Q-MAR", 0, "<QuarterEnd: startingMonth=3> is a non-fixed frequency"},
    {"A", 0, "<YearEnd: month=12> is a non-fixed frequency"},
    {"Y", 0, "<YearEnd: month=12> is a non-fixed frequency"},
    {"A-JUN", 0, "<YearEnd: month=6> is a non-fixed frequency"},
    {"AS", 0, "<YearBegin: month=1> is a non-fixed frequency"},
    {"BM", 0, "<BusinessMonthEnd> is a non-fixed frequency"},
    {"BQ", 0, "<BusinessQuarterEnd: startingMonth=12> is a non-fixed frequency"},
    {"BA", 0, "<BYearEnd: month=12> is a non-fixed frequency"},
    {"BAS", 0, "<BYearBegin: month=1> is a non-fixed frequency"},
    {"SM", 0, "<SemiMonthEnd: day_of_month=15> is a non-fixed frequency"},
    {"CBM", 0, "<CustomBusinessMonthEnd> is a non-fixed frequency"},
    {"BH", 0, "<BusinessHour: bh=09:00-17:00> is a non-fixed frequency"},
};

static void check(const struct example *example)
{
    dk_error err = {0};
    int64_t ns = -1;
    dk_status status = freq_parse(example->text, &ns, &err);
    if (!example->message) {
        if (status != DK_OK || ns != example->ns)
            fail_msg("'%s': %" PRId64 " ns, %s", example->text, ns, err.message);
        return;
    }
    assert_int_equal(status, DK_EINVAL);
    /* A reason may follow "Invalid frequency: X". */
    size_t length = strlen(example->message);
    bool exact = example->message[0] == '<';
    if (strncmp(err.message, example->message, length) != 0 || (exact && err.message[length]))
        fail_msg("'%s': \"%s\", expected \"%s\"", example->text, err.message, example->message);
}

/* Every name pandas 3 knows means what it means there, and is refused in its words. */
static void test_pandas_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        check(&examples[i]);
}

/* The spellings of earlier pandas releases stay accepted. */
static void test_old_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof old_examples / sizeof old_examples[0]; i++)
        check(&old_examples[i]);
}

/* Steps that lead nowhere or back, and those beyond 292 years, are refused with the reason. */
static void test_impossible_steps(void **state)
{
    (void)state;
    dk_error err = {0};
    int64_t ns;
    assert_int_equal(freq_parse("0D", &ns, &err), DK_EINVAL);
    assert_string_equal(err.message, "Invalid frequency: 0D (a step must be positive)");
    assert_int_equal(freq_parse("-1D", &ns, &err), DK_EINVAL);
    assert_int_equal(freq_parse("1000000D", &ns, &err), DK_EOVERFLOW);
    assert_int_equal(freq_parse("9223372036854775807D", &ns, &err), DK_EINVAL);
    assert_int_equal(freq_parse("100000D100000D", &ns, &err), DK_EOVERFLOW);
    assert_int_equal(freq_parse("106751D", &ns, &err), DK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pandas_names),
        cmocka_unit_test(test_old_names),
        cmocka_unit_test(test_impossible_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
