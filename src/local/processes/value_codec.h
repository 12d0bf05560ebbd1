/* Values on their way to another process. An encoded value is a parcel: a few bytes, and the
 * segment with the buffers of its tables and the large ones of its packed objects, which follows
 * inline when small and travels as a memfd when not. Objects are unpacked by who uses them, not by
 * who passes a parcel on.
 *
 * `err` is never NULL: functions of the program's own write to it.
 */
#ifndef LOCAL_VALUE_CODEC_H
#define LOCAL_VALUE_CODEC_H

#include <cdask/value.h>

#include "local/processes/pipe_message.h"
#include "local/processes/segment.h"

struct parcel {
    const char *bytes; /* as sent, header included: borrowed */
    size_t nbytes;
    size_t segment_nbytes;
    dk_kind kind;
    bool has_objects;
    int fd;                  /* of the segment; -1: it is inline, or mapped */
    struct segment *segment; /* NULL: not mapped, see parcel_map() */
};

/* Puts `value` into the open message.
 * Errors: DK_ENOTSUP (it contains an object whose type cannot leave its process), what packing an
 * object gives, DK_ENOMEM, DK_EIO (no descriptor left).   Ownership: a memfd made for it belongs to
 * the outbox. */
dk_status value_encode(dk_context *dk, struct outbox *outbox, dk_value value,
                       dk_error *err) DK_NODISCARD;

/* The parcel that was put since `mark`. */
struct parcel parcel_since(const struct outbox *outbox, struct outbox_mark mark);

/* Reads a parcel; true when it comes with a memfd, which is the caller's to add. */
bool parcel_take(struct cursor *cursor, struct parcel *parcel);

/* Puts a parcel that was received into a message.   Ownership: its memfd stays the caller's.
 * Errors: DK_ENOMEM, DK_EIO (of a mapped one, no descriptor left). */
dk_status parcel_forward(struct outbox *outbox, const struct parcel *parcel,
                         dk_error *err) DK_NODISCARD;

/* Maps the memfd and closes it, also on failure: for those who must not keep it open. The caller
 * ends the mapping with segment_unref().   Errors: DK_ENOMEM. */
dk_status parcel_map(struct memory *memory, struct parcel *parcel) DK_NODISCARD;

/* Makes the value. Tables of a memfd use its pages; the descriptor may be closed after.
 * Errors: DK_ENOMEM, DK_EPARSE, DK_ENOTSUP (an object of a type that is not registered), what
 * unpacking an object gives. */
dk_status value_decode(dk_context *dk, const struct parcel *parcel, dk_value *out,
                       dk_error *err) DK_NODISCARD;

#endif
