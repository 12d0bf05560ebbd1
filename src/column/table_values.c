/* Single values of a table, for programs that look at results. */
#include <math.h>

#include "column/table.h"

/* The index of numbered rows has no column; its labels are the row numbers. */
static const struct view *view_of(const dk_table *table, int32_t column)
{
    if (column >= 0)
        return &table->columns[column]->view;
    return table->index ? &table->index->view : NULL;
}

bool dk_table_is_missing(const dk_table *table, int32_t column, int64_t row)
{
    const struct view *view = view_of(table, column);
    return view && !view_is_valid(view, row);
}

static double as_float(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_FLOAT64:
        return ((const double *)view->data)[row];
    case DK_FLOAT32:
        return (double)((const float *)view->data)[row];
    case DK_UINT64:
        return (double)((const uint64_t *)view->data)[row];
    default:
        return NAN;
    }
}

static int64_t as_int(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_BOOL:
        return ((const uint8_t *)view->data)[row];
    case DK_INT8:
        return ((const int8_t *)view->data)[row];
    case DK_INT16:
        return ((const int16_t *)view->data)[row];
    case DK_INT32:
        return ((const int32_t *)view->data)[row];
    case DK_INT64:
    case DK_UINT64:
    case DK_TIMESTAMP:
    case DK_DURATION:
        return ((const int64_t *)view->data)[row];
    default:
        return 0;
    }
}

static bool is_text(const struct view *view)
{
    return view->type == DK_TEXT || view->type == DK_CATEGORY;
}

double dk_table_float(const dk_table *table, int32_t column, int64_t row)
{
    const struct view *view = view_of(table, column);
    if (!view)
        return (double)row;
    if (is_text(view) || !view_is_valid(view, row))
        return NAN;
    bool direct = type_is_float(view->type) || view->type == DK_UINT64;
    return direct ? as_float(view, row) : (double)as_int(view, row);
}

int64_t dk_table_int(const dk_table *table, int32_t column, int64_t row)
{
    const struct view *view = view_of(table, column);
    if (!view)
        return row;
    if (is_text(view))
        return 0;
    if (!view_is_valid(view, row))
        return INT64_MIN;
    if (!type_is_float(view->type))
        return as_int(view, row);
    double value = as_float(view, row);
    bool in_range = value >= -0x1p63 && value < 0x1p63;
    return in_range ? (int64_t)value : INT64_MIN;
}

static const char *text_at(const struct view *view, int64_t row, size_t *nbytes)
{
    if (nbytes)
        *nbytes = (size_t)(view->offsets[row + 1] - view->offsets[row]);
    const char *pool = view->data;
    return pool ? pool + view->offsets[row] : "";
}

const char *dk_table_text(const dk_table *table, int32_t column, int64_t row, size_t *nbytes)
{
    const struct view *view = view_of(table, column);
    if (!view || !is_text(view) || view_is_null(view, row))
        return NULL;
    if (view->type == DK_TEXT)
        return text_at(view, row, nbytes);
    int32_t code = ((const int32_t *)view->data)[row];
    return text_at(&view->dictionary->view, code, nbytes);
}
