/* Reading decimal numbers: the general form, and the cases that need more than one product. */
#include "io/csv/float.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

const double csv_exact_powers[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

const uint64_t csv_int_powers[20] = {UINT64_C(1),
                                     UINT64_C(10),
                                     UINT64_C(100),
                                     UINT64_C(1000),
                                     UINT64_C(10000),
                                     UINT64_C(100000),
                                     UINT64_C(1000000),
                                     UINT64_C(10000000),
                                     UINT64_C(100000000),
                                     UINT64_C(1000000000),
                                     UINT64_C(10000000000),
                                     UINT64_C(100000000000),
                                     UINT64_C(1000000000000),
                                     UINT64_C(10000000000000),
                                     UINT64_C(100000000000000),
                                     UINT64_C(1000000000000000),
                                     UINT64_C(10000000000000000),
                                     UINT64_C(100000000000000000),
                                     UINT64_C(1000000000000000000),
                                     UINT64_C(10000000000000000000)};

/* A number taken apart. `digits` starts at the first digit that is not zero; `mantissa` holds the
 * first 19 of the `ndigits` from there on, and `power` belongs to the mantissa. */
struct decimal {
    bool minus;
    const char *digits;
    int64_t ndigits;
    uint64_t mantissa;
    int64_t power;
    bool is_cut; /* there are digits behind the 19, not all zero */
};

/* Digits longer than these say no more about rounding: 768 decide between any two doubles. */
#define DECIDING_DIGITS 800
#define POWER_MAX       100000

static bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

/* Takes a run of digits; those behind the point lower the power. Returns how many there were. */
static int64_t take_digits(struct decimal *number, const char **at, const char *end, bool decimals)
{
    const char *from = *at;
    const char *p = from;
    for (; p < end && is_digit(*p); p++) {
        if (number->ndigits == 0 && *p == '0') {
            number->power -= decimals;
            continue;
        }
        if (number->ndigits == 0)
            number->digits = p;
        if (number->ndigits < 19) {
            number->mantissa = number->mantissa * 10 + (uint64_t)(*p - '0');
            number->power -= decimals;
        } else {
            number->is_cut |= *p != '0';
            number->power += !decimals;
        }
        number->ndigits++;
    }
    *at = p;
    return p - from;
}

static bool take_exponent(struct decimal *number, const char *at, const char *end)
{
    int64_t exponent = 0;
    bool minus = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (!is_digit(*at))
            return false;
        if (exponent < POWER_MAX)
            exponent = exponent * 10 + (*at - '0');
    }
    number->power += minus ? -exponent : exponent;
    return true;
}

static bool take_apart(const char *at, const char *end, struct decimal *out)
{
    *out = (struct decimal){.minus = at < end && *at == '-'};
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    int64_t count = take_digits(out, &at, end, false);
    if (at < end && *at == '.') {
        at++;
        count += take_digits(out, &at, end, true);
    }
    if (count == 0)
        return false;
    if (at == end)
        return true;
    return (*at == 'e' || *at == 'E') && take_exponent(out, at + 1, end);
}

/* Subnormals are shifted once more before they are rounded. */
static double scale_small(uint64_t mantissa, int power)
{
    struct csv_product product = csv_float_multiply(mantissa, power);
    double result;
    if (product.exponent >= 2047)
        return INFINITY;
    if (1 - product.exponent >= 64)
        return 0.0;
    uint64_t bits = product.bits >> (1 - product.exponent);
    bits = (bits + (bits & 1)) >> 1;
    memcpy(&result, &bits, 8);
    return result;
}

double csv_float_scale(uint64_t mantissa, int power)
{
    double result;
    if (mantissa == 0 || power < CSV_FLOAT_MIN_POWER)
        return 0.0;
    if (power > CSV_FLOAT_MAX_POWER)
        return INFINITY;
    if (csv_float_product(mantissa, power, &result))
        return result;
    return scale_small(mantissa, power);
}

/* strtod on the digits without point, and their power: the text has no byte that a locale could
 * read differently, and digits too far behind to decide are replaced by one that says whether more
 * follows. */
static double scale_exactly(const struct decimal *number, const char *end)
{
    char copy[DECIDING_DIGITS + 32];
    size_t n = 0;
    bool has_more = false;
    for (const char *p = number->digits; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.')
            continue;
        if (n < DECIDING_DIGITS)
            copy[n++] = *p;
        else
            has_more |= *p != '0';
    }
    if (has_more)
        copy[n++] = '1';
    int64_t power = number->power - ((int64_t)n - 19);
    (void)snprintf(copy + n, sizeof copy - n, "e%lld", (long long)power);
    return strtod(copy, NULL);
}

static bool parse_infinity(const char *text, const char *end, double *out)
{
    size_t length = (size_t)(end - text);
    bool minus = length && *text == '-';
    if (length && (*text == '-' || *text == '+')) {
        text++;
        length--;
    }
    if (!(length == 3 && strncasecmp(text, "inf", 3) == 0) &&
        !(length == 8 && strncasecmp(text, "infinity", 8) == 0))
        return false;
    *out = minus ? -INFINITY : INFINITY;
    return true;
}

bool csv_float_parse(const char *text, const char *end, double *out)
{
    struct decimal number;
    if (!take_apart(text, end, &number))
        return parse_infinity(text, end, out);
    int power = number.power > POWER_MAX    ? POWER_MAX
                : number.power < -POWER_MAX ? -POWER_MAX
                                            : (int)number.power;
    double result = csv_float_scale(number.mantissa, power);
    if (number.is_cut && csv_float_scale(number.mantissa + 1, power) != result)
        result = scale_exactly(&number, end);
    *out = number.minus ? -result : result;
    return true;
}
