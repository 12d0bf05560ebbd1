#include "column/table.h"

#include <string.h>

static char *copy_name(struct memory *memory, const char *name)
{
    size_t nbytes = strlen(name) + 1;
    char *copy = memory_alloc(memory, nbytes);
    if (copy)
        memcpy(copy, name, nbytes);
    return copy;
}

static void free_name(struct memory *memory, char *name)
{
    if (name)
        memory_free(memory, name, strlen(name) + 1);
}

static void table_free(dk_table *table)
{
    struct memory *memory = table->memory;
    for (int32_t i = 0; i < table->ncolumns; i++) {
        if (table->names)
            free_name(memory, table->names[i]);
        if (table->columns)
            column_unref(table->columns[i]);
    }
    size_t n = (size_t)table->ncolumns;
    memory_free(memory, table->names, n * sizeof(*table->names));
    memory_free(memory, table->columns, n * sizeof(*table->columns));
    free_name(memory, table->index_name);
    column_unref(table->index);
    memory_free(memory, table, sizeof(*table));
}

static dk_status fill_columns(dk_table *table, const char *const *names,
                              struct column *const *columns)
{
    size_t n = (size_t)table->ncolumns;
    table->names = memory_calloc(table->memory, n * sizeof(*table->names));
    table->columns = memory_calloc(table->memory, n * sizeof(*table->columns));
    if (!table->names || !table->columns)
        return DK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        table->columns[i] = column_ref(columns[i]);
        if (!names || !names[i])
            continue;
        table->names[i] = copy_name(table->memory, names[i]);
        if (!table->names[i])
            return DK_ENOMEM;
    }
    return DK_OK;
}

dk_status table_new(struct memory *memory, int64_t nrows, int32_t ncolumns,
                    const char *const *names, struct column *const *columns, const char *index_name,
                    struct column *index, bool is_series, dk_table **out)
{
    dk_table *table = memory_calloc(memory, sizeof(*table));
    if (!table)
        return DK_ENOMEM;
    atomic_init(&table->refs, 1);
    table->memory = memory;
    table->serial = memory_serial(memory);
    table->nrows = nrows;
    table->ncolumns = ncolumns;
    table->is_series = is_series;
    table->index = column_ref(index);
    dk_status status = fill_columns(table, names, columns);
    if (status == DK_OK && index_name) {
        table->index_name = copy_name(memory, index_name);
        if (!table->index_name)
            status = DK_ENOMEM;
    }
    if (status != DK_OK) {
        table_free(table);
        return status;
    }
    *out = table;
    return DK_OK;
}

dk_table *dk_table_ref(dk_table *table)
{
    if (table)
        atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
    return table;
}

void dk_table_unref(dk_table *table)
{
    if (!table)
        return;
    if (atomic_fetch_sub_explicit(&table->refs, 1, memory_order_acq_rel) == 1)
        table_free(table);
}

int64_t dk_table_nrows(const dk_table *table)
{
    return table->nrows;
}

int32_t dk_table_ncolumns(const dk_table *table)
{
    return table->ncolumns;
}

bool dk_table_is_series(const dk_table *table)
{
    return table->is_series;
}

const char *dk_table_column_name(const dk_table *table, int32_t i)
{
    return table->names[i];
}

dk_type dk_table_column_type(const dk_table *table, int32_t i)
{
    return table->columns[i]->view.type;
}

int32_t dk_table_find_column(const dk_table *table, const char *name)
{
    for (int32_t i = 0; i < table->ncolumns; i++) {
        if (table->names[i] && strcmp(table->names[i], name) == 0)
            return i;
    }
    return -1;
}

const char *dk_table_index_name(const dk_table *table)
{
    return table->index_name;
}

dk_type dk_table_index_type(const dk_table *table)
{
    return table->index ? table->index->view.type : DK_INT64;
}

struct column *table_index_column(const dk_table *table)
{
    if (table->index)
        return column_ref(table->index);
    return column_range(table->memory, 0, table->nrows);
}

/* Rows of `table` with the labels `index`, whose reference it takes. */
static dk_status slice(dk_table *table, int64_t start, int64_t nrows, struct column *index,
                       dk_table **out)
{
    struct memory *memory = table->memory;
    size_t nbytes = (size_t)table->ncolumns * sizeof(struct column *);
    struct column **columns = memory_calloc(memory, nbytes);
    dk_status status = columns ? DK_OK : DK_ENOMEM;
    for (int32_t i = 0; i < table->ncolumns && status == DK_OK; i++) {
        columns[i] = column_slice(table->columns[i], start, nrows);
        if (!columns[i])
            status = DK_ENOMEM;
    }
    if (status == DK_OK) {
        status = table_new(memory, nrows, table->ncolumns, (const char *const *)table->names,
                           columns, table->index_name, index, table->is_series, out);
    }
    for (int32_t i = 0; columns && i < table->ncolumns; i++)
        column_unref(columns[i]);
    column_unref(index);
    memory_free(memory, columns, nbytes);
    return status;
}

dk_status table_slice(dk_table *table, int64_t start, int64_t nrows, dk_table **out)
{
    struct column *index = NULL;
    if (table->index || start) {
        index = table->index ? column_slice(table->index, start, nrows)
                             : column_range(table->memory, start, nrows);
        if (!index)
            return DK_ENOMEM;
    }
    return slice(table, start, nrows, index, out);
}

dk_status table_window(dk_table *table, int64_t start, int64_t nrows, dk_table **out)
{
    struct column *index = NULL;
    if (table->index) {
        index = column_slice(table->index, start, nrows);
        if (!index)
            return DK_ENOMEM;
    }
    return slice(table, start, nrows, index, out);
}
