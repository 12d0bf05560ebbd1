/* Tables: named columns and an index. */
#ifndef COLUMN_TABLE_H
#define COLUMN_TABLE_H

#include "column/column.h"

/* Immutable once shared. `index` NULL: rows are labelled 0 .. nrows - 1 (pandas RangeIndex).
 * Names are owned by the table; names[0] may be NULL for an unnamed series. */
struct dk_table {
    atomic_int refs;
    struct memory *memory;
    uint64_t serial; /* of its ledger: no other table had it */
    int64_t nrows;
    int32_t ncolumns;
    bool is_series;
    char **names;
    struct column **columns;
    char *index_name;
    struct column *index;
};

/* Borrows names and columns (references are added). `index` and `index_name` may be NULL. All
 * columns have `nrows` rows. */
dk_status table_new(struct memory *memory, int64_t nrows, int32_t ncolumns,
                    const char *const *names, struct column *const *columns, const char *index_name,
                    struct column *index, bool is_series, dk_table **out) DK_NODISCARD;
/* Rows of `tables` one after another; names and types must agree (DK_ETYPE names the column).
 * Numbered rows become an int64 index that starts again at every table (pandas concat), except for
 * a single table. */
dk_status table_concat(struct memory *memory, dk_table *const *tables, size_t ntables,
                       dk_table **out, dk_error *err) DK_NODISCARD;
/* Rows [start, start + nrows) sharing the buffers; numbered rows keep their labels. */
dk_status table_slice(dk_table *table, int64_t start, int64_t nrows, dk_table **out) DK_NODISCARD;
/* The same, but numbered rows are numbered from 0 again. */
dk_status table_window(dk_table *table, int64_t start, int64_t nrows, dk_table **out) DK_NODISCARD;
/* The index as a column with a reference of the caller's: numbered rows are materialised. */
struct column *table_index_column(const dk_table *table) DK_NODISCARD;

#endif
