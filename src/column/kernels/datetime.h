/* Timestamps: rounding, fields, and the frequencies that name a step.
 * Source: pandas Series.dt (round is half to even on the count of periods since 1970-01-01). */
#ifndef KERNELS_DATETIME_H
#define KERNELS_DATETIME_H

#include "column/vec.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define NS_PER_DAY    (INT64_C(86400) * NS_PER_SECOND)

/* Parses a fixed frequency: an optional count and a unit (ns, us/U, ms/L, s/S, min/T, h/H, d/D, and
 * combinations such as "1D12h") to nanoseconds. Calendar ones (M, ME, B, W, Q, Y, ...) are refused
 * by their pandas name: "<MonthEnd> is a non-fixed frequency"; unknown: "Invalid frequency: X". */
dk_status freq_parse(const char *text, int64_t *out_ns, dk_error *err) DK_NODISCARD;

enum round_mode { ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEIL };

/* Rounds a timestamp or duration view to multiples of `unit_ns`. DK_EOVERFLOW past the range of
 * int64 ns. */
dk_status round_apply(enum round_mode mode, const struct view *in, int64_t unit_ns, struct vec *out,
                      dk_error *err) DK_NODISCARD;

/* name, pandas attribute, result type */
#define DT_FIELD_LIST(X)                                                                           \
    X(DT_YEAR, "year", DK_INT32)                                                                   \
    X(DT_MONTH, "month", DK_INT32)                                                                 \
    X(DT_DAY, "day", DK_INT32)                                                                     \
    X(DT_HOUR, "hour", DK_INT32)                                                                   \
    X(DT_MINUTE, "minute", DK_INT32)                                                               \
    X(DT_SECOND, "second", DK_INT32)                                                               \
    X(DT_MICROSECOND, "microsecond", DK_INT32)                                                     \
    X(DT_NANOSECOND, "nanosecond", DK_INT32)                                                       \
    X(DT_DAYOFWEEK, "dayofweek", DK_INT32)                                                         \
    X(DT_DAYOFYEAR, "dayofyear", DK_INT32)                                                         \
    X(DT_QUARTER, "quarter", DK_INT32)                                                             \
    X(DT_DAYS_IN_MONTH, "days_in_month", DK_INT32)                                                 \
    X(DT_IS_LEAP_YEAR, "is_leap_year", DK_BOOL)                                                    \
    X(DT_IS_MONTH_START, "is_month_start", DK_BOOL)                                                \
    X(DT_IS_MONTH_END, "is_month_end", DK_BOOL)                                                    \
    X(DT_IS_QUARTER_START, "is_quarter_start", DK_BOOL)                                            \
    X(DT_IS_QUARTER_END, "is_quarter_end", DK_BOOL)                                                \
    X(DT_IS_YEAR_START, "is_year_start", DK_BOOL)                                                  \
    X(DT_IS_YEAR_END, "is_year_end", DK_BOOL)

enum dt_field {
#define DT_FIELD_ENUM(name, text, type) name,
    DT_FIELD_LIST(DT_FIELD_ENUM)
#undef DT_FIELD_ENUM
        DT_FIELD_COUNT
};

const char *dt_field_name(enum dt_field field);
dk_type dt_field_type(enum dt_field field);
/* The field called `name` (aliases: weekday, day_of_week, day_of_year, daysinmonth, date -> not
 * here). */
dk_status dt_field_find(const char *name, enum dt_field *out, dk_error *err) DK_NODISCARD;
/* A missing timestamp gives a missing field, false for the bool ones. */
dk_status dt_field_apply(enum dt_field field, const struct view *in, struct vec *out,
                         dk_error *err) DK_NODISCARD;

/* Parses an ISO 8601 timestamp: YYYY-MM-DD[(T| )HH:MM[:SS[.fraction up to 9, more
 * truncated]]][Z|+HH:MM (converted to UTC)]; also YYYY-MM and YYYY, and YYYYMMDD. Surrounding
 * blanks are not accepted. False when it is not one or is outside the range of int64 nanoseconds.
 */
bool timestamp_parse(const char *text, size_t nbytes, int64_t *out_ns);

/* True for the words that stand for no timestamp ("NaT" and "nan", as pandas spells them). */
bool timestamp_is_missing_word(const char *text, size_t nbytes);

/* The date that timestamp_parse_cached() read last; start with `{0}`. */
struct timestamp_cache {
    char prefix[10];
    int64_t day_ns;
    bool valid;
};

/* timestamp_parse() for the cells of a column: "YYYY-MM-DD HH:MM:SS[.fff]" with the date of the
 * cell before reads only the time. Any other text is read as timestamp_parse() does. */
bool timestamp_parse_cached(struct timestamp_cache *cache, const char *text, size_t nbytes,
                            int64_t *out_ns);

/* Calendar date of a day count since 1970-01-01 (proleptic Gregorian) and back. */
struct civil {
    int32_t year, month, day;
};
struct civil civil_from_days(int64_t days);
int64_t days_from_civil(int32_t year, int32_t month, int32_t day);

/* "2015-05-05 12:00:00.123456789": the date only when `date_only`, else with `fraction_digits` (0
 * to 9, cut not rounded) behind the point; returns the length without the terminating zero. */
size_t timestamp_format(int64_t ns, bool date_only, int fraction_digits, char out[40]);

#endif
