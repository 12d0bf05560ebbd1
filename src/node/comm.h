/* A connection that speaks messages, on a libuv loop: connects, shakes hands, sends and receives.
 *
 * All functions and callbacks run on the loop's thread. The process ignores SIGPIPE, or a peer that
 * goes away ends it. libuv's own small blocks are the only ones that are not on the ledger.
 *
 * Source: distributed.comm.core (connect, the handshake), distributed.comm.tcp. */
#ifndef NODE_COMM_H
#define NODE_COMM_H

#include <uv.h>

#include "node/address.h"
#include "wire/message.h"

struct comm;

/* What a comm tells its user. `closed` is the last call, and the only one after comm_close(): the
 * comm is gone when it returns. */
struct comm_events {
    void *self;
    void (*opened)(void *self); /* hands are shaken: messages may be sent */
    void (*received)(void *self, struct message *message); /* *Takes* what `message` holds. */
    void (*closed)(void *self, const dk_error *why);       /* NULL: by comm_close() */
};

/* Begins to connect to each of the addresses of the host in turn. Copies what it is given.
 *
 * Errors: DK_ENOMEM, DK_EIO; then there is no comm and nothing is called. What goes wrong later is
 * for `closed`. */
dk_status comm_connect(uv_loop_t *loop, struct memory *memory, const struct node_address *address,
                       struct frame_limits limits, struct comm_events events, struct comm **out,
                       dk_error *err) DK_NODISCARD;

/* Sends one message. `root` is encoded at once; the frames of its payloads are borrowed until the
 * comm has closed.
 *
 * Errors: DK_ENOMEM, DK_EINVAL (nested too deep). A failing connection is for `closed`. */
dk_status comm_send(struct comm *comm, const struct wire_value *root, dk_error *err) DK_NODISCARD;

/* Starts to close; what is not sent yet may be lost. A second call does nothing. */
void comm_close(struct comm *comm);

#endif
