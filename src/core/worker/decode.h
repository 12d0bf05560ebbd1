/* What the scheduler says, as events. Tolerant of fields it does not know, and of missing ones that
 * have a meaning without.
 *
 * Source: distributed.worker (stream_handlers), 2026. */
#ifndef CORE_WORKER_DECODE_H
#define CORE_WORKER_DECODE_H

#include "base/arena.h"
#include "core/worker/event.h"

/* What events point to lives here, and in the message. */
struct wkr_decoder {
    struct arena *arena;
    struct vector *scratch; /* of char */
    dk_error *err;
};

/* Makes an event of a message of the stream. The caller adds the time, and releases the run_spec of
 * a WKR_COMPUTE_TASK.
 * Errors: DK_ENOTSUP (an operation that is no event), DK_EPARSE (a field is missing or of the wrong
 * kind; names it), DK_ENOMEM. */
dk_status wkr_decode(struct wkr_decoder *decoder, const struct wire_value *message,
                     struct wkr_event *event) DK_NODISCARD;

/* The canonical bytes of a key, and of an array or set of keys (nil: none), in the arena. */
dk_status wkr_decode_key(struct wkr_decoder *decoder, const struct wire_value *key,
                         struct wire_bytes *out) DK_NODISCARD;
dk_status wkr_decode_keys(struct wkr_decoder *decoder, const struct wire_value *list,
                          struct wkr_keys *out) DK_NODISCARD;
/* {key: [address ...]} (nil: nothing); sizes are not known. */
dk_status wkr_decode_who_has(struct wkr_decoder *decoder, const struct wire_value *who_has,
                             struct wkr_replicas_list *out) DK_NODISCARD;

#endif
