/* Cells: the strings of one printed column. Blanks around a string are counts, not characters, so
 * aligning a column copies nothing, and text can stay where its column holds it. */
#ifndef COLUMN_CELLS_H
#define COLUMN_CELLS_H

#include "base/arena.h"
#include "base/text.h"

struct cell {
    const char *bytes;
    size_t nbytes;
    size_t nchars; /* code points of `bytes`: what Python's len() counts */
    size_t blanks_before;
    size_t blanks_after;
};

struct cells {
    struct cell *cell;
    int64_t count;
    int64_t capacity;
};

enum justify {
    JUSTIFY_LEFT,
    JUSTIFY_RIGHT,
    JUSTIFY_CENTER,
    JUSTIFY_NONE /* strings stay as they are (pandas "all") */
};

/* `bytes` are borrowed. */
struct cell cell_of(const char *bytes, size_t nbytes);
size_t cell_width(const struct cell *cell);
/* Adds blanks up to `width`; a wider cell stays. */
void cell_justify(struct cell *cell, size_t width, enum justify justify);
/* Appends the cell with its blanks. */
void cell_print(const struct cell *cell, struct text *text);

/* Room for `capacity` cells, which may never be exceeded. The room belongs to the arena. */
dk_status cells_init(struct cells *cells, struct arena *arena, int64_t capacity) DK_NODISCARD;
void cells_push(struct cells *cells, struct cell cell);
void cells_insert(struct cells *cells, int64_t at, struct cell cell);
/* Width of the widest cell; 0 when there is none. */
size_t cells_width(const struct cells *cells);
/* Takes away the blanks that all cells begin with.   Source: pandas trim_front. */
void cells_trim_front(struct cells *cells);
/* Makes the cells equally wide: `minimum` or the widest, but at most 50, to which longer ones are
 * cut with
 * "..." at their end. `*width` (may be NULL) gets the width.
 * Source: pandas _make_fixed_width with display.max_colwidth. */
dk_status cells_fix_width(struct cells *cells, struct arena *arena, enum justify justify,
                          size_t minimum, size_t *width) DK_NODISCARD;

#endif
