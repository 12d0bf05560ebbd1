/* The process of several nannies: each starts, by fork(), one worker after another.
 *
 * It reaps them and takes signals, so there is one of them in a process, and no other thread.
 *
 * Source: distributed.nanny. */
#ifndef NODE_NANNY_NURSERY_H
#define NODE_NANNY_NURSERY_H

#include "graph/context.h"
#include "node/address.h"
#include "node/listener.h"

struct nursery_options {
    dk_context *context;
    enum node_protocol protocol;
    struct tls_config *tls;  /* as in listener.h */
    const char *host;        /* where the nannies may be asked; NULL: all of this machine's */
    struct node_ports ports; /* shared out among them; {0, 0}: any that is free */
    int64_t memory_limit;    /* of each worker; 0: none */
    uint32_t nworkers;       /* at least 1 */
    bool only_waits;         /* starts each once, and nobody is told of nannies */
    int stop_fd;             /* when it can be read or its other end closes, all end at once; -1 */
    /* In the process of a worker: is worker `number`, and gives the exit status. `nanny` is the
     * address of its nanny, and `fd` a socket to it: enum nanny_word. */
    int (*run)(void *self, uint32_t number, const char *nanny, int fd);
    /* A nanny has ended, and there is worker `number` no longer. May be NULL. */
    void (*ended)(void *self, uint32_t number, int exit_status);
    /* A line for the log ("INFO", "distributed.nanny", text). May be NULL. */
    void (*log)(void *self, const char *level, const char *name, const char *text);
    void *self;
};

/* Returns when all have ended; SIGINT and SIGTERM, which stay blocked, have them leave in good
 * order. `exit_status` is that of the first one that has failed.
 * Errors: DK_EIO (no process, no descriptor; nannies cannot listen), DK_ENOMEM. */
dk_status nursery_run(const struct nursery_options *options, int *exit_status,
                      dk_error *err) DK_NODISCARD;

#endif
