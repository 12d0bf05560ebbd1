/* What a context holds. Each member belongs to the layer that its header is in; src/api opens and
 * closes it. */
#ifndef GRAPH_CONTEXT_H
#define GRAPH_CONTEXT_H

#include <cdask/graph.h>

#include "base/memory.h"
#include "graph/registry.h"

struct expressions; /* src/frame */
struct dk_client;   /* src/node/client */

/* Begins what `get` would do, and gives for each key an object that stands for its result on the
 * cluster: as the argument of a task that calls CLUSTER_RESULT. */
typedef dk_status (*cluster_begin)(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                                   size_t nkeys, const dk_get_options *options, dk_value *results,
                                   dk_error *err);

#define CLUSTER_RESULT "cluster.result"

struct dk_context {
    struct memory *memory;
    struct registry registry;
    struct expressions *expressions;
    dk_get default_get;
    struct dk_client *clients; /* that are open, the newest first */
    struct dk_client *client;  /* of these: for computations that name none */
    dk_get cluster_get;        /* its `get` */
    dk_get local_get;          /* the default while no client is */
    cluster_begin cluster_begin;
    int32_t num_workers;
    dk_fork_hooks fork_hooks;        /* all NULL: none */
    pthread_mutex_t *building_lock;  /* of the expressions, for who forks; NULL: there are none */
    struct dk_context *next_guarded; /* against forks: see local/fork_guard.h */
};

#endif
