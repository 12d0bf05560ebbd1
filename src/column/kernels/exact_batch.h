/* Exact sums of short slices of doubles by vector arithmetic, the way into exact_sum_add_many().
 *
 * Adding and subtracting a large enough power of two cuts a double at a fixed bit; pieces cut at
 * the same bit add up without rounding while their count times their size stays below 2^53 of those
 * bits. Two cuts keep 86 bits below the largest value, which is all there is of most slices; the
 * others are left to the caller. Source: Demmel and Nguyen, "Fast reproducible floating-point
 * summation" (2013). */
#ifndef KERNELS_EXACT_BATCH_H
#define KERNELS_EXACT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#define EXACT_BATCH_LOG2 9
#define EXACT_BATCH_MAX  (1 << EXACT_BATCH_LOG2)
/* Shorter slices are faster one by one. */
#define EXACT_BATCH_MIN 32

struct exact_batch {
    double high; /* high + low is the sum */
    double low;
    int64_t nvalues; /* without the NaNs, which count as nothing */
};

/* False when the slice of n <= EXACT_BATCH_MAX values has an infinity, or values too far apart in
 * size. */
bool exact_batch_sum(const double *values, int64_t n, struct exact_batch *out);

#endif
