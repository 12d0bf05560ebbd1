/* The life of tasks: from one state to the next, and what follows from it for others.
 *
 * Source: distributed.scheduler.SchedulerState._transition*.
 */
#ifndef CORE_SCHEDULER_TRANSITIONS_H
#define CORE_SCHEDULER_TRANSITIONS_H

#include "core/scheduler/state.h"

/* Asks for `task` to go to `target`. What was asked last is done first; asking again for the same
 * task changes what it is asked, not when. */
void sched_recommend(struct sched *sched, struct sched_task *task, enum sched_state target);
/* Among what was recommended since there were `first` recommendations, the best task goes first. */
void sched_sort_recommendations(struct sched *sched, size_t first);
/* Goes there at once, without what follows from it. */
void sched_transition(struct sched *sched, struct sched_task *task, enum sched_state target);
/* Does all that is recommended, and what follows from it, until nothing is left. */
void sched_drain(struct sched *sched);

/* A task that was processing has a result on `worker`. */
void sched_task_succeed(struct sched *sched, struct sched_task *task, struct sched_worker *worker);
/* A task has failed, or could not be run. */
void sched_task_fail(struct sched *sched, struct sched_task *task, struct sched_failure *failure);
/* Gives out queued tasks for as long as workers have open slots. After all else: what has become
 * ready goes before new roots. */
void sched_fill_slots(struct sched *sched);

#endif
