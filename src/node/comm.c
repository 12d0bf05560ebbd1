#include "node/comm.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define READ_NBYTES ((size_t)1 << 16)

struct comm {
    struct memory *memory;
    struct node_address address;
    struct comm_events events;
    uv_loop_t *loop;
    uv_getaddrinfo_t lookup;
    struct addrinfo *found;         /* the host's addresses */
    const struct addrinfo *attempt; /* the one in use */
    int attempt_status;             /* what libuv said to the last attempt */
    uv_tcp_t tcp;
    uv_connect_t connect;
    struct frame_reader reader;
    bool is_looking_up;
    bool is_open; /* hands are shaken */
    bool is_closing;
    dk_error why;
    char buffer[READ_NBYTES];
};

/* A message on its way. */
struct outgoing {
    uv_write_t request;
    struct comm *comm;
    struct encoding encoding;
    struct vector buffers; /* of uv_buf_t */
};

/* ---- closing ---- */

static void finish(struct comm *comm)
{
    comm->events.closed(comm->events.self, comm->why.status == DK_OK ? NULL : &comm->why);
    uv_freeaddrinfo(comm->found);
    frame_reader_deinit(&comm->reader);
    memory_free(comm->memory, comm, sizeof(*comm));
}

static void on_closed(uv_handle_t *handle)
{
    finish(handle->data);
}

/* A lookup, or an attempt that is being closed, notices by itself. */
void comm_close(struct comm *comm)
{
    if (comm->is_closing)
        return;
    comm->is_closing = true;
    if (comm->is_looking_up)
        uv_cancel((uv_req_t *)&comm->lookup);
    else if (!uv_is_closing((uv_handle_t *)&comm->tcp))
        uv_close((uv_handle_t *)&comm->tcp, on_closed);
}

static void fail(struct comm *comm, dk_status status, const char *format, ...) DK_PRINTF(3, 4);

/* Closes for a reason, which gets the address in front. The first reason counts. */
static void fail(struct comm *comm, dk_status status, const char *format, ...)
{
    if (comm->is_closing)
        return;
    va_list args;
    va_start(args, format);
    error_setv(&comm->why, status, format, args);
    va_end(args);
    error_prefix(&comm->why, "%s", comm->address.text);
    comm_close(comm);
}

static dk_status status_of(int uv_status)
{
    return uv_status == UV_ENOMEM || uv_status == UV_EAI_MEMORY ? DK_ENOMEM : DK_EIO;
}

static void fail_by_end(struct comm *comm)
{
    if (!frame_reader_is_idle(&comm->reader))
        fail(comm, DK_EIO, "the peer has closed the connection in the middle of a message");
    else if (!comm->is_open)
        fail(comm, DK_EIO, "the peer has closed the connection at once: does it want TLS?");
    else
        fail(comm, DK_EIO, "the peer has closed the connection");
}

/* ---- sending ---- */

static void free_outgoing(struct outgoing *outgoing)
{
    struct memory *memory = outgoing->buffers.memory;
    encoding_deinit(&outgoing->encoding);
    vector_deinit(&outgoing->buffers);
    memory_free(memory, outgoing, sizeof(*outgoing));
}

static void on_written(uv_write_t *request, int status)
{
    struct outgoing *outgoing = request->data;
    /* The peer's last words may still lie here to be read, and say more than a broken pipe does. */
    if (status < 0 && status != UV_EPIPE && status != UV_ECONNRESET)
        fail(outgoing->comm, status_of(status), "cannot send: %s", uv_strerror(status));
    free_outgoing(outgoing);
}

static dk_status list_buffers(struct outgoing *outgoing)
{
    struct encoding *encoding = &outgoing->encoding;
    const struct wire_bytes *frames = encoding->frames.data;
    size_t nframes = encoding->frames.count;
    DK_TRY(vector_reserve(&outgoing->buffers, nframes + 1));
    uv_buf_t *buffers = outgoing->buffers.data;
    buffers[0].base = encoding->prelude.data;
    buffers[0].len = encoding->prelude.count;
    for (size_t i = 0; i < nframes; i++) {
        /* libuv's buffers serve reading, too, and so know no const. */
        memcpy(&buffers[1 + i].base, &frames[i].data, sizeof(char *));
        buffers[1 + i].len = frames[i].nbytes;
    }
    outgoing->buffers.count = nframes + 1;
    return DK_OK;
}

dk_status comm_send(struct comm *comm, const struct wire_value *root, dk_error *err)
{
    struct outgoing *outgoing = memory_alloc(comm->memory, sizeof(*outgoing));
    if (!outgoing)
        return error_nomem(err);
    *outgoing = (struct outgoing){.comm = comm};
    outgoing->request.data = outgoing;
    vector_init(&outgoing->buffers, comm->memory, sizeof(uv_buf_t));
    dk_status status = message_encode(&outgoing->encoding, comm->memory, root, err);
    if (status != DK_OK) {
        memory_free(comm->memory, outgoing, sizeof(*outgoing));
        return status;
    }
    int result = UV_ENOMEM;
    if (list_buffers(outgoing) == DK_OK) {
        result = uv_write(&outgoing->request, (uv_stream_t *)&comm->tcp, outgoing->buffers.data,
                          (unsigned)outgoing->buffers.count, on_written);
    }
    if (result == 0)
        return DK_OK;
    free_outgoing(outgoing);
    return error_set(err, status_of(result), "%s: cannot send: %s", comm->address.text,
                     uv_strerror(result));
}

