/* An HTTP server on the loop, and where dashboards are. The client is a socket of the same thread,
 * which turns the loop until it is answered. */
#include "support/failing.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/dashboard.h"

struct world {
    uv_loop_t loop;
    struct memory *memory;
    struct http_server *server;
    bool is_too_large;
};

static void write_page(void *self, struct text *out)
{
    const struct world *world = self;
    text_puts(out, "page");
    out->failed |= world->is_too_large;
}

static const struct http_page pages[] = {{"/page", "text/plain", write_page}};

static void on_closed(void *self)
{
    ((struct world *)self)->server = NULL;
}

static struct http_options options_of(struct world *world)
{
    return (struct http_options){
        .host = "127.0.0.1", .pages = pages, .npages = 1, .self = world, .closed = on_closed};
}

static dk_status open_world(struct world *world, struct memory *memory)
{
    *world = (struct world){.memory = memory};
    struct http_options options = options_of(world);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    return http_server_new(&world->loop, memory, &options, &world->server, NULL);
}

static void close_world(struct world *world)
{
    if (world->server)
        http_server_close(world->server);
    uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_null(world->server);
    assert_int_equal(uv_loop_close(&world->loop), 0);
}

static int connect_to(const struct http_server *server)
{
    struct sockaddr_in to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", atoi(http_server_address(server)->port), &to), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* All that comes until the server hangs up. */
static const char *ask(struct world *world, const char *question)
{
    static char answer[65536];
    size_t length = 0;
    int fd = connect_to(world->server);
    assert_int_equal(send(fd, question, strlen(question), MSG_NOSIGNAL), strlen(question));
    for (;;) {
        uv_run(&world->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, answer + length, sizeof(answer) - 1 - length, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        length += n > 0 ? (size_t)n : 0;
    }
    answer[length] = '\0';
    close(fd);
    return answer;
}

/* Proves that a page is served, what is none is 404, and several questions are answered in turn. */
static void test_pages(void **state)
{
    (void)state;
    struct world world;
    struct memory *memory = memory_new(NULL, 0);
    assert_int_equal(open_world(&world, memory), DK_OK);
    const char *answer = ask(&world, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"
                                     "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    const char *first = strstr(answer, "HTTP/1.1 200 OK");
    const char *second = strstr(answer, "HTTP/1.1 404 Not Found");
    assert_true(first && second && first < second);
    assert_non_null(strstr(first, "\r\n\r\npage"));
    assert_non_null(strstr(second, "  /page\n"));
    answer = ask(&world, "DELETE /page HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 405"));
    world.is_too_large = true; /* memory runs out while it is written */
    assert_string_equal(ask(&world, "GET /page HTTP/1.1\r\nHost: x\r\n\r\n"), "");
    close_world(&world);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that connections that are open and silent do not keep it from closing. */
static void test_close_with_connections(void **state)
{
    (void)state;
    struct world world;
    struct memory *memory = memory_new(NULL, 0);
    assert_int_equal(open_world(&world, memory), DK_OK);
    int fd = connect_to(world.server);
    assert_int_equal(send(fd, "GET /pa", 7, MSG_NOSIGNAL), 7);
    uv_run(&world.loop, UV_RUN_ONCE);
    http_server_close(world.server);
    http_server_close(world.server);
    close_world(&world);
    close(fd);
    memory_close(memory);
}

/* Proves that a dashboard whose port is taken is at another, and says so. */
static void test_port_in_use(void **state)
{
    (void)state;
    struct world world, other;
    char warning[DASHBOARD_LINE_MAX], link[DASHBOARD_LINE_MAX], taken[64];
    struct memory *memory = memory_new(NULL, 0);
    assert_int_equal(open_world(&world, memory), DK_OK);
    other = (struct world){.memory = memory};
    assert_int_equal(uv_loop_init(&other.loop), 0);
    struct http_options options = options_of(&other);
    struct dashboard_place place = {.port =
                                        (uint16_t)atoi(http_server_address(world.server)->port)};
    assert_int_equal(
        dashboard_open(&other.loop, memory, &place, &options, &other.server, warning, NULL), DK_OK);
    snprintf(taken, sizeof(taken), "Port %d is already in use", place.port);
    assert_non_null(strstr(warning, taken));
    dashboard_link(other.server, link);
    assert_non_null(strstr(link, http_server_address(other.server)->port));
    assert_null(strstr(link, http_server_address(world.server)->port));
    close_world(&other);
    close_world(&world);
    memory_close(memory);
}

static void check_place(const char *text, const char *host, int port)
{
    struct dashboard_place place;
    dk_error err = {0};
    dk_status status = dashboard_place_parse(text, &place, &err);
    if (!host) {
        assert_int_equal(status, DK_EINVAL);
        assert_non_null(strstr(err.message, text));
        return;
    }
    assert_int_equal(status, DK_OK);
    assert_string_equal(place.host, host);
    assert_int_equal(place.port, port);
}

/* Proves that places are read as Dask reads them. */
static void test_places(void **state)
{
    (void)state;
    check_place("8787", "", 8787);
    check_place(":8787", "", 8787);
    check_place(":0", "", 0);
    check_place("here:8787", "here", 8787);
    check_place("here", "here", 0);
    check_place("[::1]:8787", "::1", 8787);
    check_place("tcp://here:8787", NULL, 0);
    check_place(":8787,:8788", NULL, 0);
    check_place(":99999", NULL, 0);
    check_place("here:there", NULL, 0);
}

static dk_status serve_once(struct memory *memory)
{
    struct world world;
    dk_status status = open_world(&world, memory);
    if (status == DK_OK)
        (void)ask(&world, "GET /page HTTP/1.0\r\n\r\n");
    close_world(&world);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(serve_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_close_with_connections),
        cmocka_unit_test(test_port_in_use),   cmocka_unit_test(test_places),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
