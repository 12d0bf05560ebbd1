/* Tasks on their way to be run: given to a worker, or waiting for one that could run them.
 *
 * Few of a graph's tasks are there at once, so that what only they need lives apart from the task.
 */
#ifndef CORE_SCHEDULER_RUNS_H
#define CORE_SCHEDULER_RUNS_H

#include "core/scheduler/state.h"

/* Puts a run of the task first on the list: of `worker`, or, when that is NULL, of those without
 * one. NULL when out of memory. */
struct sched_run *sched_run_begin(struct sched *sched, struct sched_run **list,
                                  struct sched_task *task, struct sched_worker *worker);
/* Takes the task's run off its list; nothing without one. */
void sched_run_end(struct sched *sched, struct sched_run **list, struct sched_task *task);

/* Where the task is being processed; NULL: nowhere. */
static inline struct sched_worker *sched_task_worker(const struct sched_task *task)
{
    return task->run ? task->run->worker : NULL;
}

#endif
