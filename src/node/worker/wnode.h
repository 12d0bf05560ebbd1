/* A worker: a process that runs native tasks for a scheduler, Dask's or cdask's.
 *
 * It registers, is told what to compute over a stream, gets what it needs from its peers, keeps
 * results until they are wanted no more, and answers questions.   Source:
 * distributed.worker.Worker.
 */
#ifndef NODE_WORKER_WNODE_H
#define NODE_WORKER_WNODE_H

#include <cdask/context.h>

#include "core/worker/event.h"
#include "node/address.h"
#include "node/log.h"

struct wnode_options {
    dk_context *context; /* with the functions that tasks may call; its ledger is the worker's */
    const char *scheduler;
    const char *name; /* NULL: its address */
    const char *host; /* to listen at; NULL: loopback */
    struct node_ports ports;
    uint32_t nthreads;
    int64_t memory_limit; /* 0: none */
    const char *local_directory;
    const struct wkr_resource *resources;
    size_t nresources;
    /* How long to look for the scheduler, at the start and again when it is lost; negative: for
     * ever at the start, not at all when it is lost. */
    double death_timeout_s;
    double lifetime_s; /* after which it leaves; 0: unlimited */
    struct node_log log;
};

/* Lives until the scheduler, a signal (SIGTERM or SIGINT: once to hand the results over and leave,
 * a second time to leave at once) or the end of its life ends it. Signals are handled meanwhile.
 *
 * Thread: one at a time in a process.   Blocks: for the worker's life.
 * Errors: DK_EINVAL (an address, a worker of this name is there already), DK_EIO (cannot listen; no
 * scheduler within the time; it was lost), DK_ENOMEM; DK_ECANCELED: the worker has left, but its
 * threads still run tasks: the process can only exit. */
dk_status wnode_run(const struct wnode_options *options, dk_error *err) DK_NODISCARD;

#endif
