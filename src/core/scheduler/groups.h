/* Groups of tasks ("x-2" of ('x-2', 1)) and their prefixes ("x"): how long such tasks take, and
 * whether a task is one of many like it. */
#ifndef CORE_SCHEDULER_GROUPS_H
#define CORE_SCHEDULER_GROUPS_H

#include "core/scheduler/state.h"

/* The group of a key, made when there is none; NULL when out of memory. */
struct sched_group *sched_group_get(struct sched *sched, struct wire_bytes key);
/* Frees it once it has no task. */
void sched_group_release(struct sched *sched, struct sched_group *group);
void sched_groups_deinit(struct sched *sched);

/* Tasks of `group` take results of tasks of `from`.   Errors: DK_ENOMEM. */
dk_status sched_group_depend(struct sched_group *group, struct sched_group *from) DK_NODISCARD;

/* Seconds a task with this prefix is expected to run. */
double sched_prefix_duration(const struct sched *sched, const struct sched_prefix *prefix);
/* One of them took `duration_s`. */
void sched_prefix_learn(struct sched *sched, struct sched_prefix *prefix, double duration_s);
/* What one of them has taken is on its account; negative: unknown. */
void sched_prefix_spend(struct sched_prefix *prefix, double compute_s, double transfer_s);
/* One of them runs since `duration_s`, and is not done. */
void sched_prefix_learn_running(struct sched *sched, struct sched_prefix *prefix,
                                double duration_s);

/* Part of a layer that is much larger than the cluster, with few inputs in common: its tasks are
 * given out a few at a time.   Source: distributed.scheduler.SchedulerState.is_rootish. */
bool sched_is_rootish(const struct sched *sched, const struct sched_task *task);

#endif
