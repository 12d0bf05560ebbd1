/* A plan: what a `get` needs to know of a graph before it starts. Arrays are indexed by task id. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "graph/graph.h"

struct plan {
    const dk_graph *graph;
    struct vector order; /* uint32_t: the needed tasks, dependencies first */
    uint32_t *pending;   /* arguments that are results of other tasks */
    uint32_t *users;     /* arguments that use the result, and one for each time it is wanted */
    uint32_t
        *successor_start; /* successors[start[id] .. start[id + 1]): users, in order; plan_link() */
    uint32_t *successors;
    size_t nsuccessors;
    uint32_t *next; /* plan_fuse(): the task to run right after in the same place, or TASK_NONE */
};

/* Culls, orders and counts.   Errors: as graph_order(). */
dk_status plan_init(struct plan *plan, const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                    dk_error *err) DK_NODISCARD;
void plan_deinit(struct plan *plan);

/* Fills the successors, which a scheduler that runs tasks as they become ready needs. */
dk_status plan_link(struct plan *plan, dk_error *err) DK_NODISCARD;

/* Joins linear chains: where a result has one user and that user no other dependency, the two run
 * as one unit. Needs plan_link(). */
dk_status plan_fuse(struct plan *plan, dk_error *err) DK_NODISCARD;

static inline size_t plan_ntasks(const struct plan *plan)
{
    return plan->order.count;
}

static inline uint32_t plan_at(const struct plan *plan, size_t rank)
{
    return ((const uint32_t *)plan->order.data)[rank];
}

#endif
