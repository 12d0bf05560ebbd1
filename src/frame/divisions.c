/* Divisions: the index bounds of a frame's partitions, where they are known without reading
 * anything. */
#include "column/kernels/align.h"
#include "column/table.h"
#include "frame/expression.h"
#include "frame/pass.h"

static bool in_order(const int64_t *rows, int64_t nrows)
{
    for (int64_t i = 0; i < nrows; i++) {
        if (rows[i] != i)
            return false;
    }
    return true;
}

/* Sorting puts missing labels last, where they would pass for sorted ones. */
static dk_status is_sorted(const struct view *labels, struct memory *memory, bool *sorted,
                           dk_error *err)
{
    *sorted = false;
    if (view_count_missing(labels) > 0)
        return DK_OK;
    size_t nbytes = (size_t)labels->nrows * sizeof(int64_t);
    int64_t *rows = memory_alloc(memory, nbytes);
    if (!rows)
        return error_nomem(err);
    dk_status status = argsort(memory, labels, rows);
    *sorted = status == DK_OK && in_order(rows, labels->nrows);
    memory_free(memory, rows, nbytes);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

/* The first label of each partition and the last of all. */
static dk_status bounds(const struct rowset *rows, const struct column *labels, dk_table **out,
                        dk_error *err)
{
    struct memory *memory = rows->table->memory;
    int64_t count = (int64_t)rows->npartitions + 1;
    int64_t *at = memory_alloc(memory, (size_t)count * sizeof(*at));
    if (!at)
        return error_nomem(err);
    for (int32_t i = 0; i < rows->npartitions; i++)
        at[i] = pass_first_row(i, rows->npartitions, labels->view.nrows);
    at[count - 1] = labels->view.nrows - 1;
    struct column *column = NULL;
    dk_status status = column_take(memory, &labels->view, at, count, &column, err);
    memory_free(memory, at, (size_t)count * sizeof(*at));
    DK_TRY(status);
    const char *name = rows->index_name;
    status = table_new(memory, count, 1, &name, &column, NULL, NULL, true, out);
    column_unref(column);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status table_divisions(const struct rowset *rows, dk_table **out, dk_error *err)
{
    struct column *labels = table_index_column(rows->table);
    if (!labels)
        return error_nomem(err);
    bool sorted = false;
    dk_status status = is_sorted(&labels->view, rows->table->memory, &sorted, err);
    if (status == DK_OK && sorted && labels->view.nrows)
        status = bounds(rows, labels, out, err);
    column_unref(labels);
    return status;
}

dk_status dk_frame_divisions(dk_frame frame, dk_table **out, dk_error *err)
{
    const struct dk_expression *expression = frame.expression;
    *out = NULL;
    if (expression->error) {
        if (err)
            *err = *expression->error;
        return expression->error->status;
    }
    const struct rowset *rows = expression->rows ? rowset_source(expression->rows) : NULL;
    if (rows && rows->kind == ROWS_PERSISTED && rows->table)
        *out = dk_table_ref(rows->table);
    return rows && rows->kind == ROWS_TABLE ? table_divisions(rows, out, err) : DK_OK;
}
