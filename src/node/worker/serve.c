/* What others may ask a worker.   Source: distributed.worker.Worker (handlers). */
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "node/worker/parts.h"
#include "payload/value.h"
#include "wire/build.h"

/* How long the scheduler has to tell its versions. */
#define VERSIONS_MS 10000

/* A handler's tools: everything of an answer lives until it is given. */
struct answer {
    struct worker_node *node;
    struct request *request;
    const struct wire_value *question;
    struct arena arena;
    struct vector scratch;
    struct wire_builder builder;
    struct wkr_decoder decoder;
    dk_error err;
};

static void begin(struct answer *answer, struct worker_node *node, struct request *request)
{
    *answer =
        (struct answer){.node = node, .request = request, .question = request_message(request)};
    arena_init(&answer->arena, node->memory);
    vector_init(&answer->scratch, node->memory, 1);
    answer->builder.arena = &answer->arena;
    answer->decoder = (struct wkr_decoder){&answer->arena, &answer->scratch, &answer->err};
}

static void end(struct answer *answer)
{
    vector_deinit(&answer->scratch);
    arena_deinit(&answer->arena);
}

static void give(struct answer *answer, struct wire_value value)
{
    if (answer->builder.failed)
        answer->err.status = error_nomem(&answer->err);
    if (answer->err.status != DK_OK)
        request_fail(answer->request, &answer->err);
    else
        request_reply(answer->request, &value);
    end(answer);
}

static struct wire_value status_ok(struct answer *answer)
{
    struct wire_filling map = wire_begin_map(&answer->builder, 1);
    wire_put(&map, "status", wire_text("OK"));
    return wire_end_map(&map);
}

/* ---- update_data ---- */

static dk_status take_scattered(struct answer *answer, const struct wire_value *data,
                                struct wkr_scattered *scattered, struct brought *brought,
                                size_t *ntaken)
{
    for (*ntaken = 0; *ntaken < data->count; ++*ntaken) {
        const struct wire_entry *entry = &data->as.entries[*ntaken];
        struct brought *one = &brought[*ntaken];
        *one = (struct brought){.content.value = dk_value_null()};
        DK_TRY(wkr_decode_key(&answer->decoder, &entry->key, &one->key));
        DK_TRY(worker_read_content(answer->node, &entry->value, NULL, &one->content, &answer->err));
        scattered[*ntaken] = (struct wkr_scattered){one->key, one->content.nbytes};
    }
    return DK_OK;
}

static struct wire_value sizes(struct answer *answer, const struct wkr_scattered *scattered,
                               size_t count)
{
    struct wire_filling nbytes = wire_begin_map(&answer->builder, count);
    struct wire_filling map = wire_begin_map(&answer->builder, 2);
    for (size_t i = 0; i < count; i++)
        wire_put_key(&nbytes, wire_packed(scattered[i].key), wire_int(scattered[i].nbytes));
    wire_put(&map, "nbytes", wire_end_map(&nbytes));
    wire_put(&map, "status", wire_text("OK"));
    return wire_end_map(&map);
}

static void update_data(void *self, struct request *request)
{
    struct answer answer;
    begin(&answer, self, request);
    const struct wire_value *data = wire_find(answer.question, "data");
    size_t count = data && data->kind == WIRE_MAP ? data->count : 0, ntaken = 0;
    struct wkr_scattered *scattered = arena_alloc(&answer.arena, count * sizeof(*scattered));
    struct brought *brought = arena_alloc(&answer.arena, count * sizeof(*brought));
    if (!scattered || !brought)
        answer.err.status = error_nomem(&answer.err);
    else if (count)
        answer.err.status = take_scattered(&answer, data, scattered, brought, &ntaken);
    if (answer.err.status != DK_OK) {
        for (size_t i = 0; i < ntaken; i++)
            content_deinit(&brought[i].content);
    } else {
        struct wkr_event event = {.kind = WKR_UPDATE_DATA, .as.scattered = {scattered, count}};
        worker_happen(self, &event, "update-data", brought, count);
    }
    give(&answer, sizes(&answer, scattered, answer.err.status == DK_OK ? count : 0));
}

