#include "column/kernels/number_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The decimal digits of a number d1.d2d3... * 10^exponent, without trailing zeros. */
struct decimal {
    char digits[24];
    int ndigits;
    int exponent;
};

static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

static size_t put_uint64(uint64_t value, char *out)
{
    char reversed[20];
    size_t n = 0;
    do
        reversed[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

static void strip_zeros(struct decimal *decimal)
{
    while (decimal->ndigits > 1 && decimal->digits[decimal->ndigits - 1] == '0')
        decimal->ndigits--;
}

/* Most numbers in data have a few decimals: they are an integer over a power of ten. Both are exact
 * below `limit`, so their quotient is the number that the text reads back to. */
static bool find_short(double value, double limit, bool single, struct decimal *out)
{
    for (int k = 0; k < (int)(sizeof powers / sizeof powers[0]); k++) {
        double scaled = value * powers[k];
        if (scaled >= limit)
            return false;
        uint64_t integer = (uint64_t)(scaled + 0.5);
        double back = (double)integer / powers[k];
        if (single ? (float)back != (float)value : back != value)
            continue;
        out->ndigits = (int)put_uint64(integer, out->digits);
        out->exponent = out->ndigits - 1 - k;
        strip_zeros(out);
        return integer != 0;
    }
    return false;
}

/* Takes digits and exponent out of "d.ddde-dd". The decimal point is skipped: in another locale it
 * may be another character. */
static void read_digits(const char *text, struct decimal *out)
{
    const char *at = text;
    for (out->ndigits = 0; *at != 'e'; at++)
        if (*at >= '0' && *at <= '9')
            out->digits[out->ndigits++] = *at;
    out->exponent = atoi(at + 1);
    strip_zeros(out);
}

static bool reads_back(const char *text, double value, bool single)
{
    return single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value;
}

/* Prints with `ndigits` digits; true when that reads back. Below a power of two numbers are twice
 * as dense as above, so there the decimal above may read back when the nearer one below does not.
 */
static bool print_digits(double value, bool single, int ndigits, char *text, size_t nbytes)
{
    snprintf(text, nbytes, "%.*e", ndigits - 1, value);
    if (reads_back(text, value, single))
        return true;
    int exponent;
    char *last = strchr(text, 'e') - 1;
    if (frexp(value, &exponent) != 0.5 || *last == '9')
        return false;
    ++*last;
    return reads_back(text, value, single);
}

/* The fewest digits that read back: 15 to 17 for a double (6 to 9 for a float), as any decimal of
 * 15 (6) digits survives the way there and back. Below the normal range there is less precision,
 * and no such bound. */
static void find_digits(double value, bool single, struct decimal *out)
{
    char text[64];
    if (find_short(value, single ? 1e6 : 1e15, single, out))
        return;
    int most = single ? 9 : 17, ndigits = single ? 6 : 15;
    if (value < (single ? (double)FLT_MIN : DBL_MIN))
        ndigits = 1;
    while (!print_digits(value, single, ndigits, text, sizeof text) && ndigits < most)
        ndigits++;
    read_digits(text, out);
}

static char *put_zeros(char *out, int n)
{
    for (; n > 0; n--)
        *out++ = '0';
    return out;
}

static char *put_plain(char *out, const struct decimal *decimal)
{
    int whole = decimal->exponent + 1; /* digits before the point */
    if (whole <= 0) {
        *out++ = '0';
        *out++ = '.';
        out = put_zeros(out, -whole);
        memcpy(out, decimal->digits, (size_t)decimal->ndigits);
        return out + decimal->ndigits;
    }
    int copied = whole < decimal->ndigits ? whole : decimal->ndigits;
    memcpy(out, decimal->digits, (size_t)copied);
    out = put_zeros(out + copied, whole - copied);
    *out++ = '.';
    int rest = decimal->ndigits - copied;
    if (rest == 0)
        return put_zeros(out, 1);
    memcpy(out, decimal->digits + copied, (size_t)rest);
    return out + rest;
}

static char *put_exponent(char *out, const struct decimal *decimal)
{
    *out++ = decimal->digits[0];
    if (decimal->ndigits > 1) {
        *out++ = '.';
        memcpy(out, decimal->digits + 1, (size_t)decimal->ndigits - 1);
        out += decimal->ndigits - 1;
    }
    int magnitude = decimal->exponent < 0 ? -decimal->exponent : decimal->exponent;
    *out++ = 'e';
    *out++ = decimal->exponent < 0 ? '-' : '+';
    if (magnitude < 10)
        *out++ = '0';
    return out + put_uint64((uint64_t)magnitude, out);
}

static size_t put_special(const char *word, char *out)
{
    memcpy(out, word, strlen(word));
    return strlen(word);
}

/* `large`: from where on an exponent is written. */
static size_t format(double value, bool single, double large, char *out)
{
    if (isnan(value))
        return put_special("nan", out);
    char *at = out;
    if (signbit(value))
        *at++ = '-';
    value = fabs(value);
    if (isinf(value))
        return (size_t)(at - out) + put_special("inf", at);
    if (value == 0)
        return (size_t)(at - out) + put_special("0.0", at);
    struct decimal decimal;
    find_digits(value, single, &decimal);
    at = value >= 1e-4 && value < large ? put_plain(at, &decimal) : put_exponent(at, &decimal);
    return (size_t)(at - out);
}

size_t number_format_float64(double value, char out[NUMBER_TEXT_MAX])
{
    return format(value, false, 1e16, out);
}

size_t number_format_float32(float value, char out[NUMBER_TEXT_MAX])
{
    return format((double)value, true, 1e6, out);
}

size_t number_format_uint64(uint64_t value, bool negative, char out[NUMBER_TEXT_MAX])
{
    out[0] = '-';
    return put_uint64(value, out + negative) + negative;
}

size_t number_format_duration(int64_t ns, char out[NUMBER_TEXT_MAX])
{
    const int64_t second = 1000000000, day = 86400 * second;
    int64_t days = ns / day - (ns % day < 0);
    int64_t rest = (int64_t)((uint64_t)ns - (uint64_t)days * (uint64_t)day);
    int64_t seconds = rest / second, fraction = rest % second;
    int n = snprintf(out, NUMBER_TEXT_MAX, "%lld days %s%02d:%02d:%02d", (long long)days,
                     days < 0 ? "+" : "", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                     (int)(seconds % 60));
    if (fraction % 1000)
        n += snprintf(out + n, NUMBER_TEXT_MAX - (size_t)n, ".%09d", (int)fraction);
    else if (fraction)
        n += snprintf(out + n, NUMBER_TEXT_MAX - (size_t)n, ".%06d", (int)(fraction / 1000));
    return (size_t)n;
}
