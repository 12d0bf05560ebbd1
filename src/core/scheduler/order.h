/* In which order one worker would run the tasks of a graph that says nothing about it.
 *
 * Depth first from what is wanted, the heavier dependency first, where the weight of a task is the
 * number of results that must be held at once to compute it: as graph/order.h has it for graphs
 * that are computed at home.   Source: the aim of dask.order. */
#ifndef CORE_SCHEDULER_ORDER_H
#define CORE_SCHEDULER_ORDER_H

#include "core/scheduler/state.h"

/* Sets the order in the priority of the tasks that are marked and needed by `wanted`. Among them is
 * no cycle. Whoever has marked them takes the marks away.   Errors: DK_ENOMEM. */
dk_status sched_order_tasks(struct sched *sched, const struct sched_keys *wanted) DK_NODISCARD;

#endif
