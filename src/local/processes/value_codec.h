/* Values on their way to another process. An encoded value is a parcel: a few bytes, and the
 * segment with the buffers of its tables, which follows inline when small and travels as a memfd
 * when not. */
#ifndef LOCAL_VALUE_CODEC_H
#define LOCAL_VALUE_CODEC_H

#include <cdask/value.h>

#include "local/processes/pipe_message.h"

struct parcel {
    const char *bytes; /* as sent, header included: borrowed */
    size_t nbytes;
    size_t segment_nbytes;
    dk_kind kind;
    int fd; /* of the segment; -1: it is inline */
};

/* Puts `value` into the open message.
 * Errors: DK_ENOTSUP (it contains an object of the program's own), DK_ENOMEM, DK_EIO (no descriptor
 * left). Ownership: a memfd made for it belongs to the outbox. */
dk_status value_encode(struct outbox *outbox, dk_value value, dk_error *err) DK_NODISCARD;

/* The parcel that was put since `mark`. */
struct parcel parcel_since(const struct outbox *outbox, struct outbox_mark mark);

/* Reads a parcel; true when it comes with a memfd, which is the caller's to add. */
bool parcel_take(struct cursor *cursor, struct parcel *parcel);

/* Puts a parcel that was received into a message.   Ownership: its memfd stays the caller's. */
void parcel_forward(struct outbox *outbox, const struct parcel *parcel);

/* Makes the value. Tables of a memfd use its pages; the descriptor may be closed after.
 * Errors: DK_ENOMEM, DK_EPARSE. */
dk_status value_decode(struct memory *memory, const struct parcel *parcel,
                       dk_value *out) DK_NODISCARD;

#endif
