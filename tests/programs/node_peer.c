/* A node for tests in Python: listens at a port of its own, says where in a line, and answers
 *
 *     echo {say}               what it is told
 *     fail                     a KeyError
 *     get_data {keys}          {"status": "OK", "data": {}}, which has to be confirmed
 *     confirmed                how many were
 *     ask {address, message}   what that node answers to the message, relayed unopened
 *     stream                   makes a stream, on which every message comes back
 *
 *     test_node_peer [CA_FILE CERT_FILE]      under TLS with files
 */
#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "node/pool.h"
#include "node/server.h"
#include "node/stream.h"

static const struct frame_limits limits = {.nframes = 1 << 16, .nbytes = 1 << 30};

struct peer {
    struct memory *memory;
    struct pool *pool;
    int64_t nconfirmed;
};

static void answer_echo(void *self, struct request *request)
{
    (void)self;
    const struct wire_value *say = wire_find(request_message(request), "say");
    struct wire_value nil = wire_nil();
    request_reply(request, say ? say : &nil);
}

static void answer_fail(void *self, struct request *request)
{
    (void)self;
    request_raise(request, "KeyError", "no such key");
}

static void on_confirmed(void *self, bool is_ok)
{
    struct peer *peer = self;
    peer->nconfirmed += is_ok;
}

static void answer_get_data(void *self, struct request *request)
{
    struct wire_entry entries[] = {
        {wire_text("status"), wire_text("OK")},
        {wire_text("data"), wire_map(NULL, 0)},
    };
    struct wire_value answer = wire_map(entries, 2);
    request_reply_data(request, &answer, (struct loan){NULL, NULL},
                       (struct confirmation){on_confirmed, self});
}

static void answer_confirmed(void *self, struct request *request)
{
    const struct peer *peer = self;
    struct wire_value answer = wire_int(peer->nconfirmed);
    request_reply(request, &answer);
}

/* ---- relaying ---- */

struct relay {
    struct memory *memory;
    struct request *request;
    struct message answer;
};

static void relay_release(void *self)
{
    struct relay *relay = self;
    message_deinit(&relay->answer);
    memory_free(relay->memory, relay, sizeof(*relay));
}

static void on_answered(void *self, struct message *answer, const dk_error *why)
{
    struct relay *relay = self;
    if (!answer) {
        request_fail(relay->request, why);
        memory_free(relay->memory, relay, sizeof(*relay));
        return;
    }
    relay->answer = *answer;
    request_reply_lent(relay->request, &relay->answer.root, (struct loan){relay_release, relay});
}

static dk_status relay(struct peer *peer, struct request *request, dk_error *err)
{
    char text[ADDRESS_TEXT_MAX];
    struct wire_bytes address = {"", 0};
    struct relay *relay = memory_calloc(peer->memory, sizeof(*relay));
    if (!relay)
        return error_nomem(err);
    struct pool_question question = {
        .message = wire_find(request_message(request), "message"),
        .timeout_ms = 60000,
        .answered = on_answered,
        .self = relay,
    };
    *relay = (struct relay){.memory = peer->memory, .request = request};
    wire_read_text(wire_find(request_message(request), "address"), &address);
    snprintf(text, sizeof(text), "%.*s", (int)address.nbytes, address.data);
    question.confirms = wire_text_is(wire_find(question.message, "op"), "get_data");
    dk_status status = node_address_parse(text, &question.address, err);
    if (status == DK_OK)
        status = pool_ask(peer->pool, &question, NULL, err);
    if (status != DK_OK)
        memory_free(peer->memory, relay, sizeof(*relay));
    return status;
}

static void answer_ask(void *self, struct request *request)
{
    dk_error err = {0};
    if (relay(self, request, &err) != DK_OK)
        request_fail(request, &err);
}

/* ---- streams ---- */

struct echo {
    struct memory *memory;
    struct stream stream;
};

static void on_message(void *self, const struct wire_value *message)
{
    struct echo *echo = self;
    if (stream_push(&echo->stream, message, NULL) != DK_OK)
        stream_close(&echo->stream);
}

static void on_stream_closed(void *self, const dk_error *why)
{
    struct echo *echo = self;
    (void)why;
    memory_free(echo->memory, echo, sizeof(*echo));
}

static void answer_stream(void *self, struct request *request)
{
    struct peer *peer = self;
    struct echo *echo = memory_calloc(peer->memory, sizeof(*echo));
    if (!echo) {
        request_raise(request, "MemoryError", "");
        return;
    }
    struct stream_events events = {
        .self = echo, .received = on_message, .closed = on_stream_closed};
    echo->memory = peer->memory;
    stream_init(&echo->stream, request_take_comm(request), events);
}

/* ---- the program ---- */

static const struct server_op ops[] = {
    {"echo", answer_echo},           {"fail", answer_fail}, {"get_data", answer_get_data},
    {"confirmed", answer_confirmed}, {"ask", answer_ask},   {"stream", answer_stream},
};

static void on_refused(void *self, const dk_error *why)
{
    (void)self;
    printf("refused: %s\n", why->message);
    fflush(stdout);
}

static void on_server_closed(void *self)
{
    (void)self;
}

static dk_status start(struct peer *peer, uv_loop_t *loop, struct tls_config *tls, dk_error *err)
{
    struct comm_options comm = {
        .limits = limits, .open_ms = 30000, .pickle_protocol = 5, .tls = tls};
    struct pool_options pool = {.comm = comm};
    struct listener_options where = {
        .protocol = tls ? NODE_TLS : NODE_TCP, .host = "127.0.0.1", .comm = comm};
    struct server_events events = {.self = peer, .refused = on_refused, .closed = on_server_closed};
    struct server *server;
    DK_TRY(pool_new(loop, peer->memory, &pool, &peer->pool, err));
    DK_TRY(server_new(loop, peer->memory, &where, ops, sizeof(ops) / sizeof(ops[0]), events,
                      &server, err));
    printf("%s\n", server_address(server)->text);
    fflush(stdout);
    return DK_OK;
}

int main(int argc, char **argv)
{
    struct peer peer = {.memory = memory_new(NULL, 0)};
    struct tls_config *tls = NULL;
    dk_error err = {0};
    dk_status status = DK_OK;
    signal(SIGPIPE, SIG_IGN);
    if (argc > 2) {
        struct tls_files files = {.ca_file = argv[1], .cert_file = argv[2]};
        status = tls_config_new(&files, &tls, &err);
    }
    uv_loop_t *loop = uv_default_loop();
    if (status == DK_OK)
        status = start(&peer, loop, tls, &err);
    if (status == DK_OK)
        uv_run(loop, UV_RUN_DEFAULT);
    fprintf(stderr, "%s\n", err.message);
    return 1;
}
