/* The superaccumulator behind exact_sum: a fixed-point number wide enough for every double. */
#ifndef KERNELS_EXACT_WIDE_H
#define KERNELS_EXACT_WIDE_H

#include "column/kernels/exact_sum.h"

/* Two's complement, lowest limb first; bit 0 of limb 0 is worth 2^EXACT_WIDE_LOWEST. It reaches up
 * to 2^1152, so 2^63 additions of the largest double cannot overflow it. */
#define EXACT_WIDE_LIMBS  36
#define EXACT_WIDE_LOWEST (-1152)

struct exact_wide {
    uint64_t limbs[EXACT_WIDE_LIMBS];
};

/* Adds value * 2^exponent; exponent >= EXACT_WIDE_LOWEST, and all of it below 2^1150. */
void exact_wide_add(struct exact_wide *wide, int128 value, int32_t exponent);
void exact_wide_merge(struct exact_wide *wide, const struct exact_wide *other);
/* The nearest double, ties to even; infinite beyond the range. */
double exact_wide_round(const struct exact_wide *wide);

/* value * 2^exponent, which is exact or overflows to infinity when the value has 53 bits or the
 * result is no multiple of 2^-1074 only above its 53rd bit. */
double exact_scale(double value, int32_t exponent);

#endif
