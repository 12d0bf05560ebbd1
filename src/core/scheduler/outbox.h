/* What a step wants sent: messages to workers and clients, in order, as Dask's maps. */
#ifndef CORE_SCHEDULER_OUTBOX_H
#define CORE_SCHEDULER_OUTBOX_H

#include "base/arena.h"
#include "base/vector.h"
#include "wire/box.h"

enum sched_target {
    SCHED_TO_WORKER,
    SCHED_TO_CLIENT,
    SCHED_DROP_WORKER, /* close its stream */
    SCHED_RETIRED,     /* nobody needs the worker any longer: for whoever had it retire */
    SCHED_STAYS        /* it cannot retire: nobody can take what it holds */
};

struct sched_message {
    enum sched_target target;
    uint32_t id; /* of the worker or client */
    struct wire_value value;
};

/* Filled by steps, read and cleared by whoever sends. */
struct sched_outbox {
    struct arena arena;
    struct vector messages; /* of struct sched_message */
    struct vector boxes;    /* of struct wire_box *: what the messages point into */
    bool failed;            /* out of memory: a message is missing */
};

void sched_outbox_init(struct sched_outbox *outbox, struct memory *memory);
void sched_outbox_deinit(struct sched_outbox *outbox);
void sched_outbox_clear(struct sched_outbox *outbox);

static inline const struct sched_message *sched_outbox_messages(const struct sched_outbox *outbox)
{
    return outbox->messages.data;
}

/* ---- for the scheduler ---- */

/* Begins a message {"op": op, ...} with room for `nfields` more. NULL when out of memory, which
 * the others take. */
struct wire_entry *sched_outbox_begin(struct sched_outbox *outbox, const char *op,
                                      uint32_t nfields) DK_NODISCARD;
/* Sends what was begun, of which `nfields` were filled in. */
void sched_outbox_send(struct sched_outbox *outbox, enum sched_target target, uint32_t id,
                       struct wire_entry *entries, uint32_t nfields);
void *sched_outbox_alloc(struct sched_outbox *outbox, size_t nbytes) DK_NODISCARD;
/* Copies, kept until the outbox is cleared. */
struct wire_value sched_outbox_text(struct sched_outbox *outbox, const char *text);
struct wire_value sched_outbox_key(struct sched_outbox *outbox, struct wire_bytes key);
struct wire_value sched_outbox_keys(struct sched_outbox *outbox, const struct wire_bytes *keys,
                                    size_t count);
struct wire_value sched_outbox_copy(struct sched_outbox *outbox, struct wire_value value);
/* What is in the box, held until then. */
struct wire_value sched_outbox_box(struct sched_outbox *outbox, struct wire_box *box);

#endif
