/* Cells to doubles, 16 digits at a time. One byte shuffle moves the digits to the right end of a
 * register and zeros in front of them, so that length and place of the point need no branch. */
#include "io/csv/cells.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "io/csv/float.h"

#define TARGET __attribute__((target("avx,bmi")))

#define MOST_DIGITS      16 /* in one register */
#define MOST_LONG_DIGITS 19 /* in 64 bits */

/* 16 bytes from [19 - n] on choose the bytes behind the first n. */
static const uint8_t behind[MOST_LONG_DIGITS + 16] = {
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* 16 bytes from [n] on shuffle the first n bytes to the end; the high bit makes zeros. */
static const uint8_t to_the_end[32] = {
    0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
    0,    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,   12,   13,   14,   15};

/* A cell without its sign. Without a point in its first 16 bytes it is all whole digits. */
struct shape {
    const char *text;
    size_t nwhole;
    size_t ndigits;
    size_t is_minus;
};

static inline TARGET __m128i load16(const void *bytes)
{
    return _mm_loadu_si128(bytes);
}

static inline TARGET struct shape find_shape(const char *text, const char *end)
{
    size_t is_minus = *text == '-';
    text += is_minus;
    size_t nbytes = (size_t)(end - text);
    __m128i points = _mm_cmpeq_epi8(load16(text), _mm_set1_epi8('.'));
    size_t nwhole = _tzcnt_u32((unsigned)_mm_movemask_epi8(points));
    bool has_point = nwhole < nbytes;
    return (struct shape){text, has_point ? nwhole : nbytes, nbytes - has_point, is_minus};
}

/* The values of the first `ndigits` digits, 16 at most, the last one in the highest byte. */
static inline TARGET __m128i take_digits(const struct shape *shape, size_t ndigits)
{
    __m128i with_point = load16(shape->text);
    __m128i behind_point = load16(shape->text + 1);
    __m128i digits = _mm_blendv_epi8(with_point, behind_point,
                                     load16(behind + MOST_LONG_DIGITS - shape->nwhole));
    digits = _mm_sub_epi8(digits, _mm_set1_epi8('0'));
    return _mm_shuffle_epi8(digits, load16(to_the_end + ndigits));
}

static inline TARGET bool are_digits(__m128i values)
{
    __m128i too_big = _mm_subs_epu8(values, _mm_set1_epi8(9));
    return _mm_testz_si128(too_big, too_big);
}

/* The two numbers that eight digits each make, in the low half. */
static inline TARGET __m128i add_up(__m128i values)
{
    __m128i pairs = _mm_maddubs_epi16(values, _mm_set1_epi16(0x010a));
    __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00010064));
    return _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(0x00012710));
}

static inline TARGET uint64_t to_mantissa(__m128i eights)
{
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
    return (both & UINT32_MAX) * 100000000 + (both >> 32);
}

/* The sign comes from memory: in a general register, the compiler's `sete` on its low byte would
 * make every cell wait for the division of the one before. */
static inline TARGET double set_sign(double value, size_t is_minus)
{
    static const double signs[2][2] = {{0.0, 0.0}, {-0.0, -0.0}};
    return _mm_cvtsd_f64(_mm_xor_pd(_mm_set_sd(value), _mm_loadu_pd(signs[is_minus])));
}

static double divide_or_multiply(uint64_t mantissa, size_t ndecimals)
{
    double result = 0;
    if (mantissa < CSV_EXACT_MANTISSA)
        return csv_float_divide(mantissa, ndecimals);
    (void)csv_float_product(mantissa, -(int)ndecimals, &result); /* far from too big or small */
    return result;
}

/* A cell whose mantissa a double may not hold: 16 to 19 digits. */
static __attribute__((noinline)) TARGET bool read_long(const char *text, const char *end,
                                                       double *out)
{
    struct shape shape = find_shape(text, end);
    if (shape.ndigits - MOST_DIGITS > MOST_LONG_DIGITS - MOST_DIGITS)
        return false;
    __m128i values = take_digits(&shape, MOST_DIGITS);
    if (!are_digits(values))
        return false;
    uint64_t mantissa = to_mantissa(add_up(values));
    bool has_point = shape.nwhole < MOST_DIGITS;
    for (size_t i = MOST_DIGITS; i < shape.ndigits; i++) {
        unsigned digit = (unsigned)(shape.text[i + has_point] - '0');
        if (digit > 9)
            return false;
        mantissa = mantissa * 10 + digit;
    }
    *out = set_sign(divide_or_multiply(mantissa, shape.ndigits - shape.nwhole), shape.is_minus);
    return true;
}

/* [-] up to 19 digits, a point at most among them. */
static inline TARGET bool read_cell(const char *text, const char *end, double *out)
{
    struct shape shape = find_shape(text, end);
    if (__builtin_expect(shape.ndigits - 1 >= MOST_DIGITS, 0))
        return read_long(text, end, out);
    __m128i values = take_digits(&shape, shape.ndigits);
    if (__builtin_expect(!are_digits(values), 0))
        return false;
    /* Exact when it comes out below 2^53; a larger one, rounded or not, does not. */
    __m128d halves = _mm_mul_pd(_mm_cvtepi32_pd(add_up(values)), _mm_set_pd(1, 1e8));
    double mantissa = _mm_cvtsd_f64(_mm_add_sd(halves, _mm_unpackhi_pd(halves, halves)));
    if (__builtin_expect(mantissa >= (double)CSV_EXACT_MANTISSA, 0))
        return read_long(text, end, out);
    *out = set_sign(mantissa / csv_exact_powers[shape.ndigits - shape.nwhole], shape.is_minus);
    return true;
}

TARGET size_t csv_floats_avx(const struct csv_cells *cells, size_t first, double *values)
{
    const char *bytes = cells->bytes;
    const uint32_t *before = cells->before;
    const uint32_t *end = cells->end;
    size_t stride = cells->stride;
    size_t nrows = cells->nrows;
    size_t i = first;
    for (; i < nrows; i++) {
        const char *text = bytes + (uint32_t)(before[i * stride] + 1);
        if (__builtin_expect(!read_cell(text, bytes + end[i * stride], &values[i]), 0))
            break;
    }
    return i;
}

#endif
