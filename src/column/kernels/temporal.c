/* Arithmetic of timestamps and durations, in nanoseconds. Unlike plain integers they never wrap: a
 * result outside the range is an error, as it is in pandas. */
#include <math.h>
#include <string.h>

#include "column/kernels/binary.h"
#include "column/kernels/operand.h"
#include "column/kernels/validity.h"

/* What became of one row. */
enum outcome { FINE, MISSING, TOO_LARGE };

static enum outcome from_double(double value, int64_t *out)
{
    *out = 0;
    if (isnan(value))
        return MISSING;
    if (value < -0x1p63 || value >= 0x1p63)
        return TOO_LARGE;
    *out = (int64_t)value;
    return FINE;
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    if (b == -1)
        return (int64_t)(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Duration by duration or integer, without a value where the divisor is 0. */
static enum outcome divide(enum binary_op op, int64_t a, int64_t b, int64_t *out)
{
    *out = 0;
    if (b == 0)
        return MISSING;
    int64_t quotient = floor_divide(a, b);
    if (op == OP_MOD)
        *out = (int64_t)((uint64_t)a - (uint64_t)quotient * (uint64_t)b);
    else
        *out = op == OP_DIV && b != -1 ? a / b : quotient;
    return FINE;
}

static enum outcome scale_integer(enum binary_op op, int64_t a, int64_t b, int64_t *out)
{
    if (op == OP_MUL)
        return __builtin_mul_overflow(a, b, out) ? TOO_LARGE : FINE;
    return divide(op, a, b, out);
}

static enum outcome scale_float(enum binary_op op, int64_t a, double b, int64_t *out)
{
    if (op == OP_MUL)
        return from_double((double)a * b, out);
    if (b == 0) {
        *out = 0;
        return MISSING;
    }
    if (op == OP_DIV)
        return from_double((double)a / b, out);
    int64_t quotient;
    enum outcome outcome = from_double(floor((double)a / b), &quotient);
    if (outcome != FINE || op == OP_FLOORDIV) {
        *out = quotient;
        return outcome;
    }
    outcome = from_double((double)quotient * b, out);
    *out = (int64_t)((uint64_t)a - (uint64_t)*out);
    return outcome;
}

static dk_status overflow(enum binary_op op, dk_error *err)
{
    return error_set(err, DK_EOVERFLOW,
                     "a result of %s is outside the range of 64-bit nanoseconds (292 years)",
                     binary_op_symbol(op));
}

/* Stores one outcome; rows that are missing already stay so whatever was computed from them. */
static bool settle(enum outcome outcome, int64_t row, struct vec *out)
{
    if (outcome == FINE || (out->has_nulls && !bit_get(out->validity, row)))
        return true;
    if (outcome == TOO_LARGE)
        return false;
    vec_set_null(out, row);
    return true;
}

/* Sums and differences: the dense loop only notes that something overflowed. */
static bool add_block(enum binary_op op, const int64_t *restrict a, const int64_t *restrict b,
                      int64_t *restrict out, int64_t n)
{
    uint64_t overflowed = 0;
    if (op == OP_ADD)
        for (int64_t i = 0; i < n; i++) {
            uint64_t sum = (uint64_t)a[i] + (uint64_t)b[i];
            overflowed |= (sum ^ (uint64_t)a[i]) & (sum ^ (uint64_t)b[i]);
            out[i] = (int64_t)sum;
        }
    else
        for (int64_t i = 0; i < n; i++) {
            uint64_t difference = (uint64_t)a[i] - (uint64_t)b[i];
            overflowed |= ((uint64_t)a[i] ^ (uint64_t)b[i]) & (difference ^ (uint64_t)a[i]);
            out[i] = (int64_t)difference;
        }
    return overflowed >> 63;
}

/* Was it a row that counts? Nulls may hold anything. */
static bool really_overflowed(enum binary_op op, const int64_t *a, const int64_t *b, int64_t start,
                              int64_t n, struct vec *out)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t ignored;
        bool too_large = op == OP_ADD ? __builtin_add_overflow(a[i], b[i], &ignored)
                                      : __builtin_sub_overflow(a[i], b[i], &ignored);
        if (!settle(too_large ? TOO_LARGE : FINE, start + i, out))
            return true;
    }
    return false;
}

static bool scale_block(enum binary_op op, const int64_t *a, const void *b, dk_type b_type,
                        int64_t start, int64_t n, struct vec *out)
{
    int64_t *result = (int64_t *)out->data + start;
    for (int64_t i = 0; i < n; i++) {
        enum outcome outcome;
        if (type_is_float(b_type))
            outcome = scale_float(op, a[i], ((const double *)b)[i], &result[i]);
        else if (b_type == DK_UINT64 && ((const int64_t *)b)[i] < 0) /* 2^63 or more */
            outcome = TOO_LARGE;
        else
            outcome = scale_integer(op, a[i], ((const int64_t *)b)[i], &result[i]);
        if (!settle(outcome, start + i, out))
            return false;
    }
    return true;
}

/* The quotient of two durations is a plain float64. */
static dk_status ratio(const struct view *a, const struct view *b, struct vec *out, dk_error *err)
{
    int64_t nrows = operand_rows(a, b);
    struct operand left, right;
    DK_TRY(operand_open(&left, a, DK_FLOAT64, nrows, err));
    DK_TRY(operand_open(&right, b, DK_FLOAT64, nrows, err));
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    for (int64_t start = 0; start < nrows; start += BLOCK_ROWS) {
        int64_t n = nrows - start < BLOCK_ROWS ? nrows - start : BLOCK_ROWS;
        const double *dividends = operand_block(&left, start, n);
        const double *divisors = operand_block(&right, start, n);
        double *result = (double *)out->data + start;
        for (int64_t i = 0; i < n; i++)
            result[i] = dividends[i] / divisors[i];
    }
    return DK_OK;
}

/* Operations on two counts of nanoseconds, or on one and a number: `a` is the temporal one. */
static dk_status count_apply(enum binary_op op, const struct view *a, const struct view *b,
                             struct vec *out, dk_error *err)
{
    bool sums = op == OP_ADD || op == OP_SUB;
    dk_type b_reading = type_is_float(b->type) ? DK_FLOAT64 : DK_INT64;
    int64_t nrows = operand_rows(a, b);
    struct operand left, right;
    DK_TRY(operand_open(&left, a, DK_INT64, nrows, err));
    DK_TRY(operand_open(&right, b, b_reading, nrows, err));
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    validity_merge(out, a, b);
    for (int64_t start = 0; start < nrows; start += BLOCK_ROWS) {
        int64_t n = nrows - start < BLOCK_ROWS ? nrows - start : BLOCK_ROWS;
        const int64_t *x = operand_block(&left, start, n);
        const void *y = operand_block(&right, start, n);
        if (sums) {
            if (add_block(op, x, y, (int64_t *)out->data + start, n) &&
                really_overflowed(op, x, y, start, n, out))
                return overflow(op, err);
        } else if (!scale_block(op, x, y, b->type, start, n, out)) {
            return overflow(op, err);
        }
    }
    return DK_OK;
}

dk_status temporal_apply(enum binary_op op, const struct view *a, const struct view *b,
                         struct vec *out, dk_error *err)
{
    if (out->type == DK_FLOAT64)
        return ratio(a, b, out, err);
    if (!type_is_temporal(a->type))
        return count_apply(op, b, a, out, err);
    return count_apply(op, a, b, out, err);
}
