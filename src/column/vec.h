/* A vec is what a kernel writes: owned, reusable storage for the values of one column, morsel by
 * morsel. It grows, is refilled again and again, and can be frozen into an immutable column. */
#ifndef COLUMN_VEC_H
#define COLUMN_VEC_H

#include "column/column.h"

/*  data      capacity * type_nbytes(type) bytes; text: the byte pool of `pool_nbytes` used bytes
 *  offsets   text only, capacity + 1 entries, offsets[0] == 0
 *  validity  bitmap of capacity bits; meaningful only while `has_nulls` */
struct vec {
    struct memory *memory;
    dk_type type;
    int64_t nrows;
    int64_t capacity;
    void *data;
    size_t data_capacity; /* bytes allocated at `data` */
    size_t pool_nbytes;   /* text: bytes used at `data` */
    int64_t *offsets;
    uint8_t *validity;
    bool has_nulls;
    struct column *dictionary; /* category: a reference of its own */
};

void vec_init(struct vec *vec, struct memory *memory, dk_type type);
void vec_deinit(struct vec *vec);

/* Makes room for `capacity` rows (text: of offsets; the pool grows by vec_append_text). Keeps the
 * rows. */
dk_status vec_reserve(struct vec *vec, int64_t capacity) DK_NODISCARD;
/* Empties it for the next morsel of `nrows` rows (reserved, nrows set, no nulls, pool empty), with
 * values not yet written. */
dk_status vec_reset(struct vec *vec, int64_t nrows) DK_NODISCARD;

/* Marks row `i` missing (a float becomes NaN). The first null clears the way: the bitmap is set to
 * all valid for `capacity` rows. Never fails: the bitmap was reserved with the rows. */
void vec_set_null(struct vec *vec, int64_t i);

/* Makes room for `nbytes` more of text behind the pool's used bytes. */
dk_status vec_reserve_text(struct vec *vec, size_t nbytes) DK_NODISCARD;

/* Appends at the end (room is made). */
dk_status vec_append_text(struct vec *vec, const char *bytes, size_t nbytes) DK_NODISCARD;
dk_status vec_append_null(struct vec *vec) DK_NODISCARD;
dk_status vec_append_view(struct vec *vec, const struct view *view) DK_NODISCARD; /* same type */

struct view vec_view(const struct vec *vec);

/* Moves the storage into an immutable column; the vec is empty and usable after, also on failure. A
 * category column gets a dictionary, an empty one when the vec has none. */
dk_status vec_freeze(struct vec *vec, struct column **out) DK_NODISCARD;

#endif
