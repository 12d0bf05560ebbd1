/* Functions that somebody has called here, beside all tasks: "run". The host of an interpreter has
 * registered what calls them.   Source: distributed.worker.run. */
#include "base/error.h"
#include "graph/task.h"
#include "graph/value.h"
#include "node/worker/parts.h"
#include "payload/value.h"
#include "wire/build.h"

/* What has come as pickles: the function, its arguments, those with names. */
static const char *const parts[] = {"function", "args", "kwargs"};

enum { NPARTS = sizeof(parts) / sizeof(*parts) };

struct errand {
    struct worker_node *node;
    struct request *request;
    const struct function *function;
    uv_work_t work;
    dk_value args[NPARTS];
    dk_value result;
    struct payload_value packed; /* the result */
    struct raised raised;
    dk_status status;
    dk_error err;
};

static void free_errand(struct errand *errand)
{
    struct worker_node *node = errand->node;
    for (size_t i = 0; i < NPARTS; i++)
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
    dk_task running = {.context = node->options.context,
                       .function = errand->function,
                       .cancel = &node->cancel,
                       .worker = node->address,
                       .scheduler = node->options.scheduler.text,
                       .raised = &errand->raised};
    DK_TRY(errand->function->call(&running, errand->args, NPARTS, &errand->result, &errand->err));
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

static void on_run(uv_work_t *work, int status)
{
    struct errand *errand = work->data;
    if (status != 0)
        errand->status = error_set(&errand->err, DK_ECANCELED, "it was not begun");
    errand->err.status = errand->status;
    if (errand->status == DK_OK || errand->raised.exception.count)
        answer(errand);
    else
        request_fail(errand->request, &errand->err);
    free_errand(errand);
}

/* ---- beginning ---- */

static dk_status take_parts(struct errand *errand)
{
    const struct wire_value *message = request_message(errand->request);
    for (size_t i = 0; i < NPARTS; i++) {
        const struct wire_value *part = wire_find(message, parts[i]);
        if (part && part->kind == WIRE_BIN)
            DK_TRY(
                value_bytes(errand->node->memory, part->as.bytes, part->count, &errand->args[i]));
    }
    return DK_OK;
}

bool worker_run_aside(struct worker_node *node, struct request *request)
{
    const struct function *function = registry_find(&node->options.context->registry, "python.run");
    struct errand *errand = function ? memory_calloc(node->memory, sizeof(*errand)) : NULL;
    if (!function)
        return false;
    if (!errand) {
        request_raise(request, "MemoryError", "out of memory");
        return true;
    }
    *errand = (struct errand){.node = node, .request = request, .function = function};
    errand->work.data = errand;
    vector_init(&errand->raised.exception, node->memory, 1);
    vector_init(&errand->raised.traceback, node->memory, 1);
    node->nopen++;
    errand->status = take_parts(errand);
    if (errand->status == DK_OK &&
        uv_queue_work(node->loop, &errand->work, run_in_thread, on_run) == 0)
        return true;
    errand->status = DK_ENOMEM;
    request_raise(request, "MemoryError", "out of memory");
    free_errand(errand);
    return true;
}
