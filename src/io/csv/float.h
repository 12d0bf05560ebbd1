/* Reading decimal numbers as doubles, always the nearest one (what strtod gives in the C locale).
 *
 * A number is taken apart into a decimal mantissa of up to 19 digits and a power of ten; the
 * product is computed in 128 bits with a table of powers, which is enough to round correctly.
 * Longer numbers are tried with their first 19 digits and the next number above; where these
 * differ, strtod decides. Source: Lemire, "Number parsing at a gigabyte per second" (2021); Mushtak
 * and Lemire, "Fast number parsing without fallback" (2023). */
#ifndef IO_CSV_FLOAT_H
#define IO_CSV_FLOAT_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Outside these powers every mantissa gives 0 or infinity. */
#define CSV_FLOAT_MIN_POWER (-342)
#define CSV_FLOAT_MAX_POWER 308

/* The table goes on to 10^324, which printing subnormals needs. */
#define CSV_FLOAT_POWERS (324 - CSV_FLOAT_MIN_POWER + 1)

extern const uint64_t csv_float_powers[CSV_FLOAT_POWERS][2];

/* The powers of ten that a uint64 holds, and those that a double holds exactly. */
extern const uint64_t csv_int_powers[20];
extern const double csv_exact_powers[23];

/* Reads text[0 .. end - text) as [sign] digits [. digits] [e [sign] digits], or a word for
 * infinity; false when it is neither. No blanks. Eight bytes behind `end` must be readable. */
bool csv_float_parse(const char *text, const char *end, double *out);

/* mantissa * 10^power, the nearest double. */
double csv_float_scale(uint64_t mantissa, int power);

static inline uint64_t csv_load8(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, 8);
    return word;
}

#define CSV_EACH_BYTE UINT64_C(0x0101010101010101)

/* True when all bytes of a word of digit values are 0 to 9. */
static inline bool csv_are_digits(uint64_t values)
{
    return (((values + CSV_EACH_BYTE * 0x76) | values) & CSV_EACH_BYTE * 0x80) == 0;
}

