#include "node/scheduler/scheduler_node.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "node/scheduler/coordination.h"
#include "node/scheduler/parts.h"

/* Messages of clients may hold scattered data; beyond that a peer is hostile. */
#define MESSAGE_NBYTES_MAX  ((uint64_t)16 << 30)
#define MESSAGE_NFRAMES_MAX ((uint64_t)1 << 24)
#define HANDSHAKE_MS        30000
#define US_PER_MS           1000
#define RULE                "-----------------------------------------------"

double scheduler_wall_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void scheduler_log(struct scheduler_node *node, const char *level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    logs_add(&node->logs, level, "distributed.scheduler", text);
    if (node->options.log)
        node->options.log(node->options.self, level, "distributed.scheduler", text);
}

void decoding_init(struct decoding *decoding, struct scheduler_node *node, dk_error *err)
{
    arena_init(&decoding->arena, node->memory);
    vector_init(&decoding->boxes, node->memory, sizeof(struct wire_box *));
    decoding->decoder =
        (struct sched_decoder){&decoding->arena, &node->scratch, &decoding->boxes, err};
}

void decoding_deinit(struct decoding *decoding)
{
    for (size_t i = 0; i < decoding->boxes.count; i++)
        wire_box_unref(((struct wire_box **)decoding->boxes.data)[i]);
    vector_deinit(&decoding->boxes);
    arena_deinit(&decoding->arena);
}

/* ---- time ---- */

int64_t scheduler_now_us(void)
{
    return (int64_t)(uv_hrtime() / 1000);
}

uint64_t scheduler_ms_until(int64_t at_us)
{
    int64_t left_us = at_us - scheduler_now_us();
    return left_us > 0 ? (uint64_t)((left_us + US_PER_MS - 1) / US_PER_MS) : 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct scheduler_node *node = timer->data;
    struct sched_event tick = {.kind = SCHED_TICK, .stimulus = "tick"};
    node->timer_us = INT64_MAX;
    (void)!scheduler_take(node, &tick, NULL);
}

/* Asks to be woken when the core wants to be. */
static void set_timer(struct scheduler_node *node)
{
    int64_t wanted_us = sched_deadline_us(node->sched);
    if (node->is_closing || wanted_us == node->timer_us)
        return;
    node->timer_us = wanted_us;
    if (wanted_us == INT64_MAX) {
        uv_timer_stop(&node->timer);
        return;
    }
    uv_timer_start(&node->timer, on_timer, scheduler_ms_until(wanted_us), 0);
}

/* ---- events in, messages out ---- */

static void check_state(struct scheduler_node *node)
{
    dk_error err;
    if (node->options.is_validated && !sched_validate(node->sched, &err))
        scheduler_log(node, "CRITICAL", "the state is not valid: %s", err.message);
}

dk_status scheduler_step(struct scheduler_node *node, struct sched_event *event, dk_error *err)
{
    event->now_us = scheduler_now_us();
    dk_status status = sched_step(node->sched, event, &node->out, err);
    check_state(node);
    if (status == DK_ENOMEM) {
        scheduler_log(node, "CRITICAL", "out of memory");
        scheduler_node_close(node, "out-of-memory");
    }
    return status;
}

static void send_message(struct scheduler_node *node, const struct sched_message *message)
{
    struct peer *peer = message->target == SCHED_TO_CLIENT
                            ? scheduler_peer_of_client(node, message->id)
                            : scheduler_peer_of_worker(node, message->id);
    dk_error err;
    if (message->target == SCHED_RETIRED || message->target == SCHED_STAYS) {
        scheduler_worker_retired(node, message->id, message->target == SCHED_RETIRED);
        return;
    }
    if (!peer)
        return;
    if (message->target == SCHED_DROP_WORKER)
        scheduler_drop_peer(peer);
    else if (stream_push(&peer->stream, &message->value, &err) != DK_OK)
        comm_close(peer->stream.comm); /* it would miss a message: better that it knows */
}

