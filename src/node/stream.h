/* A comm on which both sides send arrays of messages and none is answered: what a connection
 * becomes after register-worker or register-client. Messages that are sent in one turn of the loop
 * go in one array.
 *
 * Thread: the loop's.   Source: distributed.batched.BatchedSend,
 * distributed.core.Server.handle_stream. */
#ifndef NODE_STREAM_H
#define NODE_STREAM_H

#include "node/comm.h"

struct stream_events {
    void *self;
    /* One message of the peer's, which lives until this returns. */
    void (*received)(void *self, const struct wire_value *message);
    /* After the messages of one array: time to act upon them. May be NULL. */
    void (*received_all)(void *self);
    /* All that was pushed is written: whoever waits for comm_queued_nbytes() to fall may go on. May
     * be NULL. */
    void (*drained)(void *self);
    /* The peer says that it goes, or has gone: the comm and the stream end when this returns.
     * `why` is NULL when it was said ("close-stream"), or done by stream_close(). */
    void (*closed)(void *self, const dk_error *why);
};

struct stream {
    struct comm *comm;
    struct stream_events events;
    bool is_closing; /* no more messages, in either direction */
};

/* Makes a stream of `comm`, whose events it takes over. `stream` stays where it is until `closed`.
 * After stream_close(), it gets no more messages. */
void stream_init(struct stream *stream, struct comm *comm, struct stream_events events);

/* Sends `message`, a map with "op".   Errors: as comm_send(). */
dk_status stream_push(struct stream *stream, const struct wire_value *message,
                      dk_error *err) DK_NODISCARD;
/* The same without a copy of large payloads. */
dk_status stream_push_lent(struct stream *stream, const struct wire_value *message,
                           struct loan loan, dk_error *err) DK_NODISCARD;

/* Says "close-stream", and closes once all is written. A second call does nothing. */
void stream_close(struct stream *stream);
/* The same with another word: Dask's clients know "stream-closed" only. */
void stream_close_saying(struct stream *stream, const char *op);

#endif
