/* Any bytes, sent by a stranger to a server: on a connection that has not shaken hands, or on one
 * that has. Whatever they are, the server ends the connection or answers, and a good peer is served
 * after it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/server.h"
#include "node/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define SENT_MAX ((size_t)1 << 15) /* what a socket takes without a reader */

static const char handshake[] = "\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x1f\0\0\0\0\0\0\0\x82\xab"
                                "compression"
                                "\xc0\xafpickle-protocol\x05";

struct world {
    uv_loop_t loop;
    struct memory *memory;
    struct server *server;
    struct stream stream;
    struct request *later;
    struct comm *good;
    bool is_streaming;
    bool is_answered;
};

static void answer_echo(void *self, struct request *request)
{
    (void)self;
    request_reply(request, request_message(request));
}

static void on_gone(void *self)
{
    struct world *world = self;
    struct wire_value nil = wire_nil();
    struct request *later = world->later;
    world->later = NULL;
    request_reply(later, &nil);
}

/* Is answered by the next one, or when its peer goes. */
static void answer_later(void *self, struct request *request)
{
    struct world *world = self;
    if (world->later) {
        struct request *first = world->later;
        world->later = NULL;
        request_raise(first, "RuntimeError", "another one came");
    }
    world->later = request;
    request_on_gone(request, on_gone, world);
}

static void answer_data(void *self, struct request *request)
{
    (void)self;
    struct wire_value ok = wire_text("data");
    request_reply_data(request, &ok, (struct loan){NULL, NULL}, (struct confirmation){NULL, NULL});
}

static void on_message(void *self, const struct wire_value *message)
{
    struct world *world = self;
    if (stream_push(&world->stream, message, NULL) != DK_OK)
        stream_close(&world->stream);
}

static void on_stream_closed(void *self, const dk_error *why)
{
    struct world *world = self;
    (void)why;
    world->is_streaming = false;
}

static void answer_stream(void *self, struct request *request)
{
    struct world *world = self;
    if (world->is_streaming) {
        request_raise(request, "RuntimeError", "one stream is enough");
        return;
    }
    struct stream_events events = {
        .self = world, .received = on_message, .closed = on_stream_closed};
    world->is_streaming = true;
    stream_init(&world->stream, request_take_comm(request), events);
}

static const struct server_op ops[] = {
    {"e", answer_echo}, {"l", answer_later}, {"d", answer_data}, {"s", answer_stream}};

static void on_server_closed(void *self)
{
    ((struct world *)self)->server = NULL;
}

/* ---- the stranger ---- */

/* Each from another address of this machine: one alone has no port left after some ten thousand
 * connections in a minute. */
static int connect_to(const struct node_address *address)
{
    static uint32_t nconnections;
    struct sockaddr_in from = {.sin_family = AF_INET}, to;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + nconnections++ % 0xfffff0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        uv_ip4_addr("127.0.0.1", atoi(address->port), &to) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("fuzz_server: connect");
        abort();
    }
    return fd;
}

/* Sends it all before the server reads any, and hangs up. */
static void knock(struct world *world, const uint8_t *bytes, size_t nbytes, bool is_polite)
{
    int fd = connect_to(server_address(world->server));
    if (is_polite && send(fd, handshake, sizeof(handshake) - 1, MSG_NOSIGNAL) < 0)
        abort();
    if (nbytes > SENT_MAX)
        nbytes = SENT_MAX;
    if (nbytes && send(fd, bytes, nbytes, MSG_NOSIGNAL) != (ssize_t)nbytes)
        abort();
    shutdown(fd, SHUT_WR);
    /* Until the server hangs up as well: it must, as nothing more comes. */
    for (;;) {
        char answer[4096];
        uv_run(&world->loop, UV_RUN_NOWAIT);
        if (world->later) /* with many behind it nothing is read, nor the end */
            on_gone(world);
        ssize_t n = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
    }
    close(fd);
}

/* ---- the good peer ---- */

static void on_opened(void *self)
{
    struct world *world = self;
    struct wire_entry entries[] = {{wire_text("op"), wire_text("e")}};
    struct wire_value question = wire_map(entries, 1);
    if (comm_send(world->good, &question, NULL) != DK_OK)
        abort();
}

static void on_received(void *self, struct message *message)
{
    struct world *world = self;
    world->is_answered = wire_text_is(wire_find(&message->root, "op"), "e");
    message_deinit(message);
    comm_close(world->good);
    server_close(world->server);
}

static void on_closed(void *self, const dk_error *why)
{
    (void)self;
    (void)why;
}

static void ask(struct world *world, const struct comm_options *options)
{
    struct comm_events events = {
        .self = world, .opened = on_opened, .received = on_received, .closed = on_closed};
    if (comm_connect(&world->loop, world->memory, server_address(world->server), options, events,
                     &world->good, NULL) != DK_OK)
        abort();
    uv_run(&world->loop, UV_RUN_DEFAULT);
    if (!world->is_answered || world->server)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct world world = {.memory = memory_new(NULL, 64 << 20)};
    struct comm_options comm = {.limits = {64, 1 << 16}};
    struct listener_options where = {.host = "127.0.0.1", .comm = comm};
    struct server_events events = {.self = &world, .closed = on_server_closed};
    signal(SIGPIPE, SIG_IGN);
    if (!world.memory || uv_loop_init(&world.loop) != 0 ||
        server_new(&world.loop, world.memory, &where, ops, 4, events, &world.server, NULL) != DK_OK)
        abort();
    bool is_polite = nbytes > 0 && bytes[0] % 8 != 0;
    knock(&world, bytes + (nbytes > 0), nbytes - (nbytes > 0), is_polite);
    ask(&world, &comm);
    if (uv_loop_close(&world.loop) != 0 || memory_use(world.memory).current != 0)
        abort();
    memory_close(world.memory);
    return 0;
}
