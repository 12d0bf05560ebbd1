#include <math.h>

#include "column/bits.h"
#include "column/column.h"

static const struct {
    const char *name;
    uint8_t nbytes;
} types[DK_TYPE_COUNT] = {
#define TYPE_ENTRY(type, name, nbytes) {name, nbytes},
    DK_TYPE_LIST(TYPE_ENTRY)
#undef TYPE_ENTRY
};

const char *dk_type_name(dk_type type)
{
    return (unsigned)type < DK_TYPE_COUNT ? types[type].name : "unknown";
}

size_t type_nbytes(dk_type type)
{
    return types[type].nbytes;
}

bool type_is_float(dk_type type)
{
    return type == DK_FLOAT32 || type == DK_FLOAT64;
}

bool type_is_integer(dk_type type)
{
    return type >= DK_INT8 && type <= DK_UINT64;
}

bool type_is_number(dk_type type)
{
    return type_is_integer(type) || type_is_float(type);
}

struct view view_slice(const struct view *view, int64_t start, int64_t nrows)
{
    struct view slice = *view;
    slice.nrows = nrows;
    if (view->type == DK_TEXT) {
        slice.offsets = view->offsets + start;
    } else {
        slice.data = (const char *)view->data + (size_t)start * type_nbytes(view->type);
    }
    slice.validity_offset = view->validity ? view->validity_offset + start : 0;
    return slice;
}

bool view_is_valid(const struct view *view, int64_t row)
{
    if (view->type == DK_FLOAT64)
        return !isnan(((const double *)view->data)[row]);
    if (view->type == DK_FLOAT32)
        return !isnan(((const float *)view->data)[row]);
    return !view_is_null(view, row);
}

static int64_t count_nan64(const double *values, int64_t nrows)
{
    int64_t count = 0;
    for (int64_t i = 0; i < nrows; i++)
        count += values[i] != values[i];
    return count;
}

static int64_t count_nan32(const float *values, int64_t nrows)
{
    int64_t count = 0;
    for (int64_t i = 0; i < nrows; i++)
        count += values[i] != values[i];
    return count;
}

int64_t view_count_missing(const struct view *view)
{
    if (view->type == DK_FLOAT64)
        return count_nan64(view->data, view->nrows);
    if (view->type == DK_FLOAT32)
        return count_nan32(view->data, view->nrows);
    if (!view->validity)
        return 0;
    return bits_count_zeros(view->validity, view->validity_offset, view->nrows);
}
