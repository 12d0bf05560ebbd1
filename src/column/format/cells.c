#include "column/format/cells.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"

#define MAX_WIDTH ((size_t)50) /* pandas display.max_colwidth */
#define ELLIPSIS  "..."

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

static size_t count_characters(const char *bytes, size_t nbytes)
{
    size_t n = 0;
    for (size_t i = 0; i < nbytes; i++)
        n += begins_character(bytes[i]);
    return n;
}

struct cell cell_of(const char *bytes, size_t nbytes)
{
    return (struct cell){
        .bytes = bytes, .nbytes = nbytes, .nchars = count_characters(bytes, nbytes)};
}

size_t cell_width(const struct cell *cell)
{
    return cell->blanks_before + cell->nchars + cell->blanks_after;
}

void cell_justify(struct cell *cell, size_t width, enum justify justify)
{
    size_t now = cell_width(cell);
    if (now >= width || justify == JUSTIFY_NONE)
        return;
    size_t more = width - now;
    /* Python's str.center puts the odd blank left when the width is odd. */
    size_t before = justify == JUSTIFY_LEFT    ? 0
                    : justify == JUSTIFY_RIGHT ? more
                                               : more / 2 + (more & width & 1);
    cell->blanks_before += before;
    cell->blanks_after += more - before;
}

void cell_print(const struct cell *cell, struct text *text)
{
    text_repeat(text, ' ', cell->blanks_before);
    text_append(text, cell->bytes, cell->nbytes);
    text_repeat(text, ' ', cell->blanks_after);
}

dk_status cells_init(struct cells *cells, struct arena *arena, int64_t capacity)
{
    struct cell *room = arena_alloc(arena, (size_t)capacity * sizeof(*room));
    if (!room)
        return DK_ENOMEM;
    *cells = (struct cells){.cell = room, .capacity = capacity};
    return DK_OK;
}

void cells_push(struct cells *cells, struct cell cell)
{
    assert(cells->count < cells->capacity);
    cells->cell[cells->count++] = cell;
}

void cells_insert(struct cells *cells, int64_t at, struct cell cell)
{
    assert(cells->count < cells->capacity && at <= cells->count);
    memmove(&cells->cell[at + 1], &cells->cell[at],
            (size_t)(cells->count - at) * sizeof(cells->cell[0]));
    cells->cell[at] = cell;
    cells->count++;
}

size_t cells_width(const struct cells *cells)
{
    size_t widest = 0;
    for (int64_t i = 0; i < cells->count; i++) {
        size_t width = cell_width(&cells->cell[i]);
        if (width > widest)
            widest = width;
    }
    return widest;
}

/* A string of blanks alone counts whole, as in Python's lstrip(). */
static size_t count_front(const struct cell *cell)
{
    size_t n = 0;
    while (n < cell->nbytes && cell->bytes[n] == ' ')
        n++;
    return cell->blanks_before + n + (n == cell->nbytes ? cell->blanks_after : 0);
}

static void drop_front(struct cell *cell, size_t n)
{
    size_t blanks = n < cell->blanks_before ? n : cell->blanks_before;
    cell->blanks_before -= blanks;
    n -= blanks;
    size_t characters = n < cell->nchars ? n : cell->nchars;
    cell->bytes += characters;
    cell->nbytes -= characters;
    cell->nchars -= characters;
    cell->blanks_after -= n - characters;
}

void cells_trim_front(struct cells *cells)
{
    size_t common = SIZE_MAX;
    for (int64_t i = 0; i < cells->count; i++) {
        size_t front = count_front(&cells->cell[i]);
        if (front < common)
            common = front;
    }
    for (int64_t i = 0; i < cells->count; i++)
        drop_front(&cells->cell[i], common);
}

/* The first `keep` characters, and what shows that there were more. */
static dk_status cut(struct cell *cell, struct arena *arena, size_t keep)
{
    size_t before = cell->blanks_before < keep ? cell->blanks_before : keep;
    size_t wanted = keep - before;
    size_t nbytes = 0;
    for (size_t seen = 0; nbytes < cell->nbytes; nbytes++) {
        seen += begins_character(cell->bytes[nbytes]);
        if (seen > wanted)
            break;
    }
    char *copy = arena_alloc(arena, nbytes + sizeof(ELLIPSIS));
    if (!copy)
        return DK_ENOMEM;
    memcpy(copy, cell->bytes, nbytes);
    memcpy(copy + nbytes, ELLIPSIS, sizeof(ELLIPSIS));
    *cell = cell_of(copy, nbytes + strlen(ELLIPSIS));
    cell->blanks_before = before;
    return DK_OK;
}

dk_status cells_fix_width(struct cells *cells, struct arena *arena, enum justify justify,
                          size_t minimum, size_t *width)
{
    size_t widest = cells_width(cells);
    if (justify != JUSTIFY_NONE && cells->count) {
        if (widest < minimum)
            widest = minimum;
        if (widest > MAX_WIDTH)
            widest = MAX_WIDTH;
        for (int64_t i = 0; i < cells->count; i++) {
            struct cell *cell = &cells->cell[i];
            if (cell_width(cell) > widest)
                DK_TRY(cut(cell, arena, widest - strlen(ELLIPSIS)));
            cell_justify(cell, widest, justify);
        }
    }
    if (width)
        *width = widest;
    return DK_OK;
}
