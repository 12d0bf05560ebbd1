/* A worker in a forked process, and its parent's side of it. */
#ifndef NODE_CLUSTER_WORKER_PROCESS_H
#define NODE_CLUSTER_WORKER_PROCESS_H

#include <sys/types.h>

#include "graph/context.h"
#include "node/address.h"

struct worker_process_options {
    char name[16];
    uint32_t nthreads;
    int64_t memory_limit; /* 0: none */
};

struct worker_process {
    pid_t pid;
    int fd; /* a socket to it: the address goes there, and "it is registered" comes back */
};

/* Forks. The child waits for the address of its scheduler, then is a worker until that is gone.
 * Errors: DK_EIO (no process or descriptor left). */
dk_status worker_process_start(dk_context *dk, const struct worker_process_options *options,
                               struct worker_process *out, dk_error *err) DK_NODISCARD;
/* Errors: DK_EIO (it has died). */
dk_status worker_process_tell(struct worker_process *worker, const char *address,
                              dk_error *err) DK_NODISCARD;
/* Waits until it has registered.   Errors: DK_EIO (it has died; not in time). */
dk_status worker_process_wait(struct worker_process *worker, int timeout_ms,
                              dk_error *err) DK_NODISCARD;
/* Tells it to end.   Thread: any. */
void worker_process_dismiss(struct worker_process *worker);
/* The same, waits until it has, and kills it after that time. */
void worker_process_end(struct worker_process *worker, int timeout_ms);

#endif