/* What is sent may be an answer, after which its peer's next question is taken in right here: the
 * messages that this leads to come after those that are being sent. */
void scheduler_flush(struct scheduler_node *node)
{
    if (node->is_flushing)
        return;
    node->is_flushing = true;
    for (size_t i = 0; i < node->out.messages.count; i++) {
        struct sched_message message = sched_outbox_messages(&node->out)[i];
        send_message(node, &message);
    }
    sched_outbox_clear(&node->out);
    node->is_flushing = false;
    set_timer(node);
    coordination_look(node);
    scheduler_scatterings_look(node);
}

dk_status scheduler_take(struct scheduler_node *node, struct sched_event *event, dk_error *err)
{
    dk_status status = scheduler_step(node, event, err);
    scheduler_flush(node);
    return status;
}

/* ---- opening and closing ---- */

static void on_refused(void *self, const dk_error *why)
{
    scheduler_log(self, "WARNING", "%s", why->message);
}

static void on_unknown(void *self, const char *peer, struct wire_bytes op)
{
    scheduler_log(self, "WARNING", "No handler for '%.*s', asked by %s", (int)op.nbytes, op.data,
                  peer);
}

static void free_node(struct scheduler_node *node)
{
    struct memory *memory = node->memory;
    coordination_free(node->coordination);
    sched_free(node->sched);
    sched_outbox_deinit(&node->out);
    vector_deinit(&node->worker_peers);
    vector_deinit(&node->client_peers);
    vector_deinit(&node->ops);
    vector_deinit(&node->scratch);
    scheduler_plugins_deinit(node);
    logs_deinit(&node->logs);
    wire_box_unref(node->versions);
    memory_free(memory, node, sizeof(*node));
}

/* One of server, pool, timer and streams is gone; the last takes the node with it. */
void scheduler_part_closed(struct scheduler_node *node)
{
    if (--node->nclosing > 0 || !node->is_closing)
        return;
    void (*closed)(void *self) = node->options.closed;
    void *self = node->options.self;
    free_node(node);
    if (closed)
        closed(self);
}

static void on_part_closed(void *self)
{
    scheduler_part_closed(self);
}

static void on_timer_closed(uv_handle_t *handle)
{
    scheduler_part_closed(handle->data);
}

static dk_status start_server(struct scheduler_node *node, dk_error *err)
{
    struct listener_options listener = {
        .protocol = node->options.protocol,
        .host = node->options.host,
        .ports = node->options.ports,
        .comm = {.limits = {MESSAGE_NFRAMES_MAX, MESSAGE_NBYTES_MAX},
                 .open_ms = HANDSHAKE_MS,
                 .pickle_protocol = 5,
                 .tls = node->options.tls},
    };
    struct server_events events = {node, on_refused, on_unknown, on_part_closed};
    if (vector_append(&node->ops, scheduler_ops, scheduler_nops) != DK_OK ||
        coordination_add_ops(&node->ops) != DK_OK)
        return error_nomem(err);
    return server_new(node->loop, node->memory, &listener, node->ops.data, node->ops.count, events,
                      &node->server, err);
}

static void make_id(struct scheduler_node *node)
{
    uint64_t parts[2] = {0};
    (void)uv_random(NULL, NULL, parts, sizeof(parts), 0, NULL);
    snprintf(node->id, sizeof(node->id), "Scheduler-%016" PRIx64 "%016" PRIx64, parts[0], parts[1]);
}

static dk_status open_node(struct scheduler_node *node, dk_error *err)
{
    struct pool_options pool = {.comm = {.limits = {MESSAGE_NFRAMES_MAX, MESSAGE_NBYTES_MAX},
                                         .open_ms = HANDSHAKE_MS,
                                         .pickle_protocol = 5,
                                         .tls = node->options.tls}};
    node->sched = sched_new(node->memory, &node->options.core);
    if (!node->sched)
        return error_nomem(err);
    node->coordination = coordination_new(node);
    if (!node->coordination)
        return error_nomem(err);
    node->nclosing++;
    DK_TRY(start_server(node, err));
    node->nclosing++;
    DK_TRY(pool_new(node->loop, node->memory, &pool, &node->pool, err));
    node->nclosing++;
    return scheduler_open_dashboard(node, err);
}

