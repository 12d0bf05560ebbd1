#include "column/kernels/operand.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "column/kernels/validity.h"

int64_t operand_rows(const struct view *a, const struct view *b)
{
    assert(a->nrows == b->nrows || a->nrows == 1 || b->nrows == 1);
    return a->nrows == 1 ? b->nrows : a->nrows;
}

/* Missing integers become NaN where the operation computes in floats. */
static void set_nan(const struct view *view, int64_t start, int64_t n, dk_type type, void *values)
{
    uint8_t valid[BLOCK_ROWS];
    validity_bytes(view, start, n, valid);
    if (type == DK_FLOAT32) {
        float *out = values;
        for (int64_t i = 0; i < n; i++)
            out[i] = valid[i] ? out[i] : NAN;
    } else {
        double *out = values;
        for (int64_t i = 0; i < n; i++)
            out[i] = valid[i] ? out[i] : (double)NAN;
    }
}

static void load(struct operand *operand, int64_t start, int64_t n)
{
    const struct view *view = operand->view;
    const char *in = (const char *)view->data + (size_t)start * type_nbytes(view->type);
    operand->convert(in, operand->block, n);
    if (type_is_float(operand->type) && view->validity)
        set_nan(view, start, n, operand->type, operand->block);
}

/* Does the integer in row 0 of `view` survive the conversion to `type`? */
static dk_status check_fits(const struct view *view, dk_type type, dk_error *err)
{
    if (!type_is_integer(view->type) || !type_is_integer(type) || view_is_null(view, 0))
        return DK_OK;
    int64_t value, back;
    char narrow[sizeof(int64_t)];
    convert_find(view->type, DK_INT64)(view->data, &value, 1);
    convert_find(view->type, type)(view->data, narrow, 1);
    convert_find(type, DK_INT64)(narrow, &back, 1);
    bool negative = view->type != DK_UINT64 && value < 0;
    bool negative_after = type != DK_UINT64 && back < 0;
    if (back == value && negative == negative_after)
        return DK_OK;
    const char *name = dk_type_name(type);
    if (view->type == DK_UINT64)
        return error_set(err, DK_EOVERFLOW, "the integer %" PRIu64 " is out of bounds for %s",
                         (uint64_t)value, name);
    return error_set(err, DK_EOVERFLOW, "the integer %" PRId64 " is out of bounds for %s", value,
                     name);
}

/* Fills the block with copies of its first value, doubling what is there. */
static void repeat_first(struct operand *operand)
{
    size_t width = type_nbytes(operand->type), total = BLOCK_ROWS * width;
    for (size_t filled = width; filled < total; filled *= 2)
        memcpy(operand->block + filled, operand->block, filled);
}

dk_status operand_open(struct operand *operand, const struct view *view, dk_type type,
                       int64_t nrows, dk_error *err)
{
    operand->view = view;
    operand->type = type;
    operand->broadcast = view->nrows == 1 && nrows != 1;
    bool same = storage_type(view->type) == storage_type(type);
    operand->convert = same && !operand->broadcast ? NULL : convert_find(view->type, type);
    if (view->nrows == 1)
        DK_TRY(check_fits(view, type, err));
    if (operand->broadcast) {
        load(operand, 0, 1);
        repeat_first(operand);
    }
    return DK_OK;
}

const void *operand_block(struct operand *operand, int64_t start, int64_t n)
{
    if (operand->broadcast)
        return operand->block;
    if (!operand->convert)
        return (const char *)operand->view->data + (size_t)start * type_nbytes(operand->type);
    load(operand, start, n);
    return operand->block;
}