/* The number that eight digit values make, the first in the lowest byte. */
static inline uint64_t csv_eight_digits(uint64_t values)
{
    const uint64_t low_pairs = UINT64_C(0x000000ff000000ff);
    values = values * 10 + (values >> 8);
    return ((values & low_pairs) * UINT64_C(0x000f424000000064) +
            ((values >> 16) & low_pairs) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* The first `n` (1 to 8) bytes at `text` as digit values, moved up so that zeros lead. */
static inline uint64_t csv_digit_values(const char *text, size_t n)
{
    return (csv_load8(text) ^ CSV_EACH_BYTE * '0') << (64 - 8 * n);
}

__extension__ typedef unsigned __int128 csv_uint128;

/* mantissa * 5^power: the leading bits, from bit 54 or 55 down to one behind those a double keeps;
 * `low` has the next 64 bits, `top` is 1 when the product filled its highest bit, and `exponent` is
 * a double's. */
struct csv_product {
    uint64_t bits;
    uint64_t low;
    uint64_t high;
    int top;
    int exponent;
};

/* 217706 / 2^16 is log2(10), near enough to give the exponent of every power in the table. */
static inline struct csv_product csv_float_multiply(uint64_t mantissa, int power)
{
    const uint64_t *factor = csv_float_powers[power - CSV_FLOAT_MIN_POWER];
    int shift = __builtin_clzll(mantissa);
    csv_uint128 first = (csv_uint128)(mantissa << shift) * factor[0];
    uint64_t high = (uint64_t)(first >> 64);
    uint64_t low = (uint64_t)first;
    if (__builtin_expect((high & 0x1ff) == 0x1ff, 0)) {
        uint64_t more = (uint64_t)((csv_uint128)(mantissa << shift) * factor[1] >> 64);
        low += more;
        high += low < more;
    }
    int top = (int)(high >> 63);
    return (struct csv_product){high >> (top + 9), low, high, top,
                                ((217706 * power) >> 16) + 63 + top - shift + 1023};
}

/* mantissa * 10^power for a mantissa other than 0 and a power of the table; false when the result
 * is subnormal or infinite, which csv_float_scale() knows. */
static inline bool csv_float_product(uint64_t mantissa, int power, double *out)
{
    struct csv_product product = csv_float_multiply(mantissa, power);
    uint64_t bits = product.bits;
    if (__builtin_expect(product.exponent <= 0 || product.exponent >= 2047, 0))
        return false;
    /* Half way between two doubles, exactly: round to even. Only small powers can be exact. */
    if (__builtin_expect(product.low <= 1 && power >= -4 && power <= 23 && (bits & 3) == 1 &&
                             bits << (product.top + 9) == product.high,
                         0))
        bits &= ~UINT64_C(1);
    bits = (bits + (bits & 1)) >> 1;
    /* The leading bit is not stored; added, it makes the exponent one more, and so does a carry. */
    bits += (uint64_t)(product.exponent - 1) << 52;
    memcpy(out, &bits, 8);
    return true;
}

/* Below this a mantissa is exact as a double, and one division by an exact power rounds once. */
#define CSV_EXACT_MANTISSA (UINT64_C(1) << 53)

static inline double csv_float_divide(uint64_t mantissa, size_t ndecimals)
{
    return (double)(int64_t)mantissa / csv_exact_powers[ndecimals];
}

/* Up to 8 decimals behind a `whole` of up to 7 digits: always exact. */
static inline bool csv_float_short(const char *decimals, size_t ndecimals, uint64_t whole,
                                   double *out)
{
    uint64_t values = csv_digit_values(decimals, ndecimals);
    uint64_t mantissa = whole * csv_int_powers[ndecimals] + csv_eight_digits(values);
    *out = csv_float_divide(mantissa, ndecimals);
    return csv_are_digits(values);
}

/* 9 to 16 decimals, 19 digits at most. */
static inline bool csv_float_long(const char *decimals, size_t ndecimals, uint64_t whole,
                                  double *out)
{
    uint64_t first = csv_load8(decimals) ^ CSV_EACH_BYTE * '0';
    uint64_t last = csv_digit_values(decimals + 8, ndecimals - 8);
    uint64_t mantissa =
        csv_eight_digits(first) * csv_int_powers[ndecimals - 8] + csv_eight_digits(last);
    mantissa += whole * csv_int_powers[ndecimals];
    if (!csv_are_digits(first) || !csv_are_digits(last))
        return false;
    if (__builtin_expect(mantissa >= CSV_EXACT_MANTISSA, 0))
        return csv_float_product(mantissa, -(int)ndecimals, out);
    *out = csv_float_divide(mantissa, ndecimals);
    return true;
}

/* The usual number: 1 to 7 digits, a point, 1 to 16 digits. False when it is another, or none: then
 * csv_float_parse() tells. */
static inline bool csv_float_fast(const char *text, const char *end, double *out)
{
    bool minus = *text == '-';
    text += minus;
    uint64_t points = csv_load8(text) ^ CSV_EACH_BYTE * '.';
    points = (points - CSV_EACH_BYTE) & ~points & CSV_EACH_BYTE * 0x80;
    if (points == 0)
        return false;
    size_t nwhole = (size_t)__builtin_ctzll(points) >> 3;
    size_t ndecimals = (size_t)(end - text) - nwhole - 1;
    if (nwhole == 0 || ndecimals - 1 > 15 || nwhole + ndecimals > 19)
        return false;

    uint64_t values = csv_digit_values(text, nwhole);
    uint64_t whole = csv_eight_digits(values);
    const char *decimals = text + nwhole + 1;
    double result;
    if (!csv_are_digits(values) ||
        !(ndecimals <= 8 ? csv_float_short(decimals, ndecimals, whole, &result)
                         : csv_float_long(decimals, ndecimals, whole, &result)))
        return false;
    *out = minus ? -result : result;
    return true;
}

#endif