/* ---- keys ---- */

static void free_keys(void *self, struct request *request)
{
    struct answer answer;
    struct wkr_event event = {.kind = WKR_FREE_KEYS};
    begin(&answer, self, request);
    answer.err.status =
        wkr_decode_keys(&answer.decoder, wire_find(answer.question, "keys"), &event.as.keys);
    if (answer.err.status == DK_OK)
        worker_happen(self, &event, "free-keys", NULL, 0);
    give(&answer, status_ok(&answer));
}

static void keys(void *self, struct request *request)
{
    struct answer answer;
    struct worker_node *node = self;
    begin(&answer, self, request);
    struct wire_filling list = wire_begin_array(&answer.builder, node->store.count);
    for (uint32_t i = 0; i < node->store.list.count; i++)
        if (store_find(&node->store, (struct wkr_task_id){i}))
            wire_add(&list, wire_packed(wkr_task_key(node->core, (struct wkr_task_id){i})));
    give(&answer, wire_end_array(&list));
}

/* ---- about the worker ---- */

static void identity(void *self, struct request *request)
{
    struct answer answer;
    struct worker_node *node = self;
    begin(&answer, self, request);
    struct wire_filling map = wire_begin_map(&answer.builder, 7);
    wire_put(&map, "type", wire_text("Worker"));
    wire_put(&map, "id", wire_text(node->id));
    wire_put(&map, "scheduler", wire_text(node->options.scheduler.text));
    wire_put(&map, "nthreads", wire_int(node->options.nthreads));
    wire_put(&map, "memory_limit", wire_int(node->options.memory_limit));
    wire_put(&map, "name", wire_text(node->name));
    wire_put(&map, "address", wire_text(node->address));
    give(&answer, wire_end_map(&map));
}

static void ping(void *self, struct request *request)
{
    struct answer answer;
    begin(&answer, self, request);
    give(&answer, wire_bin((struct wire_bytes){"pong", 4}));
}

static void echo(void *self, struct request *request)
{
    struct answer answer;
    begin(&answer, self, request);
    const struct wire_value *data = wire_find(answer.question, "data");
    give(&answer, data ? *data : wire_nil());
}

/* ---- versions ---- */

static void give_versions(struct worker_node *node, struct request *request)
{
    struct answer answer;
    begin(&answer, node, request);
    struct wire_filling nothing = wire_begin_map(&answer.builder, 0);
    struct wire_filling map = wire_begin_map(&answer.builder, 2);
    wire_put(&map, "host", wire_end_map(&nothing));
    wire_put(&map, "packages", wire_end_map(&nothing));
    give(&answer, node->versions ? node->versions->value : wire_end_map(&map));
}

struct asked_versions {
    struct worker_node *node;
    struct request *request;
};

static void on_versions(void *self, struct message *reply, const dk_error *why)
{
    struct asked_versions *asked = self;
    struct worker_node *node = asked->node;
    const struct wire_value *packages = reply ? wire_find(&reply->root, "packages") : NULL;
    struct wire_entry fields[] = {{wire_text("host"), wire_map(NULL, 0)},
                                  {wire_text("packages"), packages ? *packages : wire_nil()}};
    struct wire_value told = wire_map(fields, 2);
    (void)why;
    if (packages)
        request_reply(asked->request, &told);
    else
        give_versions(node, asked->request);
    if (reply)
        message_deinit(reply);
    memory_free(node->memory, asked, sizeof(*asked));
}

/* Where there is no Python there is nothing to differ: those of the scheduler are told, which knows
 * those of its clients. */
static void versions(void *self, struct request *request)
{
    struct worker_node *node = self;
    struct wire_entry op = {wire_text("op"), wire_text("versions")};
    struct wire_value question = wire_map(&op, 1);
    struct asked_versions *asked = memory_alloc(node->memory, sizeof(*asked));
    struct pool_question asks = {.address = node->options.scheduler,
                                 .message = &question,
                                 .timeout_ms = VERSIONS_MS,
                                 .answered = on_versions,
                                 .self = asked};
    if (asked)
        *asked = (struct asked_versions){node, request};
    if (asked && !node->has_python && pool_ask(node->pool, &asks, NULL, NULL) == DK_OK)
        return;
    memory_free(node->memory, asked, sizeof(*asked));
    give_versions(node, request);
}

