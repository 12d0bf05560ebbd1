/* The scheduler: looked for, registered at, listened to, and lost.
 *
 * Source: distributed.worker.Worker (_register_with_scheduler, heartbeat, handle_scheduler). */
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/error.h"
#include "node/worker/parts.h"
#include "wire/build.h"

#define OPEN_MS       10000
#define SEEK_MS       100
#define KEEP_ALIVE_MS 60000
#define HEARTBEAT_MS  500 /* until the scheduler says otherwise */

static void on_seek(uv_timer_t *timer);

double worker_now_s(void)
{
    struct timeval now;
    gettimeofday(&now, NULL);
    return (double)now.tv_sec + (double)now.tv_usec / 1e6;
}

const char *worker_status_name(enum worker_status status)
{
    static const char *const names[] = {"init", "running", "paused", "closing_gracefully",
                                        "closing"};
    return names[status];
}

/* ---- telling ---- */

void worker_tell(struct worker_node *node, const struct wire_value *message)
{
    dk_error err = {0};
    if (node->has_stream && stream_push(&node->stream, message, &err) != DK_OK)
        worker_leave(node, "worker-stream-broken", &err);
}

void worker_tell_status(struct worker_node *node)
{
    char text[64];
    struct wire_bytes stimulus = worker_stimulus(node, "worker-status-change", text);
    struct wire_entry entries[] = {
        {wire_text("op"), wire_text("worker-status-change")},
        {wire_text("status"), wire_text(worker_status_name(node->status))},
        {wire_text("stimulus_id"),
         {WIRE_TEXT, (uint32_t)stimulus.nbytes, {.bytes = stimulus.data}}},
    };
    struct wire_value message = wire_map(entries, 3);
    worker_tell(node, &message);
}

static void on_keep_alive(uv_timer_t *timer)
{
    struct wire_entry entry = {wire_text("op"), wire_text("keep-alive")};
    struct wire_value message = wire_map(&entry, 1);
    worker_tell(timer->data, &message);
}

/* ---- heartbeats ---- */

static void on_heartbeat(uv_timer_t *timer);

static void set_heartbeat(struct worker_node *node, const struct wire_value *reply)
{
    double seconds;
    if (wire_read_float(wire_find(reply, "heartbeat-interval"), &seconds) && seconds > 0.01 &&
        seconds < 3600)
        node->heartbeat_ms = (uint64_t)(seconds * 1000);
    uv_timer_start(&node->heartbeat, on_heartbeat, node->heartbeat_ms, 0);
}

/* That the scheduler cannot be reached is noticed by the stream. */
static void on_heartbeat_answer(void *self, struct message *answer, const dk_error *why)
{
    struct worker_node *node = self;
    node->is_heartbeat_open = false;
    if (node->status != WORKER_CLOSING && node->has_stream) {
        bool is_missing = answer && wire_text_is(wire_find(&answer->root, "status"), "missing");
        if (why)
            worker_log(node, "WARNING", "heartbeat: %s", why->message);
        set_heartbeat(node, answer ? &answer->root : NULL);
        if (is_missing) {
            worker_log(node, "WARNING", "Scheduler was unaware of this worker; shutting down.");
            worker_node_orphan(node);
            worker_leave(node, "worker-heartbeat-missing", NULL);
        }
    }
    if (answer)
        message_deinit(answer);
}

static struct wire_value heartbeat_message(struct worker_node *node, struct wire_builder *builder)
{
    struct wire_filling nothing = wire_begin_map(builder, 0);
    struct wire_filling message = wire_begin_map(builder, 7);
    wire_put(&message, "op", wire_text("heartbeat_worker"));
    wire_put(&message, "reply", wire_bool(true));
    wire_put(&message, "address", wire_text(node->address));
    wire_put(&message, "now", wire_float(worker_now_s()));
    wire_put(&message, "metrics", worker_metrics(node, builder));
    wire_put(&message, "executing", worker_running(node, builder));
    wire_put(&message, "extensions", wire_end_map(&nothing));
    return wire_end_map(&message);
}

static void on_heartbeat(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    struct arena arena;
    dk_error err = {0};
    if (node->is_heartbeat_open || !node->has_stream)
        return;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = heartbeat_message(node, &builder);
    struct pool_question asked = {.address = node->options.scheduler,
                                  .message = &message,
                                  .timeout_ms = 30000,
                                  .answered = on_heartbeat_answer,
                                  .self = node};
    node->is_heartbeat_open = !builder.failed && pool_ask(node->pool, &asked, NULL, &err) == DK_OK;
    if (node->is_heartbeat_open)
        bandwidth_begin_anew(&node->bandwidth);
    else
        set_heartbeat(node, NULL);
    arena_deinit(&arena);
}

/* ---- the stream ---- */

