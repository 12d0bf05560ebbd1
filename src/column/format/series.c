/* A series: labels, values, and a footer.   Source: pandas SeriesFormatter. */
#include "column/format/format.h"

#include <stdio.h>

static struct print_rows choose_rows(int64_t nrows, const struct print_options *options)
{
    int64_t shown = options->max_rows;
    if (!shown || nrows <= shown)
        return print_rows_all(nrows);
    if (options->min_rows && options->min_rows < shown)
        shown = options->min_rows;
    return shown == 1 ? print_rows_cut(nrows, 1, 0) : print_rows_cut(nrows, shown / 2, shown / 2);
}

/* Dots as wide as the values, in their middle. */
static void insert_dots(struct cells *index, struct cells *values, int64_t at)
{
    size_t width = cell_width(&values->cell[at - 1]);
    struct cell dots = format_literal(width > 3 ? "..." : "..");
    cell_justify(&dots, width, JUSTIFY_CENTER);
    cells_insert(values, at, dots);
    cells_insert(index, at, format_literal(""));
}

static dk_status print_footer(struct arena *arena, const dk_table *table, bool cut, size_t width,
                              struct text *text)
{
    const struct column *column = table->columns[0];
    if (table->names[0]) {
        struct cell name;
        DK_TRY(format_name(arena, table->names[0], &name));
        text_puts(text, "Name: ");
        cell_print(&name, text);
        text_puts(text, ", ");
    }
    if (cut)
        text_printf(text, "Length: %lld, ", (long long)table->nrows);
    text_printf(text, "dtype: %s", format_dtype(&column->view));
    if (column->view.type != DK_CATEGORY)
        return DK_OK;
    text_putc(text, '\n');
    return format_categories(arena, column->dictionary, width, text);
}

dk_status format_series(struct arena *arena, const dk_table *table,
                        const struct print_options *options, struct text *text)
{
    struct print_rows rows = choose_rows(table->nrows, options);
    if (!table->nrows) {
        text_puts(text, "Series([], ");
        DK_TRY(print_footer(arena, table, false, options->width, text));
        text_putc(text, ')');
        return DK_OK;
    }
    if (table->index_name) {
        struct cell name;
        DK_TRY(format_name(arena, table->index_name, &name));
        cell_print(&name, text);
        text_putc(text, '\n');
    }
    struct cells columns[2];
    DK_TRY(format_index(arena, table, &rows, false, &columns[0]));
    DK_TRY(format_values(arena, &table->columns[0]->view, &rows, JUSTIFY_RIGHT, &columns[1]));
    if (rows.cut)
        insert_dots(&columns[0], &columns[1], rows.head);
    DK_TRY(format_adjoin(arena, 3, columns, 2, text));
    text_putc(text, '\n');
    return print_footer(arena, table, rows.cut, options->width, text);
}
