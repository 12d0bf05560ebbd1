/* The sample variance of what two exact sums say. */
#ifndef KERNELS_VARIANCE_H
#define KERNELS_VARIANCE_H

#include "column/kernels/exact_sum.h"

/* Variance (ddof 1) of `count` values from their sum and the sum of their squares; NaN for fewer
 * than two values and when one is infinite; infinite when a square leaves the range of doubles.
 *
 * It depends on the values only, not on the order they came in, and is right to a few units in the
 * last place also where the values are far from zero and close together. Source: pandas Series.var.
 */
dk_status variance(const struct exact_sum *sum, const struct exact_sum *squares, int64_t count,
                   struct memory *memory, double *out) DK_NODISCARD;

#endif
