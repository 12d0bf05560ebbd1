/* Payloads from the inside: their original frames, of the sub-frames that travel, and back.
 *
 * A frame of more than PAYLOAD_SHARD_NBYTES goes in several sub-frames, and each sub-frame may be
 * compressed; the header tells ("split-num-sub-frames", "split-offsets", "compression").
 *
 * Source: distributed.protocol.serialize (serialize_and_split, merge_and_deserialize),
 * distributed.protocol.compression (maybe_compress). */
#ifndef WIRE_PAYLOAD_H
#define WIRE_PAYLOAD_H

#include "base/arena.h"
#include "wire/codec.h"

/* An open payload. Frames that were neither split nor compressed stay where they were. */
struct open_payload {
    struct wire_value header; /* in the arena, and in the payload's header */
    struct wire_bytes *frames;
    size_t nframes;
    struct arena arena;
    struct vector joined; /* of struct vector of char: the frames that were not whole */
};

/* Opens `payload`, which must outlive `*out`.
 *
 * Errors: DK_EPARSE (the header or a frame is not as it should be), DK_ENOTSUP (a compression),
 * DK_EOVERFLOW (all frames together would be more than `nbytes_max`), DK_ENOMEM. */
dk_status payload_open(struct memory *memory, const struct wire_payload *payload, size_t nbytes_max,
                       struct open_payload *out, dk_error *err) DK_NODISCARD;
void payload_close(struct open_payload *payload);

/* A payload that was made here. */
struct made_payload {
    struct wire_payload payload;
    struct vector header;     /* of char */
    struct vector frames;     /* of struct wire_bytes */
    struct vector compressed; /* of struct vector of char */
};

/* A payload of `frames`, which are borrowed for as long as `*out` is: split, and compressed by
 * `codec` where that is worth it. The header is `entries` with what the frames need beside them
 * ("serializer", "writeable", ...; none of the four names that are added here).
 *
 * Errors: DK_EINVAL (nested too deep), DK_ENOMEM. */
#define PAYLOAD_SHARD_NBYTES ((size_t)64 << 20)
dk_status payload_make(struct memory *memory, const struct wire_entry *entries, uint32_t nentries,
                       const struct wire_bytes *frames, size_t nframes, enum wire_codec codec,
                       struct made_payload *out, dk_error *err) DK_NODISCARD;
/* The same with shards of another size: for tests. */
dk_status payload_make_sharded(struct memory *memory, const struct wire_entry *entries,
                               uint32_t nentries, const struct wire_bytes *frames, size_t nframes,
                               enum wire_codec codec, size_t shard_nbytes, struct made_payload *out,
                               dk_error *err) DK_NODISCARD;
void made_payload_deinit(struct made_payload *payload);

#endif
