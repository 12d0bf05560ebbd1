/* How messages lie in a stream of bytes (as distributed.comm.tcp has it): all numbers are u64,
 * little-endian.
 *
 *     length of the first chunk, counted from here
 *     number of frames, length of each frame      the prelude
 *     the frames, back to back
 *
 * The first chunk holds the prelude and the leading frames that the sender wants read in one go. It
 * ends where a frame ends; the other frames follow directly. Senders of 2022 know no other chunk
 * than the whole message, which today's take as well: so that is what is written here.
 */
#ifndef WIRE_FRAMING_H
#define WIRE_FRAMING_H

#include "base/vector.h"
#include "wire/value.h"

/* What a peer may ask us to hold. Checked before anything is allocated; beyond that, memory grows
 * only with the bytes that have come. */
struct frame_limits {
    uint64_t nframes;
    uint64_t nbytes; /* of all frames of a message together; at most INT64_MAX */
};

/* A message's frames, at least one: `list` points into `bytes`, each to a multiple of 8, so that
 * numbers in a frame can be used where they are. */
struct frames {
    struct memory *memory;
    char *bytes;
    size_t capacity; /* of bytes */
    struct wire_bytes *list;
    size_t count;
};

void frames_deinit(struct frames *frames);

/* The frames of the message that `bytes` are, where they lie: not aligned, and the bytes stay the
 * caller's.   Errors: DK_EPARSE, DK_ENOMEM. */
dk_status frames_view(struct memory *memory, struct wire_bytes bytes, struct frames *out,
                      dk_error *err) DK_NODISCARD;

/* Puts what stands before the frames into `out`, a vector of char.   Errors: DK_ENOMEM. */
dk_status frames_write_prelude(const struct wire_bytes *frames, size_t nframes,
                               struct vector *out) DK_NODISCARD;

/* Takes bytes as they come. */
struct frame_reader {
    struct memory *memory;
    struct frame_limits limits;
    struct vector prelude; /* of char, with the length of the first chunk */
    char *body;
    size_t capacity; /* of body */
    size_t nbytes;   /* in body, with the gaps */
    size_t wanted;   /* in body, with the gaps */
    size_t frame;    /* that is being read, and what is left of it */
    size_t left;
    bool complete;
};

void frame_reader_init(struct frame_reader *reader, struct memory *memory,
                       struct frame_limits limits);
void frame_reader_deinit(struct frame_reader *reader);

/* Takes bytes from the front of `*bytes`, at most to the end of the message. Call it until `*bytes`
 * is empty or the message complete; a complete one has to be taken first.
 *
 * Errors: DK_EPARSE (this is no message, or one beyond the limits; `err` says why; the stream
 * cannot be read on), DK_ENOMEM. */
dk_status frame_reader_feed(struct frame_reader *reader, struct wire_bytes *bytes,
                            dk_error *err) DK_NODISCARD;
/* Where the next bytes belong, while at least `least` are left of a frame: those that are put
 * there,
 * `*nbytes` at most, are not copied when they are fed. NULL: there is no such place now. */
char *frame_reader_room(struct frame_reader *reader, size_t least, size_t *nbytes);
/* Between two messages: the stream may end here. */
bool frame_reader_is_idle(const struct frame_reader *reader);
/* Moves the complete message to `*out`, the caller's; the reader starts over.   Errors: DK_ENOMEM,
 * and the message stays. */
dk_status frame_reader_take(struct frame_reader *reader, struct frames *out) DK_NODISCARD;

#endif
