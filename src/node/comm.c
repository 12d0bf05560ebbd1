#include "node/comm_parts.h"

#include <netinet/tcp.h>
#include <string.h>

#include "base/error.h"

#define READ_NBYTES     ((size_t)1 << 16)
#define READ_NBYTES_MAX ((size_t)1 << 30)
#define PLAIN_NBYTES    ((size_t)1 << 14) /* of a record of TLS, at most */

/* A handshake is far smaller. Who sends more is no peer. */
static const struct frame_limits handshake_limits = {.nframes = 4, .nbytes = 1 << 16};

/* ---- coming and going ---- */

static void on_deadline(uv_timer_t *timer)
{
    struct comm *comm = timer->data;
    const char *missing = comm->attempts ? "not connected" : "no handshake of Dask's";
    const char *advice = comm->attempts ? "" : ": is it a scheduler's port, not its dashboard's?";
    comm_fail(comm, DK_EIO, "%s within %g s%s", missing, (double)comm->options.open_ms / 1e3,
              advice);
}

struct comm *comm_new(uv_loop_t *loop, struct memory *memory, const struct comm_options *options,
                      struct comm_events events)
{
    struct comm *comm = memory_calloc(memory, sizeof(*comm));
    if (!comm)
        return NULL;
    comm->memory = memory;
    comm->loop = loop;
    comm->options = *options;
    comm->events = events;
    comm->tcp.data = comm->turn.data = comm->deadline.data = comm;
    frame_reader_init(&comm->reader, memory, handshake_limits);
    batch_init(&comm->filling, memory);
    batch_init(&comm->flying, memory);
    vector_init(&comm->cipher, memory, 1);
    return comm;
}

void comm_free(struct comm *comm)
{
    comm_attempts_free(comm);
    frame_reader_deinit(&comm->reader);
    tls_free(comm->tls);
    vector_deinit(&comm->cipher);
    batch_deinit(&comm->flying);
    batch_deinit(&comm->filling);
    memory_free(comm->memory, comm, sizeof(*comm));
}

void comm_begin(struct comm *comm)
{
    uv_idle_init(comm->loop, &comm->turn);
    uv_timer_init(comm->loop, &comm->deadline);
    comm->nusers += 2;
    if (comm->options.open_ms) {
        uv_update_time(comm->loop);
        uv_timer_start(&comm->deadline, on_deadline, (uint64_t)comm->options.open_ms, 0);
    }
}

void comm_leave(struct comm *comm)
{
    if (--comm->nusers)
        return;
    void (*left)(void *self) = comm->left;
    void *left_self = comm->left_self;
    comm->events.closed(comm->events.self, comm->why.status == DK_OK ? NULL : &comm->why);
    comm_free(comm);
    if (left)
        left(left_self);
}

static void on_closed(uv_handle_t *handle)
{
    comm_leave(handle->data);
}

static void close_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

void comm_close(struct comm *comm)
{
    if (comm->is_closing)
        return;
    comm->is_closing = true;
    if (comm->attempts && comm->attempts->is_looking_up)
        uv_cancel((uv_req_t *)&comm->attempts->lookup);
    if (comm->has_tcp)
        close_handle((uv_handle_t *)&comm->tcp);
    close_handle((uv_handle_t *)&comm->turn);
    close_handle((uv_handle_t *)&comm->deadline);
}

void comm_fail(struct comm *comm, dk_status status, const char *format, ...)
{
    if (comm->is_closing)
        return;
    va_list args;
    va_start(args, format);
    error_setv(&comm->why, status, format, args);
    va_end(args);
    error_prefix(&comm->why, "%s", comm->peer.text);
    comm_close(comm);
}

dk_status comm_status_of(int uv_status)
{
    return uv_status == UV_ENOMEM || uv_status == UV_EAI_MEMORY ? DK_ENOMEM : DK_EIO;
}

void comm_set_events(struct comm *comm, struct comm_events events)
{
    comm->events = events;
}

void comm_deliver(struct comm *comm, struct message message)
{
    if (comm->is_closing || comm->is_finishing)
        message_deinit(&message);
    else
        comm->events.received(comm->events.self, &message);
}

/* ---- the handshake ---- */

