#include "node/rpc.h"

#include "base/error.h"
#include "node/comm.h"
#include "node/reply.h"

/* A scheduler with thousands of workers describes them in some megabytes. */
static const struct frame_limits limits = {.nframes = 1 << 16, .nbytes = 1 << 28};

struct rpc {
    const struct wire_value *request;
    const struct node_address *address;
    struct tls_config *tls;
    struct comm *comm;
    uv_timer_t timer;
    int64_t timeout_ms;
    struct message *reply;
    dk_status status; /* of the whole call */
    dk_error *err;
    bool is_open;
    bool is_answered;
};

/* The first ending counts. */
static void end(struct rpc *rpc, dk_status status)
{
    rpc->status = status;
    comm_close(rpc->comm);
}

static void on_opened(void *self)
{
    struct rpc *rpc = self;
    rpc->is_open = true;
    dk_status status = comm_send(rpc->comm, rpc->request, rpc->err);
    if (status != DK_OK)
        end(rpc, status);
}

static void on_received(void *self, struct message *message)
{
    struct rpc *rpc = self;
    *rpc->reply = *message;
    rpc->is_answered = true;
    end(rpc, DK_OK);
}

static void on_closed(void *self, const dk_error *why)
{
    struct rpc *rpc = self;
    if (why) {
        rpc->status = why->status;
        if (rpc->err)
            *rpc->err = *why;
    }
    uv_close((uv_handle_t *)&rpc->timer, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
    struct rpc *rpc = timer->data;
    const char *missing = rpc->is_open ? "no reply" : "no handshake of Dask's";
    const char *advice = rpc->is_open ? "" : ": is it a scheduler's port, not its dashboard's?";
    end(rpc, error_set(rpc->err, DK_EIO, "%s: %s within %g s%s", rpc->address->text, missing,
                       (double)rpc->timeout_ms / 1e3, advice));
}

static dk_status run(struct rpc *rpc, uv_loop_t *loop, struct memory *memory)
{
    struct comm_options options = {.limits = limits, .tls = rpc->tls};
    struct comm_events events = {
        .self = rpc, .opened = on_opened, .received = on_received, .closed = on_closed};
    DK_TRY(comm_connect(loop, memory, rpc->address, &options, events, &rpc->comm, rpc->err));
    uv_timer_init(loop, &rpc->timer);
    rpc->timer.data = rpc;
    uv_timer_start(&rpc->timer, on_timeout, (uint64_t)rpc->timeout_ms, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    return rpc->status;
}

dk_status node_rpc(struct memory *memory, const struct node_address *address,
                   struct tls_config *tls, const struct wire_value *request, int64_t timeout_ms,
                   struct message *reply, dk_error *err)
{
    struct rpc rpc = {
        .request = request,
        .address = address,
        .tls = tls,
        .timeout_ms = timeout_ms,
        .reply = reply,
        .err = err,
    };
    uv_loop_t loop;
    int result = uv_loop_init(&loop);
    if (result < 0)
        return error_set(err, DK_EIO, "%s: no event loop: %s", address->text, uv_strerror(result));
    dk_status status = run(&rpc, &loop, memory);
    uv_loop_close(&loop);
    if (status == DK_OK)
        status = reply_check(&reply->root, address->text, err);
    if (status != DK_OK && rpc.is_answered)
        message_deinit(reply);
    return status;
}
