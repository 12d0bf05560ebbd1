/* Calendar and clock fields of timestamps. What depends on the date alone is computed once a day of
 * a series, not once a row. */
#include <string.h>

#include "column/kernels/datetime.h"
#include "column/kernels/validity.h"

static const char *const names[] = {
#define DT_FIELD_NAME(name, text, type) [name] = text,
    DT_FIELD_LIST(DT_FIELD_NAME)
#undef DT_FIELD_NAME
};

static const dk_type types[] = {
#define DT_FIELD_TYPE(name, text, type) [name] = type,
    DT_FIELD_LIST(DT_FIELD_TYPE)
#undef DT_FIELD_TYPE
};

static const struct {
    const char *name;
    enum dt_field field;
} aliases[] = {
    {"weekday", DT_DAYOFWEEK},
    {"day_of_week", DT_DAYOFWEEK},
    {"day_of_year", DT_DAYOFYEAR},
    {"daysinmonth", DT_DAYS_IN_MONTH},
};

const char *dt_field_name(enum dt_field field)
{
    return names[field];
}

dk_type dt_field_type(enum dt_field field)
{
    return types[field];
}

dk_status dt_field_find(const char *name, enum dt_field *out, dk_error *err)
{
    for (int field = 0; field < DT_FIELD_COUNT; field++)
        if (strcmp(name, names[field]) == 0) {
            *out = (enum dt_field)field;
            return DK_OK;
        }
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(name, aliases[i].name) == 0) {
            *out = aliases[i].field;
            return DK_OK;
        }
    return error_set(err, DK_EINVAL,
                     "timestamps have no field '%s'; use year, month, day, hour, minute, second, "
                     "microsecond, nanosecond, dayofweek, dayofyear, quarter, days_in_month or one "
                     "of the is_... tests",
                     name);
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int32_t days_in_month(struct civil date)
{
    static const int8_t days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[date.month] + (date.month == 2 && is_leap(date.year));
}

static int32_t weekday(int64_t days)
{
    int64_t rest = (days + 3) % 7; /* 1970-01-01 was a Thursday */
    return (int32_t)(rest < 0 ? rest + 7 : rest);
}

/* A field of the date `days` days after 1970-01-01. */
static int32_t date_field(enum dt_field field, int64_t days)
{
    struct civil date = civil_from_days(days);
    switch (field) {
    case DT_YEAR:
        return date.year;
    case DT_MONTH:
        return date.month;
    case DT_DAY:
        return date.day;
    case DT_DAYOFWEEK:
        return weekday(days);
    case DT_DAYOFYEAR:
        return (int32_t)(days - days_from_civil(date.year, 1, 1)) + 1;
    case DT_QUARTER:
        return (date.month + 2) / 3;
    case DT_DAYS_IN_MONTH:
        return days_in_month(date);
    case DT_IS_LEAP_YEAR:
        return is_leap(date.year);
    case DT_IS_MONTH_START:
        return date.day == 1;
    case DT_IS_MONTH_END:
        return date.day == days_in_month(date);
    case DT_IS_QUARTER_START:
        return date.day == 1 && date.month % 3 == 1;
    case DT_IS_QUARTER_END:
        return date.day == days_in_month(date) && date.month % 3 == 0;
    case DT_IS_YEAR_START:
        return date.day == 1 && date.month == 1;
    default:
        return date.day == 31 && date.month == 12;
    }
}

static int64_t day_of(int64_t ns)
{
    return ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
}

/* Fields of the date: the value holds for the whole day that starts at `start`. */
static void date_rows(enum dt_field field, const int64_t *restrict in, int64_t nrows,
                      int32_t *restrict out)
{
    for (int64_t i = 0; i < nrows;) {
        int64_t days = day_of(in[i]);
        uint64_t start = (uint64_t)days * (uint64_t)NS_PER_DAY;
        int32_t value = date_field(field, days);
        while (i < nrows && (uint64_t)in[i] - start < (uint64_t)NS_PER_DAY)
            out[i++] = value;
    }
}

static void date_tests(enum dt_field field, const int64_t *restrict in, int64_t nrows,
                       uint8_t *restrict out)
{
    for (int64_t i = 0; i < nrows;) {
        int64_t days = day_of(in[i]);
        uint64_t start = (uint64_t)days * (uint64_t)NS_PER_DAY;
        uint8_t value = (uint8_t)date_field(field, days);
        while (i < nrows && (uint64_t)in[i] - start < (uint64_t)NS_PER_DAY)
            out[i++] = value;
    }
}

/* Fields of the clock are (nanoseconds of the day / unit) % modulus; constants let the compiler
 * multiply. */
static inline void clock_rows(const int64_t *restrict in, int64_t nrows, int32_t *restrict out,
                              uint64_t unit, uint64_t modulus)
{
    for (int64_t i = 0; i < nrows;) {
        uint64_t start = (uint64_t)day_of(in[i]) * (uint64_t)NS_PER_DAY;
        while (i < nrows && (uint64_t)in[i] - start < (uint64_t)NS_PER_DAY) {
            out[i] = (int32_t)(((uint64_t)in[i] - start) / unit % modulus);
            i++;
        }
    }
}

static void integer_rows(enum dt_field field, const struct view *in, int32_t *out)
{
    const int64_t *values = in->data;
    switch (field) {
    case DT_HOUR:
        clock_rows(values, in->nrows, out, 3600 * (uint64_t)NS_PER_SECOND, 24);
        break;
    case DT_MINUTE:
        clock_rows(values, in->nrows, out, 60 * (uint64_t)NS_PER_SECOND, 60);
        break;
    case DT_SECOND:
        clock_rows(values, in->nrows, out, (uint64_t)NS_PER_SECOND, 60);
        break;
    case DT_MICROSECOND:
        clock_rows(values, in->nrows, out, 1000, 1000000);
        break;
    case DT_NANOSECOND:
        clock_rows(values, in->nrows, out, 1, 1000);
        break;
    default:
        date_rows(field, values, in->nrows, out);
    }
}

/* A missing timestamp passes no test. */
static void clear_missing(const struct view *in, uint8_t *out)
{
    if (!in->validity)
        return;
    for (int64_t i = 0; i < in->nrows; i++)
        out[i] &= bit_get(in->validity, in->validity_offset + i);
}

dk_status dt_field_apply(enum dt_field field, const struct view *in, struct vec *out, dk_error *err)
{
    if (in->type != DK_TIMESTAMP)
        return error_set(err, DK_ETYPE, "%s has no field '%s': only timestamps do",
                         dk_type_name(in->type), names[field]);
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    if (types[field] == DK_BOOL) {
        date_tests(field, in->data, in->nrows, out->data);
        clear_missing(in, out->data);
        return DK_OK;
    }
    integer_rows(field, in, out->data);
    validity_merge(out, in, NULL);
    return DK_OK;
}
