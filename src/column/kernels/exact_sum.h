/* Exact sums of doubles: any order of the same additions gives the same bits, rounded once to
 * nearest even.
 *
 * A sum is kept as a 128-bit integer times 2^base; a value that does not fit its window moves it to
 * a full superaccumulator of 64-bit limbs. Infinities and NaN are remembered beside it. Source:
 * Neal, "Fast exact summation using small and large superaccumulators" (2015). */
#ifndef KERNELS_EXACT_SUM_H
#define KERNELS_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

struct exact_wide;

/* All zero is the empty sum. The base may be anything while the window is zero. */
struct exact_sum {
    int128 window;
    struct exact_wide *wide; /* NULL until the window was left */
    double special;          /* 0, or the sum of the infinities and NaNs met */
    int32_t base;            /* exponent of the window's lowest bit */
};

/* A finite double as an integer times a power of two. */
struct exact_scaled {
    int64_t mantissa;
    int32_t exponent;
};

#define EXACT_SPECIAL_EXPONENT (0x7ff - 1075)

/* Infinities and NaNs have EXACT_SPECIAL_EXPONENT. */
static inline struct exact_scaled exact_split(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int32_t field = (int32_t)(bits >> 52) & 0x7ff;
    int64_t mantissa = (int64_t)(bits & ((UINT64_C(1) << 52) - 1));
    int64_t sign = (int64_t)bits >> 63;
    /* Subnormal numbers have no hidden bit and the exponent of the smallest normal ones. */
    mantissa |= (int64_t)(field != 0) << 52;
    return (struct exact_scaled){(mantissa ^ sign) - sign, (field ? field : 1) - 1075};
}

/* Adds mantissa * 2^exponent, the mantissa of at most 127 - reach bits, if it fits the window as it
 * is. */
static inline bool exact_sum_fits(struct exact_sum *sum, int128 mantissa, int32_t exponent,
                                  uint32_t reach)
{
    uint32_t shift = (uint32_t)(exponent - sum->base);
    int128 total;
    if (shift > reach || !sum->window)
        return false;
    if (__builtin_add_overflow(sum->window, (int128)((uint128)mantissa << shift), &total))
        return false;
    sum->window = total;
    return true;
}

/* What most additions are. False: nothing was done, ask exact_sum_add(). */
static inline bool exact_sum_add_quick(struct exact_sum *sum, double value)
{
    struct exact_scaled scaled = exact_split(value);
    return scaled.exponent != EXACT_SPECIAL_EXPONENT &&
           exact_sum_fits(sum, scaled.mantissa, scaled.exponent, 74);
}

void exact_sum_init(struct exact_sum *sum);
void exact_sum_deinit(struct exact_sum *sum, struct memory *memory);
dk_status exact_sum_add(struct exact_sum *sum, double value, struct memory *memory) DK_NODISCARD;
/* n values, skipping NaN where `skip_nan`; *added gets how many were not skipped. */
dk_status exact_sum_add_many(struct exact_sum *sum, const double *values, int64_t n, bool skip_nan,
                             int64_t *added, struct memory *memory) DK_NODISCARD;
dk_status exact_sum_add_int(struct exact_sum *sum, int64_t value,
                            struct memory *memory) DK_NODISCARD;
/* Adds mantissa * 2^exponent, exponent in [-1074, 960]. */
dk_status exact_sum_add_scaled(struct exact_sum *sum, int128 mantissa, int32_t exponent,
                               struct memory *memory) DK_NODISCARD;
/* Adds a * b without rounding (of the product only what lies below 2^-1074 is lost); a product
 * beyond the range of a double counts as an infinity. */
dk_status exact_sum_add_product(struct exact_sum *sum, double a, double b,
                                struct memory *memory) DK_NODISCARD;
dk_status exact_sum_merge(struct exact_sum *sum, const struct exact_sum *other,
                          struct memory *memory) DK_NODISCARD;
/* The nearest double, and the nearest float (rounded once, not by way of the double). */
double exact_sum_round(const struct exact_sum *sum);
float exact_sum_round_float(const struct exact_sum *sum);
/* Writes doubles whose exact sum is the sum, largest first, and returns how many (at most
 * EXACT_SUM_MAX_PARTS, at least one). A sum beyond 2^1028, out of a double's range, becomes an
 * infinity. */
#define EXACT_SUM_MAX_PARTS 42
/* At most three parts when exact_sum_is_narrow(). */
bool exact_sum_is_narrow(const struct exact_sum *sum);
int exact_sum_parts(const struct exact_sum *sum, double parts[EXACT_SUM_MAX_PARTS]);

#endif
