#include "frame/delayed.h"

#include <stdio.h>

#include "frame/build.h"
#include "graph/graph.h"
#include "graph/value.h"

/* ---- building ---- */

/* A lazy argument travels as an object that only dk_delayed() looks into: a frame that it holds. */
static void free_lazy(void *object)
{
    dk_frame frame = *(dk_frame *)object;
    struct memory *memory = frame.dk->memory;
    memory_free(memory, object, sizeof(frame));
    dk_forget(frame);
}

static const dk_object_type lazy_object = {.name = "lazy", .free = free_lazy};

dk_value dk_lazy(dk_frame frame)
{
    struct memory *memory = frame.dk->memory;
    dk_value nomem = dk_value_task((dk_task_id){TASK_NONE}); /* which dk_delayed() knows */
    dk_value value = dk_value_null();
    dk_frame *lazy = memory_alloc(memory, sizeof(*lazy));
    if (!lazy)
        return nomem;
    *lazy = frame;
    frame_hold(frame);
    return value_object(memory, &lazy_object, lazy, &value) == DK_OK ? value : nomem;
}

static const struct dk_expression *lazy_of(dk_value value)
{
    const dk_frame *lazy = dk_value_as_object(value, &lazy_object);
    return lazy ? lazy->expression : NULL;
}

const dk_value *value_find_lazy(const dk_value *value)
{
    if (value->kind == DK_KIND_TASK || lazy_of(*value))
        return value;
    if (!value_contains(*value, DK_KIND_TASK) && !value_contains(*value, DK_KIND_OBJECT))
        return NULL;
    size_t n = 0;
    const dk_value *items = dk_value_items(*value, &n);
    const dk_value *found = NULL;
    for (size_t i = 0; i < n && !found; i++)
        found = value_find_lazy(&items[i]);
    return found;
}

/* `kept` and `lazy` are scratch: lazy arguments get a number in `lazy` and are kept as
 * DK_KIND_TASK. */
static dk_frame build_into(dk_context *dk, const struct function *function, const dk_value *args,
                           size_t nargs, dk_value *kept, const struct dk_expression **lazy)
{
    struct call call = {.function = function, .args = kept, .nargs = nargs, .lazy = lazy};
    for (size_t i = 0; i < nargs; i++) {
        kept[i] = args[i];
        if (!lazy_of(args[i]))
            continue;
        kept[i] = dk_value_task((dk_task_id){(uint32_t)call.nlazy});
        lazy[call.nlazy++] = lazy_of(args[i]);
    }
    call.number = next_call(dk->expressions);
    return frame_intern(dk, &(struct dk_expression){.shape = SHAPE_DELAYED, .call = &call});
}

static dk_frame build(dk_context *dk, const struct function *function, const dk_value *args,
                      size_t nargs)
{
    dk_value *kept = memory_calloc(dk->memory, nargs * sizeof(*kept));
    const struct dk_expression **lazy = memory_calloc(dk->memory, nargs * sizeof(*lazy));
    dk_frame frame =
        kept && lazy ? build_into(dk, function, args, nargs, kept, lazy) : frame_nomem(dk);
    memory_free(dk->memory, lazy, nargs * sizeof(*lazy));
    memory_free(dk->memory, kept, nargs * sizeof(*kept));
    return frame;
}

static const dk_value *first_task(const dk_value *args, size_t nargs)
{
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind == DK_KIND_TASK)
            return &args[i];
    }
    return NULL;
}

/* What would be lazy inside an argument that is not. */
static const dk_value *first_inside(const dk_value *args, size_t nargs)
{
    for (size_t i = 0; i < nargs; i++) {
        const dk_value *found = value_find_lazy(&args[i]);
        if (found && found != &args[i])
            return found;
    }
    return NULL;
}

static const dk_error *first_error(const dk_value *args, size_t nargs)
{
    for (size_t i = 0; i < nargs; i++) {
        const struct dk_expression *lazy = lazy_of(args[i]);
        if (lazy && lazy->error)
            return lazy->error;
    }
    return NULL;
}

/* Takes the arguments. */
static dk_frame call_of(dk_context *dk, const char *name, const dk_value *args, size_t nargs)
{
    const struct function *function = registry_find(&dk->registry, name);
    const dk_error *error = first_error(args, nargs);
    const dk_value *task = first_task(args, nargs);
    const dk_value *inside = task ? task : first_inside(args, nargs);
    dk_frame frame;
    if (!function) {
        frame = frame_fail(dk, DK_EKEY, "no task function '%s' is registered", name);
    } else if (error) {
        frame = frame_error(dk, error);
    } else if (inside && inside->kind == DK_KIND_TASK && inside->as.task == TASK_NONE) {
        frame = frame_nomem(dk);
    } else if (task) {
        frame = frame_fail(dk, DK_EINVAL, "%s: a task of a graph cannot be an argument", name);
    } else if (inside) {
        frame = frame_fail(dk, DK_EINVAL,
                           "%s: an argument has a lazy value inside, which would not be computed: "
                           "pass lazy values as arguments of their own",
                           name);
    } else {
        frame = build(dk, function, args, nargs);
    }
    bool taken = !frame.expression->error;
    for (size_t i = 0; i < nargs; i++) {
        if (!taken || lazy_of(args[i]))
            dk_value_unref(args[i]);
    }
    return frame;
}

dk_frame dk_delayed(dk_context *dk, const char *name, const dk_value *args, size_t nargs)
{
    building_begin(dk);
    return hand_out(call_of(dk, name, args, nargs));
}

