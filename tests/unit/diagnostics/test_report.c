/* The report, and numbers as people read them. */
#include "unit/diagnostics/diagnostics_support.h"

#include "diagnostics/human.h"

/* Tasks of computations between begin and end are counted, and the clocks go on. */
static void test_report(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_report report;
    dk_report_begin(dk, &report);
    dk_callbacks callbacks = dk_report_callbacks(&report);
    dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
    assert_int_equal(run_sum(dk, dk_get_sync, &options, 10), DK_OK);
    assert_int_equal(run_sum(dk, dk_get_threads, &options, 5), DK_OK);
    dk_report_end(&report);
    assert_int_equal(report.ntasks, 11 + 6);
    assert_true(report.wall_s > 0);
    assert_true(report.peak_rss_nbytes > 0);
    assert_int_equal(report.peak_ledger_nbytes, memory_use(memory).peak);
    context_close(dk);
    memory_close(memory);
}

/* Bytes that were read are counted. */
static void test_bytes_read(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_report report;
    dk_report_begin(dk, &report);
    FILE *file = fopen("/dev/zero", "r");
    static char bytes[1 << 20];
    assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
    fclose(file);
    dk_report_end(&report);
    if (report.read_nbytes >= 0)
        assert_in_range(report.read_nbytes, 1 << 20, (1 << 20) + 65536);
    context_close(dk);
    memory_close(memory);
}

/* One line says it all. */
static void test_text(void **state)
{
    (void)state;
    dk_report report = {.wall_s = 1.24,
                        .user_s = 4.02,
                        .system_s = 0.31,
                        .ntasks = 1204,
                        .read_nbytes = 1288490189,
                        .peak_rss_nbytes = 312 << 20,
                        .peak_ledger_nbytes = 240 << 20};
    char text[DK_REPORT_TEXT_MAX];
    dk_report_text(&report, text);
    assert_string_equal(text, "wall 1.24 s, user 4.02 s, sys 310 ms, 1,204 tasks, 1.2 GiB read, "
                              "peak 312 MiB RSS, 240 MiB on the ledger");
    report.read_nbytes = -1;
    report.ntasks = 1;
    dk_report_text(&report, text);
    assert_non_null(strstr(text, "1 task, unknown bytes read"));
}

struct number {
    int64_t value;
    const char *text;
};

static void check(const char *(*print)(int64_t, char[HUMAN_MAX]), const struct number *numbers,
                  size_t count)
{
    char out[HUMAN_MAX];
    for (size_t i = 0; i < count; i++)
        assert_string_equal(print(numbers[i].value, out), numbers[i].text);
}

/* Rounding never shows a unit's full thousand, or sixty seconds. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct number durations[] = {
        {0, "0 us"},
        {999499, "999 us"},
        {999600, "1.0 ms"},
        {9960000, "10 ms"},
        {999400000, "999 ms"},
        {999600000, "1.00 s"},
        {9996000000, "10.0 s"},
        {59960000000, "1 min 00 s"},
        {3599600000000, "1 h 00 min"},
        {90061000000000, "25 h 01 min"},
    };
    static const struct number bytes[] = {
        {0, "0 B"},           {1023, "1023 B"},       {1024, "1.0 KiB"},
        {1048524, "1.0 MiB"}, {104857600, "100 MiB"}, {INT64_MAX, "8.0 EiB"},
    };
    static const struct number counts[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {1234567, "1,234,567"},
        {-999, "-999"},
        {-1000, "-1,000"},
        {INT64_MAX, "9,223,372,036,854,775,807"},
    };
    check(human_duration, durations, sizeof(durations) / sizeof(*durations));
    check(human_bytes, bytes, sizeof(bytes) / sizeof(*bytes));
    check(human_count, counts, sizeof(counts) / sizeof(*counts));
    char out[HUMAN_MAX];
    assert_string_equal(human_rate(999.6, out), "1.0 k");
    assert_string_equal(human_rate(12, out), "12");
    assert_string_equal(human_rate(1.5e7, out), "15.0 M");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_bytes_read),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
