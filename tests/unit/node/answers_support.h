/* A server with operations of every sort, for the tests of servers and of pools. */
#ifndef ANSWERS_SUPPORT_H
#define ANSWERS_SUPPORT_H

#include "loop_support.h"

#include "node/server.h"
#include "node/stream.h"

#define LARGE_NBYTES ((size_t)1 << 20)

struct answers {
    uv_loop_t *loop;
    struct server *server;
    struct request *later[8]; /* the questions with "later", not answered yet */
    size_t nlater;
    size_t ngone;
    size_t nunknown;
    size_t nrefused;
    size_t nconfirmed;
    size_t ndenied;
    size_t nreleased;
    struct stream stream;
    size_t nstreamed;
    size_t nstream_closed;
    char *large;
};

/* Answers with what "say" has. */
static inline void answer_echo(void *self, struct request *request)
{
    (void)self;
    const struct wire_value *say = wire_find(request_message(request), "say");
    struct wire_value nil = wire_nil();
    request_reply(request, say ? say : &nil);
}

static inline void answers_gone(void *self)
{
    ((struct answers *)self)->ngone++;
}

/* Is answered by the test. */
static inline void answer_later(void *self, struct request *request)
{
    struct answers *answers = self;
    answers->later[answers->nlater++] = request;
    request_on_gone(request, answers_gone, answers);
}

static inline void answer_fail(void *self, struct request *request)
{
    (void)self;
    dk_error why = {0};
    error_set(&why, DK_EKEY, "no such key: 'x'");
    request_fail(request, &why);
}

static inline void answers_confirmed(void *self, bool is_ok)
{
    struct answers *answers = self;
    if (is_ok)
        answers->nconfirmed++;
    else
        answers->ndenied++;
}

static inline void answers_release(void *self)
{
    ((struct answers *)self)->nreleased++;
}

/* A large payload, lent, to be confirmed. */
static inline void answer_data(void *self, struct request *request)
{
    static const char header[] = "\x81\xae"
                                 "num-sub-frames\x01";
    struct answers *answers = self;
    struct wire_bytes frame = {answers->large, LARGE_NBYTES};
    struct wire_payload payload = {{header, sizeof(header) - 1}, &frame, 1};
    struct wire_entry entries[] = {
        {wire_text("status"), wire_text("OK")},
        {wire_text("data"), {.kind = WIRE_SERIALIZED, .as.payload = &payload}},
    };
    struct wire_value reply = wire_map(entries, 2);
    request_reply_data(request, &reply, (struct loan){answers_release, answers},
                       (struct confirmation){answers_confirmed, answers});
}

/* Nested too deep to be sent. */
static inline void answer_deep(void *self, struct request *request)
{
    (void)self;
    struct wire_value deep[WIRE_DEPTH_MAX + 2];
    deep[0] = wire_nil();
    for (int i = 1; i < WIRE_DEPTH_MAX + 2; i++)
        deep[i] = wire_array(&deep[i - 1], 1);
    request_reply(request, &deep[WIRE_DEPTH_MAX + 1]);
}

static inline void answers_streamed(void *self, const struct wire_value *message)
{
    (void)message;
    ((struct answers *)self)->nstreamed++;
}

static inline void answers_stream_closed(void *self, const dk_error *why)
{
    (void)why;
    ((struct answers *)self)->nstream_closed++;
}

/* Turns the connection into a stream. */
static inline void answer_stream(void *self, struct request *request)
{
    struct answers *answers = self;
    struct stream_events events = {
        .self = answers, .received = answers_streamed, .closed = answers_stream_closed};
    stream_init(&answers->stream, request_take_comm(request), events);
}

static const struct server_op answer_ops[] = {
    {"echo", answer_echo}, {"later", answer_later}, {"fail", answer_fail},
    {"data", answer_data}, {"deep", answer_deep},   {"stream", answer_stream},
};

static inline void answers_unknown(void *self, const char *peer, struct wire_bytes op)
{
    (void)peer, (void)op;
    ((struct answers *)self)->nunknown++;
}

static inline void answers_refused(void *self, const dk_error *why)
{
    (void)why;
    ((struct answers *)self)->nrefused++;
}

static inline void answers_closed(void *self)
{
    struct answers *answers = self;
    answers->server = NULL;
}

static inline dk_status answers_open(struct answers *answers, uv_loop_t *loop,
                                     struct memory *memory, size_t comms_max)
{
    static char large[LARGE_NBYTES];
    struct listener_options options = local_options();
    struct server_events events = {answers, answers_refused, answers_unknown, answers_closed};
    options.comms_max = comms_max;
    *answers = (struct answers){.loop = loop, .large = large};
    return server_new(loop, memory, &options, answer_ops,
                      sizeof(answer_ops) / sizeof(answer_ops[0]), events, &answers->server, NULL);
}

#endif
