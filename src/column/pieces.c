#include "column/pieces.h"

#include <string.h>

#define ALIGNMENT ((size_t)64)

void pieces_init(struct pieces *pieces, struct memory *memory)
{
    vector_init(&pieces->list, memory, sizeof(struct piece));
    pieces->nbytes = 0;
}

void pieces_deinit(struct pieces *pieces)
{
    vector_deinit(&pieces->list);
}

static dk_status add(struct pieces *pieces, struct piece piece, size_t *offset)
{
    piece.offset = pieces->nbytes;
    DK_TRY(vector_append(&pieces->list, &piece, 1));
    *offset = piece.offset;
    pieces->nbytes += (piece.nbytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    return DK_OK;
}

dk_status pieces_add(struct pieces *pieces, const void *data, size_t nbytes, size_t *offset)
{
    return add(pieces, (struct piece){.data = data, .nbytes = nbytes}, offset);
}

dk_status pieces_add_offsets(struct pieces *pieces, const int64_t *offsets, size_t count,
                             size_t *offset)
{
    struct piece piece = {.data = offsets, .nbytes = count * sizeof(int64_t)};
    if (count)
        piece.base = offsets[0];
    return add(pieces, piece, offset);
}

/* `to` may lie anywhere: messages give no alignment. */
static void rebase(char *to, size_t nbytes, int64_t base)
{
    for (size_t at = 0; at < nbytes; at += sizeof(int64_t)) {
        int64_t offset = 0;
        memcpy(&offset, to + at, sizeof(offset));
        offset -= base;
        memcpy(to + at, &offset, sizeof(offset));
    }
}

void piece_copy(const struct piece *piece, char *to)
{
    if (piece->nbytes)
        memcpy(to, piece->data, piece->nbytes);
    if (piece->base)
        rebase(to, piece->nbytes, piece->base);
}

void pieces_copy(const struct pieces *pieces, char *to)
{
    memset(to, 0, pieces->nbytes);
    for (size_t i = 0; i < pieces->list.count; i++)
        piece_copy(piece_at(pieces, i), to + piece_at(pieces, i)->offset);
}
