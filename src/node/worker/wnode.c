/* A worker's life: it opens, runs its loop, and leaves. */
#include "node/worker/wnode.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/hash.h"
#include "node/worker/parts.h"
#include "wire/build.h"

#define RETIRE_MS 30000 /* for others to take our results */
#define TASKS_MS  10000 /* for our tasks to end */

static const struct node_log *log_of(const struct wnode *node)
{
    return &node->options->log;
}

/* ---- status ---- */

void wnode_set_status(struct wnode *node, enum wnode_status status)
{
    if (node->status == status || node->status == WNODE_CLOSING)
        return;
    struct wkr_event event = {.kind = status == WNODE_RUNNING ? WKR_UNPAUSE : WKR_PAUSE};
    node->status = status;
    wnode_tell_status(node);
    wnode_happen(node, &event, "worker-status", NULL, 0);
}

dk_status wnode_start_over(struct wnode *node, dk_error *err)
{
    wnode_close_core(node);
    uv_timer_stop(&node->deadline);
    node->epoch++;
    node->status = WNODE_INIT;
    return wnode_open_core(node, err);
}

/* ---- leaving ---- */

/* What remains open keeps the loop running. */
void wnode_part_closed(void *self)
{
    struct wnode *node = self;
    if (--node->nopen == 0)
        uv_close((uv_handle_t *)&node->patience, NULL);
}

/* Some task does not end: only the process can. */
static void on_tasks_too_long(uv_timer_t *timer)
{
    struct wnode *node = timer->data;
    node->is_abandoned = true;
    uv_stop(&node->loop);
}

static void close_handles(struct wnode *node)
{
    uv_handle_t *handles[] = {
        (uv_handle_t *)&node->seek,       (uv_handle_t *)&node->heartbeat,
        (uv_handle_t *)&node->keep_alive, (uv_handle_t *)&node->deadline,
        (uv_handle_t *)&node->sigterm,    (uv_handle_t *)&node->sigint,
        (uv_handle_t *)&node->lifetime,
    };
    for (size_t i = 0; i < sizeof(handles) / sizeof(*handles); i++)
        uv_close(handles[i], NULL);
}

void wnode_close(struct wnode *node, const char *reason, const dk_error *why)
{
    if (node->status == WNODE_CLOSING)
        return;
    if (why) {
        node->why = *why;
        node->outcome = why->status;
        node_log(log_of(node), LOG_ERROR, "%s", why->message);
    }
    node_log(log_of(node), LOG_INFO, "Stopping worker at %s. Reason: %s", node->address, reason);
    node->status = WNODE_CLOSING;
    node->cancel = 1;
    uv_timer_start(&node->patience, on_tasks_too_long, TASKS_MS, 0);
    close_handles(node);
    wnode_unlink(node);
    server_close(node->server);
    pool_close(node->pool, wnode_part_closed, node);
    executor_close(node->executor, wnode_part_closed, node);
}

static void on_retired(void *self, struct message *answer, const dk_error *why)
{
    struct wnode *node = self;
    if (why && node->status != WNODE_CLOSING)
        node_log(log_of(node), LOG_WARNING, "retire_workers: %s", why->message);
    if (answer)
        message_deinit(answer);
    wnode_close(node, node->retire_reason, NULL);
}

static struct wire_value retirement(struct wnode *node, struct wire_builder *builder)
{
    char text[64];
    struct wire_filling workers = wire_begin_array(builder, 1);
    struct wire_filling map = wire_begin_map(builder, 6);
    wnode_stimulus(node, "worker-close-gracefully", text);
    wire_add(&workers, wire_text(node->address));
    wire_put(&map, "op", wire_text("retire_workers"));
    wire_put(&map, "reply", wire_bool(true));
    wire_put(&map, "workers", wire_end_array(&workers));
    wire_put(&map, "close_workers", wire_bool(false));
    wire_put(&map, "remove", wire_bool(true));
    wire_put(&map, "stimulus_id", wire_copy_text(builder, text));
    return wire_end_map(&map);
}

void wnode_retire(struct wnode *node, const char *reason)
{
    struct arena arena;
    dk_error err = {0};
    if (node->is_retiring || !node->is_registered) {
        wnode_close(node, reason, NULL);
        return;
    }
    node->is_retiring = true;
    node->retire_reason = reason;
    node_log(log_of(node), LOG_INFO, "Closing worker gracefully: %s. Reason: %s", node->address,
             reason);
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = retirement(node, &builder);
    struct pool_question asked = {.address = node->scheduler,
                                  .message = &message,
                                  .timeout_ms = RETIRE_MS,
                                  .answered = on_retired,
                                  .self = node};
    if (builder.failed || pool_ask(node->pool, &asked, NULL, &err) != DK_OK)
        wnode_close(node, reason, NULL);
    arena_deinit(&arena);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct wnode *node = handle->data;
    node_log(log_of(node), LOG_INFO, "Received signal %s (%d)",
             number == SIGTERM ? "SIGTERM" : "SIGINT", number);
    wnode_retire(node, "signal");
}

static void on_lifetime(uv_timer_t *timer)
{
    wnode_retire(timer->data, "worker-lifetime-reached");
}

/* ---- opening ---- */

