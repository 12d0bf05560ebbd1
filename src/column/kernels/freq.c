/* Frequencies by pandas' names, those of old releases included. Fixed ones are a number of
 * nanoseconds; those of the calendar are recognised only to refuse them by the name pandas gives
 * them. Source: pandas.tseries.frequencies.to_offset. */
#include <stdio.h>
#include <string.h>

#include "column/kernels/datetime.h"

struct fixed {
    const char *alias;
    int64_t ns;
};

#define US     INT64_C(1000)
#define MS     INT64_C(1000000)
#define MINUTE (60 * NS_PER_SECOND)
#define HOUR   (3600 * NS_PER_SECOND)

static const struct fixed fixed[] = {
    {"ns", 1},
    {"N", 1},
    {"n", 1},
    {"NS", 1},
    {"us", US},
    {"U", US},
    {"u", US},
    {"US", US},
    {"ms", MS},
    {"L", MS},
    {"l", MS},
    {"s", NS_PER_SECOND},
    {"S", NS_PER_SECOND},
    {"min", MINUTE},
    {"Min", MINUTE},
    {"MIN", MINUTE},
    {"T", MINUTE},
    {"t", MINUTE},
    {"h", HOUR},
    {"H", HOUR},
    {"D", NS_PER_DAY},
    {"d", NS_PER_DAY},
};

/* What stands behind the name of a calendar frequency. */
enum anchor {
    ANCHOR_NONE,
    ANCHOR_WEEKDAY,        /* ": weekday=6", or the day after "-" */
    ANCHOR_STARTING_MONTH, /* ": startingMonth=12" */
    ANCHOR_MONTH,          /* ": month=12" */
    ANCHOR_TEXT            /* always the same */
};

struct calendar {
    const char *alias;
    const char *name;
    enum anchor anchor;
    int value;        /* of the anchor when none is given */
    const char *text; /* ANCHOR_TEXT */
};

static const struct calendar calendars[] = {
    {"ME", "MonthEnd", ANCHOR_NONE, 0, ""},
    {"M", "MonthEnd", ANCHOR_NONE, 0, ""},
    {"m", "MonthEnd", ANCHOR_NONE, 0, ""},
    {"MS", "MonthBegin", ANCHOR_NONE, 0, ""},
    {"BME", "BusinessMonthEnd", ANCHOR_NONE, 0, ""},
    {"BM", "BusinessMonthEnd", ANCHOR_NONE, 0, ""},
    {"BMS", "BusinessMonthBegin", ANCHOR_NONE, 0, ""},
    {"B", "BusinessDay", ANCHOR_NONE, 0, ""},
    {"b", "BusinessDay", ANCHOR_NONE, 0, ""},
    {"C", "CustomBusinessDay", ANCHOR_NONE, 0, ""},
    {"CBME", "CustomBusinessMonthEnd", ANCHOR_NONE, 0, ""},
    {"CBM", "CustomBusinessMonthEnd", ANCHOR_NONE, 0, ""},
    {"CBMS", "CustomBusinessMonthBegin", ANCHOR_NONE, 0, ""},
    {"bh", "BusinessHour", ANCHOR_TEXT, 0, ": bh=09:00-17:00"},
    {"BH", "BusinessHour", ANCHOR_TEXT, 0, ": bh=09:00-17:00"},
    {"cbh", "CustomBusinessHour", ANCHOR_TEXT, 0, ": cbh=09:00-17:00"},
    {"CBH", "CustomBusinessHour", ANCHOR_TEXT, 0, ": cbh=09:00-17:00"},
    {"SME", "SemiMonthEnd", ANCHOR_TEXT, 0, ": day_of_month=15"},
    {"SM", "SemiMonthEnd", ANCHOR_TEXT, 0, ": day_of_month=15"},
    {"SMS", "SemiMonthBegin", ANCHOR_TEXT, 0, ": day_of_month=15"},
    {"W", "Week", ANCHOR_WEEKDAY, 6, ""},
    {"w", "Week", ANCHOR_WEEKDAY, 6, ""},
    {"LWOM", "LastWeekOfMonth", ANCHOR_WEEKDAY, 0, ""},
    {"QE", "QuarterEnd", ANCHOR_STARTING_MONTH, 12, ""},
    {"Q", "QuarterEnd", ANCHOR_STARTING_MONTH, 12, ""},
    {"QS", "QuarterBegin", ANCHOR_STARTING_MONTH, 1, ""},
    {"BQE", "BusinessQuarterEnd", ANCHOR_STARTING_MONTH, 12, ""},
    {"BQ", "BusinessQuarterEnd", ANCHOR_STARTING_MONTH, 12, ""},
    {"BQS", "BusinessQuarterBegin", ANCHOR_STARTING_MONTH, 1, ""},
    {"YE", "YearEnd", ANCHOR_MONTH, 12, ""},
    {"Y", "YearEnd", ANCHOR_MONTH, 12, ""},
    {"A", "YearEnd", ANCHOR_MONTH, 12, ""},
    {"YS", "YearBegin", ANCHOR_MONTH, 1, ""},
    {"AS", "YearBegin", ANCHOR_MONTH, 1, ""},
    {"BYE", "BYearEnd", ANCHOR_MONTH, 12, ""},
    {"BY", "BYearEnd", ANCHOR_MONTH, 12, ""},
    {"BA", "BYearEnd", ANCHOR_MONTH, 12, ""},
    {"BYS", "BYearBegin", ANCHOR_MONTH, 1, ""},
    {"BAS", "BYearBegin", ANCHOR_MONTH, 1, ""},
};

