/* A frame: a header line and columns side by side.   Source: pandas DataFrameFormatter,
 * StringFormatter. */
#include "column/format/format.h"

#include <string.h>

/* What is printed of a frame. cells[0] is the index, then the columns; cells[dots] stands for
 * columns that were left out (0: none were). */
struct page {
    struct arena *arena;
    const dk_table *table;
    struct print_rows rows;
    int32_t ncolumns; /* of the table that are shown */
    int32_t first;    /* of these, how many are the first ones of the table */
    int64_t nheaders; /* lines before the rows */
    struct cells *cells;
    size_t ncells;
    size_t dots;
};

static struct print_rows choose_rows(int64_t nrows, const struct print_options *options)
{
    int64_t shown = options->max_rows;
    if (!shown || nrows <= shown)
        return print_rows_all(nrows);
    if (options->min_rows && options->min_rows < shown)
        shown = options->min_rows;
    return shown > 1 ? print_rows_cut(nrows, shown / 2, shown / 2)
                     : print_rows_cut(nrows, options->max_rows, 0);
}

static bool is_wide(const dk_table *table)
{
    return table->ncolumns > FORMAT_MAX_COLUMNS;
}

static int32_t column_at(const struct page *page, int32_t i)
{
    return i < page->first ? i : i + page->table->ncolumns - page->ncolumns;
}

/* pandas puts a blank before a number's name, but looks at the types of the first columns of the
 * table even where those in the middle are left out. */
static dk_status format_headers(struct page *page, struct cells *out)
{
    const dk_table *table = page->table;
    DK_TRY(cells_init(out, page->arena, page->ncolumns));
    for (int32_t i = 0; i < page->ncolumns; i++) {
        const char *name = table->names[column_at(page, i)];
        struct cell cell;
        DK_TRY(format_name(page->arena, name ? name : "0", &cell));
        cells_push(out, cell);
    }
    cells_trim_front(out);
    for (int32_t i = 0; i < page->ncolumns; i++)
        out->cell[i].blanks_before += format_is_numeric(&table->columns[i]->view);
    return DK_OK;
}

static dk_status format_column(struct page *page, int32_t i, struct cell header, struct cells *out)
{
    const struct view *view = &page->table->columns[column_at(page, i)]->view;
    DK_TRY(format_values(page->arena, view, &page->rows, JUSTIFY_RIGHT, out));
    size_t width;
    DK_TRY(cells_fix_width(out, page->arena, JUSTIFY_RIGHT, cell_width(&header), &width));
    struct cell blank = format_literal("");
    cell_justify(&header, width, JUSTIFY_RIGHT);
    cell_justify(&blank, cell_width(&header), JUSTIFY_RIGHT);
    if (page->nheaders > 1)
        cells_insert(out, 0, blank);
    cells_insert(out, 0, header);
    return DK_OK;
}

static dk_status format_labels(struct page *page, struct cells *out)
{
    DK_TRY(format_index(page->arena, page->table, &page->rows, page->nheaders > 1, out));
    DK_TRY(cells_fix_width(out, page->arena, JUSTIFY_LEFT, 0, NULL));
    cells_insert(out, 0, format_literal(""));
    return DK_OK;
}

static dk_status format_dots(struct page *page, struct cells *out)
{
    int64_t count = page->nheaders + page->rows.count;
    DK_TRY(cells_init(out, page->arena, count + 1));
    for (int64_t i = 0; i < count; i++)
        cells_push(out, format_literal(" ..."));
    return DK_OK;
}

static dk_status format_cells(struct page *page)
{
    size_t room = (size_t)page->ncolumns + 2;
    page->cells = arena_alloc(page->arena, room * sizeof(*page->cells));
    if (!page->cells)
        return DK_ENOMEM;
    struct cells headers;
    DK_TRY(format_headers(page, &headers));
    DK_TRY(format_labels(page, &page->cells[page->ncells++]));
    for (int32_t i = 0; i < page->ncolumns; i++) {
        if (is_wide(page->table) && i == page->first) {
            page->dots = page->ncells++;
            DK_TRY(format_dots(page, &page->cells[page->dots]));
        }
        DK_TRY(format_column(page, i, headers.cell[i], &page->cells[page->ncells++]));
    }
    return DK_OK;
}

