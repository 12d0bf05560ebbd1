/* Order and alignment of labels. */
#ifndef KERNELS_ALIGN_H
#define KERNELS_ALIGN_H

#include "column/vec.h"

/* Writes the permutation that sorts `view` ascending, stable, missing last, into rows[nrows]. Radix
 * sort on normalised 8-byte keys, comparison for text; already sorted input is noticed in one pass.
 */
dk_status argsort(struct memory *memory, const struct view *view, int64_t *rows) DK_NODISCARD;

/* The type of the labels that align_outer() gives, whatever they are: words are text, integers of
 * different widths int64, integers and floats float64.
 * Errors: DK_EALIGN (labels of types that do not compare). */
dk_status align_type(dk_type left, dk_type right, dk_type *out, dk_error *err) DK_NODISCARD;

/* The outer join of two label columns, as pandas aligns: identical labels (same values, same order)
 * keep their order; otherwise the sorted union, with the Cartesian product for repeated labels.
 * left[i] and right[i] are row numbers or -1. Missing labels come last and meet one another.
 * Integers meet floats by value; categories count as their words. Errors: as align_type(),
 * DK_EOVERFLOW (too many rows), DK_ENOMEM. */
struct alignment {
    struct memory *memory;
    int64_t nrows;
    bool identical; /* left and right are NULL then: every row meets its own */
    int64_t *left;
    int64_t *right;
    struct column *labels; /* a reference of its own */
};
dk_status align_outer(struct memory *memory, struct column *left, struct column *right,
                      struct alignment *out, dk_error *err) DK_NODISCARD;
void alignment_deinit(struct alignment *alignment);

#endif
