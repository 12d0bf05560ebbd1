/* Segments: the buffers of tables, and the large ones of packed objects, laid one after the other
 * in a memfd that processes share or, when small, inside a message. Every buffer begins at a
 * multiple of 64 bytes.
 *
 * A mapped segment is memory of the system's, not of the ledger: several processes hold the same
 * bytes.
 */
#ifndef LOCAL_SEGMENT_H
#define LOCAL_SEGMENT_H

#include "base/vector.h"
#include "column/column.h"

/* Segments below this size are copied into the message. */
#define SEGMENT_INLINE_NBYTES ((size_t)64 << 10)

/* What is to be written into a segment: borrowed buffers. */
struct pieces {
    struct vector list; /* of struct piece */
    size_t nbytes;      /* of the segment */
};

struct segment {
    atomic_int refs;
    struct memory *memory;
    void *data;
    size_t nbytes;
    bool is_mapped;
};

void pieces_init(struct pieces *pieces, struct memory *memory);
void pieces_deinit(struct pieces *pieces);
/* Adds a buffer and gives its place. */
dk_status pieces_add(struct pieces *pieces, const void *data, size_t nbytes,
                     size_t *offset) DK_NODISCARD;
/* Adds text offsets, from each of which the first is subtracted when they are written. */
dk_status pieces_add_offsets(struct pieces *pieces, const int64_t *offsets, size_t count,
                             size_t *offset) DK_NODISCARD;

/* Writes the segment to `to`, which has room for it. */
void pieces_copy(const struct pieces *pieces, char *to);
/* Writes the segment into a new sealed memfd.
 * Errors: DK_EIO (no descriptor left, or the system's text), DK_ENOMEM (no memory for its pages).
 */
dk_status pieces_share(const struct pieces *pieces, int *fd, dk_error *err) DK_NODISCARD;

/* Maps a memfd, which may be closed after.   Errors: DK_ENOMEM. */
dk_status segment_map(struct memory *memory, int fd, size_t nbytes,
                      struct segment **out) DK_NODISCARD;
/* Copies bytes of a message.   Errors: DK_ENOMEM. */
dk_status segment_copy(struct memory *memory, const void *bytes, size_t nbytes,
                       struct segment **out) DK_NODISCARD;
struct segment *segment_ref(struct segment *segment);
void segment_unref(struct segment *segment);
/* A window as a buffer that keeps the segment alive; NULL when out of memory. */
struct buffer *segment_buffer(struct segment *segment, size_t offset, size_t nbytes) DK_NODISCARD;

#endif