static void on_message(void *self, const struct wire_value *message)
{
    struct worker_node *node = self;
    if (node->status != WORKER_CLOSING)
        worker_receive(node, message);
}

static void lose(struct worker_node *node, const char *text)
{
    dk_error err = {0};
    worker_log(node, "WARNING", "Connection to scheduler broken: %s", text);
    (void)error_set(&err, DK_EIO, "the scheduler was lost: %s", text);
    if (node->options.death_timeout_s < 0 || node->status == WORKER_CLOSING_GRACEFULLY) {
        worker_leave(node, "worker-handle-scheduler-connection-broken", &err);
        return;
    }
    if (worker_start_over(node, &err) != DK_OK) {
        worker_leave(node, "worker-state-broken", &err);
        return;
    }
    worker_log(node, "INFO", "Waiting to connect to: %26s", node->options.scheduler.text);
    worker_seek(node);
}

static void on_stream_closed(void *self, const dk_error *why)
{
    struct worker_node *node = self;
    node->has_stream = false;
    uv_timer_stop(&node->heartbeat);
    uv_timer_stop(&node->keep_alive);
    if (node->status == WORKER_CLOSING)
        worker_part_closed(node);
    else
        lose(node, why ? why->message : "it has closed the stream");
}

void worker_begin_work(struct worker_node *node)
{
    worker_set_status(node, WORKER_RUNNING);
    if (node->options.registered)
        node->options.registered(node->options.self);
}

/* Dask's table of versions of Python's packages, of which we have none. */
static bool is_about_packages(struct wire_bytes warning)
{
    static const char words[] = "Mismatched versions";
    return warning.nbytes >= sizeof(words) - 1 &&
           memcmp(warning.data, words, sizeof(words) - 1) == 0;
}

static void begin_stream(struct worker_node *node, const struct wire_value *reply)
{
    struct comm *comm = node->link;
    const struct wire_value *warning = wire_find(reply, "warning");
    struct wire_bytes text;
    node->link = NULL;
    node->has_stream = true;
    stream_init(
        &node->stream, comm,
        (struct stream_events){.self = node, .received = on_message, .closed = on_stream_closed});
    if (wire_read_text(warning, &text) && text.nbytes && !is_about_packages(text))
        worker_log(node, "WARNING", "%.*s", (int)text.nbytes, text.data);
    worker_log(node, "INFO", "        Registered to: %26s", node->options.scheduler.text);
    worker_log(node, "INFO", "-------------------------------------------------");
    set_heartbeat(node, reply);
    uv_timer_start(&node->keep_alive, on_keep_alive, KEEP_ALIVE_MS, KEEP_ALIVE_MS);
    if (!worker_set_up_plugins(node, wire_find(reply, "worker-plugins")))
        worker_begin_work(node);
}

/* ---- registration ---- */

static struct wire_value extra(const struct worker_node *node, struct wire_builder *builder)
{
    struct wire_filling kinds = wire_begin_map(builder, 3);
    struct wire_filling map = wire_begin_map(builder, 1);
    wire_put(&kinds, "native", wire_bool(true));
    wire_put(&kinds, "python", wire_bool(node->has_python));
    wire_put(&kinds, "version", wire_text(CDASK_VERSION));
    wire_put(&map, "cdask", wire_end_map(&kinds));
    return wire_end_map(&map);
}

static struct wire_value resources(const struct worker_node *node, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, node->nresources);
    for (size_t i = 0; i < node->nresources; i++) {
        const struct wkr_resource *resource = &node->resources[i];
        struct wire_value name = {
            WIRE_TEXT, (uint32_t)resource->name.nbytes, {.bytes = resource->name.data}};
        wire_put_key(&map, name, wire_float(resource->amount));
    }
    return wire_end_map(&map);
}

static struct wire_value registration(struct worker_node *node, struct wire_builder *builder)
{
    const struct worker_node_options *options = &node->options;
    struct wire_filling nothing = wire_begin_map(builder, 0);
    struct wire_filling map = wire_begin_map(builder, 18);
    const char *nanny = options->nanny;
    char text[64];
    worker_stimulus(node, "worker-connect", text);
    wire_put(&map, "op", wire_text("register-worker"));
    wire_put(&map, "reply", wire_bool(false));
    wire_put(&map, "address", wire_text(node->address));
    wire_put(&map, "status", wire_text(worker_status_name(node->status)));
    wire_put(&map, "nthreads", wire_int(options->nthreads));
    wire_put(&map, "name", wire_text(node->name));
    wire_put(&map, "now", wire_float(worker_now_s()));
    wire_put(&map, "resources", resources(node, builder));
    wire_put(&map, "memory_limit",
             options->memory_limit ? wire_int(options->memory_limit) : wire_nil());
    wire_put(&map, "local_directory", wire_text(node->spill_folder.path));
    wire_put(&map, "services", dashboard_services(node->dashboard, builder));
    wire_put(&map, "nanny", nanny && *nanny ? wire_text(nanny) : wire_nil());
    wire_put(&map, "pid", wire_int(getpid()));
    wire_put(&map, "versions", node->versions ? node->versions->value : wire_end_map(&nothing));
    wire_put(&map, "metrics", worker_metrics(node, builder));
    wire_put(&map, "extra", extra(node, builder));
    wire_put(&map, "stimulus_id", wire_copy_text(builder, text));
    wire_put(&map, "server_id", wire_text(node->id));
    return wire_end_map(&map);
}

