#include "wire/pickle_graph.h"

#include "base/error.h"
#include "wire/pickle_map.h"
#include "wire/pickle_part.h"
#include "wire/pickle_references.h"

static const char spec_module[] = "dask._task_spec";

static dk_status refuse(dk_error *err, const struct pickle_node *class)
{
    struct wire_bytes name = {"?", 1};
    if (class && class->kind == PICKLE_GLOBAL)
        name = class->parts[1]->bytes;
    return error_set(err, DK_ENOTSUP,
                     "cdask's scheduler takes client.submit, client.map and client.get of a dict "
                     "from Python clients, but no collections yet (%.*s)",
                     name.nbytes < 64 ? (int)name.nbytes : 64, name.data);
}

/* ---- graphs in dicts ---- */

/* No node of Dask's but a value, a tuple with a function in front, a bare key. */
static bool is_bare(const struct pickle_graph_task *task)
{
    return !pickle_node_is_task(task->value);
}

static dk_status look_at_task(struct pickle_graph *graph, struct pickle_graph_task *task,
                              struct pickle_keys *names)
{
    struct pickle_references references;
    bool is_one = false;
    pickle_references_init(&references, &graph->tree, names);
    dk_status status = pickle_references_of_node(&references, task->value, &is_one);
    if (status == DK_OK && !is_one)
        status = pickle_references_look(&references, task->value);
    if (status == DK_OK)
        status = pickle_references_take(&references, &task->dependencies, &task->ndependencies);
    pickle_references_deinit(&references);
    return status;
}

static dk_status read_names(struct pickle_graph *graph, struct pickle_node *const *parts,
                            struct pickle_keys *names)
{
    for (uint32_t i = 0; i < graph->ntasks; i++) {
        struct pickle_graph_task *task = &graph->tasks[i];
        DK_TRY(pickle_key_read(graph->tree.arena, parts[2 * i], &task->key));
        DK_TRY(pickle_keys_add(names, task->key));
        task->value = parts[2 * i + 1];
    }
    return DK_OK;
}

/* A key that stands for itself is the result of a task that is known already. */
static bool is_itself(const struct pickle_graph_task *task)
{
    const struct pickle_node *value = task->value;
    if (!task->ndependencies || value->kind == PICKLE_NEW)
        return false;
    bool is_alias =
        value->kind == PICKLE_TEXT || value->kind == PICKLE_PLAIN || value->kind == PICKLE_CALL;
    const struct wire_value *target = &task->dependencies[0];
    return is_alias && task->ndependencies == 1 && target->kind == WIRE_TEXT &&
           task->key.kind == WIRE_TEXT && target->count == task->key.count &&
           memcmp(target->as.bytes, task->key.as.bytes, target->count) == 0;
}

static dk_status read_tasks(struct pickle_graph *graph, struct pickle_node *const *parts)
{
    struct pickle_keys names;
    uint32_t kept = 0;
    pickle_keys_init(&names, graph->tree.arena);
    dk_status status = read_names(graph, parts, &names);
    for (uint32_t i = 0; i < graph->ntasks && status == DK_OK; i++) {
        struct pickle_graph_task *task = &graph->tasks[i];
        status = look_at_task(graph, task, is_bare(task) ? &names : NULL);
        if (status == DK_OK && !is_itself(task))
            graph->tasks[kept++] = *task;
    }
    graph->ntasks = kept;
    pickle_keys_deinit(&names);
    return status;
}

static dk_status read_dict(struct pickle_graph *graph, const struct pickle_node *dict,
                           dk_error *err)
{
    struct vector items;
    struct arena *arena = graph->tree.arena;
    if (!dict || dict->kind != PICKLE_DICT)
        return error_set(err, DK_ENOTSUP, "a graph that is no dict");
    vector_init(&items, arena->memory, sizeof(struct pickle_node *));
    dk_status status = pickle_node_items(dict, &items);
    if (status == DK_OK) {
        graph->ntasks = (uint32_t)(items.count / 2);
        graph->tasks = arena_calloc(arena, graph->ntasks * sizeof(*graph->tasks));
        status = graph->tasks ? read_tasks(graph, items.data) : DK_ENOMEM;
    }
    vector_deinit(&items);
    if (status == DK_OK)
        return DK_OK;
    return status == DK_ENOMEM
               ? error_nomem(err)
               : error_set(err, DK_ENOTSUP, "a graph with a key or a reference that is none");
}

dk_status pickle_graph_read(struct pickle_graph *graph, struct arena *arena,
                            struct wire_bytes pickle, const struct wire_bytes *buffers,
                            uint32_t nbuffers, dk_error *err)
{
    *graph = (struct pickle_graph){.buffers = buffers};
    DK_TRY(pickle_tree_read(&graph->tree, arena, pickle, err));
    if (graph->tree.nbuffers > nbuffers)
        return error_set(err, DK_EPARSE, "a pickle of %u buffers came with %u",
                         graph->tree.nbuffers, nbuffers);
    const struct pickle_node *call = graph->tree.root;
    if (!pickle_node_is_call(call, "dask._expr", "Expr._reconstruct"))
        return error_set(err, DK_EPARSE, "this is no pickle of a Dask expression");
    const struct pickle_node *class = pickle_node_arg(call, 0);
    if (pickle_node_is_global(class, "dask._expr", "LLGExpr"))
        return read_dict(graph, pickle_node_arg(call, 1), err);
    if (pickle_node_is_global(class, "distributed.client", "_MapExpr"))
        return pickle_map_read(graph, call, err);
    return refuse(err, class);
}

/* ---- writing ---- */

/* convert_legacy_graph({key: value}, {dependency, ...})[key] */
static dk_status put_bare(struct pickle_part *part, const struct pickle_graph_task *task)
{
    struct pickler *pickler = &part->pickler;
    pickler_global(pickler, "_operator", "getitem");
    pickler_global(pickler, spec_module, "convert_legacy_graph");
    pickler_op(pickler, OP_EMPTY_DICT);
    DK_TRY(pickler_key(pickler, &task->key));
    DK_TRY(pickle_part_put(part, task->value));
    pickler_ops(pickler, OP_SETITEM, OP_MARK);
    for (uint32_t i = 0; i < task->ndependencies; i++)
        DK_TRY(pickler_key(pickler, &task->dependencies[i]));
    pickler_ops(pickler, OP_FROZENSET, OP_TUPLE2);
    pickler_op(pickler, OP_REDUCE);
    DK_TRY(pickler_key(pickler, &task->key));
    pickler_ops(pickler, OP_TUPLE2, OP_REDUCE);
    return DK_OK;
}

dk_status pickle_graph_write(struct pickle_graph *graph, uint32_t i, struct vector *out,
                             struct vector *buffers, dk_error *err)
{
    struct pickle_part part;
    const struct pickle_graph_task *task = &graph->tasks[i];
    pickle_part_begin(&part, &graph->tree, out, buffers, err);
    if (graph->map)
        DK_TRY(pickle_map_write(graph, i, &part));
    else if (is_bare(task))
        DK_TRY(put_bare(&part, task));
    else
        DK_TRY(pickle_part_put(&part, task->value));
    return pickle_part_end(&part);
}
