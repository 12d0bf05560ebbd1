/* What workers are busy with: tasks given out, the work and the transfers they stand for, and who
 * could take more. */
#ifndef CORE_SCHEDULER_PROCESSING_H
#define CORE_SCHEDULER_PROCESSING_H

#include "core/scheduler/state.h"

/* Begins a run of the task on the worker, with all accounts.   Errors: DK_ENOMEM. */
dk_status sched_processing_add(struct sched *sched, struct sched_task *task,
                               struct sched_worker *worker) DK_NODISCARD;
/* Ends it, and returns the worker. */
struct sched_worker *sched_processing_remove(struct sched *sched, struct sched_task *task);
/* It runs on, but takes no slot and counts as no work any longer. */
void sched_processing_secede(struct sched *sched, struct sched_task *task);

/* Seconds until the worker would be done with what it has: work, and transfers. */
double sched_occupancy(const struct sched *sched, const struct sched_worker *worker);
double sched_total_occupancy(const struct sched *sched);
/* Bytes of its dependencies that the worker has not got. */
int64_t sched_missing_nbytes(const struct sched_task *task, const struct sched_worker *worker);

/* How many more root tasks of any length the worker takes; 0 when it is full or not running.
 * Source: distributed.scheduler._task_slots_available (worker-saturation). */
int32_t sched_open_slots(const struct sched *sched, const struct sched_worker *worker);
/* Whether it takes more of those that are known to be short: not Dask's, whose workers wait for
 * them. */
bool sched_takes_in_advance(const struct sched *sched, const struct sched_worker *worker);
bool sched_is_short(const struct sched *sched, const struct sched_task *task);
/* Notes whether the worker is idle, saturated, and has open slots; also after it has changed its
 * status.   Errors: DK_ENOMEM. */
dk_status sched_check_idle(struct sched *sched, struct sched_worker *worker) DK_NODISCARD;
/* The worker leaves: it is none of these. */
void sched_forget_idle(struct sched *sched, struct sched_worker *worker);

bool sched_worker_has_slots_before(const void *a, const void *b);
uint32_t *sched_worker_slots_place(void *worker);

#endif
