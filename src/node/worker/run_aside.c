/* Functions that somebody has called here, beside all tasks ("run"), and plug-ins. The host of an
 * interpreter has registered what calls them.
 *
 * Source: distributed.worker.run, Worker.plugin_add, Worker.plugin_remove. */
#include "base/error.h"
#include "graph/value.h"
#include "node/worker/parts.h"
#include "payload/value.h"
#include "wire/build.h"

#define NPARTS_MAX 3

/* What can be asked for: the function that does it, and which parts of the message it takes. */
struct kind {
    const char *function;
    const char *parts[NPARTS_MAX];
    size_t nparts;
};

static const struct kind run = {"python.run", {"function", "args", "kwargs"}, 3};
static const struct kind plugin = {"python.plugin", {"name", "plugin"}, 2};

struct errand {
    struct worker_node *node;
    struct request *request; /* NULL: nobody has asked, it is part of joining */
    const struct kind *kind;
    const struct function *function;
    uv_work_t work;
    dk_value args[NPARTS_MAX];
    dk_value result;
    struct payload_value packed; /* the result */
    struct raised raised;
    dk_status status;
    dk_error err;
};

static void free_errand(struct errand *errand)
{
    struct worker_node *node = errand->node;
    for (size_t i = 0; i < NPARTS_MAX; i++)
        dk_value_unref(errand->args[i]);
    dk_value_unref(errand->result);
    if (errand->status == DK_OK)
        payload_value_deinit(&errand->packed);
    vector_deinit(&errand->raised.exception);
    vector_deinit(&errand->raised.traceback);
    memory_free(node->memory, errand, sizeof(*errand));
    worker_part_closed(node);
}

static dk_status call(struct errand *errand)
{
    struct worker_node *node = errand->node;
    struct task_worker worker = worker_for_tasks(node);
    dk_task running = {.context = node->options.context,
                       .function = errand->function,
                       .cancel = &node->cancel,
                       .worker = &worker,
                       .raised = &errand->raised};
    DK_TRY(errand->function->call(&running, errand->args, errand->kind->nparts, &errand->result,
                                  &errand->err));
    return payload_pack_value(node->options.context, errand->result, &errand->packed, &errand->err);
}

static void run_in_thread(uv_work_t *work)
{
    struct errand *errand = work->data;
    errand->status = call(errand);
}

/* ---- answering ---- */

static struct wire_value error_map(const struct errand *errand, struct wire_builder *builder)
{
    const struct vector *exception = &errand->raised.exception;
    const struct vector *traceback = &errand->raised.traceback;
    struct wire_filling map = wire_begin_map(builder, 5);
    wire_put(&map, "status", wire_text("error"));
    wire_put(&map, "exception", wire_bin((struct wire_bytes){exception->data, exception->count}));
    wire_put(&map, "traceback",
             traceback->count ? wire_bin((struct wire_bytes){traceback->data, traceback->count})
                              : wire_nil());
    wire_put(&map, "exception_text", wire_text(errand->err.message));
    wire_put(&map, "traceback_text", wire_text(""));
    return wire_end_map(&map);
}

static struct wire_value result_map(const struct errand *errand, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, 2);
    wire_put(&map, "status", wire_text("OK"));
    wire_put(&map, "result", payload_wire(&errand->packed));
    return wire_end_map(&map);
}

