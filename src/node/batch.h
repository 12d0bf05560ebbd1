/* Messages on their way to a connection: encoded as they are put, in as few pieces as can be, so
 * that one system call writes many of them.
 *
 * Nothing is allocated per message once the batch has grown to what a turn of the loop puts in.
 * Large frames of payloads are lent rather than copied. Knows no socket.
 *
 * Source: distributed.batched (BatchedSend) for the arrays, distributed.comm.tcp for the bytes. */
#ifndef NODE_BATCH_H
#define NODE_BATCH_H

#include "wire/framing.h"

/* Frames of payloads up to this size are copied: that is cheaper than a piece of their own. */
#define BATCH_COPY_NBYTES ((size_t)4096)

/* What a message lends. `release` is called exactly once, when its frames are needed no more: when
 * they are written or copied, when the connection has ended, or when the message was refused. It
 * must not call the comm. Without `release` nothing is lent: all is copied. */
struct loan {
    void (*release)(void *self);
    void *self;
};

struct batch {
    struct memory *memory;
    struct vector bytes;  /* of char: what was encoded or copied */
    struct vector copies; /* of char: small frames of payloads */
    struct vector pieces; /* of struct batch_piece, in the order of the wire */
    struct vector loans;  /* of struct loan */
    struct vector frames; /* of struct wire_bytes: those of the message that is being put */
    size_t nbytes;        /* that are not yet written */
    size_t open_at;       /* in bytes: where the open array's message begins */
    size_t open_piece;    /* its first piece */
    uint32_t open_count;  /* its items; 0: no array is open */
    size_t written_piece; /* how far batch_written() has come */
    size_t written_nbytes;
};

void batch_init(struct batch *batch, struct memory *memory);
/* Releases all loans. */
void batch_deinit(struct batch *batch);

/* Puts a message.   Errors: DK_EINVAL (nested too deep), DK_ENOMEM; the batch is as it was. */
dk_status batch_put(struct batch *batch, const struct wire_value *root, struct loan loan,
                    dk_error *err) DK_NODISCARD;
/* Puts an item of a message that is an array: of the one that is open, or else of a new one.
 * Errors: as batch_put(). */
dk_status batch_push(struct batch *batch, const struct wire_value *item, struct loan loan,
                     dk_error *err) DK_NODISCARD;
/* Ends the open array, if there is one. */
void batch_seal(struct batch *batch);

/* What is to be written next, at most `max` pieces, of a sealed batch; returns how many. They stay
 * where they are until batch_clear(). */
size_t batch_next(const struct batch *batch, struct wire_bytes *out, size_t max);
/* That many more bytes of them are written. */
void batch_written(struct batch *batch, size_t nbytes);
/* Empties it and releases all loans. Room is kept for the next messages, unless it is large. */
void batch_clear(struct batch *batch);

#endif
