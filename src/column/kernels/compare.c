/* Comparisons of numbers, timestamps and durations. */
#include <string.h>

#include "column/kernels/binary.h"
#include "column/kernels/operand.h"
#include "column/kernels/validity.h"

/* out[i] = 1 where the comparison holds for row i, else 0; nothing overlaps. */
typedef void (*test_fn)(const void *restrict left, const void *restrict right,
                        uint8_t *restrict out, int64_t n);

#define EQUAL(x, y)      ((x) == (y))
#define LESS(x, y)       ((x) < (y))
#define LESS_EQUAL(x, y) ((x) <= (y))
#define A                uint8_t
#define B                uint8_t
#define NAME(operation)  operation##_bool
#include "column/kernels/compare.inc.h"
#define A               int8_t
#define B               int8_t
#define NAME(operation) operation##_int8
#include "column/kernels/compare.inc.h"
#define A               int16_t
#define B               int16_t
#define NAME(operation) operation##_int16
#include "column/kernels/compare.inc.h"
#define A               int32_t
#define B               int32_t
#define NAME(operation) operation##_int32
#include "column/kernels/compare.inc.h"
#define A               int64_t
#define B               int64_t
#define NAME(operation) operation##_int64
#include "column/kernels/compare.inc.h"
#define A               uint64_t
#define B               uint64_t
#define NAME(operation) operation##_uint64
#include "column/kernels/compare.inc.h"
#define A               float
#define B               float
#define NAME(operation) operation##_float32
#include "column/kernels/compare.inc.h"
#define A               double
#define B               double
#define NAME(operation) operation##_float64
#include "column/kernels/compare.inc.h"
#undef EQUAL
#undef LESS
#undef LESS_EQUAL

/* Signed against unsigned, exactly: no type holds both. */
#define EQUAL(x, y)      ((x) >= 0 && (uint64_t)(x) == (y))
#define LESS(x, y)       ((x) < 0 || (uint64_t)(x) < (y))
#define LESS_EQUAL(x, y) ((x) < 0 || (uint64_t)(x) <= (y))
#define A                int64_t
#define B                uint64_t
#define NAME(operation)  operation##_signed_unsigned
#include "column/kernels/compare.inc.h"
#undef EQUAL
#undef LESS
#undef LESS_EQUAL
#define EQUAL(x, y)      ((y) >= 0 && (x) == (uint64_t)(y))
#define LESS(x, y)       ((y) >= 0 && (x) < (uint64_t)(y))
#define LESS_EQUAL(x, y) ((y) >= 0 && (x) <= (uint64_t)(y))
#define A                uint64_t
#define B                int64_t
#define NAME(operation)  operation##_unsigned_signed
#include "column/kernels/compare.inc.h"

static const test_fn *const bodies[DK_TYPE_COUNT] = {
    [DK_BOOL] = bodies_bool,       [DK_INT8] = bodies_int8,       [DK_INT16] = bodies_int16,
    [DK_INT32] = bodies_int32,     [DK_INT64] = bodies_int64,     [DK_UINT64] = bodies_uint64,
    [DK_FLOAT32] = bodies_float32, [DK_FLOAT64] = bodies_float64,
};

/* How one comparison is carried out: each side's type, and the loop. */
struct plan {
    dk_type left;
    dk_type right;
    test_fn body;
};

static bool is_signed(dk_type type)
{
    return type == DK_BOOL || (type_is_integer(type) && type != DK_UINT64);
}

/* Integers are compared by value, whatever their widths; floats in the type arithmetic would use.
 */
static struct plan choose_plan(enum binary_op op, const struct view *a, const struct view *b)
{
    dk_type left = storage_type(a->type), right = storage_type(b->type);
    if (left == DK_UINT64 && is_signed(right))
        return (struct plan){left, DK_INT64, bodies_unsigned_signed[op - OP_EQ]};
    if (is_signed(left) && right == DK_UINT64)
        return (struct plan){DK_INT64, right, bodies_signed_unsigned[op - OP_EQ]};
    dk_type common = binary_common(left, right);
    return (struct plan){common, common, bodies[common][op - OP_EQ]};
}

/* What a missing value on either side makes of a row: false, for != true. */
static void settle_missing(enum binary_op op, const struct view *view, int64_t start, int64_t n,
                           uint8_t *out)
{
    if (!view->validity)
        return;
    uint8_t valid[BLOCK_ROWS];
    if (view->nrows == 1)
        memset(valid, bit_get(view->validity, view->validity_offset), (size_t)n);
    else
        validity_bytes(view, start, n, valid);
    if (op == OP_NE)
        for (int64_t i = 0; i < n; i++)
            out[i] |= !valid[i];
    else
        for (int64_t i = 0; i < n; i++)
            out[i] &= valid[i];
}

static void compare_values(enum binary_op op, struct plan plan, struct operand *left,
                           struct operand *right, struct vec *out)
{
    uint8_t *result = out->data;
    for (int64_t start = 0; start < out->nrows; start += BLOCK_ROWS) {
        int64_t n = out->nrows - start < BLOCK_ROWS ? out->nrows - start : BLOCK_ROWS;
        plan.body(operand_block(left, start, n), operand_block(right, start, n), result + start, n);
        settle_missing(op, left->view, start, n, result + start);
        settle_missing(op, right->view, start, n, result + start);
    }
}

/* Values of kinds that have nothing in common: == nowhere, != everywhere. */
static void compare_nothing(enum binary_op op, struct vec *out)
{
    memset(out->data, op == OP_NE, (size_t)out->nrows);
}

dk_status compare_apply(enum binary_op op, const struct view *a, const struct view *b,
                        struct vec *out, dk_error *err)
{
    if (op == OP_GT)
        return compare_apply(OP_LT, b, a, out, err);
    if (op == OP_GE)
        return compare_apply(OP_LE, b, a, out, err);
    int64_t nrows = operand_rows(a, b);
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    bool numbers = type_is_countable(a->type) && type_is_countable(b->type);
    if (!numbers && (a->type != b->type || !type_is_temporal(a->type))) {
        compare_nothing(op, out);
        return DK_OK;
    }
    struct plan plan = choose_plan(op, a, b);
    struct operand left, right;
    DK_TRY(operand_open(&left, a, plan.left, nrows, err));
    DK_TRY(operand_open(&right, b, plan.right, nrows, err));
    compare_values(op, plan, &left, &right, out);
    return DK_OK;
}
