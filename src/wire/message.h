/* A message: frame 0 is one msgpack object, the other frames are the payloads of those of its
 * values that travel out of band.
 *
 * Source: distributed.protocol.core (dumps, loads). */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "base/arena.h"
#include "wire/framing.h"

/* Lives in the arena and the frames. */
struct message {
    struct frames frames;
    struct arena arena;
    struct wire_value root;
};

/* Makes a message of `frames`, which it *takes*, also when it fails. Payloads are found, with their
 * frames, but not opened. Each frame belongs to one payload at most, and they come in the order in
 * which the values refer to them.
 *
 * Memory: text, bytes and payloads stay in the frames; what is built beside them is at most 32
 * times as large as frame 0.
 * Errors: DK_EPARSE (`err` says what is wrong, and with which frame), DK_ENOMEM. */
dk_status message_decode(struct message *message, struct frames frames, dk_error *err) DK_NODISCARD;
void message_deinit(struct message *message);

/* A message as it goes out: `prelude`, then each of `frames`. Those after frame 0 are borrowed from
 * the payloads. */
struct encoding {
    struct vector prelude; /* of char */
    struct vector frame0;  /* of char */
    struct vector frames;  /* of struct wire_bytes */
};

/* Errors: DK_EINVAL (nested deeper than WIRE_DEPTH_MAX), DK_ENOMEM. */
dk_status message_encode(struct encoding *encoding, struct memory *memory,
                         const struct wire_value *root, dk_error *err) DK_NODISCARD;
void encoding_deinit(struct encoding *encoding);

#endif
