/* Segments: the buffers of tables, and the large ones of packed objects, laid one after the other
 * in a memfd that processes share or, when small, inside a message.
 *
 * A mapped segment is memory of the system's, not of the ledger: several processes hold the same
 * bytes.
 */
#ifndef LOCAL_SEGMENT_H
#define LOCAL_SEGMENT_H

#include "column/pieces.h"

/* Segments below this size are copied into the message. */
#define SEGMENT_INLINE_NBYTES ((size_t)64 << 10)

struct segment {
    atomic_int refs;
    struct memory *memory;
    void *data;
    size_t nbytes;
    bool is_mapped;
};

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
