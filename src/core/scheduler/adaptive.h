/* How many workers the work at hand calls for.
 * Source: distributed.scheduler.Scheduler.adaptive_target, workers_to_close. */
#ifndef CORE_SCHEDULER_ADAPTIVE_H
#define CORE_SCHEDULER_ADAPTIVE_H

#include "core/scheduler/scheduler.h"

/* So many that it is done within `target_s`; as many as there are now, but for idle ones that are
 * not needed for what they hold, when there are more. */
uint32_t sched_wanted_workers(const struct sched *sched, double target_s);

#endif
