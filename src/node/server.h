/* Answers questions: each of its connections brings one after the other, each a map with "op".
 *
 * A handler answers at once or later, and the loop goes on meanwhile. An operation that nobody
 * handles is answered as a failure, which Dask's peers raise. Hostile peers are limited as
 * listener.h has it, and by one question at a time: a few more may wait, then nothing is read until
 * the last is answered.
 *
 * Thread: the loop's.   Source: distributed.core.Server.handle_comm. */
#ifndef NODE_SERVER_H
#define NODE_SERVER_H

#include "node/listener.h"

struct server;

/* A question that is not answered yet. Whoever handles it ends it, by exactly one of the functions
 * below; also when its peer has gone, then the answer is dropped. */
struct request;

struct server_op {
    const char *name;
    void (*handle)(void *self, struct request *request);
};

struct server_events {
    void *self; /* of the handlers, too */
    /* A connection that was closed for a reason: garbage, hands not shaken. For logs; may be NULL.
     */
    void (*refused)(void *self, const dk_error *why);
    /* An operation that is not in the table. For logs; may be NULL. */
    void (*unknown)(void *self, const char *peer, struct wire_bytes op);
    void (*closed)(void *self); /* the last call: the server is gone when it returns */
};

/* Listens and answers from now on. `ops` stays as it is, and where.
 *
 * Errors: as listener_new(). */
dk_status server_new(uv_loop_t *loop, struct memory *memory, const struct listener_options *options,
                     const struct server_op *ops, size_t nops, struct server_events events,
                     struct server **out, dk_error *err) DK_NODISCARD;
/* Ownership: borrowed from the server. */
const struct node_address *server_address(const struct server *server);
/* Closes the listener and all connections that are still the server's. A second call does nothing.
 */
void server_close(struct server *server);

/* The question. Ownership: borrowed until the request ends. */
const struct wire_value *request_message(const struct request *request);
/* *Takes* the message itself, for whoever keeps its payloads; `*out` is the caller's. Only once. */
void request_take_message(struct request *request, struct message *out);
/* Who asks; "" once the peer has gone. */
const char *request_peer(const struct request *request);

/* Whether who asks can open what this process shares, see comm_shares_machine(). */
bool request_shares_machine(const struct request *request);

/* `gone` is called, once, when the peer goes before it is answered: whoever waits for something may
 * end the request right there. */
void request_on_gone(struct request *request, void (*gone)(void *self), void *self);

/* Although the peer wants no answer ("reply": false) it gets the one that follows: those who
 * register are answered by their connection becoming a stream, and have to know when it does not.
 */
void request_insist(struct request *request);

/* Answers, and ends the request. What cannot be sent (`result` nested too deep, out of memory) is
 * answered as a failure, or else closes the connection. */
void request_reply(struct request *request, const struct wire_value *result);
/* The same without a copy of large payloads. */
void request_reply_lent(struct request *request, const struct wire_value *result, struct loan loan);
/* The same, and the peer has to say "OK" before it asks anything else: `confirmed` is called once,
 * with false when it has not. Source: distributed.worker.Worker.get_data. */
struct confirmation {
    void (*confirmed)(void *self, bool is_ok);
    void *self;
};
void request_reply_data(struct request *request, const struct wire_value *result, struct loan loan,
                        struct confirmation confirmation);
/* Answers that the operation has failed: with the exception of Python's that fits the status, or
 * with the builtin exception `kind`. */
void request_fail(struct request *request, const dk_error *why);
void request_raise(struct request *request, const char *kind, const char *text);

/* Ends the request without an answer and hands its connection over: the caller sets its events, as
 * by stream_init(). Only from within the handler. */
struct comm *request_take_comm(struct request *request);

#endif
