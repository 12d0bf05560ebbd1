#include "column/kernels/exact_batch.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "column/kernels/cpu.h"

#define LANES 4

typedef double lanes __attribute__((vector_size(LANES * 8)));
typedef int64_t mask __attribute__((vector_size(LANES * 8)));
typedef double unaligned_lanes __attribute__((vector_size(LANES * 8), aligned(8)));

static const mask magnitude_bits = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};

/* A macro only because a function would pass vectors by an ABI that depends on the instruction set.
 */
#define pick(where, yes, no) ((lanes)(((mask)(yes) & (where)) | ((mask)(no) & ~(where))))

#define BATCH(name) name##_plain
#define BATCH_TARGET
#include "column/kernels/exact_batch.inc.h"

#if CPU_X86
#define BATCH(name)  name##_avx2
#define BATCH_TARGET __attribute__((target("avx2")))
#include "column/kernels/exact_batch.inc.h"
#endif

/* 1.5 * 2^exponent: the half keeps x + it, of either sign of x, between two powers of two, where
 * doubles are evenly spaced. */
static double cutter(int exponent)
{
    uint64_t bits = ((uint64_t)(exponent + 1023) << 52) | (UINT64_C(1) << 51);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int exponent_of(double magnitude)
{
    uint64_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    int field = (int)(bits >> 52);
    return (field ? field : 1) - 1023;
}

static double largest(const double *values, int64_t n, int64_t *nvalues)
{
#if CPU_X86
    if (cpu_has_avx2())
        return largest_avx2(values, n, nvalues);
#endif
    return largest_plain(values, n, nvalues);
}

static bool cut(const double *values, int64_t n, double first, double second,
                struct exact_batch *out)
{
#if CPU_X86
    if (cpu_has_avx2())
        return cut_avx2(values, n, first, second, out);
#endif
    return cut_plain(values, n, first, second, out);
}

bool exact_batch_sum(const double *values, int64_t n, struct exact_batch *out)
{
    double top = largest(values, n, &out->nvalues);
    /* n values below 2^(exponent + 1) sum to less than 2^first. The pieces left below the first cut
     * are at most 2^(first - 53), so the same holds one level down. */
    int first = exponent_of(top) + 1 + EXACT_BATCH_LOG2;
    if (first > DBL_MAX_EXP - 2)
        return false;
    int second = first - 53 + EXACT_BATCH_LOG2;
    /* The smallest normal exponent cuts at the last bit a double can have. */
    if (second < DBL_MIN_EXP - 1)
        second = DBL_MIN_EXP - 1;
    return cut(values, n, cutter(first), cutter(second), out);
}
