/* A worker's life: it opens, and it leaves. */
#include "node/worker/worker_node.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "node/worker/parts.h"
#include "payload/task.h"
#include "wire/build.h"

#define RETIRE_MS 30000 /* for others to take our results */
#define TASKS_MS  10000 /* for our tasks to end */
#define ORPHAN_MS 100   /* the same, when nobody waits for them: those that look up do so by then */

void worker_log(struct worker_node *node, const char *level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    logs_add(&node->logs, level, "distributed.worker", text);
    if (node->options.log)
        node->options.log(node->options.self, level, "distributed.worker", text);
}

/* ---- status ---- */

void worker_set_status(struct worker_node *node, enum worker_status status)
{
    if (node->status == status || node->status == WORKER_CLOSING)
        return;
    struct wkr_event event = {.kind = status == WORKER_RUNNING ? WKR_UNPAUSE : WKR_PAUSE};
    node->status = status;
    worker_tell_status(node);
    worker_happen(node, &event, "worker-status", NULL, 0);
}

dk_status worker_start_over(struct worker_node *node, dk_error *err)
{
    worker_end_replications(node);
    worker_close_core(node);
    uv_timer_stop(&node->deadline);
    node->epoch++;
    node->status = WORKER_INIT;
    return worker_open_core(node, err);
}

/* ---- leaving ---- */

static void free_node(struct worker_node *node)
{
    logs_deinit(&node->logs);
    wire_box_unref(node->versions);
    wire_box_unref(node->plugins);
    void (*closed)(void *self, const dk_error *why) = node->options.closed;
    void *self = node->options.self;
    dk_error why = node->why;
    worker_close_core(node);
    bandwidth_deinit(&node->bandwidth);
    spill_folder_remove(&node->spill_folder);
    memory_free(node->memory, node->resources, node->nresources * sizeof(*node->resources));
    memory_free(node->memory, node, sizeof(*node));
    if (closed)
        closed(self, why.status == DK_OK ? NULL : &why);
}

void worker_part_closed(void *self)
{
    struct worker_node *node = self;
    if (--node->nopen == 0)
        free_node(node);
}

static void on_handle_closed(uv_handle_t *handle)
{
    worker_part_closed(handle->data);
}

static void on_executor_closed(void *self)
{
    struct worker_node *node = self;
    node->executor = NULL;
    uv_close((uv_handle_t *)&node->patience, on_handle_closed);
    worker_part_closed(node);
}

/* Some task does not end: only the process can. */
static void on_tasks_too_long(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    dk_error why = {0};
    (void)error_set(&why, DK_ECANCELED, "%u tasks are still running",
                    executor_njobs(node->executor));
    worker_log(node, "WARNING", "%s", why.message);
    if (node->options.closed)
        node->options.closed(node->options.self, &why);
}

static void close_timers(struct worker_node *node)
{
    uv_timer_t *timers[] = {&node->seek,     &node->heartbeat, &node->keep_alive, &node->deadline,
                            &node->lifetime, &node->monitor,   &node->hold};
    for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++)
        uv_close((uv_handle_t *)timers[i], on_handle_closed);
}

/* Also of a node that is half open. */
static void close_parts(struct worker_node *node)
{
    node->status = WORKER_CLOSING;
    node->cancel = 1;
    worker_end_replications(node);
    worker_drop_foreign(node);
    close_timers(node);
    worker_unlink(node);
    if (node->server)
        server_close(node->server);
    if (node->dashboard)
        http_server_close(node->dashboard);
    if (node->pool)
        pool_close(node->pool, worker_part_closed, node);
    if (node->executor)
        executor_close(node->executor, on_executor_closed, node);
    else
        uv_close((uv_handle_t *)&node->patience, on_handle_closed);
}

void worker_leave(struct worker_node *node, const char *reason, const dk_error *why)
{
    if (node->status == WORKER_CLOSING)
        return;
    if (why) {
        node->why = *why;
        worker_log(node, "ERROR", "%s", why->message);
    }
    worker_log(node, "INFO", "Stopping worker at %s. Reason: %s", node->address, reason);
    uv_timer_start(&node->patience, on_tasks_too_long,
                   why || node->is_orphan ? ORPHAN_MS : TASKS_MS, 0);
    close_parts(node);
}

void worker_node_orphan(struct worker_node *node)
{
    node->is_orphan = true;
    if (uv_is_active((uv_handle_t *)&node->patience))
        uv_timer_start(&node->patience, on_tasks_too_long, ORPHAN_MS, 0);
}

