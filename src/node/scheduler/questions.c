/* What anyone may ask the scheduler, and what is answered at once. */
#include <string.h>

#include "base/error.h"
#include "base/timedelta.h"
#include "node/scheduler/parts.h"

/* A question with all that making its answer takes. */
struct asking {
    struct scheduler_node *node;
    struct request *request;
    const struct wire_value *message;
    struct decoding decoding;
    struct wire_builder builder;
    dk_error err;
};

static void begin(struct asking *asking, struct scheduler_node *node, struct request *request)
{
    *asking = (struct asking){.node = node, .request = request};
    asking->message = request_message(request);
    decoding_init(&asking->decoding, node, &asking->err);
    asking->builder.arena = &asking->decoding.arena;
}

static void answer(struct asking *asking, struct wire_value value)
{
    if (asking->builder.failed)
        error_nomem(&asking->err);
    if (asking->err.status != DK_OK)
        request_fail(asking->request, &asking->err);
    else
        request_reply(asking->request, &value);
    decoding_deinit(&asking->decoding);
}

static struct sched_keys asked_keys(struct asking *asking)
{
    struct sched_keys keys = {0};
    (void)!sched_decode_keys(&asking->decoding.decoder, wire_find(asking->message, "keys"), &keys);
    return keys;
}

/* ---- who is there ---- */

struct wire_value scheduler_describe(const struct scheduler_node *node,
                                     struct wire_builder *builder, uint32_t nworkers)
{
    struct wire_filling map = wire_begin_map(builder, 10);
    wire_put(&map, "type", wire_text("Scheduler"));
    wire_put(&map, "cdask", wire_text(CDASK_VERSION));
    wire_put(&map, "id", wire_text(node->id));
    wire_put(&map, "address", wire_text(scheduler_node_address(node)));
    wire_put(&map, "services", dashboard_services(node->dashboard, builder));
    wire_put(&map, "started", wire_float(node->started));
    wire_put(&map, "n_workers", wire_int(sched_nworkers(node->sched)));
    wire_put(&map, "total_threads", wire_int(sched_total_threads(node->sched)));
    wire_put(&map, "total_memory", wire_int(sched_total_memory(node->sched)));
    wire_put(&map, "workers", sched_describe_workers(node->sched, builder, nworkers));
    return wire_end_map(&map);
}

static struct wire_value describe(struct asking *asking)
{
    int64_t count = -1;
    (void)wire_read_int(wire_find(asking->message, "n_workers"), &count);
    uint32_t limit = count < 0 || count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
    return scheduler_describe(asking->node, &asking->builder, limit);
}

static void identity(void *self, struct request *request)
{
    struct asking asking;
    begin(&asking, self, request);
    answer(&asking, describe(&asking));
}

static void ask_workers(struct scheduler_node *node, struct request *request,
                        enum sched_worker_question question)
{
    struct asking asking;
    begin(&asking, node, request);
    answer(&asking, sched_ask_workers(node->sched, &asking.builder, question,
                                      wire_find(asking.message, "workers")));
}

static void ncores(void *self, struct request *request)
{
    ask_workers(self, request, SCHED_NCORES);
}

static void ncores_running(void *self, struct request *request)
{
    ask_workers(self, request, SCHED_NCORES_RUNNING);
}

static void has_what(void *self, struct request *request)
{
    ask_workers(self, request, SCHED_HAS_WHAT);
}

static void processing(void *self, struct request *request)
{
    ask_workers(self, request, SCHED_PROCESSES);
}

/* ---- keys ---- */

static void who_has(void *self, struct request *request)
{
    struct asking asking;
    struct scheduler_node *node = self;
    begin(&asking, node, request);
    const struct wire_value *list = wire_find(asking.message, "keys");
    struct sched_keys keys = asked_keys(&asking);
    bool is_all = !list || list->kind == WIRE_NIL;
    answer(&asking, sched_who_has(node->sched, &asking.builder, is_all ? NULL : &keys));
}

static void nbytes(void *self, struct request *request)
{
    struct asking asking;
    struct scheduler_node *node = self;
    begin(&asking, node, request);
    const struct wire_value *list = wire_find(asking.message, "keys");
    const struct wire_value *summary = wire_find(asking.message, "summary");
    struct sched_keys keys = asked_keys(&asking);
    const struct sched_keys *wanted = !list || list->kind == WIRE_NIL ? NULL : &keys;
    bool is_summed = summary && summary->kind == WIRE_BOOL && summary->as.boolean;
    answer(&asking,
           (is_summed ? sched_sizes_by_prefix : sched_sizes)(node->sched, &asking.builder, wanted));
}

