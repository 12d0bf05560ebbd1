/* A worker: runs native tasks for a scheduler, Dask's or cdask's.
 *
 * It registers, is told what to compute over a stream, gets what it needs from its peers, keeps
 * results until they are wanted no more, and answers questions. Tasks run in threads of their own.
 *
 * Thread: the loop's.   Source: distributed.worker.Worker. */
#ifndef NODE_WORKER_NODE_H
#define NODE_WORKER_NODE_H

#include <uv.h>

#include <cdask/context.h>

#include "core/worker/event.h"
#include "node/dashboard.h"
#include "node/tls.h"

struct worker_node;

struct worker_node_options {
    dk_context *context; /* with the functions that tasks may call; its ledger is the worker's */
    struct node_address scheduler;
    struct tls_config *tls;  /* for tls:// addresses; lives as long as the node */
    const char *name;        /* NULL or "": its address */
    const char *host;        /* to listen at, a name or a number; NULL: all of this machine's */
    struct node_ports ports; /* {0, 0}: any that is free */
    /* What others are told that it is at, such as the outer end of a forwarded port; NULL: where it
     * listens. */
    const struct node_address *contact;
    const struct dashboard_place *dashboard; /* NULL: none. Read at once, its prefix stays */
    const char *nanny; /* its address, which the scheduler is told; NULL or "": none */
    uint32_t nthreads;
    int64_t memory_limit; /* 0: none */
    const char *local_directory;
    const struct wkr_resource *resources;
    size_t nresources;
    /* How long to look for the scheduler, at the start and again when it is lost; negative: for
     * ever at the start, not at all when it is lost. */
    double death_timeout_s;
    double lifetime_s;     /* after which it leaves; 0: unlimited */
    bool no_shared_memory; /* results go to this machine's workers as they go to others */
    /* A line for the log ("INFO", "distributed.worker", text). NULL: none. */
    void (*log)(void *self, const char *level, const char *name, const char *text);
    /* The scheduler knows it, and may give it tasks. May be NULL. */
    void (*registered)(void *self);
    /* Its lifetime is over: it retires. May be NULL. */
    void (*aged)(void *self);
    /* The last call: the node is gone when it returns. `why` is NULL unless something was wrong:
     * DK_EINVAL (the scheduler refuses it: its name is taken), DK_EIO (no scheduler within the
     * time; it was lost), DK_ENOMEM; DK_ECANCELED: it has left, but some of its threads still run
     * tasks, and the process can only exit. May be NULL. */
    void (*closed)(void *self, const dk_error *why);
    void *self;
};

/* Listens, and looks for the scheduler. What the options point to stays until `closed`.
 *
 * Errors: DK_EIO (cannot listen there; no threads), DK_ENOMEM; then there is no node, and what is
 * left of it goes with the next turns of the loop. */
dk_status worker_node_new(uv_loop_t *loop, const struct worker_node_options *options,
                          struct worker_node **out, dk_error *err) DK_NODISCARD;

/* Where it listens, and what it is called.   Ownership: borrowed from the node. */
const char *worker_node_address(const struct worker_node *node);

/* Asks the scheduler to have others take the results, then leaves. A second call leaves at once.
 * `reason` is for the log and stays. */
void worker_node_retire(struct worker_node *node, const char *reason);
/* Whoever would have waited for its tasks is gone: when it leaves, it does so without their end. */
void worker_node_orphan(struct worker_node *node);
/* Leaves now, without the end of its tasks. A second call does nothing. */
void worker_node_close(struct worker_node *node);

#endif
