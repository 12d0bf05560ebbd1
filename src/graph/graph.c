#include "graph/graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "graph/value.h"

dk_status dk_graph_new(dk_context *dk, dk_graph **out)
{
    dk_graph *graph = memory_calloc(dk->memory, sizeof(*graph));
    if (!graph)
        return DK_ENOMEM;
    graph->context = dk;
    graph->last_name = TASK_NONE;
    arena_init(&graph->arena, dk->memory);
    vector_init(&graph->names, dk->memory, sizeof(struct name));
    vector_init(&graph->tasks, dk->memory, sizeof(struct task));
    vector_init(&graph->args, dk->memory, sizeof(dk_value));
    *out = graph;
    return DK_OK;
}

static void slots_deinit(struct slots *slots, struct memory *memory)
{
    memory_free(memory, slots->at, slots->capacity * sizeof(*slots->at));
}

void dk_graph_free(dk_graph *graph)
{
    if (!graph)
        return;
    struct memory *memory = graph->context->memory;
    const dk_value *args = graph->args.data;
    for (size_t i = 0; i < graph->args.count; i++)
        dk_value_unref(args[i]);
    slots_deinit(&graph->task_slots, memory);
    slots_deinit(&graph->name_slots, memory);
    vector_deinit(&graph->args);
    vector_deinit(&graph->tasks);
    vector_deinit(&graph->names);
    arena_deinit(&graph->arena);
    memory_free(memory, graph, sizeof(*graph));
}

size_t dk_graph_ntasks(const dk_graph *graph)
{
    return graph->tasks.count;
}

/* Neighbouring indexes of a layer land in neighbouring slots, sixteen to a cache line: layers are
 * built and looked up in order. */
static size_t key_hash(const dk_graph *graph, uint32_t name, int64_t index)
{
    const struct name *names = graph->names.data;
    uint64_t line = hash_u64(names[name].hash + ((uint64_t)index >> 4));
    return (size_t)((line << 4) + ((uint64_t)index & 15));
}

static size_t task_hash(const dk_graph *graph, uint32_t id)
{
    const struct task *task = graph_task(graph, id);
    return key_hash(graph, task->name, task->index);
}

static size_t name_hash(const dk_graph *graph, uint32_t id)
{
    return (size_t)((const struct name *)graph->names.data)[id].hash;
}

/* A taken slot is passed by a line and one slot: keys of one line that meets another stay together
 * without walking through it, and an odd step comes to every slot. */
static size_t next_slot(const struct slots *slots, size_t at)
{
    return (at + 17) & (slots->capacity - 1);
}

static void insert(struct slots *slots, size_t hash, uint32_t id)
{
    size_t at = hash & (slots->capacity - 1);
    while (slots->at[at])
        at = next_slot(slots, at);
    slots->at[at] = id + 1;
    slots->used++;
}

/* Keeps the table at most half full. */
static dk_status make_room(const dk_graph *graph, struct slots *slots,
                           size_t (*hash_of)(const dk_graph *, uint32_t))
{
    if (slots->used * 2 < slots->capacity)
        return DK_OK;
    struct memory *memory = graph->context->memory;
    struct slots wider = {.capacity = slots->capacity ? slots->capacity * 4 : 64};
    wider.at = memory_calloc(memory, wider.capacity * sizeof(*wider.at));
    if (!wider.at)
        return DK_ENOMEM;
    for (uint32_t id = 0; id < slots->used; id++)
        insert(&wider, hash_of(graph, id), id);
    slots_deinit(slots, memory);
    *slots = wider;
    return DK_OK;
}

static uint32_t find_name(const dk_graph *graph, const char *text, uint64_t hash)
{
    const struct slots *slots = &graph->name_slots;
    const struct name *names = graph->names.data;
    if (!slots->capacity)
        return TASK_NONE;
    size_t at = hash & (slots->capacity - 1);
    for (; slots->at[at]; at = next_slot(slots, at)) {
        uint32_t id = slots->at[at] - 1;
        if (names[id].hash == hash && strcmp(names[id].text, text) == 0)
            return id;
    }
    return TASK_NONE;
}

static dk_status add_name(dk_graph *graph, const char *text, uint64_t hash, uint32_t *out)
{
    DK_TRY(make_room(graph, &graph->name_slots, name_hash));
    struct name name = {arena_strdup(&graph->arena, text), hash};
    if (!name.text)
        return DK_ENOMEM;
    DK_TRY(vector_append(&graph->names, &name, 1));
    *out = (uint32_t)(graph->names.count - 1);
    insert(&graph->name_slots, hash, *out);
    return DK_OK;
}

static dk_status intern(dk_graph *graph, const char *text, uint32_t *out)
{
    /* The same pointer may hold another text by now, so it is only a hint. */
    if (text == graph->last_name_pointer && graph->last_name != TASK_NONE) {
        const struct name *names = graph->names.data;
        if (strcmp(names[graph->last_name].text, text) == 0) {
            *out = graph->last_name;
            return DK_OK;
        }
    }
    uint64_t hash = hash_bytes(text, strlen(text));
    *out = find_name(graph, text, hash);
    if (*out == TASK_NONE)
        DK_TRY(add_name(graph, text, hash, out));
    graph->last_name_pointer = text;
    graph->last_name = *out;
    return DK_OK;
}

