#include <string.h>

#include "column/table.h"

static dk_status check_column(const dk_table *first, const dk_table *table, int32_t i,
                              dk_error *err)
{
    const char *name = first->names[i] ? first->names[i] : "";
    const char *other = table->names[i] ? table->names[i] : "";
    if (strcmp(name, other) != 0) {
        return error_set(
            err, DK_ETYPE,
            "cannot concatenate: column %d is '%s' in one partition and '%s' in another", i + 1,
            name, other);
    }
    dk_type type = first->columns[i]->view.type;
    dk_type found = table->columns[i]->view.type;
    if (type == found)
        return DK_OK;
    return error_set(err, DK_ETYPE,
                     "cannot concatenate: column '%s' is %s in one partition and %s in another",
                     name, dk_type_name(type), dk_type_name(found));
}

static dk_status check_tables(dk_table *const *tables, size_t ntables, dk_error *err)
{
    const dk_table *first = tables[0];
    for (size_t t = 1; t < ntables; t++) {
        if (tables[t]->ncolumns != first->ncolumns) {
            return error_set(err, DK_ETYPE, "cannot concatenate: partitions of %d and %d columns",
                             first->ncolumns, tables[t]->ncolumns);
        }
        if (dk_table_index_type(tables[t]) != dk_table_index_type(first)) {
            return error_set(
                err, DK_ETYPE,
                "cannot concatenate: the index is %s in one partition and %s in another",
                dk_type_name(dk_table_index_type(first)),
                dk_type_name(dk_table_index_type(tables[t])));
        }
        for (int32_t i = 0; i < first->ncolumns; i++)
            DK_TRY(check_column(first, tables[t], i, err));
    }
    return DK_OK;
}

/* `parts` is scratch for one column of each table. */
static dk_status concat_column(struct memory *memory, dk_table *const *tables, size_t ntables,
                               int32_t i, struct column **parts, struct column **out, dk_error *err)
{
    for (size_t t = 0; t < ntables; t++)
        parts[t] = tables[t]->columns[i];
    return column_concat(memory, parts, ntables, out, err);
}

static dk_status concat_index(struct memory *memory, dk_table *const *tables, size_t ntables,
                              struct column **parts, struct column **out, dk_error *err)
{
    dk_status status = DK_OK;
    size_t count = 0;
    for (; count < ntables && status == DK_OK; count++) {
        parts[count] = table_index_column(tables[count]);
        if (!parts[count])
            status = error_nomem(err);
    }
    if (status == DK_OK)
        status = column_concat(memory, parts, ntables, out, err);
    for (size_t t = 0; t < count; t++)
        column_unref(parts[t]);
    return status;
}

/* columns[ncolumns] is the index. */
static dk_status concat_all(struct memory *memory, dk_table *const *tables, size_t ntables,
                            struct column **parts, struct column **columns, dk_table **out,
                            dk_error *err)
{
    const dk_table *first = tables[0];
    int64_t nrows = 0;
    for (size_t t = 0; t < ntables; t++)
        nrows += tables[t]->nrows;
    for (int32_t i = 0; i < first->ncolumns; i++) {
        DK_TRY(concat_column(memory, tables, ntables, i, parts, &columns[i], err));
    }
    struct column **index = &columns[first->ncolumns];
    DK_TRY(concat_index(memory, tables, ntables, parts, index, err));
    if (table_new(memory, nrows, first->ncolumns, (const char *const *)first->names, columns,
                  first->index_name, *index, first->is_series, out) != DK_OK) {
        return error_nomem(err);
    }
    return DK_OK;
}

dk_status table_concat(struct memory *memory, dk_table *const *tables, size_t ntables,
                       dk_table **out, dk_error *err)
{
    if (ntables == 1) {
        *out = dk_table_ref(tables[0]);
        return DK_OK;
    }
    DK_TRY(check_tables(tables, ntables, err));
    size_t ncolumns = (size_t)tables[0]->ncolumns + 1;
    struct column **parts = memory_calloc(memory, ntables * sizeof(*parts));
    struct column **columns = memory_calloc(memory, ncolumns * sizeof(*columns));
    dk_status status = parts && columns
                           ? concat_all(memory, tables, ntables, parts, columns, out, err)
                           : error_nomem(err);
    for (size_t i = 0; columns && i < ncolumns; i++)
        column_unref(columns[i]);
    memory_free(memory, columns, ncolumns * sizeof(*columns));
    memory_free(memory, parts, ntables * sizeof(*parts));
    return status;
}
