#include "diagnostics/human.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* From 100 on, no digit after the point. */
static void print_scaled(double value, const char *unit, char out[HUMAN_MAX])
{
    snprintf(out, HUMAN_MAX, value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit);
}

const char *human_duration(int64_t ns, char out[HUMAN_MAX])
{
    double s = (double)ns * 1e-9;
    if (s < 0.9995e-3) {
        snprintf(out, HUMAN_MAX, "%.0f us", s * 1e6);
    } else if (s < 0.9995) {
        snprintf(out, HUMAN_MAX, s < 0.00995 ? "%.1f ms" : "%.0f ms", s * 1e3);
    } else if (s < 9.995) {
        snprintf(out, HUMAN_MAX, "%.2f s", s);
    } else if (s < 59.95) {
        snprintf(out, HUMAN_MAX, "%.1f s", s);
    } else if (s < 3599.5) {
        int64_t whole = (int64_t)(s + 0.5);
        snprintf(out, HUMAN_MAX, "%d min %02d s", (int)(whole / 60), (int)(whole % 60));
    } else {
        int64_t minutes = (int64_t)(s / 60 + 0.5);
        snprintf(out, HUMAN_MAX, "%" PRId64 " h %02d min", minutes / 60, (int)(minutes % 60));
    }
    return out;
}

const char *human_bytes(int64_t nbytes, char out[HUMAN_MAX])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)nbytes;
    size_t unit = 0;
    while (value >= 1023.5 && unit < 6) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(out, HUMAN_MAX, "%d B", (int)nbytes);
    else
        print_scaled(value, units[unit], out);
    return out;
}

const char *human_count(int64_t count, char out[HUMAN_MAX])
{
    char digits[HUMAN_MAX];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRId64, count);
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        bool is_first = i == 0 || (i == 1 && digits[0] == '-');
        if (!is_first && (length - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

const char *human_rate(double per_second, char out[HUMAN_MAX])
{
    static const char *const units[] = {"", "k", "M", "G", "T"};
    size_t unit = 0;
    while (per_second >= 999.5 && unit < 4) {
        per_second /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(out, HUMAN_MAX, "%.0f", per_second);
    else
        print_scaled(per_second, units[unit], out);
    return out;
}