/* Where the task is, or would be: there is room. */
static uint32_t *find_slot(const dk_graph *graph, uint32_t name, int64_t index)
{
    const struct slots *slots = &graph->task_slots;
    size_t at = key_hash(graph, name, index) & (slots->capacity - 1);
    for (; slots->at[at]; at = next_slot(slots, at)) {
        const struct task *task = graph_task(graph, slots->at[at] - 1);
        if (task->index == index && task->name == name)
            break;
    }
    return &slots->at[at];
}

static dk_status add_task(dk_graph *graph, uint32_t name, int64_t index, uint32_t *slot)
{
    if (graph->tasks.count >= TASK_NONE - 1)
        return DK_EOVERFLOW;
    struct task *task = vector_push(&graph->tasks);
    if (!task)
        return DK_ENOMEM;
    *task = (struct task){.index = index, .name = name};
    *slot = (uint32_t)graph->tasks.count;
    graph->task_slots.used++;
    return DK_OK;
}

dk_status dk_graph_task(dk_graph *graph, dk_key key, dk_task_id *out)
{
    uint32_t name = 0;
    DK_TRY(intern(graph, key.name, &name));
    DK_TRY(make_room(graph, &graph->task_slots, task_hash));
    uint32_t *slot = find_slot(graph, name, key.index);
    if (!*slot)
        DK_TRY(add_task(graph, name, key.index, slot));
    out->id = *slot - 1;
    return DK_OK;
}

static const struct function *find_function(dk_graph *graph, const char *name)
{
    if (graph->last_function && strcmp(graph->last_function->name, name) == 0) {
        return graph->last_function;
    }
    const struct function *function = registry_find(&graph->context->registry, name);
    if (function)
        graph->last_function = function;
    return function;
}

static bool is_foreign(const dk_graph *graph, dk_value arg)
{
    return arg.kind == DK_KIND_TASK && arg.as.task >= graph->tasks.count;
}

static dk_status refuse_arg(const dk_graph *graph, dk_task_id id, dk_value arg, size_t number,
                            dk_error *err)
{
    char key[DK_ERROR_KEY_MAX];
    dk_graph_key_text(graph, id, key);
    if (is_foreign(graph, arg)) {
        return error_set(err, DK_EINVAL, "task %s: argument %zu is no task of this graph", key,
                         number);
    }
    return error_set(err, DK_EINVAL,
                     "task %s: argument %zu is a %s with a task inside, whose result would not be "
                     "filled in: pass tasks as arguments of their own",
                     key, number, dk_kind_name(arg.kind));
}

static dk_status define(dk_graph *graph, dk_task_id id, const char *function_name,
                        const dk_value *args, size_t nargs, dk_error *err)
{
    char key[DK_ERROR_KEY_MAX];
    const struct function *function = find_function(graph, function_name);
    if (!function) {
        dk_graph_key_text(graph, id, key);
        return error_set(err, DK_EKEY, "task %s: no function '%s' is registered", key,
                         function_name);
    }
    struct task *task = &((struct task *)graph->tasks.data)[id.id];
    if (task->function) {
        dk_graph_key_text(graph, id, key);
        return error_set(err, DK_EINVAL, "the graph has a task %s already", key);
    }
    for (size_t i = 0; i < nargs; i++) {
        if (is_foreign(graph, args[i]) || value_contains(args[i], DK_KIND_TASK))
            return refuse_arg(graph, id, args[i], i + 1, err);
    }
    uint64_t first_arg = graph->args.count;
    if (vector_append(&graph->args, args, nargs) != DK_OK)
        return error_nomem(err);
    task->function = function;
    task->first_arg = first_arg;
    task->nargs = (uint32_t)nargs;
    return DK_OK;
}

dk_status dk_graph_add(dk_graph *graph, dk_key key, const char *function, const dk_value *args,
                       size_t nargs, dk_task_id *out, dk_error *err)
{
    dk_task_id id = {TASK_NONE};
    dk_status status = dk_graph_task(graph, key, &id);
    if (status != DK_OK) {
        error_set(err, status, "cannot add task '%s': %s", key.name, dk_status_text(status));
    } else {
        status = define(graph, id, function, args, nargs, err);
    }
    if (status != DK_OK) {
        for (size_t i = 0; i < nargs; i++)
            dk_value_unref(args[i]);
        return status;
    }
    if (out)
        *out = id;
    return DK_OK;
}

void dk_graph_key_text(const dk_graph *graph, dk_task_id id, char out[DK_ERROR_KEY_MAX])
{
    const struct task *task = graph_task(graph, id.id);
    const char *name = graph_name(graph, task);
    if (task->index == DK_NO_INDEX) {
        snprintf(out, DK_ERROR_KEY_MAX, "%s", name);
    } else {
        snprintf(out, DK_ERROR_KEY_MAX, "('%.90s', %" PRId64 ")", name, task->index);
    }
}