/* A line of dots where rows were left out. */
static void insert_dots(struct page *page)
{
    int64_t head = page->rows.head;
    for (size_t c = 0; c < page->ncells; c++) {
        struct cells *cells = &page->cells[c];
        bool is_dots = page->dots && c == page->dots;
        size_t width = cell_width(&cells->cell[head]);
        struct cell dots = format_literal(width > 3 || is_dots ? "..." : "..");
        cell_justify(&dots, is_dots ? 4 : width, c ? JUSTIFY_RIGHT : JUSTIFY_LEFT);
        cells_insert(cells, head + page->nheaders, dots);
    }
}

/* How many columns from `start` on fit beside the index; at least one.   Source: pandas _binify. */
static size_t count_fitting(const struct page *page, size_t start, size_t index_width, size_t width)
{
    size_t used = index_width + 1;
    size_t n = 0;
    for (size_t c = start; c < page->ncells; c++, n++) {
        used += cells_width(&page->cells[c]) + 1;
        bool is_last = c + 1 == page->ncells;
        if (n && used + (is_last ? 1 : 2) > width)
            break;
    }
    return n;
}

/* The column that ends a part of a wrapped page: a backslash where the line goes on below. */
static dk_status format_marks(struct page *page, bool is_last, struct cells *out)
{
    int64_t count = page->cells[0].count;
    DK_TRY(cells_init(out, page->arena, count));
    cells_push(out, format_literal(is_last ? " " : " \\"));
    while (out->count < count)
        cells_push(out, format_literal(is_last ? " " : "  "));
    return DK_OK;
}

static dk_status print_wrapped(struct page *page, size_t width, struct text *text)
{
    size_t index_width = cells_width(&page->cells[0]);
    struct cells *part = arena_alloc(page->arena, (page->ncells + 1) * sizeof(*part));
    if (!part)
        return DK_ENOMEM;
    part[0] = page->cells[0];
    for (size_t start = 1, n; start < page->ncells; start += n) {
        n = count_fitting(page, start, index_width, width);
        bool is_last = start + n == page->ncells;
        memcpy(&part[1], &page->cells[start], n * sizeof(*part));
        size_t nparts = n + 1;
        if (start > 1 || !is_last)
            DK_TRY(format_marks(page, is_last, &part[nparts++]));
        DK_TRY(format_adjoin(page->arena, 1, part, nparts, text));
        if (!is_last)
            text_puts(text, "\n\n");
    }
    return DK_OK;
}

void format_dimensions(const dk_table *table, struct text *text)
{
    text_printf(text, "\n\n[%lld rows x %d columns]", (long long)table->nrows, table->ncolumns);
}

dk_status format_frame(struct arena *arena, const dk_table *table,
                       const struct print_options *options, struct text *text)
{
    struct page page = {
        .arena = arena,
        .table = table,
        .rows = choose_rows(table->nrows, options),
        .ncolumns = is_wide(table) ? FORMAT_MAX_COLUMNS : table->ncolumns,
        .first = is_wide(table) ? FORMAT_MAX_COLUMNS / 2 : table->ncolumns,
        .nheaders = table->index_name ? 2 : 1,
    };
    DK_TRY(format_cells(&page));
    if (page.rows.cut)
        insert_dots(&page);
    if (options->width) {
        DK_TRY(print_wrapped(&page, options->width, text));
    } else {
        DK_TRY(format_adjoin(arena, 1, page.cells, page.ncells, text));
    }
    if (page.rows.cut || is_wide(table))
        format_dimensions(table, text);
    return DK_OK;
}
