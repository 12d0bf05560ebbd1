/* Workers that leave in good order: their results are copied to others first.
 *
 * Source: distributed.active_memory_manager.RetireWorker, Scheduler.retire_workers. */
#ifndef CORE_SCHEDULER_RETIRE_H
#define CORE_SCHEDULER_RETIRE_H

#include "core/scheduler/state.h"

/* The worker is given no more tasks, and others are asked to copy what it alone holds. */
void sched_worker_retires(struct sched *sched, struct sched_worker *worker);
/* Looks whether workers that retire are done with it: "retired" is said of each, once, or that it
 * stays, when nobody can take what it holds. Asks again for copies that did not come. */
void sched_check_retiring(struct sched *sched);
/* When it has to be looked again; INT64_MAX: nobody retires. */
int64_t sched_retire_deadline_us(const struct sched *sched);

#endif
