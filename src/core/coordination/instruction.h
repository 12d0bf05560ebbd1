/* What a step wants done: answers, messages, and results held or let go at the scheduler. */
#ifndef CORE_COORDINATION_INSTRUCTION_H
#define CORE_COORDINATION_INSTRUCTION_H

#include "core/coordination/event.h"
#include "core/scheduler/outbox.h"

enum coord_instruction_kind {
    COORD_ANSWER, /* the asker with `value` */
    COORD_RAISE,  /* the builtin exception `exception` with `text` at the asker */
    COORD_TELL,   /* the client the message `value` */
    COORD_DESIRE, /* the client now wants `key` */
    COORD_HOLD,   /* the pseudo-client `holder`, which may be new, wants `key` */
    COORD_LET_GO, /* it no longer does */
    COORD_DISMISS /* it has no reason to be any more */
};

struct coord_instruction {
    enum coord_instruction_kind kind;
    struct coord_asker *asker;
    uint32_t client;
    struct wire_value value;
    const char *exception;
    const char *text;
    const char *holder;
    struct wire_bytes key;
};

/* Filled by steps, done and cleared by whoever asked for them. Steps may add while others are being
 * done. */
struct coord_instructions {
    struct vector list;         /* of struct coord_instruction */
    struct sched_outbox values; /* what they point to */
};

void coord_instructions_init(struct coord_instructions *out, struct memory *memory);
void coord_instructions_deinit(struct coord_instructions *out);
void coord_instructions_clear(struct coord_instructions *out);

static inline const struct coord_instruction *
coord_instruction_at(const struct coord_instructions *out, size_t i)
{
    return &((const struct coord_instruction *)out->list.data)[i];
}

#endif
