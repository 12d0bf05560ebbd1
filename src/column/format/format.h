/* How values become the cells of a printed column. Public entry: dk_table_format() in
 * cdask/table.h. All of this follows pandas; where a rule looks odd, it is what pandas prints. */
#ifndef COLUMN_FORMAT_H
#define COLUMN_FORMAT_H

#include "column/format/cells.h"
#include "column/table.h"

/* dk_print_options with every default filled in. */
struct print_options {
    int64_t max_rows; /* 0: no limit */
    int64_t min_rows; /* 0: none */
    size_t width;     /* 0: never wrap */
};

/* The rows that are printed: the first `head`, then after `skipped` rows the rest. */
struct print_rows {
    int64_t count;
    int64_t head;
    int64_t skipped;
    bool cut; /* dots stand for rows left out */
};

static inline int64_t print_row(const struct print_rows *rows, int64_t i)
{
    return i < rows->head ? i : i + rows->skipped;
}

/* The first `head` and the last `tail` of `nrows` rows. */
struct print_rows print_rows_cut(int64_t nrows, int64_t head, int64_t tail);
struct print_rows print_rows_all(int64_t nrows);

/* pandas' dtype of the whole column: integers with missing values are float64 there, bools are
 * object. */
const char *format_dtype(const struct view *view);
/* True when that dtype is a number or bool. */
bool format_is_numeric(const struct view *view);

/* True when pandas holds the column as floats, because they are or because an integer is missing.
 */
bool format_is_float(const struct view *view);
/* A number as the float that pandas holds; NaN when missing. */
double format_float_at(const struct view *view, int64_t row);

/* The values of `rows`, equally wide, with a blank or sign first. Cells borrow text from the view.
 * Source: pandas format_array. */
dk_status format_values(struct arena *arena, const struct view *view, const struct print_rows *rows,
                        enum justify justify, struct cells *out) DK_NODISCARD;
/* The parts of it, which fill initialised cells: floats (`single`: they were float32), timestamps,
 * durations. */
dk_status format_floats(struct arena *arena, const double *values, int64_t count, bool single,
                        enum justify justify, struct cells *out) DK_NODISCARD;
dk_status format_timestamps(struct arena *arena, const struct view *view,
                            const struct print_rows *rows, struct cells *out) DK_NODISCARD;
dk_status format_durations(struct arena *arena, const struct view *view,
                           const struct print_rows *rows, struct cells *out) DK_NODISCARD;

/* A float on its own: six decimals without the zeros at their end. */
void format_lone_float(double value, struct text *text);

/* The labels of `rows`; with `with_name` the first cell is the index name. There is room for two
 * more cells. Source: pandas Index._format_flat. */
dk_status format_index(struct arena *arena, const dk_table *table, const struct print_rows *rows,
                       bool with_name, struct cells *out) DK_NODISCARD;

/* The text at `row` of a text or category column, which is there. It is borrowed and printed as it
 * is. */
struct cell format_word(const struct view *view, int64_t row);
/* A name or text with tab, newline and carriage return escaped; NULL gives "". */
dk_status format_text(struct arena *arena, const char *bytes, size_t nbytes,
                      struct cell *out) DK_NODISCARD;
dk_status format_name(struct arena *arena, const char *name, struct cell *out) DK_NODISCARD;
/* A copy in the arena of a short string made on the stack. */
dk_status format_copy(struct arena *arena, const char *bytes, size_t nbytes,
                      struct cell *out) DK_NODISCARD;
struct cell format_literal(const char *string);

/* The lines below a categorical series, "Categories (3, str): ['a', 'b', 'c']". */
dk_status format_categories(struct arena *arena, const struct column *words, size_t width,
                            struct text *text) DK_NODISCARD;

dk_status format_series(struct arena *arena, const dk_table *table,
                        const struct print_options *options, struct text *text) DK_NODISCARD;
dk_status format_frame(struct arena *arena, const dk_table *table,
                       const struct print_options *options, struct text *text) DK_NODISCARD;
/* A frame without rows or columns. */
dk_status format_empty_frame(struct arena *arena, const dk_table *table,
                             const struct print_options *options, struct text *text) DK_NODISCARD;
/* "[100 rows x 3 columns]" below a frame of which something was left out. */
void format_dimensions(const dk_table *table, struct text *text);

#define FORMAT_MAX_COLUMNS 20 /* pandas display.max_columns */

/* Columns of equal length side by side, `space` blanks between them, each cell padded to the width
 * of its column.   Source: pandas adjoin. */
dk_status format_adjoin(struct arena *arena, size_t space, const struct cells *columns,
                        size_t ncolumns, struct text *text) DK_NODISCARD;

#endif
