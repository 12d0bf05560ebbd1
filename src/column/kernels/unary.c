#include <math.h>
#include <string.h>

#include "column/kernels/convert.h"
#include "column/kernels/elementwise.h"
#include "column/kernels/validity.h"

static const char *const symbols[] = {
#define UNARY_SYMBOL(name, symbol) [name] = symbol,
    UNARY_OP_LIST(UNARY_SYMBOL)
#undef UNARY_SYMBOL
};

const char *unary_op_symbol(enum unary_op op)
{
    return symbols[op];
}

dk_status unary_type(enum unary_op op, dk_type in, dk_type *out, dk_error *err)
{
    bool is_test = op == OP_ISNA || op == OP_NOTNA;
    *out = is_test ? DK_BOOL : in;
    bool integral = in == DK_BOOL || type_is_integer(in);
    if (is_test || integral)
        return DK_OK;
    if (op != OP_NOT && (type_is_float(in) || in == DK_DURATION))
        return DK_OK;
    return error_set(err, DK_ETYPE, "cannot apply %s to %s", symbols[op], dk_type_name(in));
}

typedef void (*map_fn)(const void *restrict values, void *restrict result, int64_t n);

/* Negation in unsigned arithmetic: the lowest value is its own negative, as in numpy. */
#define T               int8_t
#define MINUS(x)        (T)(0 - (unsigned)(x))
#define MAGNITUDE(x)    ((x) < 0 ? MINUS(x) : (x))
#define NAME(operation) operation##_int8
#include "column/kernels/unary_number.inc.h"
#define T               int16_t
#define MINUS(x)        (T)(0 - (unsigned)(x))
#define MAGNITUDE(x)    ((x) < 0 ? MINUS(x) : (x))
#define NAME(operation) operation##_int16
#include "column/kernels/unary_number.inc.h"
#define T               int32_t
#define MINUS(x)        (T)(0 - (unsigned)(x))
#define MAGNITUDE(x)    ((x) < 0 ? MINUS(x) : (x))
#define NAME(operation) operation##_int32
#include "column/kernels/unary_number.inc.h"
#define T               int64_t
#define MINUS(x)        (T)(0 - (uint64_t)(x))
#define MAGNITUDE(x)    ((x) < 0 ? MINUS(x) : (x))
#define NAME(operation) operation##_int64
#include "column/kernels/unary_number.inc.h"
#define T               uint64_t
#define MINUS(x)        (0 - (x))
#define MAGNITUDE(x)    (x)
#define NAME(operation) operation##_uint64
#include "column/kernels/unary_number.inc.h"
#define T               float
#define MINUS(x)        (-(x))
#define MAGNITUDE(x)    fabsf(x)
#define NAME(operation) operation##_float32
#include "column/kernels/unary_number.inc.h"
#define T               double
#define MINUS(x)        (-(x))
#define MAGNITUDE(x)    fabs(x)
#define NAME(operation) operation##_float64
#include "column/kernels/unary_number.inc.h"

static const map_fn negations[DK_TYPE_COUNT] = {
    [DK_INT8] = neg_int8,       [DK_INT16] = neg_int16,   [DK_INT32] = neg_int32,
    [DK_INT64] = neg_int64,     [DK_UINT64] = neg_uint64, [DK_FLOAT32] = neg_float32,
    [DK_FLOAT64] = neg_float64,
};

static const map_fn magnitudes[DK_TYPE_COUNT] = {
    [DK_INT8] = abs_int8,       [DK_INT16] = abs_int16,   [DK_INT32] = abs_int32,
    [DK_INT64] = abs_int64,     [DK_UINT64] = abs_uint64, [DK_FLOAT32] = abs_float32,
    [DK_FLOAT64] = abs_float64,
};

/* Flips the bits in `flip` of every byte: a bool has only its lowest. */
static void invert(const uint8_t *in, uint8_t *out, size_t nbytes, uint8_t flip)
{
    for (size_t i = 0; i < nbytes; i++)
        out[i] = in[i] ^ flip;
}

/* A bool is its own magnitude, and its negative is "not". */
static void apply_bool(enum unary_op op, const struct view *in, struct vec *out)
{
    invert(in->data, out->data, (size_t)in->nrows, op == OP_ABS ? 0 : 1);
}

static void test_floats(const struct view *in, bool want_missing, uint8_t *restrict out)
{
    if (in->type == DK_FLOAT32) {
        const float *restrict values = in->data;
        for (int64_t i = 0; i < in->nrows; i++)
            out[i] = (values[i] != values[i]) == want_missing;
    } else {
        const double *restrict values = in->data;
        for (int64_t i = 0; i < in->nrows; i++)
            out[i] = (values[i] != values[i]) == want_missing;
    }
}

static void test_missing(const struct view *in, bool want_missing, uint8_t *out)
{
    if (type_is_float(in->type)) {
        test_floats(in, want_missing, out);
        return;
    }
    validity_bytes(in, 0, in->nrows, out);
    if (want_missing)
        invert(out, out, (size_t)in->nrows, 1);
}

dk_status unary_apply(enum unary_op op, const struct view *in, struct vec *out, dk_error *err)
{
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    if (op == OP_ISNA || op == OP_NOTNA) {
        test_missing(in, op == OP_ISNA, out->data);
        return DK_OK;
    }
    dk_type type = storage_type(in->type);
    if (type == DK_BOOL)
        apply_bool(op, in, out);
    else if (op == OP_NOT)
        invert(in->data, out->data, (size_t)in->nrows * type_nbytes(type), 0xff);
    else
        (op == OP_NEG ? negations : magnitudes)[type](in->data, out->data, in->nrows);
    if (!type_is_float(type))
        validity_merge(out, in, NULL);
    return DK_OK;
}
