/* The connecting side of a comm: finds the host, and tries its addresses in turn. */
#include "node/comm_parts.h"

#include "base/error.h"

void comm_attempts_free(struct comm *comm)
{
    if (!comm->attempts)
        return;
    uv_freeaddrinfo(comm->attempts->found);
    memory_free(comm->memory, comm->attempts, sizeof(*comm->attempts));
    comm->attempts = NULL;
}

static void fail_by_attempts(struct comm *comm)
{
    int status = comm->attempts->status;
    const char *advice = status == UV_ECONNREFUSED ? ": nothing listens there" : "";
    comm_fail(comm, comm_status_of(status), "cannot connect: %s%s", uv_strerror(status), advice);
}

static void try_next(struct comm *comm);

static void on_attempt_closed(uv_handle_t *handle)
{
    struct comm *comm = handle->data;
    comm->has_tcp = false;
    if (!comm->is_closing) {
        comm->attempts->at = comm->attempts->at->ai_next;
        try_next(comm);
    }
    comm_leave(comm);
}

static void end_attempt(struct comm *comm, int status)
{
    comm->attempts->status = status;
    uv_close((uv_handle_t *)&comm->tcp, on_attempt_closed);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct comm *comm = request->data;
    if (comm->is_closing)
        return;
    if (status == 0)
        status = comm_start(comm, false);
    if (status < 0)
        end_attempt(comm, status);
    else
        comm_attempts_free(comm);
}

/* `tcp` is not in use. */
static void try_next(struct comm *comm)
{
    struct attempts *attempts = comm->attempts;
    if (!attempts->at) {
        fail_by_attempts(comm);
        return;
    }
    int status = uv_tcp_init(comm->loop, &comm->tcp);
    if (status < 0) {
        attempts->status = status;
        fail_by_attempts(comm);
        return;
    }
    comm->has_tcp = true;
    comm->nusers++;
    status = uv_tcp_connect(&attempts->request, &comm->tcp, attempts->at->ai_addr, on_connected);
    if (status < 0)
        end_attempt(comm, status);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct comm *comm = request->data;
    comm->attempts->found = found;
    comm->attempts->at = found;
    comm->attempts->is_looking_up = false;
    if (status < 0) {
        comm_fail(comm, comm_status_of(status), "cannot find the host '%s': %s", comm->peer.host,
                  uv_strerror(status));
    } else if (!comm->is_closing) {
        try_next(comm);
    }
    comm_leave(comm);
}

static int look_up(struct comm *comm)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct attempts *attempts = memory_calloc(comm->memory, sizeof(*attempts));
    if (!attempts)
        return UV_ENOMEM;
    attempts->lookup.data = attempts->request.data = comm;
    attempts->is_looking_up = true;
    comm->attempts = attempts;
    return uv_getaddrinfo(comm->loop, &attempts->lookup, on_found, comm->peer.host, comm->peer.port,
                          &hints);
}

dk_status comm_connect(uv_loop_t *loop, struct memory *memory, const struct node_address *address,
                       const struct comm_options *options, struct comm_events events,
                       struct comm **out, dk_error *err)
{
    if (address->protocol == NODE_TLS && !options->tls)
        return error_set(err, DK_ENOTSUP, "%s: TLS needs certificates", address->text);
    struct comm *comm = comm_new(loop, memory, options, events);
    if (!comm)
        return error_nomem(err);
    comm->peer = *address;
    int status = look_up(comm);
    if (status < 0) {
        comm_free(comm);
        return error_set(err, comm_status_of(status), "%s: cannot look for the host: %s",
                         address->text, uv_strerror(status));
    }
    comm->nusers = 1;
    comm_begin(comm);
    *out = comm;
    return DK_OK;
}
