/* What a context holds. Each member belongs to the layer that its header is in; src/api opens and
 * closes it. */
#ifndef GRAPH_CONTEXT_H
#define GRAPH_CONTEXT_H

#include <cdask/graph.h>

#include "base/memory.h"
#include "graph/registry.h"

struct expressions; /* src/frame */
struct dk_client;   /* src/node/client */

struct dk_context {
    struct memory *memory;
    struct registry registry;
    struct expressions *expressions;
    dk_get default_get;
    struct dk_client *clients; /* that are open, the newest first */
    struct dk_client *client;  /* of these: for computations that name none */
    dk_get cluster_get;        /* its `get` */
    dk_get local_get;          /* the default while no client is */
    int32_t num_workers;
    dk_fork_hooks fork_hooks;        /* all NULL: none */
    pthread_mutex_t *building_lock;  /* of the expressions, for who forks; NULL: there are none */
    struct dk_context *next_guarded; /* against forks: see local/fork_guard.h */
};

#endif
