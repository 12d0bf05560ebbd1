/* An Arrow struct array as a table. */
#include "io/arrow/import.h"

#include <string.h>

#include "io/arrow.h"
#include "io/arrow/metadata.h"

/* The columns as they come; `index` is the position of the one that becomes the index, -1: none. */
struct import {
    struct memory *memory;
    const struct ArrowSchema *schema;
    struct arrow_owner *owner;
    size_t ncolumns;
    int64_t index;
    struct column **columns;
    const char **names;
};

static dk_status check(const struct ArrowSchema *schema, const struct ArrowArray *array,
                       dk_error *err)
{
    if (strcmp(schema->format, "+s") != 0) {
        return error_set(err, DK_ENOTSUP,
                         "Arrow format '%s' is not a table: pass a record batch (a struct array)",
                         schema->format);
    }
    if (schema->n_children != array->n_children) {
        return error_set(err, DK_EINVAL, "the Arrow schema has %lld columns, the array %lld",
                         (long long)schema->n_children, (long long)array->n_children);
    }
    return DK_OK;
}

static dk_status check_rows(const struct arrow_owner *owner, dk_error *err)
{
    const struct ArrowArray *array = &owner->array;
    struct arrow_source rows = {.array = array, .offset = array->offset, .nrows = array->length};
    if (!arrow_has_nulls(&rows))
        return DK_OK;
    return error_set(err, DK_ENOTSUP,
                     "the Arrow struct array has missing rows; only its columns may have nulls");
}

static const char *column_name(const struct import *import, size_t i)
{
    const char *name = import->schema->children[i]->name;
    return name ? name : "";
}

static dk_status find_index(struct import *import, const char *index, dk_error *err)
{
    import->index = -1;
    if (!index)
        return DK_OK;
    for (size_t i = 0; i < import->ncolumns; i++) {
        if (strcmp(column_name(import, i), index) == 0)
            import->index = (int64_t)i;
    }
    if (import->index >= 0)
        return DK_OK;
    return error_set(err, DK_ECOLUMN, "no column '%s' to make the index of", index);
}

static dk_status import_columns(struct import *import, dk_error *err)
{
    const struct ArrowArray *array = &import->owner->array;
    for (size_t i = 0; i < import->ncolumns; i++) {
        const struct ArrowArray *child = array->children[i];
        struct arrow_source source = {
            .owner = import->owner,
            .schema = import->schema->children[i],
            .array = child,
            .offset = array->offset + child->offset,
            .nrows = array->length,
            .name = column_name(import, i),
            .err = err,
        };
        DK_TRY(arrow_import_column(&source, &import->columns[i]));
        import->names[i] = source.name;
    }
    return DK_OK;
}

/* Moves the index behind the columns. */
static void put_index_last(struct import *import)
{
    size_t at = (size_t)import->index;
    size_t after = import->ncolumns - at - 1;
    struct column *index = import->columns[at];
    const char *name = import->names[at];
    memmove(&import->columns[at], &import->columns[at + 1], after * sizeof(*import->columns));
    memmove(&import->names[at], &import->names[at + 1], after * sizeof(*import->names));
    import->columns[import->ncolumns - 1] = index;
    import->names[import->ncolumns - 1] = name;
}

static dk_status make_table(struct import *import, dk_table **out)
{
    int32_t ncolumns = (int32_t)import->ncolumns;
    struct column *index = NULL;
    const char *index_name = NULL;
    if (import->index >= 0) {
        put_index_last(import);
        index = import->columns[--ncolumns];
        index_name = import->names[ncolumns];
        if (strcmp(index_name, ARROW_UNNAMED_INDEX) == 0)
            index_name = NULL;
    }
    bool is_series =
        ncolumns == 1 && arrow_metadata_has(import->schema->metadata, ARROW_KEY_SERIES, "1");
    if (is_series && !import->names[0][0])
        import->names[0] = NULL;
    return table_new(import->memory, import->owner->array.length, ncolumns, import->names,
                     import->columns, index_name, index, is_series, out);
}

static dk_status run(struct import *import, const char *index, dk_table **out, dk_error *err)
{
    DK_TRY(check_rows(import->owner, err));
    DK_TRY(find_index(import, index, err));
    size_t n = import->ncolumns;
    import->columns = memory_calloc(import->memory, n * sizeof(*import->columns));
    import->names = memory_calloc(import->memory, n * sizeof(*import->names));
    dk_status status = DK_ENOMEM;
    if (import->columns && import->names)
        status = import_columns(import, err);
    if (status == DK_OK)
        status = make_table(import, out);
    if (status == DK_ENOMEM)
        error_nomem(err);
    for (size_t i = 0; import->columns && i < n; i++)
        column_unref(import->columns[i]);
    memory_free(import->memory, import->columns, n * sizeof(*import->columns));
    memory_free(import->memory, import->names, n * sizeof(*import->names));
    return status;
}

dk_status arrow_import(struct memory *memory, struct ArrowSchema *schema, struct ArrowArray *array,
                       const char *index, dk_table **out, dk_error *err)
{
    struct import import = {.memory = memory, .schema = schema};
    dk_status status = check(schema, array, err);
    if (status != DK_OK) {
        array->release(array);
    } else {
        import.ncolumns = (size_t)schema->n_children;
        import.owner = arrow_owner_new(memory, array);
        status = import.owner ? run(&import, index, out, err) : error_nomem(err);
        arrow_owner_unref(import.owner);
    }
    schema->release(schema);
    return status;
}
