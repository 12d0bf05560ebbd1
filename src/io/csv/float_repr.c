/* Shortest decimal form of a binary number. */
#include "io/csv/float_repr.h"

#include <math.h>
#include <string.h>

#include "io/csv/float.h"

/* significand * 2^power; `is_power` when the number below is only half as far away as the one
 * above. */
struct binary {
    uint64_t significand;
    int power;
    bool is_power;
};

/* significand * 10^power */
struct shortest {
    uint64_t significand;
    int power;
};

/* floor(log2(10^e)) and floor(log10(2^e)), floor(log10(3/4 * 2^e)) for the exponents of doubles. */
static int log2_of_power(int e)
{
    return (e * 1741647) >> 19;
}

static int log10_of_binary(int e, bool is_power)
{
    return (e * 1262611 - (is_power ? 524031 : 0)) >> 22;
}

/* The 128 bits of 10^power, rounded up. */
static void find_power(int power, uint64_t *high, uint64_t *low)
{
    const uint64_t *factor = csv_float_powers[power - CSV_FLOAT_MIN_POWER];
    bool is_cut = power < -27 || power > 55; /* the others are exact, or rounded up already */
    *low = factor[1] + is_cut;
    *high = factor[0] + (is_cut && *low == 0);
}

/* The leading 64 bits of the product; the lowest also says whether anything lies below it. */
static uint64_t multiply(uint64_t high, uint64_t low, uint64_t factor)
{
    csv_uint128 lower = (csv_uint128)low * factor;
    csv_uint128 upper = (csv_uint128)high * factor + (uint64_t)(lower >> 64);
    return (uint64_t)(upper >> 64) | ((uint64_t)upper > 1);
}

/* Works with four times the number and the ends of the interval that rounds to it, in units of
 * 10^power. */
static struct shortest shorten(struct binary number)
{
    uint64_t odd = number.significand & 1;
    int power = log10_of_binary(number.power, number.is_power);
    int shift = number.power + log2_of_power(-power) + 1;
    uint64_t high;
    uint64_t low;
    find_power(-power, &high, &low);
    uint64_t below = multiply(high, low, (4 * number.significand - 2 + number.is_power) << shift);
    uint64_t value = multiply(high, low, (4 * number.significand) << shift);
    uint64_t above = multiply(high, low, (4 * number.significand + 2) << shift);
    below += odd;
    above -= odd;

    uint64_t digits = value / 4;
    if (digits >= 10) {
        uint64_t tens = digits / 10;
        bool down = below <= 40 * tens;
        bool up = 40 * tens + 40 <= above;
        if (down != up)
            return (struct shortest){tens + up, power + 1};
    }
    bool down = below <= 4 * digits;
    bool up = 4 * digits + 4 <= above;
    if (down != up)
        return (struct shortest){digits + up, power};
    uint64_t middle = 4 * digits + 2;
    return (struct shortest){digits + (value > middle || (value == middle && (digits & 1))), power};
}

/* Whole numbers that need no rounding are themselves; everything else is shortened. */
static struct shortest find_shortest(struct binary number)
{
    struct shortest result;
    int trailing = __builtin_ctzll(number.significand);
    if (number.power <= 0 && number.power > -64 && trailing >= -number.power)
        result = (struct shortest){number.significand >> -number.power, 0};
    else
        result = shorten(number);
    while (result.significand % 10 == 0) {
        result.significand /= 10;
        result.power++;
    }
    return result;
}

static size_t write_digits(uint64_t value, char *out)
{
    char reversed[20];
    size_t n = 0;
    for (; value; value /= 10)
        reversed[n++] = (char)('0' + value % 10);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}

/* d.ddde+XX */
static size_t write_scientific(const char *digits, size_t ndigits, int exponent, char *out)
{
    char *at = out;
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    *at++ = digits[0];
    if (ndigits > 1) {
        *at++ = '.';
        memcpy(at, digits + 1, ndigits - 1);
        at += ndigits - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    if (magnitude < 10)
        *at++ = '0';
    at += write_digits(magnitude, at);
    return (size_t)(at - out);
}

/* `exponent` is that of the first digit, -5 < exponent < 17. */
static size_t write_fixed(const char *digits, size_t ndigits, int exponent, char *out)
{
    char *at = out;
    if (exponent < 0) {
        memcpy(at, "0.0000", 6);
        at += 1 - exponent;
        memcpy(at, digits, ndigits);
        return (size_t)(at - out) + ndigits;
    }
    size_t whole = (size_t)exponent + 1;
    size_t given = ndigits < whole ? ndigits : whole;
    memcpy(at, digits, given);
    memset(at + given, '0', whole - given);
    at += whole;
    *at++ = '.';
    if (ndigits <= whole) {
        *at++ = '0';
    } else {
        memcpy(at, digits + whole, ndigits - whole);
        at += ndigits - whole;
    }
    return (size_t)(at - out);
}

static size_t write_special(double value, char *out)
{
    const char *text = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
    size_t length = strlen(text);
    memcpy(out, text, length);
    return length;
}

static size_t write_number(struct binary number, bool minus, bool is_fixed, char *out)
{
    char digits[20] = {0};
    size_t sign = minus;
    out[0] = '-';
    struct shortest shortest = find_shortest(number);
    size_t ndigits = write_digits(shortest.significand, digits);
    int exponent = shortest.power + (int)ndigits - 1;
    return sign + (is_fixed ? write_fixed(digits, ndigits, exponent, out + sign)
                            : write_scientific(digits, ndigits, exponent, out + sign));
}

static size_t write_zero(bool minus, char *out)
{
    memcpy(out, minus ? "-0.0" : "0.0", minus ? 4 : 3);
    return minus ? 4 : 3;
}

size_t float_repr(double value, char out[FLOAT_REPR_MAX])
{
    uint64_t bits;
    memcpy(&bits, &value, 8);
    uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    int exponent = (int)(bits >> 52 & 0x7ff);
    bool minus = bits >> 63;
    if (exponent == 0x7ff)
        return write_special(value, out);
    if (value == 0)
        return write_zero(minus, out);
    struct binary number = {exponent ? fraction | UINT64_C(1) << 52 : fraction,
                            (exponent ? exponent : 1) - 1075, fraction == 0 && exponent > 1};
    double size = fabs(value);
    return write_number(number, minus, size >= 1e-4 && size < 1e16, out);
}

size_t float_repr_single(float value, char out[FLOAT_REPR_MAX])
{
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t fraction = bits & ((UINT32_C(1) << 23) - 1);
    int exponent = (int)(bits >> 23 & 0xff);
    bool minus = bits >> 31;
    if (exponent == 0xff)
        return write_special((double)value, out);
    if (value == 0)
        return write_zero(minus, out);
    struct binary number = {exponent ? fraction | UINT32_C(1) << 23 : fraction,
                            (exponent ? exponent : 1) - 150, fraction == 0 && exponent > 1};
    double size = fabs((double)value);
    return write_number(number, minus, size >= 1e-4 && size < 1e6, out);
}