static void get_task_status(void *self, struct request *request)
{
    struct asking asking;
    struct scheduler_node *node = self;
    begin(&asking, node, request);
    struct sched_keys keys = asked_keys(&asking);
    answer(&asking, sched_states(node->sched, &asking.builder, &keys));
}

static void counts(void *self, struct request *request)
{
    struct asking asking;
    struct scheduler_node *node = self;
    begin(&asking, node, request);
    answer(&asking, sched_counts(node->sched, &asking.builder));
}

/* Those that were asked for: Dask tells which it has touched. */
static struct wire_value list_keys(struct asking *asking, const struct sched_keys *keys)
{
    struct wire_filling array = wire_begin_array(&asking->builder, keys->count);
    for (size_t i = 0; i < keys->count; i++)
        wire_add(&array, wire_packed(keys->list[i]));
    return wire_end_array(&array);
}

static uint32_t asked_client(struct asking *asking)
{
    const char *name = NULL;
    (void)!sched_decode_text(&asking->decoding.decoder, wire_find(asking->message, "client"),
                             &name);
    return name ? sched_find_client(asking->node->sched, name) : SCHED_NOBODY;
}

static void retry(void *self, struct request *request)
{
    struct asking asking;
    begin(&asking, self, request);
    struct sched_keys keys = asked_keys(&asking);
    struct sched_event event = {.kind = SCHED_RETRY, .stimulus = "retry", .as.keys = keys};
    event.client = asked_client(&asking);
    if (asking.err.status == DK_OK)
        (void)!scheduler_take(self, &event, &asking.err);
    answer(&asking, list_keys(&asking, &keys));
}

/* "start", "stop", "run_once" or "running": the active memory manager, as `client.amm` has it. */
static void amm_handler(void *self, struct request *request)
{
    static const char *const methods[] = {"start", "stop", "run_once"};
    static const enum sched_manager_order orders[] = {SCHED_MANAGER_START, SCHED_MANAGER_STOP,
                                                      SCHED_MANAGER_RUN};
    struct scheduler_node *node = self;
    const struct wire_value *method = wire_find(request_message(request), "method");
    struct sched_event event = {.kind = SCHED_MANAGE_MEMORY, .stimulus = "active_memory_manager"};
    struct wire_value reply = wire_bool(sched_manages_memory(node->sched));
    bool is_known = wire_text_is(method, "running");
    for (size_t i = 0; i < 3 && !is_known; i++) {
        is_known = wire_text_is(method, methods[i]);
        if (!is_known)
            continue;
        event.as.manager = orders[i];
        reply = wire_nil();
        (void)!scheduler_take(node, &event, NULL);
    }
    if (is_known)
        request_reply(request, &reply);
    else
        request_raise(request, "ValueError", "the active memory manager has no such method");
}

/* ---- how many workers there should be ---- */

static void adaptive_target(void *self, struct request *request)
{
    struct asking asking;
    struct wire_bytes text;
    double seconds = SCHED_TARGET_S;
    begin(&asking, self, request);
    const struct wire_value *given = wire_find(asking.message, "target_duration");
    if (wire_read_text(given, &text))
        (void)!timedelta_parse(text.data, text.nbytes, &seconds, &asking.err);
    else
        (void)wire_read_float(given, &seconds);
    if (asking.err.status == DK_OK && !(seconds > 0))
        (void)error_set(&asking.err, DK_EINVAL, "target_duration must be more than no time");
    uint32_t wanted =
        asking.err.status == DK_OK ? sched_wanted_workers(asking.node->sched, seconds) : 0;
    answer(&asking, wire_int(wanted));
}

static struct wire_value list_closed(struct asking *asking, const uint32_t *workers, uint32_t count,
                                     bool by_name)
{
    const struct sched *sched = asking->node->sched;
    struct wire_filling array = wire_begin_array(&asking->builder, count);
    for (uint32_t i = 0; i < count; i++)
        wire_add(&array, by_name ? sched_worker_name(sched, workers[i])
                                 : wire_text(sched_worker_address(sched, workers[i])));
    return wire_end_array(&array);
}

