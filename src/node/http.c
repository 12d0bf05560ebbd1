#include "node/http.h"

#include <microhttpd.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define CONNECTIONS_MAX       256
#define CONNECTIONS_OF_A_HOST 64
#define HEAD_NBYTES_MAX       16384 /* and what is being sent */
#define SILENCE_S             10
#define TYPE_TEXT             "text/plain; charset=utf-8"

struct http_server {
    uv_loop_t *loop;
    struct memory *memory;
    struct http_options options;
    struct node_address address;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;   /* the descriptor of its epoll */
    uv_timer_t timer; /* when it wants to look at its connections by itself */
    unsigned nopen;   /* of these two */
    bool is_closing;
};

/* ---- answers ---- */

static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status,
                                 const char *type, const struct text *body)
{
    if (body->failed)
        return MHD_NO; /* closes the connection */
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body->length, body->data, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    enum MHD_Result result =
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
                MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store") ==
                    MHD_YES &&
                (status != MHD_HTTP_METHOD_NOT_ALLOWED ||
                 MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD") == MHD_YES)
            ? MHD_queue_response(connection, status, response)
            : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static void list_pages(const struct http_server *server, struct text *out)
{
    text_puts(out, "Nothing is here; a live page is not there yet. There are:\n");
    for (size_t i = 0; i < server->options.npages; i++)
        text_printf(out, "  %s%s\n", server->options.prefix ? server->options.prefix : "",
                    server->options.pages[i].path);
}

/* NULL when there is none. */
static const struct http_page *find_page(const struct http_server *server, const char *path)
{
    const char *prefix = server->options.prefix ? server->options.prefix : "";
    size_t length = strlen(prefix);
    if (strncmp(path, prefix, length) != 0)
        return NULL;
    for (size_t i = 0; i < server->options.npages; i++)
        if (strcmp(path + length, server->options.pages[i].path) == 0)
            return &server->options.pages[i];
    return NULL;
}

static enum MHD_Result answer(const struct http_server *server, struct MHD_Connection *connection,
                              const char *path)
{
    const struct http_page *page = find_page(server, path);
    struct text body;
    text_init(&body, server->memory);
    if (page)
        page->write(server->options.self, &body);
    else
        list_pages(server, &body);
    enum MHD_Result result = send_text(connection, page ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND,
                                       page ? page->type : TYPE_TEXT, &body);
    text_deinit(&body);
    return result;
}

/* At once, so that nothing more is read, and the connection is closed. */
static enum MHD_Result refuse_method(const struct http_server *server,
                                     struct MHD_Connection *connection)
{
    struct text body;
    text_init(&body, server->memory);
    text_puts(&body, "Pages are here to be read: GET or HEAD.\n");
    enum MHD_Result result = send_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, TYPE_TEXT, &body);
    text_deinit(&body);
    return result;
}

/* Called with the head of a request, and again when all of it is there. */
static enum MHD_Result on_request(void *self, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *upload,
                                  /* NOLINTNEXTLINE(readability-non-const-parameter): theirs */
                                  size_t *upload_nbytes, void **seen)
{
    (void)version;
    (void)upload;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return refuse_method(self, connection);
    if (!*seen) {
        *seen = self;
        return MHD_YES;
    }
    return *upload_nbytes ? MHD_NO : answer(self, connection, path);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

/* Does what can be done without waiting, and asks to be woken for the rest. */
static void turn(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms;
    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&server->timer, on_timer, wait_ms, 0);
    else
        uv_timer_stop(&server->timer);
}

static void on_timer(uv_timer_t *timer)
{
    turn(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    turn(poll->data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;
    if (--server->nopen)
        return;
    void (*closed)(void *self) = server->options.closed;
    void *self = server->options.self;
    memory_free(server->memory, server, sizeof(*server));
    if (closed)
        closed(self);
}

void http_server_close(struct http_server *server)
{
    if (server->is_closing)
        return;
    server->is_closing = true;
    uv_poll_stop(&server->poll); /* before its descriptor goes */
    MHD_stop_daemon(server->daemon);
    uv_close((uv_handle_t *)&server->poll, on_handle_closed);
    uv_close((uv_handle_t *)&server->timer, on_handle_closed);
}

/* ---- opening ---- */

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd)
{
    return MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, server,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                            (unsigned)CONNECTIONS_OF_A_HOST, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                            (size_t)HEAD_NBYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                            (unsigned)SILENCE_S, MHD_OPTION_END);
}

/* *Takes* `fd`. */
static dk_status start(struct http_server *server, int fd, dk_error *err)
{
    server->daemon = start_daemon(server, fd);
    if (!server->daemon) {
        close(fd);
        return error_set(err, DK_EIO, "%s: cannot serve HTTP there", server->address.text);
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int status = info ? uv_poll_init(server->loop, &server->poll, info->epoll_fd) : UV_EINVAL;
    if (status < 0) {
        MHD_stop_daemon(server->daemon);
        return error_set(err, DK_EIO, "%s: cannot serve HTTP there: %s", server->address.text,
                         uv_strerror(status));
    }
    uv_timer_init(server->loop, &server->timer);
    server->poll.data = server->timer.data = server;
    server->nopen = 2;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    return DK_OK;
}

dk_status http_server_new(uv_loop_t *loop, struct memory *memory,
                          const struct http_options *options, struct http_server **out,
                          dk_error *err)
{
    struct listening where = {.host = options->host, .ports = options->ports};
    struct http_server *server = memory_calloc(memory, sizeof(*server));
    int fd;
    if (!server)
        return error_nomem(err);
    *server = (struct http_server){.loop = loop, .memory = memory, .options = *options};
    dk_status status = listening_open(loop, &where, &fd, &server->address, err);
    if (status == DK_OK)
        status = start(server, fd, err);
    if (status != DK_OK) {
        memory_free(memory, server, sizeof(*server));
        return status;
    }
    *out = server;
    return DK_OK;
}

const struct node_address *http_server_address(const struct http_server *server)
{
    return &server->address;
}
