/* Rounding and fields of timestamps against pandas and against plain arithmetic. */
#include "elementwise_support.h"

#include "column/kernels/datetime.h"

/* Noons of even and odd days before and after 1970, and a nanosecond off them. */
static const char instants[] =
    "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 "
    "1430827200000000001 1430913599999999999 -1 -129600000000000 -9223243200000000000 "
    "9223243200000000000 951849015123456789";

/* Made by pandas 3.1.1: Series(instants).dt.round, floor and ceil. */
static const struct {
    enum round_mode mode;
    int64_t unit_ns;
    const char *expected;
} roundings[] = {
    {ROUND_HALF_EVEN, INT64_C(86400000000000),
     "1430784000000000000 1430956800000000000 0 0 1430870400000000000 1430870400000000000 0 "
     "-172800000000000 -9223200000000000000 9223200000000000000 951868800000000000"},
    {ROUND_FLOOR, INT64_C(86400000000000),
     "1430784000000000000 1430870400000000000 0 -86400000000000 1430784000000000000 "
     "1430870400000000000 -86400000000000 -172800000000000 -9223286400000000000 "
     "9223200000000000000 951782400000000000"},
    {ROUND_CEIL, INT64_C(86400000000000),
     "1430870400000000000 1430956800000000000 86400000000000 0 1430870400000000000 "
     "1430956800000000000 0 -86400000000000 -9223200000000000000 9223286400000000000 "
     "951868800000000000"},
    {ROUND_HALF_EVEN, INT64_C(43200000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430827200000000000 "
     "1430913600000000000 0 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951868800000000000"},
    {ROUND_FLOOR, INT64_C(43200000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430827200000000000 "
     "1430870400000000000 -43200000000000 -129600000000000 -9223243200000000000 "
     "9223243200000000000 951825600000000000"},
    {ROUND_CEIL, INT64_C(43200000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430870400000000000 "
     "1430913600000000000 0 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951868800000000000"},
    {ROUND_HALF_EVEN, INT64_C(5400000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430827200000000000 "
     "1430913600000000000 0 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951847200000000000"},
    {ROUND_FLOOR, INT64_C(5400000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430827200000000000 "
     "1430908200000000000 -5400000000000 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951847200000000000"},
    {ROUND_CEIL, INT64_C(5400000000000),
     "1430827200000000000 1430913600000000000 43200000000000 -43200000000000 1430832600000000000 "
     "1430913600000000000 0 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951852600000000000"},
    {ROUND_HALF_EVEN, INT64_C(129600000000000),
     "1430784000000000000 1430913600000000000 0 0 1430784000000000000 1430913600000000000 0 "
     "-129600000000000 -9223243200000000000 9223243200000000000 951912000000000000"},
    {ROUND_FLOOR, INT64_C(129600000000000),
     "1430784000000000000 1430913600000000000 0 -129600000000000 1430784000000000000 "
     "1430784000000000000 -129600000000000 -129600000000000 -9223243200000000000 "
     "9223243200000000000 951782400000000000"},
    {ROUND_CEIL, INT64_C(129600000000000),
     "1430913600000000000 1430913600000000000 129600000000000 0 1430913600000000000 "
     "1430913600000000000 0 -129600000000000 -9223243200000000000 9223243200000000000 "
     "951912000000000000"},
    {ROUND_HALF_EVEN, INT64_C(7),
     "1430827199999999998 1430913599999999997 43200000000003 -43200000000003 1430827199999999998 "
     "1430913599999999997 0 -129600000000002 -9223243200000000003 9223243200000000003 "
     "951849015123456786"},
    {ROUND_FLOOR, INT64_C(7),
     "1430827199999999998 1430913599999999997 43199999999996 -43200000000003 1430827199999999998 "
     "1430913599999999997 -7 -129600000000002 -9223243200000000003 9223243199999999996 "
     "951849015123456786"},
    {ROUND_CEIL, INT64_C(7),
     "1430827200000000005 1430913600000000004 43200000000003 -43199999999996 1430827200000000005 "
     "1430913600000000004 0 -129599999999995 -9223243199999999996 9223243200000000003 "
     "951849015123456793"},
    {ROUND_HALF_EVEN, INT64_C(999999937),
     "1430827199857880730 1430913599852437530 43199997278400 -43199997278400 1430827199857880730 "
     "1430913599852437530 0 -129599991835200 -9223243199935641797 9223243199935641797 "
     "951849015033508275"},
    {ROUND_FLOOR, INT64_C(999999937),
     "1430827199857880730 1430913599852437530 43199997278400 -43200997278337 1430827199857880730 "
     "1430913599852437530 -999999937 -129600991835137 -9223243200935641734 9223243199935641797 "
     "951849015033508275"},
    {ROUND_CEIL, INT64_C(999999937),
     "1430827200857880667 1430913600852437467 43200997278337 -43199997278400 1430827200857880667 "
     "1430913600852437467 0 -129599991835200 -9223243199935641797 9223243200935641734 "
     "951849016033508212"},
};

/* Ends of months, quarters and years, leap days, both ends of the range. */
static const char dates[] =
    "-9223286400000000000 -2209075200000000000 -2203977600000000000 "
    "-2203891200000000000 -1 0 951827696123456789 951868800000000000 "
    "1435622400000000000 1456704000000000000 1483142400000000000 4107456000000000000 "
    "9223286400000000000 1443657600000001000";

/* Made by pandas 3.1.1: attributes of Series(dates).dt. */
static const struct {
    const char *name;
    const char *expected;
} fields[] = {
    {"year", "1677 1899 1900 1900 1969 1970 2000 2000 2015 2016 2016 2100 2262 2015"},
    {"month", "9 12 2 3 12 1 2 3 6 2 12 2 4 10"},
    {"day", "22 31 28 1 31 1 29 1 30 29 31 28 11 1"},
    {"hour", "0 0 0 0 23 0 12 0 0 0 0 0 0 0"},
    {"minute", "0 0 0 0 59 0 34 0 0 0 0 0 0 0"},
    {"second", "0 0 0 0 59 0 56 0 0 0 0 0 0 0"},
    {"microsecond", "0 0 0 0 999999 0 123456 0 0 0 0 0 0 1"},
    {"nanosecond", "0 0 0 0 999 0 789 0 0 0 0 0 0 0"},
    {"dayofweek", "2 6 2 3 2 3 1 2 1 0 5 6 4 3"},
    {"dayofyear", "265 365 59 60 365 1 60 61 181 60 366 59 101 274"},
    {"quarter", "3 4 1 1 4 1 1 1 2 1 4 1 2 4"},
    {"days_in_month", "30 31 28 31 31 31 29 31 30 29 31 28 30 31"},
    {"is_leap_year", "0 0 0 0 0 0 1 1 0 1 1 0 0 0"},
    {"is_month_start", "0 0 0 1 0 1 0 1 0 0 0 0 0 1"},
    {"is_month_end", "0 1 1 0 1 0 1 0 1 1 1 1 0 0"},
    {"is_quarter_start", "0 0 0 0 0 1 0 0 0 0 0 0 0 1"},
    {"is_quarter_end", "0 1 0 0 1 0 0 0 1 0 1 0 0 0"},
    {"is_year_start", "0 0 0 0 0 1 0 0 0 0 0 0 0 0"},
    {"is_year_end", "0 1 0 0 1 0 0 0 0 0 1 0 0 0"},
};

static dk_status round_text(struct memory *memory, enum round_mode mode, dk_type type,
                            const char *text, int64_t unit_ns, struct vec *out, dk_error *err)
{
    struct column *in = column_of(memory, type, text);
    dk_status status = round_apply(mode, &in->view, unit_ns, out, err);
    column_unref(in);
    return status;
}

/* Rounding is half to even on the count of periods since 1970, floor and ceil go down and up, also
 * before 1970. */
static void test_rounding_like_pandas(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof roundings / sizeof roundings[0]; i++)
        for (int type = DK_TIMESTAMP; type <= DK_DURATION; type++) {
            struct vec out;
            vec_init(&out, memory, (dk_type)type);
            assert_int_equal(round_text(memory, roundings[i].mode, (dk_type)type, instants,
                                        roundings[i].unit_ns, &out, NULL),
                             DK_OK);
            assert_values(&out, roundings[i].expected, 0, "rounding");
            vec_deinit(&out);
        }
    close_memory(memory);
}

__extension__ typedef __int128 wide;

static wide reference_round(enum round_mode mode, wide value, wide unit)
{
    wide count = value / unit - (value % unit < 0), rest = value - count * unit;
    if (mode == ROUND_CEIL)
        count += rest != 0;
    if (mode == ROUND_HALF_EVEN)
        count += 2 * rest > unit || (2 * rest == unit && count % 2 != 0);
    return count * unit;
}

/* A sorted series that passes through many periods, with values at, before and after every boundary
 * and every half, and nulls in between, rounds as each row would alone. */
static void test_rounding_of_series(void **state)
{
    (void)state;
    static const int64_t units[] = {1, 2, 3, 10, 1000, 7 * NS_PER_DAY, 999999937};
    enum { ROWS = 2000 };
    static int64_t values[ROWS];
    static uint8_t validity[ROWS / 8];
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 17;
    for (int k = 0; k < 7 * 3 * 2; k++) {
        int64_t unit = units[k % 7], at = -700 * (unit / 2);
        enum round_mode mode = (enum round_mode)(k / 7 % 3);
        for (int i = 0; i < ROWS; i++) {
            values[i] = at + (int64_t)(next_random(&seed) % 3) - 1;
            at += i % 3 ? 0 : unit / 2;
        }
        for (int i = 0; i < ROWS / 8; i++)
            validity[i] = (uint8_t)(k < 21 ? 0xff : next_random(&seed));
        struct view in = {.type = DK_TIMESTAMP,
                          .nrows = ROWS - 5,
                          .data = values + 5,
                          .validity = validity,
                          .validity_offset = 5};
        struct vec out;
        vec_init(&out, memory, DK_TIMESTAMP);
        assert_int_equal(round_apply(mode, &in, unit, &out, NULL), DK_OK);
        struct view view = vec_view(&out);
        for (int64_t i = 0; i < in.nrows; i++) {
            assert_int_equal(view_is_null(&view, i), view_is_null(&in, i));
            if (!view_is_null(&in, i))
                assert_int_equal(((int64_t *)out.data)[i],
                                 (int64_t)reference_round(mode, values[i + 5], unit));
        }
        vec_deinit(&out);
    }
    close_memory(memory);
}

/* Results outside the range are an error; a null with any value behind it is not. */
static void test_rounding_out_of_range(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct vec out;
    dk_error err = {0};
    vec_init(&out, memory, DK_TIMESTAMP);
    assert_int_equal(
        round_text(memory, ROUND_CEIL, DK_TIMESTAMP, "9223372036854775807", NS_PER_DAY, &out, &err),
        DK_EOVERFLOW);
    assert_int_equal(round_text(memory, ROUND_FLOOR, DK_TIMESTAMP, "-9223372036854775807",
                                NS_PER_DAY, &out, &err),
                     DK_EOVERFLOW);
    assert_int_equal(
        round_text(memory, ROUND_FLOOR, DK_TIMESTAMP, "9223372036854775807", INT64_MAX, &out, &err),
        DK_OK);
    assert_values(&out, "9223372036854775807", 0, "largest unit");
    int64_t value = INT64_MIN;
    uint8_t none = 0;
    struct view in = {.type = DK_TIMESTAMP, .nrows = 1, .data = &value, .validity = &none};
    assert_int_equal(round_apply(ROUND_FLOOR, &in, NS_PER_DAY, &out, &err), DK_OK);
    assert_values(&out, "NA", 0, "null");
    assert_int_equal(round_apply(ROUND_FLOOR, &in, 0, &out, &err), DK_EINVAL);
    in.type = DK_INT64;
    assert_int_equal(round_apply(ROUND_FLOOR, &in, 1, &out, &err), DK_ETYPE);
    vec_deinit(&out);
    close_memory(memory);
}

/* Every field has pandas' value and type. */
static void test_fields_like_pandas(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct column *in = column_of(memory, DK_TIMESTAMP, dates);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        enum dt_field field;
        struct vec out;
        assert_int_equal(dt_field_find(fields[i].name, &field, NULL), DK_OK);
        assert_string_equal(dt_field_name(field), fields[i].name);
        assert_int_equal(dt_field_type(field),
                         strncmp(fields[i].name, "is_", 3) == 0 ? DK_BOOL : DK_INT32);
        vec_init(&out, memory, dt_field_type(field));
        assert_int_equal(dt_field_apply(field, &in->view, &out, NULL), DK_OK);
        assert_values(&out, fields[i].expected, 0, fields[i].name);
        vec_deinit(&out);
    }
    assert_int_equal(sizeof fields / sizeof fields[0], DT_FIELD_COUNT);
    column_unref(in);
    close_memory(memory);
}

/* A missing timestamp has no number and passes no test. */
static void test_fields_of_missing(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct column *in = column_of(memory, DK_TIMESTAMP, "0 NA 86400000000000");
    struct vec out;
    vec_init(&out, memory, DK_INT32);
    assert_int_equal(dt_field_apply(DT_DAY, &in->view, &out, NULL), DK_OK);
    assert_values(&out, "1 NA 2", 0, "day");
    assert_int_equal(dt_field_apply(DT_HOUR, &in->view, &out, NULL), DK_OK);
    assert_values(&out, "0 NA 0", 0, "hour");
    vec_deinit(&out);
    vec_init(&out, memory, DK_BOOL);
    assert_int_equal(dt_field_apply(DT_IS_MONTH_START, &in->view, &out, NULL), DK_OK);
    assert_values(&out, "1 0 0", 0, "is_month_start");
    vec_deinit(&out);
    column_unref(in);
    close_memory(memory);
}

/* The old names of fields are known, unknown ones and other types are refused by name. */
static void test_field_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum dt_field field;
    } aliases[] = {{"weekday", DT_DAYOFWEEK},
                   {"day_of_week", DT_DAYOFWEEK},
                   {"day_of_year", DT_DAYOFYEAR},
                   {"daysinmonth", DT_DAYS_IN_MONTH}};
    enum dt_field field;
    dk_error err = {0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(dt_field_find(aliases[i].name, &field, NULL), DK_OK);
        assert_int_equal(field, aliases[i].field);
    }
    assert_int_equal(dt_field_find("date", &field, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "no field 'date'"));
    struct memory *memory = new_memory(NULL);
    struct column *in = column_of(memory, DK_INT64, "1");
    struct vec out;
    vec_init(&out, memory, DK_INT32);
    assert_int_equal(dt_field_apply(DT_YEAR, &in->view, &out, &err), DK_ETYPE);
    assert_string_equal(err.message, "int64 has no field 'year': only timestamps do");
    vec_deinit(&out);
    column_unref(in);
    close_memory(memory);
}

/* The calendar counts every day of four centuries and comes back. */
static void test_civil_round_trip(void **state)
{
    (void)state;
    struct civil previous = civil_from_days(-107000);
    for (int64_t day = -107000; day < 107000; day++) {
        struct civil date = civil_from_days(day);
        assert_int_equal(days_from_civil(date.year, date.month, date.day), day);
        assert_true(day == -107000 || date.day == previous.day + 1 || date.day == 1);
        previous = date;
    }
    struct civil epoch = civil_from_days(0);
    assert_true(epoch.year == 1970 && epoch.month == 1 && epoch.day == 1);
}

/* Failed allocations are reported. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct failing failing = {.left = -1};
    struct memory *memory = new_memory(&failing);
    struct column *in = column_of(memory, DK_TIMESTAMP, "1 NA");
    struct vec out;
    vec_init(&out, memory, DK_TIMESTAMP);
    failing.left = 0;
    assert_int_equal(round_apply(ROUND_FLOOR, &in->view, 5, &out, NULL), DK_ENOMEM);
    vec_deinit(&out);
    vec_init(&out, memory, DK_INT32);
    assert_int_equal(dt_field_apply(DT_YEAR, &in->view, &out, NULL), DK_ENOMEM);
    failing.left = -1;
    vec_deinit(&out);
    column_unref(in);
    close_memory(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_like_pandas),  cmocka_unit_test(test_rounding_of_series),
        cmocka_unit_test(test_rounding_out_of_range), cmocka_unit_test(test_fields_like_pandas),
        cmocka_unit_test(test_fields_of_missing),     cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_civil_round_trip),      cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
