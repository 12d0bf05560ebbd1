/* How many workers the work at hand calls for.
 * Source: distributed.scheduler.Scheduler.adaptive_target, workers_to_close. */
#ifndef CORE_SCHEDULER_ADAPTIVE_H
#define CORE_SCHEDULER_ADAPTIVE_H

#include "core/scheduler/scheduler.h"

/* What work is to take, where nobody says.   Source: distributed.yaml (adaptive.target-duration).
 */
#define SCHED_TARGET_S 5

/* So many that it is done within `target_s`; as many as there are now, but for idle ones that are
 * not needed for what they hold, when there are more. */
uint32_t sched_wanted_workers(const struct sched *sched, double target_s);

/* How many workers are to go. */
struct sched_shrinking {
    int64_t n;           /* so many, idle or not; negative: as many as are idle, and as */
    double memory_ratio; /* others have so many times the memory for what all hold */
    int64_t minimum;     /* so many stay */
};

/* Those that go at the least cost, the best first: idle ones that hold little. None of them runs a
 * task that has seceded. Not more than n, and than there is room for what they hold elsewhere when
 * that is negative. `out` has room for all workers; the count is returned.   Errors: DK_ENOMEM. */
dk_status sched_workers_to_close(const struct sched *sched, const struct sched_shrinking *shrinking,
                                 uint32_t *out, uint32_t *count) DK_NODISCARD;

#endif