static dk_status send_handshake(struct comm *comm, dk_error *err)
{
    int protocol = comm->options.pickle_protocol ? comm->options.pickle_protocol : 4;
    const char *compression = comm->options.compression;
    const char *machine = comm->options.machine;
    struct wire_entry entries[] = {
        {wire_text("compression"), compression ? wire_text(compression) : wire_nil()},
        {wire_text("pickle-protocol"), wire_int(protocol)},
        {wire_text("cdask-machine"), wire_text(machine ? machine : "")},
    };
    struct wire_value handshake = wire_map(entries, machine && *machine ? 3 : 2);
    comm->pickle_protocol = protocol;
    comm->compression = compression;
    return comm_send(comm, &handshake, err);
}

/* What both can do. Source: distributed.comm.core.Comm.handshake_configuration. */
static bool read_handshake(struct comm *comm, const struct wire_value *handshake)
{
    const struct wire_value *compression = wire_find(handshake, "compression");
    int64_t protocol = 0;
    if (!compression || !wire_read_int(wire_find(handshake, "pickle-protocol"), &protocol))
        return false;
    if (protocol < comm->pickle_protocol)
        comm->pickle_protocol = (int)protocol;
    if (comm->compression && !wire_text_is(compression, comm->compression))
        comm->compression = NULL;
    const char *machine = comm->options.machine;
    comm->shares_machine =
        machine && *machine && wire_text_is(wire_find(handshake, "cdask-machine"), machine);
    return true;
}

static void take_handshake(struct comm *comm, struct message *message)
{
    bool is_good = read_handshake(comm, &message->root);
    message_deinit(message);
    if (!is_good) {
        comm_fail(comm, DK_EPARSE, "the peer's first message is no handshake of Dask's");
        return;
    }
    comm->is_open = true;
    comm->reader.limits = comm->options.limits;
    uv_timer_stop(&comm->deadline);
    comm->events.opened(comm->events.self);
}

/* ---- receiving ---- */

static void take_message(struct comm *comm)
{
    struct frames frames;
    struct message message;
    dk_error err = {0};
    dk_status status = frame_reader_take(&comm->reader, &frames);
    if (status == DK_OK)
        status = message_decode(&message, frames, &err);
    if (status != DK_OK)
        comm_fail(comm, status, "%s", status == DK_ENOMEM ? dk_status_text(status) : err.message);
    else if (comm->is_open)
        comm->events.received(comm->events.self, &message);
    else
        take_handshake(comm, &message);
}

static void take_bytes(struct comm *comm, struct wire_bytes bytes)
{
    dk_error err = {0};
    while (bytes.nbytes && !comm->is_closing && !comm->is_finishing) {
        dk_status status = frame_reader_feed(&comm->reader, &bytes, &err);
        if (status != DK_OK)
            comm_fail(comm, status, "%s", err.message);
        else if (comm->reader.complete)
            take_message(comm);
    }
}

/* What may be behind it. Whoever begins in plain words and is not answered at all has perhaps come
 * to a peer that waits for TLS. */
static void fail_unanswered(struct comm *comm)
{
    const char *guess = comm->tls          ? ": it may not speak TLS, or not trust our certificate"
                        : !comm->is_server ? ": it may have ended, or want TLS"
                                           : "";
    comm_fail(comm, DK_EIO, "the peer has closed the connection at once%s", guess);
}

static void take_end(struct comm *comm)
{
    if (comm->is_finishing)
        comm_close(comm);
    else if (!frame_reader_is_idle(&comm->reader))
        comm_fail(comm, DK_EIO, "the peer has closed the connection in the middle of a message");
    else if (!comm->is_open)
        fail_unanswered(comm);
    else
        comm_fail(comm, DK_EIO, "the peer has closed the connection");
}

/* Under TLS: all that can be decrypted now. */
static void decrypt(struct comm *comm)
{
    char plain[PLAIN_NBYTES];
    bool is_over = false;
    size_t n = 1;
    dk_error err = {0};
    while (n && !comm->is_closing) {
        dk_status status = tls_read(comm->tls, plain, sizeof(plain), &n, &is_over, &err);
        if (status != DK_OK) {
            comm_write_now(comm); /* what TLS has to say to the peer about it */
            comm_fail(comm, status, "%s", err.message);
        } else {
            take_bytes(comm, (struct wire_bytes){plain, n});
        }
    }
    if (is_over)
        take_end(comm);
    comm_write_soon(comm);
}