static bool same(const char *name, const char *text, size_t nbytes)
{
    return strlen(name) == nbytes && memcmp(name, text, nbytes) == 0;
}

/* Position of `text` in a list of three-letter names, or -1. */
static int find_short(const char *list, const char *text, size_t nbytes)
{
    if (nbytes != 3)
        return -1;
    for (int i = 0; list[3 * i]; i++)
        if (memcmp(list + 3 * i, text, 3) == 0)
            return i;
    return -1;
}

/* The anchor behind "-" ("W-MON", "QE-JAN"); `nbytes` 0: the default. False for an unknown one. */
static bool anchor_value(const struct calendar *calendar, const char *text, size_t nbytes,
                         int *value)
{
    *value = calendar->value;
    if (nbytes == 0)
        return true;
    if (calendar->anchor == ANCHOR_WEEKDAY)
        *value = find_short("MONTUEWEDTHUFRISATSUN", text, nbytes);
    else if (calendar->anchor == ANCHOR_MONTH || calendar->anchor == ANCHOR_STARTING_MONTH)
        *value = find_short("JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", text, nbytes) + 1;
    else
        return false;
    return *value > 0 || (calendar->anchor == ANCHOR_WEEKDAY && *value == 0);
}

/* One "12h" of "1D12h": a decimal count and an alias. */
struct piece {
    int64_t digits; /* the count without its point */
    int64_t scale;  /* the power of ten to divide it by */
    const char *alias;
    size_t nbytes;
};

