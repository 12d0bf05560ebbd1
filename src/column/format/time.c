/* Timestamps and durations as pandas prints them: all of a column with the same number of digits.
 */
#include "column/format/format.h"

#include <stdio.h>

#include "column/kernels/datetime.h"

#define DAYS_ONLY (-1)

static int64_t value_at(const struct view *view, const struct print_rows *rows, int64_t i)
{
    return ((const int64_t *)view->data)[print_row(rows, i)];
}

/* True when all values that are there are multiples of `unit_ns`. */
static bool all_multiples(const struct view *view, const struct print_rows *rows, int64_t unit_ns)
{
    for (int64_t i = 0; i < rows->count; i++) {
        if (!view_is_null(view, print_row(rows, i)) && value_at(view, rows, i) % unit_ns != 0)
            return false;
    }
    return true;
}

static int timestamp_digits(const struct view *view, const struct print_rows *rows)
{
    if (all_multiples(view, rows, NS_PER_DAY))
        return DAYS_ONLY;
    if (all_multiples(view, rows, NS_PER_SECOND))
        return 0;
    if (all_multiples(view, rows, 1000000))
        return 3;
    return all_multiples(view, rows, 1000) ? 6 : 9;
}

static int duration_digits(const struct view *view, const struct print_rows *rows)
{
    if (all_multiples(view, rows, NS_PER_DAY))
        return DAYS_ONLY;
    if (all_multiples(view, rows, NS_PER_SECOND))
        return 0;
    return all_multiples(view, rows, 1000) ? 6 : 9;
}

static size_t print_timestamp(int64_t ns, int digits, char text[64])
{
    return timestamp_format(ns, digits == DAYS_ONLY, digits == DAYS_ONLY ? 0 : digits, text);
}

/* Days are rounded down, so the time of day is never negative: "-1 days +23:59:59". */
static size_t print_duration(int64_t ns, int digits, char text[64])
{
    long long days = ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
    int64_t rest = ns - (ns / NS_PER_DAY) * NS_PER_DAY;
    rest += rest < 0 ? NS_PER_DAY : 0;
    if (digits == DAYS_ONLY)
        return (size_t)snprintf(text, 64, "%lld days", days);
    int seconds = (int)(rest / NS_PER_SECOND);
    int fraction = (int)(rest % NS_PER_SECOND);
    int n = snprintf(text, 64, "%lld days %s%02d:%02d:%02d", days, days < 0 ? "+" : "",
                     seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (digits)
        n += snprintf(text + n, 64 - (size_t)n, ".%0*d", digits,
                      digits == 9 ? fraction : fraction / 1000);
    return (size_t)n;
}

typedef size_t print_function(int64_t ns, int digits, char text[64]);

static dk_status print_all(struct arena *arena, const struct view *view,
                           const struct print_rows *rows, print_function *print, int digits,
                           struct cells *out)
{
    char text[64];
    for (int64_t i = 0; i < rows->count; i++) {
        struct cell cell = format_literal("NaT");
        if (!view_is_null(view, print_row(rows, i)))
            DK_TRY(format_copy(arena, text, print(value_at(view, rows, i), digits, text), &cell));
        cells_push(out, cell);
    }
    return DK_OK;
}

dk_status format_timestamps(struct arena *arena, const struct view *view,
                            const struct print_rows *rows, struct cells *out)
{
    return print_all(arena, view, rows, print_timestamp, timestamp_digits(view, rows), out);
}

dk_status format_durations(struct arena *arena, const struct view *view,
                           const struct print_rows *rows, struct cells *out)
{
    return print_all(arena, view, rows, print_duration, duration_digits(view, rows), out);
}