static void take_cipher(struct comm *comm, struct wire_bytes bytes)
{
    if (tls_receive(comm->tls, bytes) == DK_OK)
        decrypt(comm);
    else
        comm_fail(comm, DK_ENOMEM, "%s", dk_status_text(DK_ENOMEM));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buffer)
{
    struct comm *comm = stream->data;
    bool reads_in_place = comm->reads_in_place; /* what is taken may end the connection */
    if (nread > 0 && comm->tls)
        take_cipher(comm, (struct wire_bytes){buffer->base, (size_t)nread});
    else if (nread > 0)
        take_bytes(comm, (struct wire_bytes){buffer->base, (size_t)nread});
    else if (nread == UV_EOF || nread == UV_ECONNRESET)
        take_end(comm);
    else if (nread == UV_ENOBUFS)
        comm_fail(comm, DK_ENOMEM, "%s", dk_status_text(DK_ENOMEM));
    else if (nread < 0)
        comm_fail(comm, DK_EIO, "cannot receive: %s", uv_strerror((int)nread));
    if (!reads_in_place)
        memory_free(comm->memory, buffer->base, buffer->base ? READ_NBYTES : 0);
}

/* For one reading, so that a connection which only waits takes no room. Bytes of a large frame are
 * read to where they stay. */
static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)suggested;
    struct comm *comm = handle->data;
    size_t room = 0;
    char *bytes = comm->tls ? NULL : frame_reader_room(&comm->reader, READ_NBYTES, &room);
    comm->reads_in_place = bytes;
    if (!bytes) {
        bytes = memory_alloc(comm->memory, READ_NBYTES);
        room = bytes ? READ_NBYTES : 0;
    }
    *buffer = uv_buf_init(bytes, (unsigned)(room < READ_NBYTES_MAX ? room : READ_NBYTES_MAX));
}

static int start_reading(struct comm *comm)
{
    return uv_read_start((uv_stream_t *)&comm->tcp, give_buffer, on_read);
}

void comm_pause(struct comm *comm)
{
    if (!comm->is_closing)
        uv_read_stop((uv_stream_t *)&comm->tcp);
    comm->is_paused = true;
}

void comm_resume(struct comm *comm)
{
    if (comm->is_paused && !comm->is_closing)
        start_reading(comm);
    comm->is_paused = false;
}

/* A peer that is silent for longer has gone. Source: distributed.comm.tcp.set_tcp_timeout. */
static void set_options(const uv_tcp_t *tcp)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 10}, {IPPROTO_TCP, TCP_KEEPINTVL, 2},
        {IPPROTO_TCP, TCP_KEEPCNT, 10},  {IPPROTO_TCP, TCP_USER_TIMEOUT, 30 * 1000},
    };
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)tcp, &fd) < 0)
        return;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

int comm_start(struct comm *comm, bool is_server)
{
    dk_error err = {0};
    comm->is_server = is_server;
    set_options(&comm->tcp);
    if (comm->peer.protocol == NODE_TLS) {
        comm->tls = tls_new(comm->options.tls, is_server);
        if (!comm->tls)
            return UV_ENOMEM;
    }
    int status = start_reading(comm);
    if (status == 0 && send_handshake(comm, &err) != DK_OK)
        status = UV_ENOMEM;
    return status;
}

/* ---- questions ---- */

const char *comm_peer(const struct comm *comm)
{
    return comm->peer.text;
}

dk_status comm_local(const struct comm *comm, struct node_address *out, dk_error *err)
{
    struct sockaddr_storage end;
    int length = sizeof(end);
    int result = uv_tcp_getsockname(&comm->tcp, (struct sockaddr *)&end, &length);
    if (result < 0)
        return error_set(err, DK_EIO, "%s: %s", comm->peer.text, uv_strerror(result));
    return node_address_of(comm->peer.protocol, (struct sockaddr *)&end, out, err);
}

int comm_pickle_protocol(const struct comm *comm)
{
    return comm->pickle_protocol;
}

const char *comm_compression(const struct comm *comm)
{
    return comm->compression;
}

bool comm_shares_machine(const struct comm *comm)
{
    return comm->shares_machine;
}