void worker_node_close(struct worker_node *node)
{
    worker_node_orphan(node);
    worker_leave(node, "worker-close", NULL);
}

static void on_retired(void *self, struct message *answer, const dk_error *why)
{
    struct worker_node *node = self;
    bool is_lost =
        why && why->status == DK_EIO; /* a scheduler that is gone is no reason to worry */
    if (why && node->status != WORKER_CLOSING)
        worker_log(node, is_lost ? "INFO" : "WARNING", "retire_workers: %s", why->message);
    if (answer)
        message_deinit(answer);
    worker_leave(node, node->retire_reason, NULL);
}

static struct wire_value retirement(struct worker_node *node, struct wire_builder *builder)
{
    char text[64];
    struct wire_filling workers = wire_begin_array(builder, 1);
    struct wire_filling map = wire_begin_map(builder, 6);
    worker_stimulus(node, "worker-close-gracefully", text);
    wire_add(&workers, wire_text(node->address));
    wire_put(&map, "op", wire_text("retire_workers"));
    wire_put(&map, "reply", wire_bool(true));
    wire_put(&map, "workers", wire_end_array(&workers));
    wire_put(&map, "close_workers", wire_bool(false));
    wire_put(&map, "remove", wire_bool(true));
    wire_put(&map, "stimulus_id", wire_copy_text(builder, text));
    return wire_end_map(&map);
}

static dk_status ask_to_retire(struct worker_node *node)
{
    struct arena arena;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = retirement(node, &builder);
    struct pool_question asked = {.address = node->options.scheduler,
                                  .message = &message,
                                  .timeout_ms = RETIRE_MS,
                                  .answered = on_retired,
                                  .self = node};
    dk_status status = builder.failed ? DK_ENOMEM : pool_ask(node->pool, &asked, NULL, NULL);
    arena_deinit(&arena);
    return status;
}

void worker_node_retire(struct worker_node *node, const char *reason)
{
    if (node->status == WORKER_CLOSING)
        return;
    if (node->is_retiring || !node->has_stream) {
        worker_leave(node, reason, NULL);
        return;
    }
    node->is_retiring = true;
    node->retire_reason = reason;
    worker_log(node, "INFO", "Closing worker gracefully: %s. Reason: %s", node->address, reason);
    if (ask_to_retire(node) != DK_OK)
        worker_leave(node, reason, NULL);
}

static void on_lifetime(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    if (node->options.aged)
        node->options.aged(node->options.self);
    worker_node_retire(node, "worker-lifetime-reached");
}

/* ---- opening ---- */

/* Another one for each worker there is: by who it is and when it began. */
static void make_id(struct worker_node *node)
{
    struct {
        uint64_t time, pid, place;
    } self = {uv_hrtime(), (uint64_t)getpid(), (uint64_t)(uintptr_t)node};
    char text[33];
    token_text(token_of(&self, sizeof(self)), text);
    snprintf(node->id, sizeof(node->id), "Worker-%s", text);
}

static void open_timers(struct worker_node *node)
{
    uv_timer_t *timers[] = {&node->seek,     &node->heartbeat, &node->keep_alive, &node->deadline,
                            &node->lifetime, &node->monitor,   &node->hold,       &node->patience};
    for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
        (void)uv_timer_init(node->loop, timers[i]);
        timers[i]->data = node;
        node->nopen++;
    }
    if (node->options.lifetime_s > 0)
        uv_timer_start(&node->lifetime, on_lifetime, (uint64_t)(node->options.lifetime_s * 1000),
                       0);
}

/* What clients of cdask ask for of a scheduler in Python, which knows no other way to keep native
 * tasks off Python's workers, and Python's callables off those that have no interpreter. */
static dk_status make_resources(struct worker_node *node, dk_error *err)
{
    static const struct wkr_resource own[] = {
        {{RESOURCE_NATIVE, sizeof(RESOURCE_NATIVE) - 1}, 1e9},
        {{RESOURCE_PYTHON, sizeof(RESOURCE_PYTHON) - 1}, 1e9}};
    size_t nown = node->has_python ? 2 : 1, ngiven = node->options.nresources;
    node->resources = memory_alloc(node->memory, (ngiven + nown) * sizeof(*node->resources));
    if (!node->resources)
        return error_nomem(err);
    node->nresources = ngiven + nown;
    memcpy(node->resources, own, nown * sizeof(*own));
    for (size_t i = 0; i < ngiven; i++)
        node->resources[nown + i] = node->options.resources[i];
    return DK_OK;
}