/* ---- lowering ---- */

/* The calls still to be lowered are a heap, the newest on top. A call is newer than what it uses,
 * so by the time it is on top all who use it have been there. */
static dk_status heap_push(struct vector *heap, const struct dk_expression *expression)
{
    DK_TRY(vector_append(heap, &expression, 1));
    const struct dk_expression **at = heap->data;
    size_t i = heap->count - 1;
    for (; i > 0 && at[(i - 1) / 2]->call->number < expression->call->number; i = (i - 1) / 2)
        at[i] = at[(i - 1) / 2];
    at[i] = expression;
    return DK_OK;
}

static const struct dk_expression *heap_pop(struct vector *heap)
{
    const struct dk_expression **at = heap->data;
    const struct dk_expression *newest = at[0];
    const struct dk_expression *last = at[--heap->count];
    size_t i = 0;
    for (size_t child = 1; child < heap->count; child = 2 * i + 1) {
        if (child + 1 < heap->count && at[child + 1]->call->number > at[child]->call->number)
            child++;
        if (at[child]->call->number <= last->call->number)
            break;
        at[i] = at[child];
        i = child;
    }
    at[i] = last;
    return newest;
}

static dk_status lower_call(struct lowering *lowering, struct vector *pending, struct vector *calls,
                            const struct dk_expression *expression, dk_error *err)
{
    size_t nlazy = expression->call->nlazy;
    struct lowered_call lowered = {.expression = expression};
    lowered.places = arena_calloc(&lowering->arena, (nlazy + 1) * sizeof(*lowered.places));
    if (!lowered.places)
        return DK_ENOMEM;
    for (size_t i = 0; i < nlazy; i++) {
        const struct dk_expression *lazy = expression->call->lazy[i];
        if (lazy->shape == SHAPE_DELAYED) {
            DK_TRY(heap_push(pending, lazy));
        } else if (lazy->shape == SHAPE_GROUPBY || lazy->shape == SHAPE_LITERAL) {
            return error_set(err, DK_EINVAL, "%s: a groupby or literal cannot be an argument",
                             expression->call->function->name);
        } else {
            DK_TRY(lower_frame(lowering, lazy, &lowered.places[i]));
        }
    }
    return vector_append(calls, &lowered, 1);
}

/* A call that several others use is in the heap several times, one after the other on top. */
static dk_status lower_pending(struct lowering *lowering, struct vector *pending,
                               struct vector *calls, dk_error *err)
{
    const struct dk_expression *previous = NULL;
    while (pending->count) {
        const struct dk_expression *expression = heap_pop(pending);
        if (expression == previous)
            continue;
        DK_TRY(lower_call(lowering, pending, calls, expression, err));
        previous = expression;
    }
    return DK_OK;
}

dk_status delayed_lower(struct lowering *lowering, struct vector *calls, const dk_frame *frames,
                        size_t nframes, dk_error *err)
{
    struct vector pending; /* const struct dk_expression * */
    vector_init(&pending, lowering->memory, sizeof(const struct dk_expression *));
    dk_status status = DK_OK;
    for (size_t i = 0; i < nframes && status == DK_OK; i++) {
        if (frames[i].expression->shape == SHAPE_DELAYED)
            status = heap_push(&pending, frames[i].expression);
    }
    if (status == DK_OK)
        status = lower_pending(lowering, &pending, calls, err);
    vector_deinit(&pending);
    return status;
}

/* `calls` has the newest first. */
static struct lowered_call *find(const struct vector *calls, const struct dk_expression *expression)
{
    struct lowered_call *all = calls->data;
    size_t first = 0;
    size_t last = calls->count - 1;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        if (all[middle].expression->call->number > expression->call->number) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    return &all[first];
}

/* `args` is scratch for the arguments with tasks in place of lazy ones. */
static dk_status emit_into(struct lowering *lowering, const struct vector *calls,
                           struct lowered_call *lowered, dk_value *args, dk_graph *graph,
                           dk_error *err)
{
    const struct call *call = lowered->expression->call;
    for (size_t i = 0; i < call->nargs; i++) {
        args[i] = dk_value_ref(call->args[i]);
        if (args[i].kind != DK_KIND_TASK)
            continue;
        uint32_t number = args[i].as.task;
        const struct dk_expression *lazy = call->lazy[number];
        bool is_call = lazy->shape == SHAPE_DELAYED;
        args[i] = dk_value_task(is_call ? delayed_task(calls, lazy)
                                        : lower_task(lowering, lowered->places[number]));
    }
    dk_key key = dk_key_at(call->function->name, (int64_t)call->number);
    return dk_graph_add(graph, key, call->function->name, args, call->nargs, &lowered->task, err);
}

dk_status delayed_emit(struct lowering *lowering, struct vector *calls, dk_graph *graph,
                       dk_error *err)
{
    struct lowered_call *all = calls->data;
    for (size_t i = calls->count; i-- > 0;) {
        size_t nbytes = all[i].expression->call->nargs * sizeof(dk_value);
        dk_value *args = memory_calloc(lowering->memory, nbytes);
        if (!args)
            return error_nomem(err);
        dk_status status = emit_into(lowering, calls, &all[i], args, graph, err);
        memory_free(lowering->memory, args, nbytes);
        DK_TRY(status);
    }
    return DK_OK;
}

dk_task_id delayed_task(const struct vector *calls, const struct dk_expression *expression)
{
    return find(calls, expression)->task;
}