static const char *skip_blanks(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Reads the count at `at` (none: 1); NULL when it has too many digits. */
static const char *read_count(const char *at, struct piece *piece)
{
    bool point = false;
    int ndigits = 0;
    piece->digits = 0;
    piece->scale = 1;
    for (; is_digit(*at) || (*at == '.' && !point); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        if (++ndigits > 18)
            return NULL;
        piece->digits = piece->digits * 10 + (*at - '0');
        piece->scale *= point ? 10 : 1;
    }
    if (ndigits == 0)
        piece->digits = 1;
    return point && ndigits == 0 ? NULL : at;
}

/* Reads one piece and returns what follows it; NULL when there is none. */
static const char *read_piece(const char *at, struct piece *piece)
{
    at = read_count(skip_blanks(at), piece);
    if (!at)
        return NULL;
    piece->alias = at = skip_blanks(at);
    while (is_letter(*at))
        at++;
    if (at == piece->alias)
        return NULL;
    if (*at == '-' && is_letter(at[1]))
        for (at++; is_letter(*at);)
            at++;
    piece->nbytes = (size_t)(at - piece->alias);
    return skip_blanks(at);
}

static dk_status refuse_unknown(const char *text, const char *hint, dk_error *err)
{
    return error_set(err, DK_EINVAL, "Invalid frequency: %s%s", text, hint);
}

/* Adds the nanoseconds of a fixed piece to `*total`. `*known` is false when the alias is no fixed
 * one. */
static dk_status add_fixed(const struct piece *piece, const char *text, int64_t *total, bool *known,
                           dk_error *err)
{
    const struct fixed *unit = NULL;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (same(fixed[i].alias, piece->alias, piece->nbytes))
            unit = &fixed[i];
    *known = unit != NULL;
    if (!unit)
        return DK_OK;
    /* Whole units and the decimal part apart, so that no product is larger than the result need be.
     */
    int64_t part, whole = piece->digits / piece->scale, rest = piece->digits % piece->scale;
    if (__builtin_mul_overflow(whole, unit->ns, &whole) ||
        __builtin_mul_overflow(rest, unit->ns, &part) ||
        __builtin_add_overflow(*total, whole, total) ||
        __builtin_add_overflow(*total, part / piece->scale, total))
        return error_set(err, DK_EOVERFLOW,
                         "Invalid frequency: %s does not fit into 64-bit nanoseconds", text);
    if (part % piece->scale)
        return refuse_unknown(text, " is not a whole number of nanoseconds", err);
    return DK_OK;
}

/* "<2 * MonthEnds> is a non-fixed frequency" */
static dk_status refuse_calendar(const struct calendar *calendar, int64_t count, int value,
                                 dk_error *err)
{
    char times[32] = "", anchor[40] = "";
    if (count != 1)
        snprintf(times, sizeof times, "%lld * ", (long long)count);
    if (calendar->anchor == ANCHOR_TEXT)
        snprintf(anchor, sizeof anchor, "%s", calendar->text);
    else if (calendar->anchor != ANCHOR_NONE)
        snprintf(anchor, sizeof anchor, ": %s=%d",
                 calendar->anchor == ANCHOR_WEEKDAY ? "weekday"
                 : calendar->anchor == ANCHOR_MONTH ? "month"
                                                    : "startingMonth",
                 value);
    return error_set(err, DK_EINVAL, "<%s%s%s%s> is a non-fixed frequency", times, calendar->name,
                     count == 1 ? "" : "s", anchor);
}

/* The error for a frequency that is not fixed: one of the calendar, or unknown. */
static dk_status refuse_piece(const struct piece *piece, bool alone, const char *text,
                              dk_error *err)
{
    const char *dash = memchr(piece->alias, '-', piece->nbytes);
    size_t nbytes = dash ? (size_t)(dash - piece->alias) : piece->nbytes;
    size_t anchor_nbytes = dash ? piece->nbytes - nbytes - 1 : 0;
    for (size_t i = 0; alone && piece->scale == 1 && i < sizeof calendars / sizeof calendars[0];
         i++) {
        int value;
        if (same(calendars[i].alias, piece->alias, nbytes) &&
            anchor_value(&calendars[i], dash ? dash + 1 : NULL, anchor_nbytes, &value))
            return refuse_calendar(&calendars[i], piece->digits, value, err);
    }
    return refuse_unknown(text, "", err);
}

dk_status freq_parse(const char *text, int64_t *out_ns, dk_error *err)
{
    const char *at = skip_blanks(text);
    int64_t total = 0;
    if (*at == '-')
        return refuse_unknown(text, " (a step must be positive)", err);
    if (*at == '+')
        at++;
    bool first = true;
    do {
        struct piece piece;
        bool known;
        at = read_piece(at, &piece);
        if (!at)
            return refuse_unknown(text, "", err);
        DK_TRY(add_fixed(&piece, text, &total, &known, err));
        if (!known)
            return refuse_piece(&piece, first && *at == '\0', text, err);
        first = false;
    } while (*at);
    if (total == 0)
        return refuse_unknown(text, " (a step must be positive)", err);
    *out_ns = total;
    return DK_OK;
}
