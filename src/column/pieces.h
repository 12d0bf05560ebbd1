/* What is to be written of tables: borrowed buffers, laid one after the other, each at a multiple
 * of 64 bytes. Whoever sends them as frames of their own does without the places. */
#ifndef COLUMN_PIECES_H
#define COLUMN_PIECES_H

#include "base/vector.h"
#include "column/column.h"

struct piece {
    const void *data;
    size_t nbytes;
    size_t offset;
    int64_t base; /* not 0: `data` are int64 offsets to be written less this */
};

struct pieces {
    struct vector list; /* of struct piece */
    size_t nbytes;      /* of all, with the gaps */
};

void pieces_init(struct pieces *pieces, struct memory *memory);
void pieces_deinit(struct pieces *pieces);
/* Adds a buffer and gives its place. */
dk_status pieces_add(struct pieces *pieces, const void *data, size_t nbytes,
                     size_t *offset) DK_NODISCARD;
/* Adds text offsets, from each of which the first is subtracted when they are written. */
dk_status pieces_add_offsets(struct pieces *pieces, const int64_t *offsets, size_t count,
                             size_t *offset) DK_NODISCARD;

static inline const struct piece *piece_at(const struct pieces *pieces, size_t i)
{
    return &((const struct piece *)pieces->list.data)[i];
}

/* Writes all to `to`, which has room for them. */
void pieces_copy(const struct pieces *pieces, char *to);
/* Writes one. */
void piece_copy(const struct piece *piece, char *to);

#endif
