/* Printing a table: options, and how columns of cells are put together. */
#include "column/format/format.h"

#include <string.h>

#define DEFAULT_MAX_ROWS 60
#define DEFAULT_MIN_ROWS 10
#define DEFAULT_WIDTH    80

struct print_rows print_rows_cut(int64_t nrows, int64_t head, int64_t tail)
{
    return (struct print_rows){
        .count = head + tail, .head = head, .skipped = nrows - head - tail, .cut = true};
}

struct print_rows print_rows_all(int64_t nrows)
{
    return (struct print_rows){.count = nrows, .head = nrows};
}

static void print_line(const struct cells *columns, const size_t *widths, size_t ncolumns,
                       int64_t line, struct text *text)
{
    for (size_t c = 0; c < ncolumns; c++) {
        const struct cell *cell = &columns[c].cell[line];
        cell_print(cell, text);
        text_repeat(text, ' ', widths[c] - cell_width(cell));
    }
}

dk_status format_adjoin(struct arena *arena, size_t space, const struct cells *columns,
                        size_t ncolumns, struct text *text)
{
    size_t *widths = arena_alloc(arena, ncolumns * sizeof(*widths));
    if (!widths)
        return DK_ENOMEM;
    for (size_t c = 0; c < ncolumns; c++)
        widths[c] = cells_width(&columns[c]) + (c + 1 < ncolumns ? space : 0);
    for (int64_t line = 0; line < columns[0].count; line++) {
        if (line)
            text_putc(text, '\n');
        print_line(columns, widths, ncolumns, line, text);
    }
    return DK_OK;
}

static struct print_options fill_options(const dk_print_options *options)
{
    dk_print_options given = options ? *options : (dk_print_options){0};
    int32_t max_rows = given.max_rows ? given.max_rows : DEFAULT_MAX_ROWS;
    int32_t min_rows = given.min_rows ? given.min_rows : DEFAULT_MIN_ROWS;
    int32_t width = given.width ? given.width : DEFAULT_WIDTH;
    return (struct print_options){
        .max_rows = max_rows < 0 ? 0 : max_rows,
        .min_rows = min_rows < 0 ? 0 : min_rows,
        .width = width < 0 ? 0 : (size_t)width,
    };
}

static dk_status print_table(struct arena *arena, const dk_table *table,
                             const struct print_options *options, struct text *text)
{
    if (table->is_series)
        return format_series(arena, table, options, text);
    if (!table->nrows || !table->ncolumns)
        return format_empty_frame(arena, table, options, text);
    return format_frame(arena, table, options, text);
}

dk_status dk_table_format(const dk_table *table, const dk_print_options *options, char **out,
                          dk_error *err)
{
    struct print_options filled = fill_options(options);
    struct arena arena;
    struct text text;
    arena_init(&arena, table->memory);
    text_init(&text, table->memory);
    dk_status status = print_table(&arena, table, &filled, &text);
    if (status == DK_OK)
        status = text_export(&text, out);
    text_deinit(&text);
    arena_deinit(&arena);
    return status == DK_OK ? DK_OK : error_nomem(err);
}
