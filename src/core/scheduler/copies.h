/* Which copies to make when somebody wants results on more workers, or spread evenly.
 *
 * These are plans: nothing changes. Whoever asked has the copies made, and reports them as events.
 * Source: distributed.scheduler.Scheduler (replicate, rebalance). */
#ifndef CORE_SCHEDULER_COPIES_H
#define CORE_SCHEDULER_COPIES_H

#include "core/scheduler/scheduler.h"

/* A copy to be made. Ownership: the key is borrowed from the state. */
struct sched_copy {
    struct wire_bytes key;
    uint32_t to;
    uint32_t from; /* whose copy is to go afterwards; SCHED_NOBODY: all stay */
};

struct sched_workers {
    const uint32_t *list;
    size_t count;
};

/* The keys that no worker holds, as packed keys into `out` (of struct wire_bytes).
 * Errors: DK_ENOMEM. */
dk_status sched_missing(const struct sched *sched, const struct sched_keys *keys,
                        struct vector *out) DK_NODISCARD;

/* One round towards `n` copies of each key on these workers: those that have a result can give it
 * to `branching` others each. What is not in memory any longer is left out. `out` is of struct
 * sched_copy; no copies: all is done.
 * Errors: DK_ENOMEM. */
dk_status sched_plan_replication(const struct sched *sched, const struct sched_keys *keys,
                                 struct sched_workers workers, uint32_t n, uint32_t branching,
                                 struct vector *out) DK_NODISCARD;

/* Moves from workers whose memory is above the average of these workers to those below; of these
 * keys, or (NULL) of all.   Errors: DK_ENOMEM. */
dk_status sched_plan_balance(struct sched *sched, const struct sched_keys *keys,
                             struct sched_workers workers, struct vector *out) DK_NODISCARD;

#endif
