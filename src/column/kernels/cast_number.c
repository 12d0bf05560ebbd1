/* Casts among numbers. A value the target cannot hold is an error: it never becomes another value.
 */
#include <inttypes.h>
#include <math.h>

#include "column/kernels/cast.h"
#include "column/kernels/convert.h"
#include "column/kernels/validity.h"

/* Whole numbers of an integer type lie strictly between `low` and `high` before truncation. */
struct bounds {
    double low;
    double high;
};

static struct bounds bounds_of(dk_type type)
{
    switch (type) {
    case DK_INT8:
        return (struct bounds){-129.0, 128.0};
    case DK_INT16:
        return (struct bounds){-32769.0, 32768.0};
    case DK_INT32:
        return (struct bounds){-2147483649.0, 2147483648.0};
    case DK_UINT64:
        return (struct bounds){-1.0, 0x1p64};
    default: /* the double below -2^63 is -2^63 - 2048 */
        return (struct bounds){-0x1p63 - 2048, 0x1p63};
    }
}

static double float_at(const struct view *in, int64_t row)
{
    return in->type == DK_FLOAT32 ? (double)((const float *)in->data)[row]
                                  : ((const double *)in->data)[row];
}

static dk_status refuse_float(double value, dk_type to, dk_error *err)
{
    if (isfinite(value))
        return error_set(err, DK_ETYPE, "cannot convert %.17g to %s: it is out of range", value,
                         dk_type_name(to));
    return error_set(err, DK_ETYPE,
                     "cannot convert non-finite values (NA or inf) to %s; fill or drop them first",
                     dk_type_name(to));
}

/* NaN is a missing timestamp or duration, and nothing at all as an integer. */
static dk_status cast_floats_to_integers(const struct view *in, struct vec *out, dk_error *err)
{
    dk_type type = storage_type(out->type);
    bool nan_is_missing = type != out->type;
    struct bounds bounds = bounds_of(type);
    convert_fn convert = convert_find(DK_FLOAT64, type);
    char *to = out->data;
    size_t width = type_nbytes(type);
    for (int64_t i = 0; i < in->nrows; i++) {
        double value = float_at(in, i);
        if (isnan(value) && nan_is_missing) {
            value = 0;
            vec_set_null(out, i);
        }
        if (!(value > bounds.low && value < bounds.high))
            return refuse_float(value, out->type, err);
        convert(&value, to + (size_t)i * width, 1);
    }
    return DK_OK;
}

static dk_status refuse_integer(const struct view *in, int64_t row, dk_type to, dk_error *err)
{
    int64_t value;
    const char *at = (const char *)in->data + (size_t)row * type_nbytes(in->type);
    convert_find(in->type, DK_INT64)(at, &value, 1);
    if (in->type == DK_UINT64)
        return error_set(err, DK_ETYPE, "cannot convert %" PRIu64 " to %s: it is out of range",
                         (uint64_t)value, dk_type_name(to));
    return error_set(err, DK_ETYPE, "cannot convert %" PRId64 " to %s: it is out of range", value,
                     dk_type_name(to));
}

/* Did the valid integers of rows [start, start + n) survive their conversion to `out`? They did
 * when they come back equal; between signed and unsigned 64 bits the sign has to be looked at as
 * well. */
static dk_status check_integers(const struct view *in, int64_t start, int64_t n,
                                const struct vec *out, dk_error *err)
{
    enum { BLOCK = 1024 };
    int64_t before[BLOCK], after[BLOCK];
    dk_type to = storage_type(out->type);
    const char *source = (const char *)in->data + (size_t)start * type_nbytes(in->type);
    const char *result = (const char *)out->data + (size_t)start * type_nbytes(out->type);
    convert_find(in->type, DK_INT64)(source, before, n);
    convert_find(to, DK_INT64)(result, after, n);
    int64_t sign = (in->type == DK_UINT64) != (to == DK_UINT64) ? INT64_MIN : 0;
    for (int64_t i = 0; i < n; i++)
        if ((before[i] != after[i] || (before[i] & sign)) && !view_is_null(in, start + i))
            return refuse_integer(in, start + i, out->type, err);
    return DK_OK;
}

static dk_status cast_integers(const struct view *in, struct vec *out, dk_error *err)
{
    enum { BLOCK = 1024 };
    bool keeps_value = out->type == DK_BOOL || type_is_float(out->type) || in->type == DK_BOOL;
    convert_find(in->type, out->type)(in->data, out->data, in->nrows);
    for (int64_t start = 0; !keeps_value && start < in->nrows; start += BLOCK) {
        int64_t n = in->nrows - start < BLOCK ? in->nrows - start : BLOCK;
        DK_TRY(check_integers(in, start, n, out, err));
    }
    return DK_OK;
}

/* The lowest integer is what numpy keeps in the place of a missing timestamp or duration. */
static void mark_not_a_time(struct vec *out)
{
    const int64_t *values = out->data;
    for (int64_t i = 0; i < out->nrows; i++)
        if (values[i] == INT64_MIN)
            vec_set_null(out, i);
}

dk_status cast_numbers(const struct view *in, struct vec *out, dk_error *err)
{
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    bool to_float = type_is_float(out->type);
    if (type_is_float(in->type) && !to_float && out->type != DK_BOOL)
        return cast_floats_to_integers(in, out, err);
    DK_TRY(cast_integers(in, out, err));
    if (!to_float) {
        validity_merge(out, in, NULL);
        if (storage_type(out->type) != out->type)
            mark_not_a_time(out);
        return DK_OK;
    }
    for (int64_t i = 0; in->validity && i < in->nrows; i++)
        if (view_is_null(in, i))
            vec_set_null(out, i); /* NaN */
    return DK_OK;
}
