#include "base/timedelta.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

/* What is longer is no span of time. */
#define LENGTH_MAX 64

struct unit {
    const char *name;
    const char *plural; /* NULL: an abbreviation, which has none */
    double seconds;
};

static const struct unit units[] = {
    {"s", NULL, 1},
    {"ms", NULL, 1e-3},
    {"us", NULL, 1e-6},
    {"ns", NULL, 1e-9},
    {"m", NULL, 60},
    {"h", NULL, 3600},
    {"d", NULL, 86400},
    {"w", NULL, 604800},
    {"second", "seconds", 1},
    {"minute", "minutes", 60},
    {"hour", "hours", 3600},
    {"day", "days", 86400},
    {"week", "weeks", 604800},
    {"millisecond", "milliseconds", 1e-3},
    {"microsecond", "microseconds", 1e-6},
    {"nanosecond", "nanoseconds", 1e-9},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

/* Without spaces, and with the 1 that Dask puts in front of whatever does not begin with a digit:
 * so ".5s" is one and a half seconds. */
static bool squeeze(const char *text, size_t nbytes, char out[LENGTH_MAX + 2])
{
    size_t length = 0;
    for (size_t i = 0; i < nbytes; i++) {
        if (text[i] == ' ')
            continue;
        if (length == 0 && !is_digit(text[i]))
            out[length++] = '1';
        if (!text[i] || length > LENGTH_MAX)
            return false;
        out[length++] = text[i];
    }
    out[length] = '\0';
    return length > 0;
}

/* Digits into `number`, as long as there are any; how many there were. */
static int read_digits(const char **at, long double *number)
{
    int count = 0;
    for (; is_digit(**at); (*at)++, count++)
        *number = *number * 10 + (**at - '0');
    return count;
}

/* A decimal number, all of `at`: strtod() would ask the locale what a point is. In long double, so
 * that only the last step rounds. */
static bool read_number(const char *at, double *out)
{
    long double number = 0, exponent = 0;
    int ndecimals = 0, sign = 1;
    int ndigits = read_digits(&at, &number);
    if (*at == '.') {
        at++;
        ndecimals = read_digits(&at, &number);
    }
    if (ndigits + ndecimals == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-')
            sign = *at++ == '-' ? -1 : 1;
        if (read_digits(&at, &exponent) == 0)
            return false;
    }
    *out = (double)(number * powl(10, sign * exponent - ndecimals));
    return *at == '\0';
}

static const struct unit *find_unit(const char *name)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strcasecmp(name, units[i].name) == 0 ||
            (units[i].plural && strcasecmp(name, units[i].plural) == 0))
            return &units[i];
    return NULL;
}

dk_status timedelta_parse(const char *text, size_t nbytes, double *seconds, dk_error *err)
{
    char number[LENGTH_MAX + 2], suffix[LENGTH_MAX + 2];
    int shown = (int)(nbytes < LENGTH_MAX ? nbytes : LENGTH_MAX);
    if (!squeeze(text, nbytes, number))
        return error_set(err, DK_EPARSE, "no span of time: '%.*s'", shown, text);
    size_t at = strlen(number);
    while (at > 0 && is_letter(number[at - 1]))
        at--;
    memcpy(suffix, number + at, strlen(number + at) + 1);
    number[at] = '\0';
    if (!read_number(number, seconds))
        return error_set(err, DK_EPARSE, "no span of time: '%.*s'", shown, text);
    const struct unit *unit = find_unit(*suffix ? suffix : "s");
    if (!unit)
        return error_set(
            err, DK_EKEY,
            "Invalid time unit: %s. Valid units are: s, ms, us, ns, m, h, d, w, second, "
            "minute, hour, day, week, millisecond, microsecond, nanosecond",
            suffix);
    *seconds *= unit->seconds;
    return DK_OK;
}
