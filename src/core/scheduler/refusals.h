/* Failures of the scheduler's own making: tasks that cannot be run. */
#ifndef CORE_SCHEDULER_REFUSALS_H
#define CORE_SCHEDULER_REFUSALS_H

#include "core/scheduler/state.h"

/* A Python exception of the class builtins.CLASS or distributed's own, for a task.
 * NULL when out of memory. */
struct sched_failure *sched_failure_of(struct sched *sched, const struct sched_task *task,
                                       const char *module, const char *class_name,
                                       const char *text) DK_NODISCARD;

/* Its dependencies do not fit into the memory of its worker: it fails, and that is true. */
bool sched_fail_if_too_large(struct sched *sched, struct sched_task *task);
/* There are workers, but none that can run its kind of code, or none of those that it may run on.
 */
void sched_fail_if_never_runnable(struct sched *sched, struct sched_task *task);
/* Too many workers died while they ran it. */
void sched_fail_as_killer(struct sched *sched, struct sched_task *task,
                          const struct sched_worker *last);
/* The state of an actor was lost with its worker, and cannot be made again. */
void sched_fail_lost_actor(struct sched *sched, struct sched_task *task);
/* It has waited too long: for a worker at all, or for one of those that it may run on. */
void sched_fail_without_workers(struct sched *sched, struct sched_task *task);
void sched_fail_without_valid_worker(struct sched *sched, struct sched_task *task);

#endif