/* Another one for each worker there is: by who it is and when it began. */
static void make_id(struct wnode *node)
{
    struct {
        uint64_t time, pid, place;
    } self = {uv_hrtime(), (uint64_t)getpid(), (uint64_t)(uintptr_t)node};
    char text[33];
    token_text(token_of(&self, sizeof(self)), text);
    snprintf(node->id, sizeof(node->id), "Worker-%s", text);
}

static void open_handles(struct wnode *node)
{
    uv_timer_t *timers[] = {&node->seek,     &node->heartbeat, &node->keep_alive,
                            &node->deadline, &node->lifetime,  &node->patience};
    for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
        (void)uv_timer_init(&node->loop, timers[i]);
        timers[i]->data = node;
    }
    (void)uv_signal_init(&node->loop, &node->sigterm);
    (void)uv_signal_init(&node->loop, &node->sigint);
    node->sigterm.data = node->sigint.data = node;
    (void)uv_signal_start(&node->sigterm, on_signal, SIGTERM);
    (void)uv_signal_start(&node->sigint, on_signal, SIGINT);
    if (node->options->lifetime_s > 0)
        uv_timer_start(&node->lifetime, on_lifetime, (uint64_t)(node->options->lifetime_s * 1000),
                       0);
}

static dk_status open_pool(struct wnode *node, dk_error *err)
{
    struct pool_options options = {.comm = {.limits = node->limits, .open_ms = 30000}};
    DK_TRY(pool_new(&node->loop, node->memory, &options, &node->pool, err));
    node->nopen++;
    return DK_OK;
}

static dk_status open_executor(struct wnode *node, dk_error *err)
{
    DK_TRY(executor_new(&node->loop, node->memory, node->options->nthreads, &node->executor, err));
    node->nopen++;
    return DK_OK;
}

static void show(const struct wnode *node)
{
    const struct wnode_options *options = node->options;
    const struct node_log *log = log_of(node);
    char memory[32] = "no limit";
    if (options->memory_limit)
        snprintf(memory, sizeof(memory), "%.2f GiB", (double)options->memory_limit / 0x1p30);
    node_log(log, LOG_INFO, "      Start worker at: %26s", node->address);
    node_log(log, LOG_INFO, "         Listening to: %26s", node->address);
    node_log(log, LOG_INFO, "          Worker name: %26s", node->name);
    node_log(log, LOG_INFO, "-------------------------------------------------");
    node_log(log, LOG_INFO, "              Threads: %26" PRIu32, options->nthreads);
    node_log(log, LOG_INFO, "               Memory: %26s", memory);
    node_log(log, LOG_INFO, "      Local Directory: %26s", options->local_directory);
    node_log(log, LOG_INFO, "-------------------------------------------------");
}

static dk_status open_parts(struct wnode *node, dk_error *err)
{
    DK_TRY(wnode_serve(node, err));
    snprintf(node->address, sizeof(node->address), "%s", server_address(node->server)->text);
    snprintf(node->name, sizeof(node->name), "%s",
             node->options->name ? node->options->name : node->address);
    DK_TRY(open_pool(node, err));
    DK_TRY(open_executor(node, err));
    return wnode_open_core(node, err);
}

static void close_parts(struct wnode *node)
{
    node->status = WNODE_CLOSING;
    close_handles(node);
    if (node->server)
        server_close(node->server);
    if (node->pool)
        pool_close(node->pool, wnode_part_closed, node);
    if (node->executor)
        executor_close(node->executor, wnode_part_closed, node);
    if (!node->nopen)
        uv_close((uv_handle_t *)&node->patience, NULL);
}

static void init(struct wnode *node, const struct wnode_options *options)
{
    *node = (struct wnode){.options = options,
                           .context = options->context,
                           .memory = options->context->memory,
                           .limits = {1000000, INT64_MAX}};
    if (options->memory_limit)
        node->limits.nbytes = (uint64_t)options->memory_limit;
    make_id(node);
}

static dk_status run(struct wnode *node, dk_error *err)
{
    open_handles(node);
    node->started_ms = uv_now(&node->loop);
    dk_status status = open_parts(node, err);
    if (status == DK_OK) {
        show(node);
        wnode_seek(node);
    } else {
        close_parts(node);
    }
    (void)uv_run(&node->loop, UV_RUN_DEFAULT);
    if (node->is_abandoned)
        return error_set(err, DK_ECANCELED, "tasks are still running");
    if (node->core)
        wnode_close_core(node);
    (void)uv_loop_close(&node->loop);
    if (status == DK_OK && node->outcome != DK_OK && err)
        *err = node->why;
    return status == DK_OK ? node->outcome : status;
}

dk_status wnode_run(const struct wnode_options *options, dk_error *err)
{
    struct memory *memory = options->context->memory;
    struct wnode *node = memory_alloc(memory, sizeof(*node));
    if (!node)
        return error_nomem(err);
    init(node, options);
    dk_status status = node_address_parse(options->scheduler, &node->scheduler, err);
    if (status == DK_OK && uv_loop_init(&node->loop) != 0)
        status = error_set(err, DK_EIO, "cannot make an event loop");
    if (status == DK_OK)
        status = run(node, err);
    if (!node->is_abandoned)
        memory_free(memory, node, sizeof(*node));
    return status;
}
