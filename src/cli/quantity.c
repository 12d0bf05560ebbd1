#include "cli/quantity.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    double size;
};

/* The number, and what stands behind it without blanks. */
static bool split(const char *text, double *number, char unit[16])
{
    char *end;
    *number = strtod(text, &end);
    bool has_number = end != text;
    if (!has_number)
        *number = 1;
    while (isspace((unsigned char)*end))
        end++;
    size_t length = strlen(end);
    while (length && isspace((unsigned char)end[length - 1]))
        length--;
    if (length >= 16 || (!length && !has_number) || !isfinite(*number) || *number < 0)
        return false;
    memcpy(unit, end, length);
    unit[length] = '\0';
    return true;
}

static bool parse(const char *text, const struct unit *units, size_t nunits, double *out)
{
    char unit[16];
    double number;
    if (!split(text, &number, unit))
        return false;
    for (size_t i = 0; i < nunits; i++) {
        if (strcasecmp(unit, units[i].name) == 0) {
            *out = number * units[i].size;
            return true;
        }
    }
    return false;
}

bool quantity_parse_bytes(const char *text, double *nbytes)
{
    static const struct unit units[] = {
        {"", 1},         {"B", 1},        {"k", 1e3},      {"kB", 1e3},     {"M", 1e6},
        {"MB", 1e6},     {"G", 1e9},      {"GB", 1e9},     {"T", 1e12},     {"TB", 1e12},
        {"P", 1e15},     {"PB", 1e15},    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
        {"TiB", 0x1p40}, {"PiB", 0x1p50}, {"Ki", 0x1p10},  {"Mi", 0x1p20},  {"Gi", 0x1p30},
        {"Ti", 0x1p40},  {"Pi", 0x1p50},
    };
    return parse(text, units, sizeof(units) / sizeof(*units), nbytes);
}

bool quantity_parse_seconds(const char *text, double *seconds)
{
    static const struct unit units[] = {
        {"", 1},
        {"s", 1},
        {"sec", 1},
        {"second", 1},
        {"seconds", 1},
        {"ms", 1e-3},
        {"us", 1e-6},
        {"ns", 1e-9},
        {"m", 60},
        {"min", 60},
        {"minute", 60},
        {"minutes", 60},
        {"h", 3600},
        {"hr", 3600},
        {"hour", 3600},
        {"hours", 3600},
        {"d", 86400},
        {"day", 86400},
        {"days", 86400},
        {"w", 604800},
        {"week", 604800},
        {"weeks", 604800},
        {"millisecond", 1e-3},
        {"milliseconds", 1e-3},
    };
    return parse(text, units, sizeof(units) / sizeof(*units), seconds);
}
