/* The scheduler of a cluster: the state machine of core/scheduler behind a server.
 *
 * Thread: the loop's. Nothing here waits for a task, a worker or a client.
 * Source: distributed.scheduler.Scheduler. */
#ifndef NODE_SCHEDULER_NODE_H
#define NODE_SCHEDULER_NODE_H

#include "core/scheduler/scheduler.h"
#include "node/dashboard.h"
#include "node/server.h"

struct scheduler_node;

struct scheduler_node_options {
    enum node_protocol protocol;
    struct tls_config *tls;  /* for NODE_TLS; lives as long as the node */
    const char *host;        /* a name or a number; NULL: all of this machine's */
    struct node_ports ports; /* {0, 0}: any that is free */
    struct sched_options core;
    const struct dashboard_place *dashboard; /* NULL: none. Read at once, its prefix stays */
    double idle_timeout_s; /* closes when there was no work for so long; 0: never */
    bool is_validated;     /* checks the whole state after every event: for tests and debugging */
    /* A line for the log ("INFO", "distributed.scheduler", text). NULL: none. */
    void (*log)(void *self, const char *level, const char *name, const char *text);
    void (*closed)(void *self); /* the last call: the node is gone when it returns; may be NULL */
    void *self;
};

/* Listens from now on.
 *
 * Errors: DK_EIO (the port is in use; `err` names the address), DK_ENOMEM; then there is no node.
 */
dk_status scheduler_node_new(uv_loop_t *loop, struct memory *memory,
                             const struct scheduler_node_options *options,
                             struct scheduler_node **out, dk_error *err) DK_NODISCARD;

/* Where it listens.   Ownership: borrowed from the node. */
const char *scheduler_node_address(const struct scheduler_node *node);

/* What people open in a browser; NULL without a dashboard.   Ownership: borrowed from the node. */
const char *scheduler_node_dashboard(const struct scheduler_node *node);

/* Who it is, as Dask's JSON: what is in a scheduler file. */
void scheduler_node_write_identity(struct scheduler_node *node, struct text *out);

/* Tells workers and clients, and closes. A second call does nothing. `reason` is for the log. */
void scheduler_node_close(struct scheduler_node *node, const char *reason);

#endif