/* No compression, and pickles without buffers of their own. */
static void send_handshake(struct comm *comm)
{
    struct wire_entry entries[] = {
        {wire_text("compression"), wire_nil()},
        {wire_text("pickle-protocol"), wire_int(4)},
    };
    struct wire_value handshake = wire_map(entries, 2);
    dk_error err = {0};
    if (comm_send(comm, &handshake, &err) != DK_OK)
        fail(comm, err.status, "%s", err.message);
}

/* ---- receiving ---- */

static void take_handshake(struct comm *comm, struct message *message)
{
    bool is_handshake = wire_find(&message->root, "pickle-protocol") != NULL &&
                        wire_find(&message->root, "compression") != NULL;
    message_deinit(message);
    if (!is_handshake) {
        fail(comm, DK_EPARSE, "the peer's first message is no handshake of Dask's");
        return;
    }
    comm->is_open = true;
    comm->events.opened(comm->events.self);
}

static void take_message(struct comm *comm)
{
    struct frames frames;
    struct message message;
    dk_error err = {0};
    dk_status status = frame_reader_take(&comm->reader, &frames);
    if (status == DK_OK)
        status = message_decode(&message, frames, &err);
    if (status != DK_OK)
        fail(comm, status, "%s", status == DK_ENOMEM ? dk_status_text(status) : err.message);
    else if (comm->is_open)
        comm->events.received(comm->events.self, &message);
    else
        take_handshake(comm, &message);
}

static void take_bytes(struct comm *comm, struct wire_bytes bytes)
{
    dk_error err = {0};
    while (bytes.nbytes && !comm->is_closing) {
        dk_status status = frame_reader_feed(&comm->reader, &bytes, &err);
        if (status != DK_OK)
            fail(comm, status, "%s", err.message);
        else if (comm->reader.complete)
            take_message(comm);
    }
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buffer)
{
    struct comm *comm = stream->data;
    if (nread > 0)
        take_bytes(comm, (struct wire_bytes){buffer->base, (size_t)nread});
    else if (nread == UV_EOF || nread == UV_ECONNRESET)
        fail_by_end(comm);
    else if (nread < 0)
        fail(comm, status_of((int)nread), "cannot receive: %s", uv_strerror((int)nread));
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct comm *comm = handle->data;
    *buffer = uv_buf_init(comm->buffer, sizeof(comm->buffer));
}

/* ---- connecting ---- */

static void try_attempt(struct comm *comm);

static void on_attempt_closed(uv_handle_t *handle)
{
    struct comm *comm = handle->data;
    if (comm->is_closing) {
        finish(comm);
        return;
    }
    comm->attempt = comm->attempt->ai_next;
    try_attempt(comm);
}

static void on_connected(uv_connect_t *request, int status)
{
    struct comm *comm = request->data;
    if (comm->is_closing)
        return;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&comm->tcp, give_buffer, on_read);
    if (status == 0) {
        uv_tcp_nodelay(&comm->tcp, 1);
        send_handshake(comm);
        return;
    }
    comm->attempt_status = status;
    uv_close((uv_handle_t *)&comm->tcp, on_attempt_closed);
}

static void fail_by_attempts(struct comm *comm)
{
    int status = comm->attempt_status;
    const char *advice = status == UV_ECONNREFUSED ? ": nothing listens there" : "";
    error_set(&comm->why, status_of(status), "%s: cannot connect: %s%s", comm->address.text,
              uv_strerror(status), advice);
    finish(comm);
}

/* Connects to the address whose turn it is; `tcp` is not in use. */
static void try_attempt(struct comm *comm)
{
    if (!comm->attempt) {
        fail_by_attempts(comm);
        return;
    }
    int status = uv_tcp_init(comm->loop, &comm->tcp);
    if (status < 0) {
        comm->attempt_status = status;
        comm->attempt = NULL;
        fail_by_attempts(comm);
        return;
    }
    status = uv_tcp_connect(&comm->connect, &comm->tcp, comm->attempt->ai_addr, on_connected);
    if (status < 0) {
        comm->attempt_status = status;
        uv_close((uv_handle_t *)&comm->tcp, on_attempt_closed);
    }
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct comm *comm = request->data;
    comm->is_looking_up = false;
    comm->found = found;
    if (comm->is_closing) {
        finish(comm);
    } else if (status < 0) {
        error_set(&comm->why, status_of(status), "%s: cannot find the host '%s': %s",
                  comm->address.text, comm->address.host, uv_strerror(status));
        finish(comm);
    } else {
        comm->attempt = found;
        try_attempt(comm);
    }
}

dk_status comm_connect(uv_loop_t *loop, struct memory *memory, const struct node_address *address,
                       struct frame_limits limits, struct comm_events events, struct comm **out,
                       dk_error *err)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct comm *comm = memory_calloc(memory, sizeof(*comm));
    if (!comm)
        return error_nomem(err);
    comm->memory = memory;
    comm->address = *address;
    comm->events = events;
    comm->loop = loop;
    comm->tcp.data = comm->connect.data = comm->lookup.data = comm;
    frame_reader_init(&comm->reader, memory, limits);
    int status = uv_getaddrinfo(loop, &comm->lookup, on_found, comm->address.host,
                                comm->address.port, &hints);
    if (status < 0) {
        memory_free(memory, comm, sizeof(*comm));
        return error_set(err, status_of(status), "%s: cannot look for the host: %s", address->text,
                         uv_strerror(status));
    }
    comm->is_looking_up = true;
    *out = comm;
    return DK_OK;
}
