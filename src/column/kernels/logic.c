/* & | ^ of booleans and integers. */
#include <string.h>

#include "column/kernels/binary.h"
#include "column/kernels/operand.h"
#include "column/kernels/validity.h"

/* The operations work on bits, so that bytes serve every type. */
static void combine(enum binary_op op, const uint8_t *restrict a, const uint8_t *restrict b,
                    uint8_t *restrict out, size_t nbytes)
{
    if (op == OP_AND)
        for (size_t i = 0; i < nbytes; i++)
            out[i] = a[i] & b[i];
    else if (op == OP_OR)
        for (size_t i = 0; i < nbytes; i++)
            out[i] = a[i] | b[i];
    else
        for (size_t i = 0; i < nbytes; i++)
            out[i] = a[i] ^ b[i];
}

/* The block of `operand` with 0 where `view` has a null. */
static const void *without_nulls(struct operand *operand, const struct view *view, int64_t start,
                                 int64_t n, void *copy)
{
    const void *values = operand_block(operand, start, n);
    if (!view->validity)
        return values;
    uint8_t valid[BLOCK_ROWS];
    size_t width = type_nbytes(operand->type);
    if (operand->broadcast)
        memset(valid, bit_get(view->validity, view->validity_offset), (size_t)n);
    else
        validity_bytes(view, start, n, valid);
    memcpy(copy, values, (size_t)n * width);
    for (int64_t i = 0; i < n; i++)
        if (!valid[i])
            memset((char *)copy + (size_t)i * width, 0, width);
    return copy;
}

/* Integers keep their nulls; where a bool takes part, missing counts as false. */
dk_status logic_apply(enum binary_op op, const struct view *a, const struct view *b,
                      struct vec *out, dk_error *err)
{
    dk_type type = binary_common(a->type, b->type);
    int64_t nrows = operand_rows(a, b);
    struct operand left, right;
    DK_TRY(operand_open(&left, a, type, nrows, err));
    DK_TRY(operand_open(&right, b, type, nrows, err));
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    if (out->type != DK_BOOL)
        validity_merge(out, a, b);
    uint64_t copy_a[BLOCK_ROWS], copy_b[BLOCK_ROWS], result[BLOCK_ROWS];
    size_t width = type_nbytes(type);
    convert_fn finish = convert_find(type, out->type);
    for (int64_t start = 0; start < nrows; start += BLOCK_ROWS) {
        int64_t n = nrows - start < BLOCK_ROWS ? nrows - start : BLOCK_ROWS;
        combine(op, without_nulls(&left, a, start, n, copy_a),
                without_nulls(&right, b, start, n, copy_b), (uint8_t *)result, (size_t)n * width);
        finish(result, (char *)out->data + (size_t)start * type_nbytes(out->type), n);
    }
    return DK_OK;
}
