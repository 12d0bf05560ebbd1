/* The workers of a cluster on this machine: a process of their nannies, which forks them, and one
 * that starts that again when it was killed. */
#ifndef NODE_CLUSTER_WORKERS_H
#define NODE_CLUSTER_WORKERS_H

#include <sys/types.h>

#include "graph/context.h"
#include "node/address.h"

struct cluster_workers_options {
    uint32_t nworkers; /* at least 1; they are called "0", "1", ... */
    uint32_t nthreads;
    int64_t memory_limit; /* 0: none */
};

struct cluster_workers {
    uint32_t nworkers; /* 0: none were started */
    pid_t pid;         /* of the process that watches over that of the nannies */
    int fd;            /* a socket: the address goes there, and a byte for each worker comes back */
};

/* Forks. The child waits for the address of the scheduler, and starts workers there.
 * Errors: DK_EIO (no process or descriptor left). */
dk_status cluster_workers_start(dk_context *dk, const struct cluster_workers_options *options,
                                struct cluster_workers *out, dk_error *err) DK_NODISCARD;
/* Errors: DK_EIO (they have died). */
dk_status cluster_workers_tell(const struct cluster_workers *workers, const char *address,
                               dk_error *err) DK_NODISCARD;
/* Waits until all have registered.   Errors: DK_EIO (one has died; not in time). */
dk_status cluster_workers_wait(const struct cluster_workers *workers, int timeout_ms,
                               dk_error *err) DK_NODISCARD;
/* Whether all of these processes have ended, so that there will be no workers any more: known from
 * `fd` being readable. What they say there is taken out. */
bool cluster_workers_have_gone(const struct cluster_workers *workers);
/* Tells them to end.   Thread: any. */
void cluster_workers_dismiss(const struct cluster_workers *workers);
/* The same, waits until they have, and kills them after that time. */
void cluster_workers_end(const struct cluster_workers *workers, int timeout_ms);

#endif
