#include "column/column.h"

#include <assert.h>

#include "column/dictionary.h"

static struct column *release_parts(struct buffer *data, struct buffer *offsets,
                                    struct buffer *validity, struct column *dictionary)
{
    buffer_unref(data);
    buffer_unref(offsets);
    buffer_unref(validity);
    column_unref(dictionary);
    return NULL;
}

struct column *column_new(struct memory *memory, dk_type type, int64_t nrows, struct buffer *data,
                          struct buffer *offsets, struct buffer *validity,
                          struct column *dictionary)
{
    struct column *column = memory_calloc(memory, sizeof(*column));
    if (!column)
        return release_parts(data, offsets, validity, dictionary);
    atomic_init(&column->refs, 1);
    column->memory = memory;
    column->data = data;
    column->offsets = offsets;
    column->validity = validity;
    column->dictionary = dictionary;
    column->view = (struct view){
        .type = type,
        .nrows = nrows,
        .data = data ? data->data : NULL,
        .offsets = offsets ? offsets->data : NULL,
        .validity = validity ? validity->data : NULL,
        .dictionary = dictionary,
    };
    return column;
}

struct column *column_ref(struct column *column)
{
    if (column)
        atomic_fetch_add_explicit(&column->refs, 1, memory_order_relaxed);
    return column;
}

void column_unref(struct column *column)
{
    if (!column)
        return;
    if (atomic_fetch_sub_explicit(&column->refs, 1, memory_order_acq_rel) > 1)
        return;
    release_parts(column->data, column->offsets, column->validity, column->dictionary);
    memory_free(column->memory, column, sizeof(*column));
}

struct column *column_slice(struct column *column, int64_t start, int64_t nrows)
{
    struct column *slice = column_new(column->memory, column->view.type, nrows,
                                      buffer_ref(column->data), buffer_ref(column->offsets),
                                      buffer_ref(column->validity), column_ref(column->dictionary));
    if (slice)
        slice->view = view_slice(&column->view, start, nrows);
    return slice;
}

struct column *column_range(struct memory *memory, int64_t first, int64_t nrows)
{
    struct buffer *data = buffer_new(memory, (size_t)nrows * sizeof(int64_t));
    if (!data)
        return NULL;
    int64_t *labels = data->data;
    for (int64_t i = 0; i < nrows; i++)
        labels[i] = first + i;
    return column_new(memory, DK_INT64, nrows, data, NULL, NULL, NULL);
}

static dk_status freeze(struct vec *vec, dk_status status, struct column **out, dk_error *err)
{
    if (status == DK_OK)
        status = vec_freeze(vec, out);
    vec_deinit(vec);
    return status == DK_OK ? DK_OK : error_set(err, status, "%s", dk_status_text(status));
}

dk_status column_copy(struct memory *memory, const struct view *view, struct column **out,
                      dk_error *err)
{
    struct vec vec;
    vec_init(&vec, memory, view->type);
    return freeze(&vec, vec_append_view(&vec, view), out, err);
}

/* Room for all the rows at once, so that no part is moved again. */
static dk_status reserve(struct vec *vec, struct column *const *columns, size_t ncolumns)
{
    int64_t nrows = 0;
    size_t text_nbytes = 0;
    for (size_t i = 0; i < ncolumns; i++) {
        const struct view *view = &columns[i]->view;
        nrows += view->nrows;
        if (view->type == DK_TEXT) {
            text_nbytes += (size_t)(view->offsets[view->nrows] - view->offsets[0]);
        }
    }
    DK_TRY(vec_reserve(vec, nrows));
    return text_nbytes ? vec_reserve_text(vec, text_nbytes) : DK_OK;
}

dk_status column_concat(struct memory *memory, struct column *const *columns, size_t ncolumns,
                        struct column **out, dk_error *err)
{
    assert(ncolumns > 0);
    struct vec vec;
    vec_init(&vec, memory, columns[0]->view.type);
    dk_status status = reserve(&vec, columns, ncolumns);
    if (status == DK_OK && vec.type == DK_CATEGORY) {
        status = dictionary_unite(memory, columns, ncolumns, &vec.dictionary);
    }
    for (size_t i = 0; i < ncolumns && status == DK_OK; i++) {
        assert(columns[i]->view.type == vec.type);
        status = vec_append_view(&vec, &columns[i]->view);
    }
    return freeze(&vec, status, out, err);
}
