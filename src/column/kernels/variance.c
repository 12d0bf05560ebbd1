#include "column/kernels/variance.h"

#include <math.h>

#include "base/error.h"

/* out += factor * sum, exactly. */
static dk_status add_multiple(struct exact_sum *out, const struct exact_sum *sum, double factor,
                              struct memory *memory)
{
    double parts[EXACT_SUM_MAX_PARTS];
    int nparts = exact_sum_parts(sum, parts);
    for (int i = 0; i < nparts; i++)
        DK_TRY(exact_sum_add_product(out, factor, parts[i], memory));
    return DK_OK;
}

/* The sum of (x - center)^2 = sum x^2 - 2 center sum x + n center^2, without rounding. */
static dk_status add_spread(struct exact_sum *out, const struct exact_sum *sum,
                            const struct exact_sum *squares, double count, double center,
                            struct memory *memory)
{
    double head = center * center, tail = fma(center, center, -head);
    DK_TRY(exact_sum_merge(out, squares, memory));
    DK_TRY(add_multiple(out, sum, -2 * center, memory));
    DK_TRY(exact_sum_add_product(out, count, head, memory));
    return exact_sum_add_product(out, count, tail, memory);
}

/* With a center next to the mean nothing cancels any more: what the center is off by is corrected
 * for in doubles, as sum (x - mean)^2 = sum (x - center)^2 - (sum (x - center))^2 / n. */
static dk_status centered(const struct exact_sum *sum, const struct exact_sum *squares,
                          double count, struct memory *memory, double *out)
{
    struct exact_sum spread, offset;
    double center = exact_sum_round(sum) / count;
    exact_sum_init(&spread);
    exact_sum_init(&offset);
    dk_status status = add_spread(&spread, sum, squares, count, center, memory);
    if (status == DK_OK)
        status = exact_sum_merge(&offset, sum, memory);
    if (status == DK_OK)
        status = exact_sum_add_product(&offset, -count, center, memory);
    if (status == DK_OK) {
        double off = exact_sum_round(&offset);
        double total = exact_sum_round(&spread) - off * (off / count);
        /* A product along the way left the range of doubles, as the squares nearly did. */
        *out = isfinite(total) ? fmax(total, 0) / (count - 1) : INFINITY;
    }
    exact_sum_deinit(&spread, memory);
    exact_sum_deinit(&offset, memory);
    return status;
}

dk_status variance(const struct exact_sum *sum, const struct exact_sum *squares, int64_t count,
                   struct memory *memory, double *out)
{
    *out = NAN;
    if (count < 2 || !isfinite(exact_sum_round(sum)))
        return DK_OK;
    *out = exact_sum_round(squares);
    /* The values were finite: only their squares were not. */
    if (!isfinite(*out))
        return DK_OK;
    return centered(sum, squares, (double)count, memory, out);
}
