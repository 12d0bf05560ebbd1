/* A graph that a client submits: its tasks are made, checked and set going. */
#ifndef CORE_SCHEDULER_GRAPH_H
#define CORE_SCHEDULER_GRAPH_H

#include "core/scheduler/state.h"

/* Tasks that are known already stay as they are. What no wanted key needs is dropped. A cycle, or
 * a dependency nobody knows, fails or cancels the wanted keys that need it.
 * Source: distributed.scheduler.Scheduler.update_graph. */
void sched_update_graph(struct sched *sched, struct sched_client *client,
                        const struct sched_update_graph *graph);
/* Results that clients have put on workers. */
void sched_update_data(struct sched *sched, struct sched_client *client,
                       const struct sched_data *list, size_t count);

#endif
