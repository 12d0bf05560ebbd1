#include "frame/conform.h"

#include <string.h>

#include "base/error.h"
#include "column/kernels/elementwise.h"
#include "column/table.h"
#include "graph/context.h"

static dk_status wrong_type(const char *what, const char *name, dk_type given, dk_type promised,
                            dk_error *err)
{
    return error_set(err, DK_ETYPE,
                     "the function gave %s '%s' as %s for a partition, and meta says %s: pass a "
                     "meta that fits all partitions, or convert in the function",
                     what, name ? name : "", dk_type_name(given), dk_type_name(promised));
}

/* A whole number or bool where a float was promised, or the very type. */
static bool widens(dk_type given, dk_type promised)
{
    return promised == DK_FLOAT64 && (given <= DK_FLOAT32);
}

static dk_status conform_column(struct memory *memory, const char *what, const char *name,
                                struct column *given, dk_type promised, struct column **out,
                                dk_error *err)
{
    dk_type type = given->view.type;
    if (type == promised) {
        *out = column_ref(given);
        return DK_OK;
    }
    if (!widens(type, promised))
        return wrong_type(what, name, type, promised, err);
    struct vec vec;
    vec_init(&vec, memory, promised);
    dk_status status = cast_apply(&given->view, &vec, err);
    if (status == DK_OK && vec_freeze(&vec, out) != DK_OK)
        status = error_nomem(err);
    vec_deinit(&vec);
    return status;
}

static dk_status conform_index(const dk_table *meta, const dk_table *given, struct column **out,
                               dk_error *err)
{
    *out = NULL;
    if (!given->index && dk_table_index_type(meta) == DK_INT64)
        return DK_OK;
    struct column *labels = table_index_column(given);
    if (!labels)
        return error_nomem(err);
    dk_status status = conform_column(given->memory, "the index", meta->index_name, labels,
                                      dk_table_index_type(meta), out, err);
    column_unref(labels);
    return status;
}

static dk_status check_columns(const dk_table *meta, const dk_table *given, dk_error *err)
{
    if (given->ncolumns != meta->ncolumns)
        return error_set(err, DK_ETYPE,
                         "the function gave %d columns for a partition, and meta says %d",
                         given->ncolumns, meta->ncolumns);
    for (int32_t i = 0; i < meta->ncolumns && !meta->is_series; i++) {
        const char *name = given->names[i] ? given->names[i] : "";
        if (strcmp(name, meta->names[i]) != 0)
            return error_set(err, DK_ETYPE,
                             "the function gave a column '%s' for a partition where meta says '%s'",
                             name, meta->names[i]);
    }
    return DK_OK;
}

/* `columns` is scratch for the columns as promised. */
static dk_status conform_into(const dk_table *meta, const dk_table *given, struct column **columns,
                              dk_table **out, dk_error *err)
{
    for (int32_t i = 0; i < meta->ncolumns; i++)
        DK_TRY(conform_column(given->memory, "column", meta->names[i], given->columns[i],
                              meta->columns[i]->view.type, &columns[i], err));
    struct column *index = NULL;
    DK_TRY(conform_index(meta, given, &index, err));
    dk_status status =
        table_new(given->memory, given->nrows, meta->ncolumns, (const char *const *)meta->names,
                  columns, meta->index_name, index, meta->is_series, out);
    column_unref(index);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status conform_table(const dk_table *meta, const dk_table *given, dk_table **out,
                               dk_error *err)
{
    DK_TRY(check_columns(meta, given, err));
    size_t nbytes = (size_t)meta->ncolumns * sizeof(struct column *);
    struct column **columns = memory_calloc(given->memory, nbytes);
    if (!columns)
        return error_nomem(err);
    dk_status status = conform_into(meta, given, columns, out, err);
    for (int32_t i = 0; i < meta->ncolumns; i++)
        column_unref(columns[i]);
    memory_free(given->memory, columns, nbytes);
    return status;
}

/* ---- scalars ---- */

static dk_type scalar_type(dk_value value)
{
    switch (value.kind) {
    case DK_KIND_BOOL:
        return DK_BOOL;
    case DK_KIND_INT:
        return DK_INT64;
    case DK_KIND_FLOAT:
        return DK_FLOAT64;
    case DK_KIND_TEXT:
        return DK_TEXT;
    default:
        return DK_TYPE_COUNT;
    }
}

static dk_status append_scalar(struct vec *vec, dk_value value)
{
    if (value.kind == DK_KIND_TEXT) {
        size_t nbytes = 0;
        const char *text = dk_value_data(value, &nbytes);
        return vec_append_text(vec, text, nbytes);
    }
    DK_TRY(vec_reset(vec, 1));
    uint8_t byte = value.kind == DK_KIND_BOOL && value.as.boolean;
    if (value.kind == DK_KIND_BOOL)
        memcpy(vec->data, &byte, sizeof(byte));
    else
        memcpy(vec->data, &value.as, sizeof(int64_t)); /* an int or a double */
    return DK_OK;
}

static dk_status table_of_scalar(struct memory *memory, dk_value value, dk_table **out,
                                 dk_error *err)
{
    dk_type type = scalar_type(value);
    if (type == DK_TYPE_COUNT) {
        error_set(err, DK_ETYPE,
                  "the function gave a value of kind %s for a partition: a table or a scalar is "
                  "needed",
                  dk_kind_name(value.kind));
        return DK_ETYPE;
    }
    struct vec vec;
    struct column *column = NULL;
    const char *name = NULL;
    vec_init(&vec, memory, type);
    dk_status status = append_scalar(&vec, value);
    if (status == DK_OK)
        status = vec_freeze(&vec, &column);
    if (status == DK_OK)
        status = table_new(memory, 1, 1, &name, &column, NULL, NULL, true, out);
    column_unref(column);
    vec_deinit(&vec);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

dk_status conform(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                  dk_error *err)
{
    if (nargs != 2 || args[0].kind != DK_KIND_TABLE)
        return error_set(err, DK_ETYPE, "frame.conform() was called with wrong arguments");
    dk_table *given = NULL;
    if (args[1].kind == DK_KIND_TABLE)
        given = dk_table_ref(args[1].as.table);
    else
        DK_TRY(table_of_scalar(dk_task_context(task)->memory, args[1], &given, err));
    dk_table *table = NULL;
    dk_status status = conform_table(args[0].as.table, given, &table, err);
    dk_table_unref(given);
    if (status == DK_OK)
        *result = dk_value_table(table);
    return status;
}
