/* A result on disk: a message of the wire's in a file of its own. */
#ifndef NODE_WORKER_SPILLED_H
#define NODE_WORKER_SPILLED_H

#include <sys/types.h>

#include "node/held.h"

struct spilled;

/* Writes `value`, with its payload.   Thread: any.
 * Errors: DK_EIO (the disk; `err` names the file), DK_EINVAL (nested too deep), DK_ENOMEM. */
dk_status spilled_new(struct memory *memory, const char *folder, uint64_t number,
                      const struct wire_value *value, struct spilled **out,
                      dk_error *err) DK_NODISCARD;
/* The file goes with the last reference.   Thread: any. */
struct spilled *spilled_ref(struct spilled *spilled);
void spilled_unref(struct spilled *spilled);
int64_t spilled_nbytes(const struct spilled *spilled);

/* Reads it again: the root of the message is the value.   Thread: any.
 * Errors: DK_EIO, DK_EPARSE, DK_ENOMEM. */
dk_status spilled_read(const struct spilled *spilled, struct held **out,
                       dk_error *err) DK_NODISCARD;

/* The message where it lies, for who passes it on: it takes no memory but pages of the file. */
struct spilled_view {
    struct message message;
    char *bytes; /* NULL: closed */
    size_t nbytes;
};
/* Stays whatever becomes of the file.   Thread: any.   Errors: as spilled_read(). */
dk_status spilled_view_open(const struct spilled *spilled, struct spilled_view *out,
                            dk_error *err) DK_NODISCARD;
void spilled_view_close(struct spilled_view *view);

#endif