static void make_names(struct worker_node *node)
{
    const char *name = node->options.name;
    const struct node_address *contact = node->options.contact;
    snprintf(node->address, sizeof(node->address), "%s",
             contact ? contact->text : server_address(node->server)->text);
    snprintf(node->name, sizeof(node->name), "%s", name && *name ? name : node->address);
}

static dk_status open_parts(struct worker_node *node, dk_error *err)
{
    struct pool_options pool = {.comm = {.limits = node->limits,
                                         .open_ms = 30000,
                                         .tls = node->options.tls,
                                         .machine = node->machine}};
    if (!node->options.no_shared_memory)
        machine_name(node->machine);
    node->has_python = registry_find(&node->options.context->registry, REGISTRY_PYTHON);
    DK_TRY(spill_folder_prepare(node->options.local_directory, err));
    if (!spill_folder_make(&node->spill_folder, node->options.local_directory))
        return error_set(err, DK_EIO,
                         "%s: cannot make a folder there for what does not fit into "
                         "memory",
                         node->options.local_directory);
    DK_TRY(make_resources(node, err));
    DK_TRY(worker_serve(node, err));
    node->nopen++;
    make_names(node);
    DK_TRY(pool_new(node->loop, node->memory, &pool, &node->pool, err));
    node->nopen++;
    DK_TRY(executor_new(node->loop, node->memory, node->options.nthreads, &node->executor, err));
    node->nopen++;
    DK_TRY(worker_open_dashboard(node, err));
    return worker_open_core(node, err);
}

struct task_worker worker_for_tasks(const struct worker_node *node)
{
    return (struct task_worker){.address = node->address,
                                .name = node->name,
                                .folder = node->spill_folder.path,
                                .scheduler = node->options.scheduler.text,
                                .nthreads = node->options.nthreads};
}

static void show(struct worker_node *node)
{
    const struct worker_node_options *options = &node->options;
    char memory[32] = "no limit", place[ADDRESS_TEXT_MAX];
    if (options->memory_limit)
        snprintf(memory, sizeof(memory), "%.2f GiB", (double)options->memory_limit / 0x1p30);
    worker_log(node, "INFO", "      Start worker at: %26s", node->address);
    worker_log(node, "INFO", "         Listening to: %26s", server_address(node->server)->text);
    worker_log(node, "INFO", "          Worker name: %26s", node->name);
    if (node->dashboard) {
        const struct node_address *address = http_server_address(node->dashboard);
        snprintf(place, sizeof(place), "%s:%s", address->host, address->port);
        worker_log(node, "INFO", "         dashboard at: %26s", place);
    }
    worker_log(node, "INFO", "Waiting to connect to: %26s", options->scheduler.text);
    worker_log(node, "INFO", "-------------------------------------------------");
    worker_log(node, "INFO", "              Threads: %26" PRIu32, options->nthreads);
    worker_log(node, "INFO", "               Memory: %26s", memory);
    worker_log(node, "INFO", "      Local Directory: %26s", node->spill_folder.path);
    worker_log(node, "INFO", "-------------------------------------------------");
}

dk_status worker_node_new(uv_loop_t *loop, const struct worker_node_options *options,
                          struct worker_node **out, dk_error *err)
{
    struct memory *memory = options->context->memory;
    struct worker_node *node = memory_calloc(memory, sizeof(*node));
    if (!node)
        return error_nomem(err);
    node->loop = loop;
    node->memory = memory;
    node->options = *options;
    node->started_ms = uv_now(loop);
    node->limits = (struct frame_limits){1000000, INT64_MAX};
    if (options->memory_limit)
        node->limits.nbytes = (uint64_t)options->memory_limit;
    logs_init(&node->logs, memory);
    list_init(&node->replications);
    list_init(&node->runs);
    list_init(&node->foreign);
    bandwidth_init(&node->bandwidth, memory);
    make_id(node);
    worker_init_core(node);
    open_timers(node);
    dk_status status = open_parts(node, err);
    if (status != DK_OK) {
        node->options.closed = NULL;
        close_parts(node);
        return status;
    }
    show(node);
    worker_monitor_memory(node);
    worker_seek(node);
    *out = node;
    return DK_OK;
}

const char *worker_node_address(const struct worker_node *node)
{
    return node->address;
}
