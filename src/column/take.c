/* Rows of a column in any order. */
#include <string.h>

#include "column/vec.h"

#define TAKE take_8
#define TYPE uint8_t
#include "column/take.inc.h"

#define TAKE take_16
#define TYPE uint16_t
#include "column/take.inc.h"

#define TAKE take_32
#define TYPE uint32_t
#include "column/take.inc.h"

#define TAKE take_64
#define TYPE uint64_t
#include "column/take.inc.h"

static bool any_negative(const int64_t *rows, int64_t nrows)
{
    int64_t signs = 0;
    for (int64_t i = 0; i < nrows; i++)
        signs |= rows[i];
    return signs < 0;
}

static bool is_missing(const struct view *view, int64_t row)
{
    return row < 0 || view_is_null(view, row);
}

static void take_validity(struct vec *vec, const struct view *view, const int64_t *rows,
                          int64_t nrows)
{
    for (int64_t i = 0; i < nrows; i++) {
        if (is_missing(view, rows[i]))
            vec_set_null(vec, i);
    }
}

static dk_status take_fixed(struct vec *vec, const struct view *view, const int64_t *rows,
                            int64_t nrows, bool holes)
{
    DK_TRY(vec_reset(vec, nrows));
    vec->dictionary = column_ref(view->dictionary);
    switch (type_nbytes(view->type)) {
    case 1:
        take_8(vec->data, view->data, rows, nrows, holes);
        break;
    case 2:
        take_16(vec->data, view->data, rows, nrows, holes);
        break;
    case 4:
        take_32(vec->data, view->data, rows, nrows, holes);
        break;
    default:
        take_64(vec->data, view->data, rows, nrows, holes);
    }
    return DK_OK;
}

/* The lengths first, so that the pool is allocated once and at its size. */
static void take_offsets(struct vec *vec, const struct view *view, const int64_t *rows,
                         int64_t nrows, bool nulls)
{
    const int64_t *from = view->offsets;
    int64_t *to = vec->offsets;
    int64_t end = 0;
    to[0] = 0;
    if (!nulls) {
        for (int64_t i = 0; i < nrows; i++)
            to[i + 1] = end += from[rows[i] + 1] - from[rows[i]];
        return;
    }
    for (int64_t i = 0; i < nrows; i++) {
        if (!is_missing(view, rows[i]))
            end += from[rows[i] + 1] - from[rows[i]];
        to[i + 1] = end;
    }
}

static dk_status take_text(struct vec *vec, const struct view *view, const int64_t *rows,
                           int64_t nrows, bool nulls)
{
    DK_TRY(vec_reserve(vec, nrows));
    take_offsets(vec, view, rows, nrows, nulls);
    const int64_t *ends = vec->offsets;
    DK_TRY(vec_reserve_text(vec, (size_t)ends[nrows]));
    vec->pool_nbytes = (size_t)ends[nrows];
    vec->nrows = nrows;
    const char *pool = view->data;
    char *to = vec->data;
    for (int64_t i = 0; i < nrows; i++) {
        size_t nbytes = (size_t)(ends[i + 1] - ends[i]);
        if (nbytes)
            memcpy(to + ends[i], pool + view->offsets[rows[i]], nbytes);
    }
    return DK_OK;
}

dk_status column_take(struct memory *memory, const struct view *view, const int64_t *rows,
                      int64_t nrows, struct column **out, dk_error *err)
{
    struct vec vec;
    vec_init(&vec, memory, view->type);
    bool holes = any_negative(rows, nrows);
    bool nulls = holes || view->validity;
    dk_status status = view->type == DK_TEXT ? take_text(&vec, view, rows, nrows, nulls)
                                             : take_fixed(&vec, view, rows, nrows, holes);
    if (status == DK_OK && nulls)
        take_validity(&vec, view, rows, nrows);
    if (status == DK_OK)
        status = vec_freeze(&vec, out);
    vec_deinit(&vec);
    return status == DK_OK ? DK_OK : error_set(err, status, "%s", dk_status_text(status));
}
