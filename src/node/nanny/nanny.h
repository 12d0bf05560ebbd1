/* Watches over one worker, which is a process of its own: starts it again when it was killed or has
 * crashed, kills it when it takes too much memory, and does what schedulers ask of nannies.
 *
 * The two have a socket between them. The worker says that it is registered, and that it leaves for
 * a reason of its own: then it is not started again. It is told to end at once by the same way, and
 * leaves in good order when its nanny is gone.
 *
 * Thread: the loop's.   Source: distributed.nanny.Nanny. */
#ifndef NODE_NANNY_H
#define NODE_NANNY_H

#include <sys/types.h>

#include <uv.h>

#include "node/listener.h"

struct nanny;

/* What workers and nannies say to each other, a byte each. */
enum nanny_word {
    NANNY_REGISTERED = '+', /* the worker is */
    NANNY_LEAVES = '.',     /* the worker does */
    NANNY_LEAVE = 'l',      /* the worker is to, in good order; said twice: at once */
    NANNY_END = 'k'         /* the worker is to, and not to leave anything in order */
};

struct nanny_options {
    struct memory *memory;
    enum node_protocol protocol;
    struct tls_config *tls;  /* as in listener.h */
    const char *host;        /* to be asked at; NULL: all of this machine's */
    struct node_ports ports; /* {0, 0}: any that is free */
    int64_t memory_limit;    /* of the worker; 0: none */
    bool only_waits;         /* starts the worker once, and is no nanny else */
    /* Makes the process of the worker, which has `fd`, and calls nanny_forget_parent() first.
     * -1: errno says why. */
    pid_t (*start)(void *self, struct nanny *nanny, int fd);
    /* A line for the log ("INFO", "distributed.nanny", text). */
    void (*log)(void *self, const char *level, const char *name, const char *text);
    /* The last call: the worker has ended for good, and the nanny is gone when this returns. */
    void (*closed)(void *self, struct nanny *nanny, int exit_status);
    void *self;
};

/* Listens, and starts the worker. What the options point to stays until `closed`.
 * Errors: as listener_new(); then there is no nanny, and what is left of it goes with the next
 * turns of the loop. */
dk_status nanny_new(uv_loop_t *loop, const struct nanny_options *options, struct nanny **out,
                    dk_error *err) DK_NODISCARD;
/* "" when it only waits.   Ownership: borrowed from the nanny. */
const char *nanny_address(const struct nanny *nanny);
/* The worker's process; 0: there is none just now. */
pid_t nanny_pid(const struct nanny *nanny);
/* That process has ended, as waitpid() says. */
void nanny_lost(struct nanny *nanny, int status);
/* The worker is to leave in good order, and the nanny after it; asked again, at once. */
void nanny_close(struct nanny *nanny);
/* The same at once, and nothing needs to be in order. */
void nanny_stop(struct nanny *nanny);

/* In the worker's process: lets go of the sockets of the loop that belongs to its parent. */
void nanny_forget_parent(uv_loop_t *loop);

#endif
