/* Columns in Arrow layout: immutable, reference counted, sliced without a copy. */
#ifndef COLUMN_COLUMN_H
#define COLUMN_COLUMN_H

#include <cdask/table.h>

#include "base/error.h"
#include "base/memory.h"

/* Bytes shared by columns, immutable once shared. `release` is set for memory that came from
 * outside the ledger (an imported Arrow array, a mapped file): it is called instead of memory_free.
 */
struct buffer {
    atomic_int refs;
    struct memory *memory;
    void *data;
    size_t nbytes;
    void (*release)(void *owner);
    void *owner;
};

/* Uninitialised bytes of the ledger. */
struct buffer *buffer_new(struct memory *memory, size_t nbytes) DK_NODISCARD;
/* Takes a block of the ledger, also on failure. */
struct buffer *buffer_adopt(struct memory *memory, void *data, size_t nbytes) DK_NODISCARD;
/* Wraps foreign bytes; takes `owner`, also on failure (release is called then). */
struct buffer *buffer_wrap(struct memory *memory, const void *data, size_t nbytes,
                           void (*release)(void *owner), void *owner) DK_NODISCARD;
struct buffer *buffer_ref(struct buffer *buffer);
void buffer_unref(struct buffer *buffer);

/* What a kernel reads: a window on a column or on a morsel. Borrowed, passed by value or const
 * pointer. data      first value of the window (text: the byte pool that `offsets` points into;
 * bool: one byte a value) offsets   text only: nrows + 1 entries validity  bit (validity_offset +
 * i) is 0 when value i is missing; NULL: none is. Floats: always NULL. dictionary  category only:
 * the text column the codes point into */
struct view {
    dk_type type;
    int64_t nrows;
    const void *data;
    const int64_t *offsets;
    const uint8_t *validity;
    int64_t validity_offset;
    struct column *dictionary;
};

/* A concrete column: a view and the buffers that keep it alive. */
struct column {
    atomic_int refs;
    struct memory *memory;
    struct view view;
    struct buffer *data;
    struct buffer *offsets;
    struct buffer *validity;
    struct column *dictionary;
};

/* Takes the buffers (NULL where they do not apply), also on failure. The view starts at their
 * beginning. */
struct column *column_new(struct memory *memory, dk_type type, int64_t nrows, struct buffer *data,
                          struct buffer *offsets, struct buffer *validity,
                          struct column *dictionary) DK_NODISCARD;
struct column *column_ref(struct column *column);
void column_unref(struct column *column);
/* Rows [start, start + nrows) sharing the buffers. */
struct column *column_slice(struct column *column, int64_t start, int64_t nrows) DK_NODISCARD;
/* A copy of what `view` shows. */
dk_status column_copy(struct memory *memory, const struct view *view, struct column **out,
                      dk_error *err) DK_NODISCARD;
/* The int64 column first, first + 1, ... */
struct column *column_range(struct memory *memory, int64_t first, int64_t nrows) DK_NODISCARD;
/* One after another; types must be equal. Dictionaries are unified. */
dk_status column_concat(struct memory *memory, struct column *const *columns, size_t ncolumns,
                        struct column **out, dk_error *err) DK_NODISCARD;
/* Rows `rows[i]` of `column` in that order; -1 gives a missing value (the type must be able to hold
 * one: ints, bool get a bitmap). */
dk_status column_take(struct memory *memory, const struct view *view, const int64_t *rows,
                      int64_t nrows, struct column **out, dk_error *err) DK_NODISCARD;

size_t type_nbytes(dk_type type); /* of one value in `data`; 0 for text */
bool type_is_float(dk_type type);
bool type_is_integer(dk_type type); /* signed and unsigned, not bool */
bool type_is_number(dk_type type);  /* integers and floats */

struct view view_slice(const struct view *view, int64_t start, int64_t nrows);
/* True when the value is there: neither null nor NaN. */
bool view_is_valid(const struct view *view, int64_t row);
int64_t view_count_missing(const struct view *view);

static inline bool bit_get(const uint8_t *bits, int64_t i)
{
    return (bits[i >> 3] >> (i & 7)) & 1;
}

static inline void bit_set(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] | (1u << (i & 7)));
}

static inline void bit_clear(uint8_t *bits, int64_t i)
{
    bits[i >> 3] = (uint8_t)(bits[i >> 3] & ~(1u << (i & 7)));
}

/* A missing float is NaN whatever its validity says: NULL bitmaps only. */
static inline bool view_is_null(const struct view *view, int64_t row)
{
    return view->validity && !bit_get(view->validity, view->validity_offset + row);
}

#endif
