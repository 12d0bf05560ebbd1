/* Work stealing: tasks that wait on a busy worker are moved to idle ones.
 *
 * The busy worker is asked, and decides: it may have begun.
 * Source: distributed.stealing.WorkStealing. */
#ifndef CORE_SCHEDULER_STEAL_H
#define CORE_SCHEDULER_STEAL_H

#include "core/scheduler/state.h"

/* How a round prefers tasks: by what moving them costs, for each second of computing. */
extern const double sched_steal_limits[SCHED_NSTEAL_ROUNDS];

/* Asks busy workers to give up tasks, when it is time to. */
void sched_balance(struct sched *sched);
/* The answer of one of them. */
void sched_steal_answered(struct sched *sched, struct sched_worker *victim,
                          const struct sched_event *event);
/* The task leaves its worker: a question about it that is under way is void. */
void sched_steal_forget(struct sched *sched, struct sched_run *run);
/* The worker leaves: nothing is stolen for it any longer. */
void sched_forget_thief(struct sched *sched, const struct sched_worker *thief);

#endif
