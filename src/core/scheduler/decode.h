/* Messages of workers and clients as events. Tolerant of fields it does not know, and of missing
 * ones that have a meaning without.
 *
 * Source: distributed.scheduler (stream_handlers), 2026. */
#ifndef CORE_SCHEDULER_DECODE_H
#define CORE_SCHEDULER_DECODE_H

#include "base/arena.h"
#include "core/scheduler/event.h"

/* What events point to lives here, and in the message. */
struct sched_decoder {
    struct arena *arena;
    struct vector *scratch; /* of char */
    struct vector *boxes;   /* of struct wire_box *: code of new tasks, the caller's to release */
    dk_error *err;
};

/* Makes an event of a message from a worker's stream. The caller adds `worker` and the time.
 * Errors: DK_ENOTSUP (an operation that is no event), DK_EPARSE (a field is missing or of the wrong
 * kind; names it), DK_ENOMEM. */
dk_status sched_decode_worker(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event) DK_NODISCARD;
/* The same for a client's stream; the caller adds `client`. */
dk_status sched_decode_client(struct sched_decoder *decoder, const struct wire_value *message,
                              struct sched_event *event) DK_NODISCARD;
/* "register-worker". `host` is where the connection comes from. */
dk_status sched_decode_registration(struct sched_decoder *decoder, const struct wire_value *message,
                                    struct sched_event *event) DK_NODISCARD;

/* Canonical keys of an array or set of keys (nil: none), and one; in the arena. */
dk_status sched_decode_keys(struct sched_decoder *decoder, const struct wire_value *list,
                            struct sched_keys *out) DK_NODISCARD;
dk_status sched_decode_key(struct sched_decoder *decoder, const struct wire_value *key,
                           struct wire_bytes *out) DK_NODISCARD;
/* Wishes out of a map with workers, resources, priority, retries, allow_other_workers, actor. */
dk_status sched_decode_wishes(struct sched_decoder *decoder, const struct wire_value *map,
                              struct sched_wishes *out) DK_NODISCARD;
/* A text with a terminating zero; NULL for anything else. */
dk_status sched_decode_text(struct sched_decoder *decoder, const struct wire_value *value,
                            const char **out) DK_NODISCARD;

#endif
