/* Results that are kept on the cluster, as tasks of graphs: what persisted frames are made of. Such
 * a task calls CLUSTER_RESULT with an object that has the future. */
#ifndef NODE_CLIENT_KEPT_H
#define NODE_CLIENT_KEPT_H

#include "graph/context.h"
#include "graph/graph.h"
#include "node/client/client.h"

/* The future whose result a task is; NULL: it is to be run.   Ownership: borrowed. */
const dk_future *kept_result(const dk_graph *graph, const struct task *task);

/* Makes the context know such tasks, which fail when they are run.   Errors: DK_ENOMEM. */
dk_status kept_register(dk_context *dk, dk_error *err) DK_NODISCARD;

/* What an open client does for the context's `cluster_begin`. */
dk_status kept_begin(dk_context *dk, const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                     const dk_get_options *options, dk_value *results, dk_error *err) DK_NODISCARD;

#endif