static void get_logs(void *self, struct request *request)
{
    const struct worker_node *node = self;
    logs_reply(&node->logs, request);
}

static void nothing_map(void *self, struct request *request)
{
    struct answer answer;
    begin(&answer, self, request);
    struct wire_filling map = wire_begin_map(&answer.builder, 0);
    give(&answer, wire_end_map(&map));
}

static void terminate(void *self, struct request *request)
{
    struct answer answer;
    begin(&answer, self, request);
    give(&answer, wire_text("OK"));
    worker_leave(self, "somebody has asked for it", NULL);
}

/* ---- what needs Python ---- */

/* Plug-ins are Python's; whoever registers one for a whole cluster should not fail because of us.
 */
static void change_plugin(void *self, struct request *request)
{
    struct answer answer;
    struct worker_node *node = self;
    if (worker_change_plugin(node, request))
        return;
    begin(&answer, self, request);
    worker_log(node, "WARNING", "a plug-in of Python's is ignored");
    give(&answer, status_ok(&answer));
}

static void refuse(void *self, struct request *request)
{
    const struct worker_node *node = self;
    struct wire_bytes op = {"this", 4};
    char text[ADDRESS_TEXT_MAX + 128];
    (void)wire_read_text(wire_find(request_message(request), "op"), &op);
    snprintf(text, sizeof(text), "%.*s needs Python, and the worker '%s' has none",
             (int)(op.nbytes < 64 ? op.nbytes : 64), op.data, node->name);
    request_raise(request, "NotImplementedError", text);
}

static void run(void *self, struct request *request)
{
    if (!worker_run_aside(self, request))
        refuse(self, request);
}

static const struct server_op ops[] = {
    {"get_data", worker_get_data},
    {"update_data", update_data},
    {"gather", worker_gather_copies},
    {"free_keys", free_keys},
    {"keys", keys},
    {"identity", identity},
    {"ping", ping},
    {"echo", echo},
    {"versions", versions},
    {"get_logs", get_logs},
    {"call_stack", nothing_map},
    {"profile_metadata", nothing_map},
    {"terminate", terminate},
    {"plugin-add", change_plugin},
    {"plugin-remove", change_plugin},
    {"run_native", worker_run_native},
    {"preload_native", worker_preload_native},
    {"run", run},
    {"run_coroutine", run},
    {"upload_file", refuse},
    {"actor_execute", refuse},
    {"actor_attribute", refuse},
    {"profile", refuse},
    {"benchmark_disk", refuse},
    {"benchmark_memory", refuse},
    {"benchmark_network", refuse},
    {"shuffle_receive", refuse},
    {"shuffle_inputs_done", refuse},
};

static void on_refused(void *self, const dk_error *why)
{
    struct worker_node *node = self;
    worker_log(node, "WARNING", "%s", why->message);
}

static void on_unknown(void *self, const char *peer, struct wire_bytes op)
{
    struct worker_node *node = self;
    worker_log(node, "WARNING", "%s asks for the operation '%.*s', which is unknown", peer,
               (int)(op.nbytes < 64 ? op.nbytes : 64), op.data);
}

dk_status worker_serve(struct worker_node *node, dk_error *err)
{
    struct listener_options options = {
        .protocol = node->options.scheduler.protocol,
        .host = node->options.host,
        .ports = node->options.ports,
        .comm = {.limits = node->limits,
                 .open_ms = 10000,
                 .tls = node->options.tls,
                 .machine = node->machine},
    };
    struct server_events events = {
        .self = node, .refused = on_refused, .unknown = on_unknown, .closed = worker_part_closed};
    return server_new(node->loop, node->memory, &options, ops, sizeof(ops) / sizeof(*ops), events,
                      &node->server, err);
}