static void workers_to_close(void *self, struct request *request)
{
    struct asking asking;
    begin(&asking, self, request);
    const struct sched *sched = asking.node->sched;
    struct sched_shrinking shrinking;
    uint32_t count = 0, room = sched_nworkers(sched) + 1;
    uint32_t *workers = arena_alloc(&asking.decoding.arena, room * sizeof(*workers));
    dk_status status =
        scheduler_read_shrinking(asking.node, asking.message, &shrinking, &asking.err);
    if (status == DK_OK &&
        (!workers || sched_workers_to_close(sched, &shrinking, workers, &count) != DK_OK))
        (void)error_nomem(&asking.err);
    bool by_name = wire_text_is(wire_find(asking.message, "attribute"), "name");
    answer(&asking, list_closed(&asking, workers, count, by_name));
}

/* ---- the rest ---- */

static void echo(void *self, struct request *request)
{
    (void)self;
    const struct wire_value *data = wire_find(request_message(request), "data");
    struct wire_value nothing = wire_nil();
    request_reply(request, data ? data : &nothing);
}

static void ping(void *self, struct request *request)
{
    (void)self;
    struct wire_value pong = wire_bin((struct wire_bytes){"pong", 4});
    request_reply(request, &pong);
}

/* Kept open for as long as the nanny lives; nothing is asked of it. */
static void register_nanny(void *self, struct request *request)
{
    struct asking asking;
    begin(&asking, self, request);
    struct wire_filling map = wire_begin_map(&asking.builder, 2);
    wire_put(&map, "status", wire_text("OK"));
    wire_put(&map, "nanny-plugins", scheduler_list_plugins(self, &asking.builder, true));
    answer(&asking, wire_end_map(&map));
}

/* Nothing of Python's is used here, so nothing can differ: a client that compares versions is told
 * its own. */
static void versions(void *self, struct request *request)
{
    const struct scheduler_node *node = self;
    struct wire_value told = wire_box_value(node->versions);
    const struct wire_value *packages = wire_find(&told, "packages");
    struct wire_entry fields[] = {
        {wire_text("host"), wire_map(NULL, 0)},
        {wire_text("packages"), packages ? *packages : wire_map(NULL, 0)},
        {wire_text("cdask"), wire_text(CDASK_VERSION)}}; /* how our own peers know us */
    struct wire_value reply = wire_map(fields, 3);
    request_reply(request, &reply);
}

static void get_logs(void *self, struct request *request)
{
    const struct scheduler_node *node = self;
    logs_reply(&node->logs, request);
}

static void terminate(void *self, struct request *request)
{
    struct wire_value reply = wire_text("OK");
    request_reply(request, &reply);
    scheduler_node_close(self, "terminate");
}

const struct server_op scheduler_ops[] = {
    {"register-worker", scheduler_register_worker},
    {"register-client", scheduler_register_client},
    {"register_nanny", register_nanny},
    {"heartbeat_worker", scheduler_heartbeat_worker},
    {"unregister", scheduler_unregister},
    {"retire_workers", scheduler_retire_workers},
    {"identity", identity},
    {"ncores", ncores},
    {"ncores_running", ncores_running},
    {"has_what", has_what},
    {"who_has", who_has},
    {"processing", processing},
    {"nbytes", nbytes},
    {"get_task_status", get_task_status},
    {"counts", counts},
    {"retry", retry},
    {"adaptive_target", adaptive_target},
    {"workers_to_close", workers_to_close},
    {"gather", scheduler_gather},
    {"scatter", scheduler_scatter},
    {"replicate", scheduler_replicate},
    {"rebalance", scheduler_rebalance},
    {"amm_handler", amm_handler},
    {"update_data", scheduler_update_data},
    {"broadcast", scheduler_broadcast},
    {"proxy", scheduler_proxy},
    {"get_logs", get_logs},
    {"logs", get_logs},
    {"worker_logs", scheduler_worker_logs},
    {"call_stack", scheduler_call_stack},
    {"restart", scheduler_restart},
    {"restart_workers", scheduler_restart_workers},
    {"register_worker_plugin", scheduler_register_worker_plugin},
    {"unregister_worker_plugin", scheduler_unregister_worker_plugin},
    {"register_nanny_plugin", scheduler_register_nanny_plugin},
    {"unregister_nanny_plugin", scheduler_unregister_nanny_plugin},
    {"register_scheduler_plugin", scheduler_register_scheduler_plugin},
    {"versions", versions},
    {"echo", echo},
    {"ping", ping},
    {"terminate", terminate},
};

const size_t scheduler_nops = sizeof(scheduler_ops) / sizeof(*scheduler_ops);
