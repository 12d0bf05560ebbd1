/* Arithmetic of numbers: both sides are read as one type, and one dense loop does the work. */
#include <math.h>
#include <string.h>

#include "column/kernels/binary.h"
#include "column/kernels/operand.h"
#include "column/kernels/validity.h"

/* `n` values each, of one type, without overlap. */
typedef void (*dense_fn)(const void *restrict left, const void *restrict right,
                         void *restrict result, int64_t n);

#define T int8_t
#define W unsigned
#define SIGNED
#define NAME(operation) operation##_int8
#include "column/kernels/arithmetic_int.inc.h"
#define T int16_t
#define W unsigned
#define SIGNED
#define NAME(operation) operation##_int16
#include "column/kernels/arithmetic_int.inc.h"
#define T int32_t
#define W unsigned
#define SIGNED
#define NAME(operation) operation##_int32
#include "column/kernels/arithmetic_int.inc.h"
#define T int64_t
#define W uint64_t
#define SIGNED
#define NAME(operation) operation##_int64
#include "column/kernels/arithmetic_int.inc.h"
#define T               uint64_t
#define W               uint64_t
#define NAME(operation) operation##_uint64
#include "column/kernels/arithmetic_int.inc.h"
#define T               float
#define F(function)     function##f
#define NAME(operation) operation##_float32
#include "column/kernels/arithmetic_float.inc.h"
#define T               double
#define F(function)     function
#define NAME(operation) operation##_float64
#include "column/kernels/arithmetic_float.inc.h"

/* Bytes of 0 and 1: their sum is "or". */
static void add_bool(const void *restrict left, const void *restrict right, void *restrict result,
                     int64_t n)
{
    const uint8_t *restrict a = left, *restrict b = right;
    uint8_t *restrict out = result;
    for (int64_t i = 0; i < n; i++)
        out[i] = a[i] | b[i];
}

static const dense_fn bodies_bool[] = {[OP_ADD] = add_bool, [OP_MUL] = mul_int8};

static const dense_fn *const bodies[DK_TYPE_COUNT] = {
    [DK_BOOL] = bodies_bool,       [DK_INT8] = bodies_int8,       [DK_INT16] = bodies_int16,
    [DK_INT32] = bodies_int32,     [DK_INT64] = bodies_int64,     [DK_UINT64] = bodies_uint64,
    [DK_FLOAT32] = bodies_float32, [DK_FLOAT64] = bodies_float64,
};

/* Integers have no inverse: a negative exponent in a row that counts is refused, as numpy does. */
static dk_status check_exponents(const struct view *a, const struct view *b, dk_type type,
                                 dk_error *err)
{
    if (!type_is_integer(type) || type == DK_UINT64)
        return DK_OK;
    int64_t nrows = operand_rows(a, b);
    struct operand exponents;
    DK_TRY(operand_open(&exponents, b, DK_INT64, nrows, err));
    for (int64_t start = 0; start < nrows; start += BLOCK_ROWS) {
        int64_t n = nrows - start < BLOCK_ROWS ? nrows - start : BLOCK_ROWS;
        const int64_t *values = operand_block(&exponents, start, n);
        for (int64_t i = 0; i < n; i++)
            if (values[i] < 0 && !view_is_null(b, b->nrows == 1 ? 0 : start + i) &&
                !view_is_null(a, a->nrows == 1 ? 0 : start + i))
                return error_set(err, DK_EINVAL,
                                 "Integers to negative integer powers are not allowed; convert the "
                                 "base with astype('float64')");
    }
    return DK_OK;
}

static dense_fn choose_body(enum binary_op op, dk_type type, struct operand *b)
{
    if (op == OP_POW && b->broadcast && type == DK_FLOAT64)
        return pow_literal_float64(*(const double *)operand_block(b, 0, 1));
    if (op == OP_POW && b->broadcast && type == DK_FLOAT32)
        return pow_literal_float32(*(const float *)operand_block(b, 0, 1));
    return bodies[type][op];
}

/* Marks the rows whose divisor is 0. */
static void mark_zeros(const void *divisors, dk_type type, int64_t start, int64_t n,
                       struct vec *out)
{
    uint8_t nonzero[BLOCK_ROWS];
    convert_find(type, DK_BOOL)(divisors, nonzero, n);
    const uint8_t *at = nonzero, *end = nonzero + n;
    while ((at = memchr(at, 0, (size_t)(end - at))) != NULL)
        vec_set_null(out, start + (at++ - nonzero));
}

dk_status arithmetic_apply(enum binary_op op, const struct view *a, const struct view *b,
                           struct vec *out, dk_error *err)
{
    dk_type type = out->type;
    int64_t nrows = operand_rows(a, b);
    struct operand left, right;
    DK_TRY(operand_open(&left, a, type, nrows, err));
    DK_TRY(operand_open(&right, b, type, nrows, err));
    if (op == OP_POW)
        DK_TRY(check_exponents(a, b, type, err));
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    bool divides = !type_is_float(type) && (op == OP_FLOORDIV || op == OP_MOD);
    if (!type_is_float(type))
        validity_merge(out, a, b);
    dense_fn body = choose_body(op, type, &right);
    size_t width = type_nbytes(type);
    for (int64_t start = 0; start < nrows; start += BLOCK_ROWS) {
        int64_t n = nrows - start < BLOCK_ROWS ? nrows - start : BLOCK_ROWS;
        const void *divisors = operand_block(&right, start, n);
        body(operand_block(&left, start, n), divisors, (char *)out->data + (size_t)start * width,
             n);
        if (divides)
            mark_zeros(divisors, type, start, n, out);
    }
    return DK_OK;
}
