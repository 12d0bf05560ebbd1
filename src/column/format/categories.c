/* The categories of a series, below it.   Source: pandas Categorical._get_repr_footer. */
#include "column/format/format.h"

#include <stdio.h>
#include <string.h>

#define MAX_CATEGORIES 8 /* pandas display.max_categories */

/* A word in quotes. The quotes are part of what is measured and cut. */
static dk_status quote(struct arena *arena, struct cell *cell)
{
    char *copy = arena_alloc(arena, cell->nbytes + 2);
    if (!copy)
        return DK_ENOMEM;
    copy[0] = copy[cell->nbytes + 1] = '\'';
    if (cell->nbytes)
        memcpy(copy + 1, cell->bytes, cell->nbytes);
    *cell = cell_of(copy, cell->nbytes + 2);
    return DK_OK;
}

static dk_status list_words(struct arena *arena, const struct view *words,
                            const struct print_rows *rows, struct cells *out)
{
    DK_TRY(cells_init(out, arena, rows->count + 1));
    for (int64_t i = 0; i < rows->count; i++) {
        struct cell word = format_word(words, print_row(rows, i));
        struct cell cell;
        DK_TRY(format_text(arena, word.bytes, word.nbytes, &cell));
        DK_TRY(quote(arena, &cell));
        cells_push(out, cell);
    }
    DK_TRY(cells_fix_width(out, arena, JUSTIFY_RIGHT, 0, NULL));
    if (rows->cut)
        cells_insert(out, rows->head, format_literal("..."));
    return DK_OK;
}

dk_status format_categories(struct arena *arena, const struct column *words, size_t width,
                            struct text *text)
{
    int64_t count = words ? words->view.nrows : 0;
    struct print_rows rows = count > MAX_CATEGORIES
                                 ? print_rows_cut(count, MAX_CATEGORIES / 2, MAX_CATEGORIES / 2)
                                 : print_rows_all(count);
    struct cells cells = {0};
    if (count)
        DK_TRY(list_words(arena, &words->view, &rows, &cells));
    size_t before = text->length;
    text_printf(text, "Categories (%lld, str): ", (long long)count);
    size_t indent = text->length - before + 1;
    size_t at = indent - 1;
    text_putc(text, '[');
    for (int64_t i = 0; i < cells.count; i++) {
        struct cell *cell = &cells.cell[i];
        if (width && at + 2 + cell->nchars > width) {
            text_puts(text, ",\n");
            text_repeat(text, ' ', indent);
            at = indent;
        } else if (i) {
            text_puts(text, ", ");
            at += 2;
        }
        text_append(text, cell->bytes, cell->nbytes);
        at += cell->nchars;
    }
    text_putc(text, ']');
    return DK_OK;
}
