/* A table as an Arrow struct array. Every child can outlive its parent (a consumer may move it
 * out), so each has private data of its own. */
#include <string.h>

#include "column/bits.h"
#include "io/arrow.h"
#include "io/arrow/export_schema.h"

struct exported_array {
    struct memory *memory;
    struct column *column;    /* keeps the shared buffers */
    struct buffer *packed;    /* bool: the values as bits */
    struct buffer *validity;  /* the bitmap when it had to be moved to a byte's beginning */
    struct ArrowArray *words; /* category: the dictionary */
    const void *buffers[3];
};

static void release_child(struct ArrowArray *array)
{
    struct exported_array *exported = array->private_data;
    struct memory *memory = exported->memory;
    if (exported->words) {
        if (exported->words->release)
            exported->words->release(exported->words);
        memory_free(memory, exported->words, sizeof(*exported->words));
    }
    column_unref(exported->column);
    buffer_unref(exported->packed);
    buffer_unref(exported->validity);
    memory_free(memory, exported, sizeof(*exported));
    array->release = NULL;
}

static dk_status pack_values(struct exported_array *exported, const struct view *view)
{
    exported->packed = buffer_new(exported->memory, (size_t)(view->nrows + 7) / 8);
    if (!exported->packed)
        return DK_ENOMEM;
    bits_pack(exported->packed->data, view->data, view->nrows);
    exported->buffers[1] = exported->packed->data;
    return DK_OK;
}

/* Values start at the window's first row, so the bitmap has to as well: it is shared when the
 * window begins at a whole byte and copied otherwise. */
static dk_status export_validity(struct exported_array *exported, const struct view *view)
{
    if ((view->validity_offset & 7) == 0) {
        exported->buffers[0] = view->validity + view->validity_offset / 8;
        return DK_OK;
    }
    exported->validity = buffer_new(exported->memory, (size_t)(view->nrows + 7) / 8);
    if (!exported->validity)
        return DK_ENOMEM;
    memset(exported->validity->data, 0, exported->validity->nbytes);
    bits_copy(exported->validity->data, 0, view->validity, view->validity_offset, view->nrows);
    exported->buffers[0] = exported->validity->data;
    return DK_OK;
}

static dk_status export_column(struct memory *memory, struct column *column,
                               struct ArrowArray *array);

static dk_status export_words(struct exported_array *exported, struct ArrowArray *array)
{
    exported->words = memory_calloc(exported->memory, sizeof(*exported->words));
    if (!exported->words)
        return DK_ENOMEM;
    array->dictionary = exported->words;
    return export_column(exported->memory, exported->column->dictionary, exported->words);
}

static dk_status fill_buffers(struct exported_array *exported, struct ArrowArray *array)
{
    static const char nothing[8] = "";
    const struct view *view = &exported->column->view;
    if (array->null_count)
        DK_TRY(export_validity(exported, view));
    const void *values = view->data ? view->data : nothing;
    if (view->type == DK_TEXT) {
        exported->buffers[1] = view->offsets;
        exported->buffers[2] = values;
    } else if (view->type == DK_BOOL) {
        DK_TRY(pack_values(exported, view));
    } else {
        exported->buffers[1] = values;
    }
    return view->type == DK_CATEGORY ? export_words(exported, array) : DK_OK;
}

/* On failure the array is released. */
static dk_status export_column(struct memory *memory, struct column *column,
                               struct ArrowArray *array)
{
    struct exported_array *exported = memory_calloc(memory, sizeof(*exported));
    if (!exported)
        return DK_ENOMEM;
    exported->memory = memory;
    exported->column = column_ref(column);
    const struct view *view = &column->view;
    *array = (struct ArrowArray){
        .length = view->nrows,
        .null_count = view->validity ? view_count_missing(view) : 0,
        .n_buffers = view->type == DK_TEXT ? 3 : 2,
        .buffers = exported->buffers,
        .release = release_child,
        .private_data = exported,
    };
    dk_status status = fill_buffers(exported, array);
    if (status != DK_OK)
        release_child(array);
    return status;
}

struct exported_table {
    struct memory *memory;
    size_t nchildren;
    const void *buffers[1]; /* a struct array has a bitmap only, and we have none */
    struct ArrowArray *children;
    struct ArrowArray **pointers;
};

static void release_table(struct ArrowArray *array)
{
    struct exported_table *exported = array->private_data;
    struct memory *memory = exported->memory;
    size_t n = exported->nchildren;
    for (size_t i = 0; exported->children && i < n; i++) {
        if (exported->children[i].release)
            exported->children[i].release(&exported->children[i]);
    }
    memory_free(memory, exported->children, n * sizeof(*exported->children));
    memory_free(memory, exported->pointers, n * sizeof(*exported->pointers));
    memory_free(memory, exported, sizeof(*exported));
    array->release = NULL;
}

static dk_status fill_children(struct exported_table *exported, const dk_table *table,
                               struct ArrowArray *array)
{
    size_t n = exported->nchildren;
    exported->children = memory_calloc(exported->memory, n * sizeof(*exported->children));
    exported->pointers = memory_calloc(exported->memory, n * sizeof(*exported->pointers));
    if (!exported->children || !exported->pointers)
        return DK_ENOMEM;
    array->children = exported->pointers;
    for (size_t i = 0; i < n; i++) {
        exported->pointers[i] = &exported->children[i];
        bool is_index = i == (size_t)table->ncolumns;
        struct column *column = is_index ? table->index : table->columns[i];
        DK_TRY(export_column(exported->memory, column, &exported->children[i]));
    }
    return DK_OK;
}

static dk_status export_array(const dk_table *table, struct ArrowArray *array)
{
    struct exported_table *exported = memory_calloc(table->memory, sizeof(*exported));
    if (!exported)
        return DK_ENOMEM;
    exported->memory = table->memory;
    exported->nchildren = (size_t)table->ncolumns + (table->index != NULL);
    *array = (struct ArrowArray){
        .length = table->nrows,
        .n_buffers = 1,
        .n_children = (int64_t)exported->nchildren,
        .buffers = exported->buffers,
        .release = release_table,
        .private_data = exported,
    };
    dk_status status = fill_children(exported, table, array);
    if (status != DK_OK)
        release_table(array);
    return status;
}

dk_status dk_table_to_arrow(dk_table *table, struct ArrowSchema *schema, struct ArrowArray *array,
                            dk_error *err)
{
    schema->release = NULL;
    array->release = NULL;
    dk_status status = arrow_export_schema(table, schema);
    if (status == DK_OK) {
        status = export_array(table, array);
        if (status != DK_OK)
            schema->release(schema);
    }
    return status == DK_OK ? DK_OK : error_nomem(err);
}