static void register_worker(struct worker_node *node)
{
    struct arena arena;
    dk_error err = {0};
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = registration(node, &builder);
    node->has_asked_to_join = true;
    if (builder.failed || comm_send(node->link, &message, &err) != DK_OK)
        comm_close(node->link);
    arena_deinit(&arena);
}

/* Which versions of Python's packages there are matters to Dask's pickles only, and Dask warns its
 * clients of each that differs or is not told: we say those that the scheduler has. */
static void on_opened(void *self)
{
    struct worker_node *node = self;
    struct wire_entry op = {wire_text("op"), wire_text("versions")};
    struct wire_value question = wire_map(&op, 1);
    node->has_asked_to_join = false;
    if (comm_send(node->link, &question, NULL) != DK_OK)
        comm_close(node->link);
}

static void take_versions(struct worker_node *node, const struct wire_value *reply)
{
    wire_box_unref(node->versions);
    node->versions = wire_find(reply, "packages") ? wire_box_new(node->memory, reply) : NULL;
    register_worker(node);
}

static void refuse_registration(struct worker_node *node, const struct wire_value *reply)
{
    struct wire_bytes text = {"it does not say why", 19};
    dk_error err = {0};
    (void)wire_read_text(wire_find(reply, "message"), &text);
    (void)error_set(&err, DK_EINVAL, "Unable to connect to scheduler: %.*s", (int)text.nbytes,
                    text.data);
    comm_close(node->link);
    worker_leave(node, "worker-not-registered", &err);
}

static void on_reply(void *self, struct message *message)
{
    struct worker_node *node = self;
    if (node->status != WORKER_CLOSING) {
        if (!node->has_asked_to_join)
            take_versions(node, &message->root);
        else if (wire_text_is(wire_find(&message->root, "status"), "OK"))
            begin_stream(node, &message->root);
        else
            refuse_registration(node, &message->root);
    }
    message_deinit(message);
}

/* ---- looking for it ---- */

static bool is_too_late(const struct worker_node *node)
{
    double waited_s = (double)((int64_t)uv_now(node->loop) * 1000 - node->sought_since_us) / 1e6;
    return node->options.death_timeout_s >= 0 && waited_s >= node->options.death_timeout_s;
}

static void seek_later(struct worker_node *node, const dk_error *why)
{
    dk_error err = {0};
    if (is_too_late(node)) {
        (void)error_set(&err, DK_EIO, "no scheduler within %g s: %s", node->options.death_timeout_s,
                        why->message);
        worker_leave(node, "death-timeout", &err);
        return;
    }
    uv_timer_start(&node->seek, on_seek, SEEK_MS, 0);
}

static void on_link_closed(void *self, const dk_error *why)
{
    struct worker_node *node = self;
    dk_error unknown = {.status = DK_EIO, .message = "the connection was closed"};
    node->link = NULL;
    if (node->status == WORKER_CLOSING)
        worker_part_closed(node);
    else
        seek_later(node, why ? why : &unknown);
}

static void try_to_link(struct worker_node *node)
{
    struct comm_options options = {
        .limits = node->limits, .open_ms = OPEN_MS, .tls = node->options.tls};
    struct comm_events events = {
        .self = node, .opened = on_opened, .received = on_reply, .closed = on_link_closed};
    dk_error err = {0};
    dk_status status = comm_connect(node->loop, node->memory, &node->options.scheduler, &options,
                                    events, &node->link, &err);
    if (status == DK_ENOMEM) /* which looking for longer does not bring back */
        worker_leave(node, "out-of-memory", &err);
    else if (status != DK_OK)
        seek_later(node, &err);
}

static void on_seek(uv_timer_t *timer)
{
    try_to_link(timer->data);
}

void worker_seek(struct worker_node *node)
{
    node->sought_since_us = (int64_t)uv_now(node->loop) * 1000;
    node->heartbeat_ms = HEARTBEAT_MS;
    try_to_link(node);
}

void worker_unlink(struct worker_node *node)
{
    node->nopen += node->link || node->has_stream;
    if (node->link)
        comm_close(node->link);
    if (node->has_stream)
        stream_close(&node->stream);
}
