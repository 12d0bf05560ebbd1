/* Graphs for a scheduler of distributed 2022.12, which takes them flat: each task is its native
 * payload, as bytes that are none of that scheduler's business. Only cdask's workers are given
 * them. Source: distributed.scheduler.Scheduler.update_graph of 2022.12. */
#include "base/error.h"
#include "node/client/client.h"
#include "payload/task.h"

struct flat_graph {
    struct wire_builder builder;
    const struct outgoing_task *tasks;
    size_t ntasks;
};

/* {key: what `describe` says of the task} */
static struct wire_value map_tasks(struct flat_graph *graph,
                                   struct wire_value (*describe)(struct flat_graph *graph,
                                                                 const struct outgoing_task *task))
{
    struct wire_filling map = wire_begin_map(&graph->builder, graph->ntasks);
    for (size_t i = 0; i < graph->ntasks; i++)
        wire_put_key(&map, wire_packed(graph->tasks[i].key), describe(graph, &graph->tasks[i]));
    return wire_end_map(&map);
}

static struct wire_value map_to(struct flat_graph *graph, struct wire_value value)
{
    struct wire_filling map = wire_begin_map(&graph->builder, graph->ntasks);
    for (size_t i = 0; i < graph->ntasks; i++)
        wire_put_key(&map, wire_packed(graph->tasks[i].key), value);
    return wire_end_map(&map);
}

static struct wire_value list_keys(struct flat_graph *graph, const struct wire_bytes *keys,
                                   size_t count)
{
    struct wire_filling list = wire_begin_array(&graph->builder, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&list, wire_packed(keys[i]));
    return wire_end_array(&list);
}

static struct wire_value code_of(struct flat_graph *graph, const struct outgoing_task *task)
{
    (void)graph;
    return wire_bin(task->payload);
}

static struct wire_value dependencies_of(struct flat_graph *graph, const struct outgoing_task *task)
{
    return list_keys(graph, task->dependencies, task->ndependencies);
}

static struct wire_value order_of(struct flat_graph *graph, const struct outgoing_task *task)
{
    (void)graph;
    return wire_int(task->order);
}

static struct wire_value all_keys(struct flat_graph *graph)
{
    struct wire_filling list = wire_begin_array(&graph->builder, graph->ntasks);
    for (size_t i = 0; i < graph->ntasks; i++)
        wire_add(&list, wire_packed(graph->tasks[i].key));
    return wire_end_array(&list);
}

static void put_options(struct flat_graph *graph, struct wire_filling *map,
                        const dk_submit_options *options)
{
    wire_put(map, "user_priority", wire_int(options->priority));
    if (options->retries)
        wire_put(map, "retries", map_to(graph, wire_int(options->retries)));
    if (!options->nworkers)
        return;
    struct wire_filling workers = wire_begin_array(&graph->builder, options->nworkers);
    for (size_t i = 0; i < options->nworkers; i++)
        wire_add(&workers, wire_text(options->workers[i]));
    wire_put(map, "restrictions", map_to(graph, wire_end_array(&workers)));
    if (options->allow_other_workers)
        wire_put(map, "loose_restrictions", all_keys(graph));
}

static struct wire_value make_message(struct flat_graph *graph, const struct wire_bytes *wanted,
                                      size_t nwanted, const dk_submit_options *options)
{
    struct wire_filling map = wire_begin_map(&graph->builder, 10);
    wire_put(&map, "op", wire_text("update-graph"));
    wire_put(&map, "tasks", map_tasks(graph, code_of));
    wire_put(&map, "keys", list_keys(graph, wanted, nwanted));
    wire_put(&map, "dependencies", map_tasks(graph, dependencies_of));
    wire_put(&map, "priority", map_tasks(graph, order_of));
    wire_put(&map, "resources",
             map_to(graph, client_python_resources(&graph->builder, graph->tasks, graph->ntasks,
                                                   options)));
    if (options)
        put_options(graph, &map, options);
    return wire_end_map(&map);
}

dk_status client_send_flat_graph(dk_client *client, const struct outgoing_task *tasks,
                                 size_t ntasks, const struct wire_bytes *wanted, size_t nwanted,
                                 const dk_submit_options *options, dk_error *err)
{
    struct arena arena;
    arena_init(&arena, client->memory);
    struct flat_graph graph = {.builder.arena = &arena, .tasks = tasks, .ntasks = ntasks};
    struct wire_value message = make_message(&graph, wanted, nwanted, options);
    dk_status status = graph.builder.failed ? error_nomem(err) : client_send(client, &message, err);
    arena_deinit(&arena);
    return status;
}
