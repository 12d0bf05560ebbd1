/* Listens at an address, and shakes hands with whoever connects.
 *
 * Hostile peers are limited: by the number of connections, by the time that a handshake may take,
 * and by the limits of frames.   Thread: the loop's.   Source: distributed.comm.tcp (listeners). */
#ifndef NODE_LISTENER_H
#define NODE_LISTENER_H

#include "node/comm.h"

struct listener;

struct listener_options {
    enum node_protocol protocol;
    const char *host;        /* a name or a number; NULL or "": all of this machine's */
    struct node_ports ports; /* {0, 0}: any that is free */
    struct comm_options comm;
    size_t comms_max; /* accepted ones beyond so many are closed at once; 0: no limit */
};

struct listener_events {
    void *self;
    /* Hands are shaken. The comm is the receiver's: it calls comm_set_events(), or comm_close(). */
    void (*accepted)(void *self, struct comm *comm);
    /* A connection that came to nothing; for logs. May be NULL. */
    void (*refused)(void *self, const dk_error *why);
    void (*closed)(void *self); /* the last call: the listener is gone when it returns */
};

/* Listens from now on.   Blocks: for as long as a name server takes, if `host` is a name.
 *
 * Errors: DK_ENOTSUP (tls without certificates), DK_EIO (the address is in use, or not this
 * machine's; `err` names it), DK_ENOMEM; then there is no listener. */
dk_status listener_new(uv_loop_t *loop, struct memory *memory,
                       const struct listener_options *options, struct listener_events events,
                       struct listener **out, dk_error *err) DK_NODISCARD;

/* Where it listens, with the real port; for all of the machine's addresses it is one by which
 * others reach it.   Ownership: borrowed from the listener. */
const struct node_address *listener_address(const struct listener *listener);

/* Accepts no more, and closes the comms that have not shaken hands. Those that were handed over
 * live on. A second call does nothing. */
void listener_close(struct listener *listener);

#endif
