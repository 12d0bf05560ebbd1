/* Any bytes, sent to an HTTP server. Whatever they are, it answers or hangs up, and a good client
 * is served after it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define SENT_MAX ((size_t)1 << 15) /* what a socket takes without a reader */

static const char good[] = "GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

struct world {
    uv_loop_t loop;
    struct memory *memory;
    struct http_server *server;
};

static void write_page(void *self, struct text *out)
{
    (void)self;
    text_puts(out, "what is here");
}

static const struct http_page pages[] = {{"/page", "text/plain", write_page}};

static void on_closed(void *self)
{
    ((struct world *)self)->server = NULL;
}

static int connect_to(const struct http_server *server)
{
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (uv_ip4_addr("127.0.0.1", atoi(http_server_address(server)->port), &to) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        abort();
    return fd;
}

/* Sends it all, leaves the server time for as many questions as that can be, and hangs up. */
static void knock(struct world *world, const char *bytes, size_t nbytes)
{
    char answer[4096];
    int fd = connect_to(world->server);
    if (nbytes && send(fd, bytes, nbytes, MSG_NOSIGNAL) != (ssize_t)nbytes)
        abort();
    for (size_t turns = 0; turns < 8 + nbytes / 16; turns++) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        while (recv(fd, answer, sizeof(answer), MSG_DONTWAIT) > 0) {
        }
    }
    close(fd);
}

/* A question that is answered with the page, after which the server hangs up. */
static void ask(struct world *world)
{
    char answer[4096];
    size_t length = 0;
    int fd = connect_to(world->server);
    if (send(fd, good, sizeof(good) - 1, MSG_NOSIGNAL) != sizeof(good) - 1)
        abort();
    for (;;) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, answer + length, sizeof(answer) - length, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    if (length < 12 || memcmp(answer + length - 12, "what is here", 12) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct world world = {.memory = memory_new(NULL, 64 << 20)};
    struct http_options options = {
        .host = "127.0.0.1", .pages = pages, .npages = 1, .self = &world, .closed = on_closed};
    if (!world.memory || uv_loop_init(&world.loop) != 0 ||
        http_server_new(&world.loop, world.memory, &options, &world.server, NULL) != DK_OK)
        abort();
    knock(&world, (const char *)bytes, nbytes < SENT_MAX ? nbytes : SENT_MAX);
    ask(&world);
    http_server_close(world.server);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    if (world.server || uv_loop_close(&world.loop) != 0 || memory_use(world.memory).current != 0)
        abort();
    memory_close(world.memory);
    return 0;
}
