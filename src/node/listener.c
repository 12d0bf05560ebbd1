#include "node/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "node/comm_parts.h"
#include "node/listening.h"

/* An accepted comm. In the list until hands are shaken. */
struct guest {
    struct listener *listener;
    struct comm *comm;
    struct guest *previous;
    struct guest *next;
    bool is_listed;
};

struct listener {
    uv_loop_t *loop;
    struct memory *memory;
    struct listener_options options;
    struct listener_events events;
    struct node_address address;
    uv_tcp_t socket;
    uv_tcp_t spare; /* takes connections that are closed at once */
    bool is_turning_away;
    bool has_more; /* a connection waits until `spare` is free */
    bool is_closing;
    struct guest *guests; /* that have not shaken hands */
    size_t ncomms;        /* accepted ones that are alive */
    unsigned nusers;      /* until `closed`: the handles, and the guests in the list */
};

/* ---- the end ---- */

/* The block stays until the last comm has left, wherever it is. */
static void free_if_left(struct listener *listener)
{
    if (listener->nusers == 0 && listener->ncomms == 0)
        memory_free(listener->memory, listener, sizeof(*listener));
}

static void leave(struct listener *listener)
{
    if (--listener->nusers)
        return;
    listener->events.closed(listener->events.self);
    free_if_left(listener);
}

static void unlist(struct guest *guest)
{
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        guest->listener->guests = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    guest->is_listed = false;
}

static void on_socket_closed(uv_handle_t *handle)
{
    leave(handle->data);
}

void listener_close(struct listener *listener)
{
    if (listener->is_closing)
        return;
    listener->is_closing = true;
    uv_close((uv_handle_t *)&listener->socket, on_socket_closed);
    for (struct guest *guest = listener->guests; guest; guest = guest->next)
        comm_close(guest->comm);
}

/* ---- guests ---- */

static void on_opened(void *self)
{
    struct guest *guest = self;
    struct listener *listener = guest->listener;
    unlist(guest);
    listener->events.accepted(listener->events.self, guest->comm);
    leave(listener);
}

static void on_closed(void *self, const dk_error *why)
{
    struct guest *guest = self;
    struct listener *listener = guest->listener;
    if (why && listener->events.refused)
        listener->events.refused(listener->events.self, why);
}

/* The comm is gone, whoever had it. */
static void on_left(void *self)
{
    struct guest *guest = self;
    struct listener *listener = guest->listener;
    bool was_listed = guest->is_listed;
    if (was_listed)
        unlist(guest);
    memory_free(listener->memory, guest, sizeof(*guest));
    listener->ncomms--;
    if (was_listed)
        leave(listener);
    else
        free_if_left(listener);
}

static void list(struct guest *guest)
{
    struct listener *listener = guest->listener;
    guest->next = listener->guests;
    if (guest->next)
        guest->next->previous = guest;
    listener->guests = guest;
    guest->is_listed = true;
    listener->nusers++;
    listener->ncomms++;
}

/* NULL when out of memory. */
static struct guest *guest_new(struct listener *listener)
{
    struct guest *guest = memory_calloc(listener->memory, sizeof(*guest));
    struct comm_events events = {.self = guest, .opened = on_opened, .closed = on_closed};
    struct comm *comm = comm_new(listener->loop, listener->memory, &listener->options.comm, events);
    if (guest && comm) {
        guest->listener = listener;
        guest->comm = comm;
        comm->left = on_left;
        comm->left_self = guest;
        return guest;
    }
    if (comm)
        comm_free(comm);
    memory_free(listener->memory, guest, sizeof(*guest));
    return NULL;
}

static int find_peer(struct comm *comm, enum node_protocol protocol)
{
    struct sockaddr_storage end;
    int length = sizeof(end);
    int status = uv_tcp_getpeername(&comm->tcp, (struct sockaddr *)&end, &length);
    if (status == 0 &&
        node_address_of(protocol, (struct sockaddr *)&end, &comm->peer, NULL) != DK_OK)
        status = UV_EINVAL;
    return status;
}

