/* Where a task that is ready runs. */
#ifndef CORE_SCHEDULER_PLACEMENT_H
#define CORE_SCHEDULER_PLACEMENT_H

#include "core/scheduler/state.h"

/* Of enum sched_language. */
bool sched_knows_language(const struct sched_worker *worker, uint8_t language);

/* The worker that would start the task first, by its backlog and the data it would have to fetch;
 * of those that may run it. NULL when there is none.
 * Source: distributed.scheduler.decide_worker, worker_objective. */
struct sched_worker *sched_place(struct sched *sched, const struct sched_task *task);
/* The least busy of the workers with open slots, for root tasks; NULL: it has to queue. */
struct sched_worker *sched_place_root(const struct sched *sched, const struct sched_task *task);

/* Whether the worker runs tasks now and the task may run there: the kind of its code, the user's
 * choice of workers, the resources it needs. */
bool sched_may_run(const struct sched_task *task, const struct sched_worker *worker);
/* The same, leaving the user's choice aside when it is a wish. */
bool sched_could_run(const struct sched_task *task, const struct sched_worker *worker);
/* Whether the workers that the user has chosen are all there, and none can run its kind of code. Of
 * a chosen host that is not known: others may come there. */
bool sched_is_barred(const struct sched *sched, const struct sched_task *task);

#endif
