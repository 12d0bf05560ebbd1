/* A connection that speaks messages, on a libuv loop: shakes hands, sends and receives. One end has
 * connected (comm_connect), the other was accepted (listener.h); after that they are the same.
 *
 * What is sent in one turn of the loop is written at its end, by one system call where possible.
 * All functions and callbacks run on the loop's thread. The process ignores SIGPIPE, or a peer that
 * goes away ends it. libuv's own small blocks are the only ones that are not on the ledger.
 *
 * Source: distributed.comm.core (connect, the handshake), distributed.comm.tcp. */
#ifndef NODE_COMM_H
#define NODE_COMM_H

#include <uv.h>

#include "node/address.h"
#include "node/batch.h"
#include "node/tls.h"
#include "wire/message.h"

struct comm;

/* What a comm tells its user. `closed` is the last call, and the only one after comm_close(): the
 * comm is gone when it returns. */
struct comm_events {
    void *self;
    void (*opened)(void *self); /* hands are shaken: messages may be sent. Not of accepted comms. */
    void (*received)(void *self, struct message *message); /* *Takes* what `message` holds. */
    void (*drained)(void *self);                     /* all that was sent is written; may be NULL */
    void (*closed)(void *self, const dk_error *why); /* NULL: by comm_close() or comm_finish() */
};

/* How a comm behaves; but for `limits` zeroes will do. */
struct comm_options {
    struct frame_limits limits; /* of a message from the peer */
    int64_t open_ms;            /* to connect and shake hands within; 0: no limit */
    struct tls_config *tls;     /* for tls:// addresses; lives as long as the comm */
    /* What the peer is told that we can read in payloads: */
    int pickle_protocol;     /* 4 (the default), or 5: with buffers of their own */
    const char *compression; /* "lz4", ...; the default is none */
    const char *machine;     /* machine_name(), for peers that can share memory; NULL: none */
};

/* Begins to connect to each of the addresses of the host in turn. Copies what it is given.
 *
 * Errors: DK_ENOMEM, DK_EIO, DK_ENOTSUP (tls without certificates); then there is no comm and
 * nothing is called. What goes wrong later is for `closed`. */
dk_status comm_connect(uv_loop_t *loop, struct memory *memory, const struct node_address *address,
                       const struct comm_options *options, struct comm_events events,
                       struct comm **out, dk_error *err) DK_NODISCARD;

/* From now on tells `events` instead: how a connection changes hands. */
void comm_set_events(struct comm *comm, struct comm_events events);

/* Receives `message` as if it had come now. *Takes* what it holds. */
void comm_deliver(struct comm *comm, struct message message);

/* Sends one message: encodes it at once, with a copy of the payloads.
 *
 * Errors: DK_ENOMEM, DK_EINVAL (nested too deep); nothing is sent. A failing connection is for
 * `closed`; a closing one drops what it is given. */
dk_status comm_send(struct comm *comm, const struct wire_value *root, dk_error *err) DK_NODISCARD;
/* The same without a copy of large payloads, which are lent until `loan` is released. */
dk_status comm_send_lent(struct comm *comm, const struct wire_value *root, struct loan loan,
                         dk_error *err) DK_NODISCARD;
/* Sends `item` in an array, with all others that are pushed before the array is written. See
 * stream.h, whose users do this.   Errors: as comm_send(). */
dk_status comm_push(struct comm *comm, const struct wire_value *item, struct loan loan,
                    dk_error *err) DK_NODISCARD;

/* Bytes that were sent and that the system has not taken yet. */
size_t comm_queued_nbytes(const struct comm *comm);

/* Receives nothing until it is resumed; what was already read still comes. A comm that is paused
 * does not notice that its peer has gone. */
void comm_pause(struct comm *comm);
void comm_resume(struct comm *comm);

/* "tcp://HOST:PORT" of the other end: the address that was connected to, or where an accepted
 * connection comes from.   Ownership: borrowed from the comm. */
const char *comm_peer(const struct comm *comm);
/* Of our end, once hands are shaken: an address at which the peer can reach this machine.
 * Errors: DK_EIO. */
dk_status comm_local(const struct comm *comm, struct node_address *out, dk_error *err) DK_NODISCARD;

/* What both sides can read in payloads; to be asked once hands are shaken. */
int comm_pickle_protocol(const struct comm *comm);
const char *comm_compression(const struct comm *comm); /* NULL: none */
/* The peer can open what this process shares. */
bool comm_shares_machine(const struct comm *comm);

/* Writes at once what the peer's side takes; the rest follows as ever. */
void comm_flush(struct comm *comm);
/* Starts to close; what is not written yet is lost. A second call does nothing. */
void comm_close(struct comm *comm);
/* Closes once all is written. Nothing more is received or may be sent. */
void comm_finish(struct comm *comm);

#endif
