/* Large results for peers of this machine: in shared memory, of which the answer to get_data only
 * says where it is.
 *
 *     {"status": "OK", "data": {...}, "shared": [[key, header, process, descriptor, bytes,
 *                                                 [[place, bytes] of each frame]] ...]}
 *
 * The peer maps it before it says that it has the answer; until then the descriptor stays open. */
#ifndef NODE_SHARE_H
#define NODE_SHARE_H

#include "column/pieces.h"
#include "local/processes/segment.h"
#include "payload/value.h"
#include "wire/build.h"

/* Smaller ones travel in the answer itself. */
#define SHARE_NBYTES ((size_t)64 * 1024)

/* A result in shared memory. */
struct share {
    int fd; /* -1: it is in none */
    struct pieces pieces;
    struct vector header; /* of char: the payload's */
};

/* Copies `packed` there, which may go then.   Thread: any.   Errors: DK_EIO, DK_ENOMEM. */
dk_status share_put(struct memory *memory, const struct payload_value *packed, struct share *out,
                    dk_error *err) DK_NODISCARD;
/* One that was put, or {.fd = -1}. */
void share_close(struct share *share);
/* Its entry in the answer. */
struct wire_value share_wire(const struct share *share, struct wire_bytes key,
                             struct wire_builder *builder);

/* What a peer shares, mapped here. */
struct shared {
    struct memory *memory;
    struct segment *segment;
    struct wire_bytes *frames;
    struct wire_payload payload; /* of those; its header lies in the entry */
};

/* Maps what an entry that a peer has sent says; its key is the entry's first item.
 * Errors: DK_EPARSE (it is none), DK_EIO (we cannot open it), DK_ENOMEM; then there is nothing to
 * close. */
dk_status shared_open(struct memory *memory, const struct wire_value *entry, struct shared *out,
                      dk_error *err) DK_NODISCARD;
/* What was made of it with its owner may stay. */
void shared_close(struct shared *shared);
/* For payload_unpack_value(). */
struct wire_value shared_value(const struct shared *shared);
struct payload_owner shared_owner(const struct shared *shared);

#endif