static void answer(struct errand *errand)
{
    struct arena arena;
    arena_init(&arena, errand->node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value value =
        errand->status == DK_OK ? result_map(errand, &builder) : error_map(errand, &builder);
    if (builder.failed)
        request_raise(errand->request, "MemoryError", "out of memory");
    else
        request_reply(errand->request, &value);
    arena_deinit(&arena);
}

static void join_further(struct worker_node *node, const dk_error *why);

static void on_run(uv_work_t *work, int status)
{
    struct errand *errand = work->data;
    if (status != 0)
        errand->status = error_set(&errand->err, DK_ECANCELED, "it was not begun");
    errand->err.status = errand->status;
    if (!errand->request)
        join_further(errand->node, errand->status == DK_OK ? NULL : &errand->err);
    else if (errand->status == DK_OK || errand->raised.exception.count)
        answer(errand);
    else
        request_fail(errand->request, &errand->err);
    free_errand(errand);
}

/* ---- beginning ---- */

static dk_status take_part(struct errand *errand, const struct wire_value *part, dk_value *out)
{
    struct memory *memory = errand->node->memory;
    if (part && part->kind == WIRE_BIN)
        return value_bytes(memory, part->as.bytes, part->count, out);
    if (part && part->kind == WIRE_TEXT)
        return value_text(memory, part->as.bytes, part->count, out);
    return DK_OK;
}

static void free_unbegun(struct errand *errand)
{
    errand->status = DK_ENOMEM;
    free_errand(errand);
}

/* False: out of memory. */
static bool begin(struct worker_node *node, struct request *request, const struct kind *kind,
                  const struct wire_value *const *parts)
{
    struct errand *errand = memory_calloc(node->memory, sizeof(*errand));
    if (!errand)
        return false;
    errand->node = node;
    errand->request = request;
    errand->kind = kind;
    errand->function = registry_find(&node->options.context->registry, kind->function);
    errand->work.data = errand;
    vector_init(&errand->raised.exception, node->memory, 1);
    vector_init(&errand->raised.traceback, node->memory, 1);
    node->nopen++;
    dk_status status = DK_OK;
    for (size_t i = 0; i < kind->nparts && status == DK_OK; i++)
        status = take_part(errand, parts[i], &errand->args[i]);
    if (status == DK_OK && uv_queue_work(node->loop, &errand->work, run_in_thread, on_run) == 0)
        return true;
    free_unbegun(errand);
    return false;
}

static bool can(const struct worker_node *node, const struct kind *kind)
{
    return registry_find(&node->options.context->registry, kind->function) != NULL;
}

static bool begin_request(struct worker_node *node, struct request *request,
                          const struct kind *kind)
{
    const struct wire_value *parts[NPARTS_MAX];
    if (!can(node, kind))
        return false;
    for (size_t i = 0; i < kind->nparts; i++)
        parts[i] = wire_find(request_message(request), kind->parts[i]);
    if (!begin(node, request, kind, parts))
        request_raise(request, "MemoryError", "out of memory");
    return true;
}

bool worker_run_aside(struct worker_node *node, struct request *request)
{
    return begin_request(node, request, &run);
}

bool worker_change_plugin(struct worker_node *node, struct request *request)
{
    return begin_request(node, request, &plugin);
}

/* ---- joining ---- */

static bool set_up_next(struct worker_node *node)
{
    const struct wire_entry *entry = &node->plugins->value.as.entries[node->nset_up++];
    const struct wire_value *const parts[] = {&entry->key, &entry->value};
    node->is_setting_up = begin(node, NULL, &plugin, parts);
    return node->is_setting_up;
}

/* One that cannot be set up is told and missed: Dask's own are about things that we do not have. */
static void join_further(struct worker_node *node, const dk_error *why)
{
    dk_error nomem = {0};
    node->is_setting_up = false;
    if (node->status == WORKER_CLOSING)
        return;
    if (why)
        worker_log(node, "WARNING", "a plug-in cannot be set up: %s", why->message);
    if (node->nset_up < node->plugins->value.count) {
        (void)error_nomem(&nomem);
        if (!set_up_next(node))
            worker_leave(node, "plugin-failed", &nomem);
    } else if (node->has_stream && node->status == WORKER_INIT) {
        worker_begin_work(node);
    }
}

bool worker_set_up_plugins(struct worker_node *node, const struct wire_value *plugins)
{
    if (!plugins || plugins->kind != WIRE_MAP || !plugins->count || !can(node, &plugin))
        return false;
    wire_box_unref(node->plugins);
    node->plugins = wire_box_new(node->memory, plugins);
    node->nset_up = 0;
    if (!node->plugins || (!node->is_setting_up && !set_up_next(node))) {
        dk_error err = {0};
        (void)error_nomem(&err);
        worker_leave(node, "plugin-failed", &err);
    }
    return true;
}
