/* Tasks that could run, but for which there is no worker: after a while they are given up.
 *
 * Source: distributed.scheduler.Scheduler._check_no_workers. */
#ifndef CORE_SCHEDULER_PATIENCE_H
#define CORE_SCHEDULER_PATIENCE_H

#include "core/scheduler/state.h"

/* A task waits for a worker that may run it, or does so no longer.   Errors: DK_ENOMEM. */
dk_status sched_unrunnable_add(struct sched *sched, struct sched_task *task) DK_NODISCARD;
void sched_unrunnable_remove(struct sched *sched, struct sched_task *task);

/* Notes since when no worker runs, though there are tasks for one. After every step. */
void sched_note_no_workers(struct sched *sched);
/* Gives up those that have waited for too long. */
void sched_drop_unrunnable(struct sched *sched);
/* When it has to be looked again; INT64_MAX: nothing waits, or for as long as it takes. */
int64_t sched_patience_deadline_us(const struct sched *sched);

#endif
