/* The values of a column as cells.   Source: pandas format_array. */
#include "column/format/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *format_dtype(const struct view *view)
{
    if (view->type == DK_BOOL && view_count_missing(view) > 0)
        return "object";
    bool upcast = type_is_integer(view->type) && format_is_float(view);
    return dk_type_name(upcast ? DK_FLOAT64 : view->type);
}

bool format_is_float(const struct view *view)
{
    return type_is_float(view->type) ||
           (type_is_integer(view->type) && view_count_missing(view) > 0);
}

bool format_is_numeric(const struct view *view)
{
    if (view->type == DK_BOOL)
        return view_count_missing(view) == 0;
    return type_is_number(view->type);
}

struct cell format_literal(const char *string)
{
    return cell_of(string, strlen(string));
}

dk_status format_copy(struct arena *arena, const char *bytes, size_t nbytes, struct cell *out)
{
    char *copy = arena_text(arena, bytes, nbytes);
    if (!copy)
        return DK_ENOMEM;
    *out = cell_of(copy, nbytes);
    return DK_OK;
}

static char escape_of(char c)
{
    return c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : 0;
}

dk_status format_text(struct arena *arena, const char *bytes, size_t nbytes, struct cell *out)
{
    size_t nescapes = 0;
    for (size_t i = 0; i < nbytes; i++)
        nescapes += escape_of(bytes[i]) != 0;
    *out = cell_of(bytes, nbytes);
    if (!nescapes)
        return DK_OK;
    char *copy = arena_alloc(arena, nbytes + nescapes);
    if (!copy)
        return DK_ENOMEM;
    char *at = copy;
    for (size_t i = 0; i < nbytes; i++) {
        char escape = escape_of(bytes[i]);
        if (escape)
            *at++ = '\\';
        *at++ = escape ? escape : bytes[i];
    }
    *out = cell_of(copy, nbytes + nescapes);
    return DK_OK;
}

dk_status format_name(struct arena *arena, const char *name, struct cell *out)
{
    return format_text(arena, name ? name : "", name ? strlen(name) : 0, out);
}

static int64_t integer_at(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_INT8:
        return ((const int8_t *)view->data)[row];
    case DK_INT16:
        return ((const int16_t *)view->data)[row];
    case DK_INT32:
        return ((const int32_t *)view->data)[row];
    default:
        return ((const int64_t *)view->data)[row];
    }
}

double format_float_at(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_FLOAT64:
        return ((const double *)view->data)[row];
    case DK_FLOAT32:
        return (double)((const float *)view->data)[row];
    case DK_UINT64:
        return view_is_null(view, row) ? NAN : (double)((const uint64_t *)view->data)[row];
    default:
        return view_is_null(view, row) ? NAN : (double)integer_at(view, row);
    }
}

static dk_status floats(struct arena *arena, const struct view *view, const struct print_rows *rows,
                        enum justify justify, struct cells *out)
{
    double *values = arena_alloc(arena, (size_t)rows->count * sizeof(*values));
    if (!values)
        return DK_ENOMEM;
    for (int64_t i = 0; i < rows->count; i++)
        values[i] = format_float_at(view, print_row(rows, i));
    return format_floats(arena, values, rows->count, view->type == DK_FLOAT32, justify, out);
}

static dk_status integers(struct arena *arena, const struct view *view,
                          const struct print_rows *rows, struct cells *out)
{
    char text[24];
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = print_row(rows, i);
        int n = view->type == DK_UINT64
                    ? snprintf(text, sizeof(text), " %llu",
                               (unsigned long long)((const uint64_t *)view->data)[row])
                    : snprintf(text, sizeof(text), "% lld", (long long)integer_at(view, row));
        struct cell cell;
        DK_TRY(format_copy(arena, text, (size_t)n, &cell));
        cells_push(out, cell);
    }
    return DK_OK;
}

static void bools(const struct view *view, const struct print_rows *rows, struct cells *out)
{
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = print_row(rows, i);
        bool value = ((const uint8_t *)view->data)[row] != 0;
        cells_push(out, format_literal(view_is_null(view, row) ? " NaN"
                                       : value                 ? " True"
                                                               : " False"));
    }
}

struct cell format_word(const struct view *view, int64_t row)
{
    if (view->type == DK_CATEGORY)
        return format_word(&view->dictionary->view, ((const int32_t *)view->data)[row]);
    int64_t start = view->offsets[row];
    int64_t nbytes = view->offsets[row + 1] - start;
    /* A column of empty texts may have no bytes at all. */
    return nbytes ? cell_of((const char *)view->data + start, (size_t)nbytes) : cell_of("", 0);
}

static dk_status texts(struct arena *arena, const struct view *view, const struct print_rows *rows,
                       struct cells *out)
{
    for (int64_t i = 0; i < rows->count; i++) {
        int64_t row = print_row(rows, i);
        struct cell cell = format_literal("NaN");
        if (!view_is_null(view, row)) {
            struct cell word = format_word(view, row);
            DK_TRY(format_text(arena, word.bytes, word.nbytes, &cell));
        }
        cell.blanks_before = 1;
        cells_push(out, cell);
    }
    return DK_OK;
}

static dk_status print_values(struct arena *arena, const struct view *view,
                              const struct print_rows *rows, enum justify justify,
                              struct cells *out)
{
    if (format_is_float(view))
        return floats(arena, view, rows, justify, out);
    switch (view->type) {
    case DK_BOOL:
        bools(view, rows, out);
        return DK_OK;
    case DK_TIMESTAMP:
        return format_timestamps(arena, view, rows, out);
    case DK_DURATION:
        return format_durations(arena, view, rows, out);
    case DK_TEXT:
    case DK_CATEGORY:
        return texts(arena, view, rows, out);
    default:
        return integers(arena, view, rows, out);
    }
}

dk_status format_values(struct arena *arena, const struct view *view, const struct print_rows *rows,
                        enum justify justify, struct cells *out)
{
    /* One more for the dots, two for a header. */
    DK_TRY(cells_init(out, arena, rows->count + 3));
    DK_TRY(print_values(arena, view, rows, justify, out));
    return cells_fix_width(out, arena, justify, 0, NULL);
}
