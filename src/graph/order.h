/* Cull and order: which tasks are needed, and in which order one worker runs them.
 *
 * Depth first from the wanted keys, the heavier dependency first, where the weight of a task is the
 * number of results that must be held at once to compute it (Sethi and Ullman's register count). A
 * reduction tree over n partitions therefore holds about log(n) results. Source: the aim of
 * dask.order ("small goals, big steps"), not its procedure.
 */
#ifndef GRAPH_ORDER_H
#define GRAPH_ORDER_H

#include "graph/graph.h"

/* Appends the ids of the needed tasks to `order` (a vector of uint32_t), dependencies before
 * dependents. Errors: DK_ECYCLE, DK_EKEY, DK_ENOMEM. */
dk_status graph_order(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                      struct vector *order, dk_error *err) DK_NODISCARD;

#endif
