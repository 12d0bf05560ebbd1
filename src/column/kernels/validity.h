/* Null bitmaps of inputs with any bit offset: merging them into a result, and reading them as
 * bytes. */
#ifndef KERNELS_VALIDITY_H
#define KERNELS_VALIDITY_H

#include "column/vec.h"

/* Marks the rows of `out` (reset, no nulls yet) missing that are missing in `a` or in `b` (NULL: no
 * second input). An input of one row stands for every row. */
void validity_merge(struct vec *out, const struct view *a, const struct view *b);

/* bytes[i] = 1 where row `start + i` of `view` is not null, else 0; all 1 without a bitmap. */
void validity_bytes(const struct view *view, int64_t start, int64_t nrows, uint8_t *bytes);

#endif