/* As Dask's does: tools look for these lines. */
static void announce(struct scheduler_node *node)
{
    scheduler_log(node, "INFO", "%s", RULE);
    scheduler_log(node, "INFO", "State start");
    scheduler_log(node, "INFO", "%s", RULE);
    scheduler_log(node, "INFO", "  Scheduler at: %25s", scheduler_node_address(node));
    if (!node->dashboard)
        return;
    dashboard_link(node->dashboard, node->dashboard_link);
    scheduler_log(node, "INFO", "  dashboard at:  %25s", node->dashboard_link);
}

dk_status scheduler_node_new(uv_loop_t *loop, struct memory *memory,
                             const struct scheduler_node_options *options,
                             struct scheduler_node **out, dk_error *err)
{
    struct scheduler_node *node = memory_calloc(memory, sizeof(*node));
    if (!node)
        return error_nomem(err);
    node->memory = memory;
    node->loop = loop;
    node->options = *options;
    node->started = scheduler_wall_s();
    node->options.core.epoch_s = node->started - (double)scheduler_now_us() / 1e6;
    node->timer_us = INT64_MAX;
    logs_init(&node->logs, memory);
    sched_outbox_init(&node->out, memory);
    vector_init(&node->worker_peers, memory, sizeof(struct peer *));
    vector_init(&node->client_peers, memory, sizeof(struct peer *));
    vector_init(&node->ops, memory, sizeof(struct server_op));
    vector_init(&node->scratch, memory, 1);
    scheduler_plugins_init(node);
    make_id(node);
    uv_timer_init(loop, &node->timer);
    node->timer.data = node;
    node->nclosing = 1;
    scheduler_watch_idleness(node);
    dk_status status = open_node(node, err);
    if (status != DK_OK) {
        node->options.closed = NULL;
        scheduler_node_close(node, "not-started");
        return status;
    }
    announce(node);
    *out = node;
    return DK_OK;
}

const char *scheduler_node_address(const struct scheduler_node *node)
{
    return server_address(node->server)->text;
}

const char *scheduler_node_dashboard(const struct scheduler_node *node)
{
    return node->dashboard ? node->dashboard_link : NULL;
}

void scheduler_node_close(struct scheduler_node *node, const char *reason)
{
    if (node->is_closing)
        return;
    node->is_closing = true;
    if (node->server) {
        scheduler_log(node, "INFO", "Closing scheduler. Reason: %s", reason);
        scheduler_log(node, "INFO", "Scheduler closing all comms");
    }
    scheduler_restarts_close(node);
    scheduler_scatterings_close(node);
    for (struct peer *peer = node->peers; peer; peer = peer->next) {
        struct wire_entry close[] = {{wire_text("op"), wire_text("close")},
                                     {wire_text("reason"), wire_text("scheduler-close")}};
        struct wire_value message = wire_map(close, 2);
        if (peer->is_worker)
            (void)!stream_push(&peer->stream, &message, NULL);
        stream_close_saying(&peer->stream, peer->is_worker ? "close-stream" : "stream-closed");
    }
    if (node->server) {
        scheduler_log(node, "INFO", "Stopped scheduler at '%s'", scheduler_node_address(node));
        server_close(node->server);
    }
    if (node->dashboard)
        http_server_close(node->dashboard);
    if (node->pool)
        pool_close(node->pool, on_part_closed, node);
    if (node->coordination)
        coordination_close(node->coordination);
    uv_close((uv_handle_t *)&node->timer, on_timer_closed);
    uv_close((uv_handle_t *)&node->idle, on_timer_closed);
}