static void welcome(struct guest *guest)
{
    struct listener *listener = guest->listener;
    struct comm *comm = guest->comm;
    list(guest);
    comm_begin(comm);
    int status = uv_tcp_init(listener->loop, &comm->tcp);
    if (status == 0) {
        comm->has_tcp = true;
        comm->nusers++;
        status = uv_accept((uv_stream_t *)&listener->socket, (uv_stream_t *)&comm->tcp);
    }
    if (status == 0)
        status = find_peer(comm, listener->options.protocol);
    if (status == 0)
        status = comm_start(comm, true);
    if (status < 0)
        comm_fail(comm, comm_status_of(status), "not accepted: %s", uv_strerror(status));
}

/* ---- connections ---- */

static void take_connection(struct listener *listener);

static void on_turned_away(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    bool has_more = listener->has_more;
    listener->is_turning_away = listener->has_more = false;
    if (has_more && !listener->is_closing)
        take_connection(listener);
    leave(listener);
}

/* Accepts and closes: a connection that is left alone would stop those behind it. */
static void turn_away(struct listener *listener)
{
    listener->is_turning_away = true;
    listener->nusers++;
    uv_tcp_init(listener->loop, &listener->spare);
    uv_accept((uv_stream_t *)&listener->socket, (uv_stream_t *)&listener->spare);
    uv_close((uv_handle_t *)&listener->spare, on_turned_away);
}

static void tell_refused(const struct listener *listener, dk_status status, const char *why)
{
    dk_error err = {0};
    error_set(&err, status, "%s: a connection is closed at once: %s", listener->address.text, why);
    if (listener->events.refused)
        listener->events.refused(listener->events.self, &err);
}

static void take_connection(struct listener *listener)
{
    if (listener->is_turning_away) {
        listener->has_more = true;
        return;
    }
    size_t max = listener->options.comms_max;
    bool is_full = max && listener->ncomms >= max;
    struct guest *guest = is_full ? NULL : guest_new(listener);
    if (guest) {
        welcome(guest);
        return;
    }
    if (is_full)
        tell_refused(listener, DK_EIO, "there are as many as may be");
    else
        tell_refused(listener, DK_ENOMEM, dk_status_text(DK_ENOMEM));
    turn_away(listener);
}

/* What fails before there is a connection, libuv has dropped. */
static void on_connection(uv_stream_t *socket, int status)
{
    if (status == 0)
        take_connection(socket->data);
}

/* ---- listening ---- */

/* *Takes* `fd`. */
static void start(struct listener *listener, int fd)
{
    uv_tcp_init(listener->loop, &listener->socket);
    listener->socket.data = listener->spare.data = listener;
    listener->nusers = 1;
    uv_tcp_open(&listener->socket, fd);
    uv_listen((uv_stream_t *)&listener->socket, LISTENING_BACKLOG, on_connection);
}

dk_status listener_new(uv_loop_t *loop, struct memory *memory,
                       const struct listener_options *options, struct listener_events events,
                       struct listener **out, dk_error *err)
{
    struct listening where = {options->host, options->ports, options->protocol};
    struct node_address address;
    int fd;
    if (options->protocol == NODE_TLS && !options->comm.tls)
        return error_set(err, DK_ENOTSUP, "TLS needs certificates");
    DK_TRY(listening_open(loop, &where, &fd, &address, err));
    struct listener *listener = memory_calloc(memory, sizeof(*listener));
    if (!listener) {
        close(fd);
        return error_nomem(err);
    }
    *listener = (struct listener){
        .loop = loop, .memory = memory, .options = *options, .events = events, .address = address};
    start(listener, fd);
    *out = listener;
    return DK_OK;
}

const struct node_address *listener_address(const struct listener *listener)
{
    return &listener->address;
}
