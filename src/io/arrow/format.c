/* The format strings of the Arrow C data interface that have an equal here. */
#include <string.h>

#include "io/arrow/import.h"

#define SECOND INT64_C(1000000000)

static const struct {
    const char *text;
    struct arrow_format format;
} formats[] = {
    {"n", {DK_FLOAT64, ARROW_NOTHING, 0}},
    {"b", {DK_BOOL, ARROW_BITS, 0}},
    {"c", {DK_INT8, ARROW_SHARE, 0}},
    {"C", {DK_INT16, ARROW_UINT8, 0}},
    {"s", {DK_INT16, ARROW_SHARE, 0}},
    {"S", {DK_INT32, ARROW_UINT16, 0}},
    {"i", {DK_INT32, ARROW_SHARE, 0}},
    {"I", {DK_INT64, ARROW_UINT32, 0}},
    {"l", {DK_INT64, ARROW_SHARE, 0}},
    {"L", {DK_UINT64, ARROW_SHARE, 0}},
    {"f", {DK_FLOAT32, ARROW_SHARE, 0}},
    {"g", {DK_FLOAT64, ARROW_SHARE, 0}},
    {"u", {DK_TEXT, ARROW_TEXT32, 0}},
    {"U", {DK_TEXT, ARROW_TEXT64, 0}},
    {"vu", {DK_TEXT, ARROW_TEXT_VIEW, 0}},
    {"tdD", {DK_TIMESTAMP, ARROW_SCALE32, 86400 * SECOND}},
    {"tdm", {DK_TIMESTAMP, ARROW_SCALE64, SECOND / 1000}},
    {"tDs", {DK_DURATION, ARROW_SCALE64, SECOND}},
    {"tDm", {DK_DURATION, ARROW_SCALE64, SECOND / 1000}},
    {"tDu", {DK_DURATION, ARROW_SCALE64, SECOND / 1000000}},
    {"tDn", {DK_DURATION, ARROW_SHARE, 0}},
};

static bool is_utc(const char *zone)
{
    static const char *const names[] = {"", "UTC", "Etc/UTC", "+00:00", "Z"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(zone, names[i]) == 0)
            return true;
    }
    return false;
}

/* "tsX:ZONE" */
static bool find_timestamp(const char *format, struct arrow_format *out)
{
    static const char units[] = "smun";
    static const int64_t factors[] = {SECOND, SECOND / 1000, SECOND / 1000000, 1};
    if (strncmp(format, "ts", 2) != 0 || !format[2] || format[3] != ':')
        return false;
    const char *unit = strchr(units, format[2]);
    if (!unit || !is_utc(format + 4))
        return false;
    int64_t factor = factors[unit - units];
    *out = (struct arrow_format){DK_TIMESTAMP, factor == 1 ? ARROW_SHARE : ARROW_SCALE64, factor};
    return true;
}

bool arrow_format_find(const char *format, struct arrow_format *out)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(format, formats[i].text) != 0)
            continue;
        *out = formats[i].format;
        return true;
    }
    return find_timestamp(format, out);
}
