/* Row labels.   Source: pandas Index._format_flat. */
#include "column/format/format.h"

#include <stdio.h>

/* Rows without an index are numbered. */
static dk_status number_rows(struct arena *arena, const struct print_rows *rows, struct cells *out)
{
    char text[24];
    DK_TRY(cells_init(out, arena, rows->count + 3));
    for (int64_t i = 0; i < rows->count; i++) {
        int n = snprintf(text, sizeof(text), "%lld", (long long)print_row(rows, i));
        struct cell cell;
        DK_TRY(format_copy(arena, text, (size_t)n, &cell));
        cells_push(out, cell);
    }
    return DK_OK;
}

/* pandas leaves labels that are objects as they are, and aligns numbers left. */
static enum justify label_justify(const struct view *view)
{
    bool object = view->type == DK_BOOL && view_count_missing(view) > 0;
    bool number = type_is_number(view->type) || view->type == DK_BOOL;
    return number && !object ? JUSTIFY_LEFT : JUSTIFY_NONE;
}

dk_status format_index(struct arena *arena, const dk_table *table, const struct print_rows *rows,
                       bool with_name, struct cells *out)
{
    const struct column *index = table->index;
    if (index) {
        DK_TRY(format_values(arena, &index->view, rows, label_justify(&index->view), out));
        cells_trim_front(out);
    } else {
        DK_TRY(number_rows(arena, rows, out));
    }
    struct cell name;
    DK_TRY(format_name(arena, table->index_name, &name));
    if (with_name)
        cells_insert(out, 0, name);
    return DK_OK;
}
