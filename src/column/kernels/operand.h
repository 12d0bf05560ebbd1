/* One side of an element-wise operation, read block by block as the type the operation computes in.
 * One loop body then serves column with column, column with literal and literal with column. */
#ifndef KERNELS_OPERAND_H
#define KERNELS_OPERAND_H

#include "column/kernels/convert.h"

/* Rows of a block: two converted operands stay in the first-level cache. */
#define BLOCK_ROWS 1024

struct operand {
    const struct view *view;
    dk_type type;       /* of what operand_block() gives */
    bool broadcast;     /* one row that stands for all: `block` holds it many times */
    convert_fn convert; /* NULL: the view's values are used as they are */
    _Alignas(64) unsigned char block[BLOCK_ROWS * sizeof(int64_t)];
};

/* Prepares reading `view` for a result of `nrows` rows as `type`. A one-row integer that does not
 * fit an integer `type` gives DK_EOVERFLOW "the integer 1000 is out of bounds for int8" (a column
 * is never narrowed: its type would have won). Borrows `view`. */
dk_status operand_open(struct operand *operand, const struct view *view, dk_type type,
                       int64_t nrows, dk_error *err) DK_NODISCARD;

/* The values of rows [start, start + n), n <= BLOCK_ROWS, start a multiple of BLOCK_ROWS. Read as a
 * float type, missing values are NaN; else what stands at a missing value is arbitrary. Valid until
 * the next call. */
const void *operand_block(struct operand *operand, int64_t start, int64_t n);

/* Rows of `a op b`: one row is broadcast against any number. */
int64_t operand_rows(const struct view *a, const struct view *b);

#endif
