/* Concrete data: columns in Arrow layout and tables (one partition: named columns and an index).
 *
 * Tables are immutable and reference counted; every function here may be called from any thread.
 */
#ifndef CDASK_TABLE_H
#define CDASK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cdask/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The column types: name, pandas' dtype, bytes a value.
 * timestamp and duration count nanoseconds (since 1970-01-01, no time zone). Text is UTF-8 with
 * 64-bit offsets; a category column holds int32 codes into a text column. A missing float is NaN
 * and nothing else; every other type marks a missing value in its null bitmap. */
#define DK_TYPE_LIST(X)                                                                            \
    X(DK_BOOL, "bool", 1)                                                                          \
    X(DK_INT8, "int8", 1)                                                                          \
    X(DK_INT16, "int16", 2)                                                                        \
    X(DK_INT32, "int32", 4)                                                                        \
    X(DK_INT64, "int64", 8)                                                                        \
    X(DK_UINT64, "uint64", 8)                                                                      \
    X(DK_FLOAT32, "float32", 4)                                                                    \
    X(DK_FLOAT64, "float64", 8)                                                                    \
    X(DK_TIMESTAMP, "datetime64[ns]", 8)                                                           \
    X(DK_DURATION, "timedelta64[ns]", 8)                                                           \
    X(DK_TEXT, "str", 0)                                                                           \
    X(DK_CATEGORY, "category", 4)

typedef enum dk_type {
#define DK_TYPE_ENUM(name, text, nbytes) name,
    DK_TYPE_LIST(DK_TYPE_ENUM)
#undef DK_TYPE_ENUM
        DK_TYPE_COUNT
} dk_type;

/* One partition or one result. A series is a table of one column with `dk_table_is_series`. */
typedef struct dk_table dk_table;

/* Returns pandas' name of `type` ("datetime64[ns]"), never NULL. */
DK_API const char *dk_type_name(dk_type type);

/* Adds a reference and returns `table`. */
DK_API dk_table *dk_table_ref(dk_table *table);

/* Drops a reference; the last one frees the table. NULL is ignored. */
DK_API void dk_table_unref(dk_table *table);

DK_API int64_t dk_table_nrows(const dk_table *table);
DK_API int32_t dk_table_ncolumns(const dk_table *table);

/* True for a series (one column), false for a frame. */
DK_API bool dk_table_is_series(const dk_table *table);

/* Bytes of all buffers the table holds, each counted once. */
DK_API int64_t dk_table_nbytes(const dk_table *table);

/* Name of column `i` (0-based, must exist); NULL for an unnamed series.
 * Ownership: borrowed from the table. */
DK_API const char *dk_table_column_name(const dk_table *table, int32_t i);
DK_API dk_type dk_table_column_type(const dk_table *table, int32_t i);

/* Position of the column called `name`, or -1. */
DK_API int32_t dk_table_find_column(const dk_table *table, const char *name);

/* Name of the index, NULL when it has none. */
DK_API const char *dk_table_index_name(const dk_table *table);

/* Type of the index; DK_INT64 when the rows are simply numbered from 0. */
DK_API dk_type dk_table_index_type(const dk_table *table);

/* True when the value in `column` (-1: the index) at `row` is missing (null or NaN). */
DK_API bool dk_table_is_missing(const dk_table *table, int32_t column, int64_t row);

/* The value in `column` (-1: the index) at `row` as a double: numbers and booleans converted,
 * timestamps and durations in nanoseconds; NaN when missing or text. */
DK_API double dk_table_float(const dk_table *table, int32_t column, int64_t row);

/* The same as an integer (floats truncated, out of range and missing: INT64_MIN, text: 0). */
DK_API int64_t dk_table_int(const dk_table *table, int32_t column, int64_t row);

/* The text in `column` (-1: the index) at `row`, `*nbytes` long, not terminated; NULL when missing
 * or not text.   Ownership: borrowed from the table. */
DK_API const char *dk_table_text(const dk_table *table, int32_t column, int64_t row,
                                 size_t *nbytes);

/* How a table is printed; zeros mean pandas' defaults. */
typedef struct dk_print_options {
    int32_t
        max_rows; /* longer tables show head and tail (pandas display.max_rows); 0: 60, -1: all */
    int32_t min_rows; /* rows shown of a longer one (display.min_rows); 0: 10 */
    int32_t width;    /* columns of the terminal; 0: 80, -1: never wrap */
} dk_print_options;

/* Renders `table` exactly as pandas prints a Series or DataFrame, into a new string.
 *
 * Ownership: `*out` is the caller's, free with dk_text_free().
 * Errors: DK_ENOMEM.
 * Source: pandas Series.__repr__, DataFrame.__repr__. */
DK_API dk_status dk_table_format(const dk_table *table, const dk_print_options *options, char **out,
                                 dk_error *err) DK_NODISCARD;

/* Frees a string the library returned. NULL is ignored. */
DK_API void dk_text_free(char *text);

#ifdef __cplusplus
}
#endif
#endif
