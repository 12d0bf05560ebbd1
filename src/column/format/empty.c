/* A frame without rows or columns: its labels in two lists.   Source: pandas pprint_thing. */
#include "column/format/format.h"

#include "column/kernels/datetime.h"
#include "column/kernels/number_text.h"

#define MAX_ITEMS 100 /* pandas display.max_seq_items */

static void print_list_end(int64_t count, struct text *text)
{
    text_puts(text, count > MAX_ITEMS ? ", ...]" : "]");
}

static int64_t count_items(int64_t count)
{
    return count > MAX_ITEMS ? MAX_ITEMS : count;
}

/* Each timestamp has the digits it needs itself. */
static size_t print_timestamp(int64_t ns, char out[NUMBER_TEXT_MAX])
{
    int digits = ns % 1000 ? 9 : ns % NS_PER_SECOND ? 6 : 0;
    return timestamp_format(ns, false, digits, out);
}

static void print_time(const struct view *view, int64_t row, struct text *text)
{
    char out[NUMBER_TEXT_MAX];
    int64_t ns = ((const int64_t *)view->data)[row];
    size_t nbytes =
        view->type == DK_TIMESTAMP ? print_timestamp(ns, out) : number_format_duration(ns, out);
    text_append(text, out, nbytes);
}

/* An integer or bool, as a column of one without the blank of the sign. */
static dk_status print_value(struct arena *arena, const struct view *view, int64_t row,
                             struct text *text)
{
    struct view single = view_slice(view, row, 1);
    struct print_rows rows = print_rows_all(1);
    struct cells cells;
    DK_TRY(format_values(arena, &single, &rows, JUSTIFY_NONE, &cells));
    cells_trim_front(&cells);
    cell_print(&cells.cell[0], text);
    return DK_OK;
}

static dk_status print_label(struct arena *arena, const struct view *view, int64_t row,
                             struct text *text)
{
    bool is_time = view->type == DK_TIMESTAMP || view->type == DK_DURATION;
    if (!view_is_valid(view, row)) {
        text_puts(text, is_time ? "NaT" : "nan");
    } else if (is_time) {
        print_time(view, row, text);
    } else if (view->type == DK_TEXT || view->type == DK_CATEGORY) {
        struct cell word = format_word(view, row);
        cell_print(&word, text);
    } else if (format_is_float(view)) {
        format_lone_float(format_float_at(view, row), text);
    } else {
        return print_value(arena, view, row, text);
    }
    return DK_OK;
}

static dk_status print_labels(struct arena *arena, const dk_table *table, struct text *text)
{
    text_puts(text, "Index: [");
    for (int64_t row = 0; row < count_items(table->nrows); row++) {
        if (row)
            text_puts(text, ", ");
        if (table->index) {
            DK_TRY(print_label(arena, &table->index->view, row, text));
        } else {
            text_printf(text, "%lld", (long long)row);
        }
    }
    print_list_end(table->nrows, text);
    return DK_OK;
}

static void print_names(const dk_table *table, struct text *text)
{
    text_puts(text, "Empty DataFrame\nColumns: [");
    for (int32_t i = 0; i < count_items(table->ncolumns); i++) {
        if (i)
            text_puts(text, ", ");
        text_puts(text, table->names[i] ? table->names[i] : "0");
    }
    print_list_end(table->ncolumns, text);
    text_putc(text, '\n');
}

dk_status format_empty_frame(struct arena *arena, const dk_table *table,
                             const struct print_options *options, struct text *text)
{
    print_names(table, text);
    DK_TRY(print_labels(arena, table, text));
    bool cut = options->max_rows && table->nrows > options->max_rows;
    if (cut || table->ncolumns > FORMAT_MAX_COLUMNS)
        format_dimensions(table, text);
    return DK_OK;
}
