/* Questions to other nodes, many at a time: each goes over a connection of its own, which is kept
 * for the next one to the same address.
 *
 * Thread: the loop's.   Source: distributed.core.ConnectionPool, distributed.core.send_recv. */
#ifndef NODE_POOL_H
#define NODE_POOL_H

#include "node/comm.h"

struct pool;

struct pool_options {
    struct comm_options comm;
    size_t comms_max; /* open at the same time; further questions wait. 0: 512, as Dask has it */
};

/* A question that is not answered yet. */
struct pool_call;

struct pool_question {
    struct node_address address;
    const struct wire_value *message; /* a map with "op". Copied, unless there is a loan. */
    /* With it the whole message, not only its payloads, is lent until it is released. */
    struct loan loan;
    int64_t timeout_ms; /* 0: no limit. Counts from the call, waiting included. */
    /* Says "OK" when the answer's status is "OK", as whoever asks for data must (get_data). */
    bool confirms;
    /* Called once, later: with the answer, which it *takes*, or `why` there is none.
     * DK_ETASK: the operation failed there; there is an answer as well, of which `why` has the
     * text. DK_EIO: no connection, the peer has died, no answer in time. DK_EPARSE: the peer does
     * not speak the protocol. DK_ECANCELED: by pool_close(). */
    void (*answered)(void *self, struct message *answer, const dk_error *why);
    void *self;
};

/* Errors: DK_ENOMEM. */
dk_status pool_new(uv_loop_t *loop, struct memory *memory, const struct pool_options *options,
                   struct pool **out, dk_error *err) DK_NODISCARD;
/* Ends all connections, and all questions by DK_ECANCELED; `closed` is called when all are gone,
 * and so is the pool when it returns. */
void pool_close(struct pool *pool, void (*closed)(void *self), void *self);

/* Asks. `*out`, which may be NULL, is for pool_cancel() and lives until `answered` is called.
 *
 * Errors: DK_ENOMEM, DK_EINVAL (nested too deep): then `answered` is not called, and the loan is
 * released. */
dk_status pool_ask(struct pool *pool, const struct pool_question *question, struct pool_call **out,
                   dk_error *err) DK_NODISCARD;
/* Closes the connection of the question; `answered` is not called. */
void pool_cancel(struct pool_call *call);

/* Closes idle connections to an address whose node has left. */
void pool_forget(struct pool *pool, const char *address);

/* For tests and logs: open connections, and those of them that wait for a question. */
size_t pool_ncomms(const struct pool *pool);
size_t pool_nidle(const struct pool *pool);

#endif
