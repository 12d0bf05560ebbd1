/* Graphs for a scheduler in Python, which unpickles them: each task calls `bytes` with the native
 * payload, which cdask's workers find there. Python's own workers cannot run such a task, so tasks
 * may only go to workers that say they can: see PROTOCOL of distributed 2026, update-graph. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "node/client/client.h"
#include "payload/task.h"
#include "wire/build.h"
#include "wire/pack.h"
#include "wire/payload.h"
#include "wire/pickle.h"
#include "wire/unpack.h"

/* What Dask wants beside the graph: pickles of (), {} and of the annotations. */
struct extras {
    struct vector graph;       /* of char: the pickle of the expression */
    struct vector annotations; /* of char */
};

static dk_status pack_tasks(dk_client *client, struct vector *out,
                            const struct outgoing_task *tasks, size_t ntasks, struct arena *arena,
                            dk_error *err)
{
    char token[64];
    pthread_mutex_lock(&client->lock);
    uint64_t number = client->nsubmitted++;
    pthread_mutex_unlock(&client->lock);
    snprintf(token, sizeof(token), "%s-%" PRIu64, client->name, number);
    DK_TRY(pickle_expr_begin(out));
    for (size_t i = 0; i < ntasks; i++) {
        const struct outgoing_task *task = &tasks[i];
        struct wire_value key;
        struct wire_value *dependencies =
            arena_alloc(arena, task->ndependencies * sizeof(*dependencies));
        if (!dependencies)
            return error_nomem(err);
        DK_TRY(wire_unpack(arena, task->key, &key, err));
        for (size_t j = 0; j < task->ndependencies; j++)
            DK_TRY(wire_unpack(arena, task->dependencies[j], &dependencies[j], err));
        DK_TRY(pickle_expr_task(out, &key, task->payload, dependencies, task->ndependencies, err));
    }
    return pickle_expr_end(out, token);
}

/* The same as sets and maps of keys: what is wanted, and in which order to run. */
static struct wire_value list_wanted(struct wire_builder *builder, const struct wire_bytes *wanted,
                                     size_t nwanted)
{
    struct wire_filling keys = wire_begin_array(builder, nwanted);
    for (size_t i = 0; i < nwanted; i++)
        wire_add(&keys, wire_packed(wanted[i]));
    struct wire_value set = wire_end_array(&keys);
    set.kind = WIRE_SET;
    return set;
}

static struct wire_value list_priorities(struct wire_builder *builder,
                                         const struct outgoing_task *tasks, size_t ntasks)
{
    struct wire_filling map = wire_begin_map(builder, ntasks);
    for (size_t i = 0; i < ntasks; i++)
        wire_put_key(&map, wire_packed(tasks[i].key), wire_int(tasks[i].order));
    return wire_end_map(&map);
}

bool client_needs_python(const struct outgoing_task *tasks, size_t ntasks)
{
    for (size_t i = 0; i < ntasks; i++)
        if (payload_needs_python(tasks[i].payload))
            return true;
    return false;
}

struct wire_value client_python_resources(struct wire_builder *builder,
                                          const struct outgoing_task *tasks, size_t ntasks,
                                          const dk_submit_options *options)
{
    size_t nresources = options ? options->nresources : 0;
    struct wire_filling resources = wire_begin_map(builder, nresources + 2);
    wire_put(&resources, RESOURCE_NATIVE, wire_int(1));
    if (client_needs_python(tasks, ntasks))
        wire_put(&resources, RESOURCE_PYTHON, wire_int(1));
    for (size_t i = 0; i < nresources; i++)
        wire_put(&resources, options->resources[i], wire_float(options->amounts[i]));
    return wire_end_map(&resources);
}

static struct wire_value describe_options(struct wire_builder *builder,
                                          const struct outgoing_task *tasks, size_t ntasks,
                                          const dk_submit_options *options)
{
    struct wire_filling map = wire_begin_map(builder, 5);
    if (options && options->priority)
        wire_put(&map, "priority", wire_int(options->priority));
    if (options && options->retries)
        wire_put(&map, "retries", wire_int(options->retries));
    if (options && options->nworkers) {
        struct wire_filling workers = wire_begin_array(builder, options->nworkers);
        for (size_t i = 0; i < options->nworkers; i++)
            wire_add(&workers, wire_text(options->workers[i]));
        wire_put(&map, "workers", wire_end_array(&workers));
        wire_put(&map, "allow_other_workers", wire_bool(options->allow_other_workers));
    }
    wire_put(&map, "resources", client_python_resources(builder, tasks, ntasks, options));
    return wire_end_map(&map);
}

/* A __Pickled__ of a pickle without buffers. */
static struct wire_value pickled(struct wire_builder *builder, struct wire_payload *payload,
                                 struct wire_bytes pickle)
{
    struct vector header, frames;
    struct wire_filling map = wire_begin_map(builder, 3);
    wire_put(&map, "pickled-obj", wire_bin(pickle));
    wire_put(&map, "compression", wire_array(NULL, 0));
    wire_put(&map, "num-sub-frames", wire_int(0));
    struct wire_value value = wire_end_map(&map);
    vector_init(&header, builder->arena->memory, 1);
    vector_init(&frames, builder->arena->memory, sizeof(struct wire_bytes));
    if (wire_pack(&header, &frames, &value, NULL) == DK_OK) {
        char *copy = arena_text(builder->arena, header.data, header.count);
        *payload = (struct wire_payload){{copy, header.count}, NULL, 0};
        builder->failed |= !copy;
    } else {
        builder->failed = true;
    }
    vector_deinit(&header);
    return (struct wire_value){.kind = WIRE_PICKLED, .as.payload = payload};
}

static dk_status send_parts(dk_client *client, struct wire_builder *builder,
                            const struct extras *extras, const struct made_payload *graph,
                            struct wire_value keys, struct wire_value priorities, dk_error *err)
{
    static const struct wire_bytes no_code = {"\x80\x04).", 4}, no_spans = {"\x80\x04}.", 4};
    struct wire_payload payloads[3];
    struct wire_filling map = wire_begin_map(builder, 10);
    wire_put(&map, "op", wire_text("update-graph"));
    wire_put(&map, "expr_ser",
             (struct wire_value){.kind = WIRE_SERIALIZED, .as.payload = &graph->payload});
    wire_put(&map, "keys", keys);
    wire_put(&map, "internal_priority", priorities);
    wire_put(&map, "submitting_task", wire_nil());
    wire_put(&map, "fifo_timeout", wire_text("0ms"));
    wire_put(&map, "actors", wire_nil());
    wire_put(&map, "code", pickled(builder, &payloads[0], no_code));
    wire_put(&map, "annotations",
             pickled(builder, &payloads[1],
                     (struct wire_bytes){extras->annotations.data, extras->annotations.count}));
    wire_put(&map, "span_metadata", pickled(builder, &payloads[2], no_spans));
    struct wire_value message = wire_end_map(&map);
    return builder->failed ? error_nomem(err) : client_send(client, &message, err);
}

static dk_status send_graph(dk_client *client, struct wire_builder *builder, struct extras *extras,
                            const struct outgoing_task *tasks, size_t ntasks,
                            const struct wire_bytes *wanted, size_t nwanted,
                            const dk_submit_options *options, dk_error *err)
{
    struct made_payload graph;
    struct wire_entry header[] = {{wire_text("serializer"), wire_text("pickle")},
                                  {wire_text("writeable"), wire_array(NULL, 0)}};
    struct wire_value described = describe_options(builder, tasks, ntasks, options);
    DK_TRY(pack_tasks(client, &extras->graph, tasks, ntasks, builder->arena, err));
    DK_TRY(pickle_pack(&extras->annotations, &described, err));
    struct wire_bytes frame = {extras->graph.data, extras->graph.count};
    DK_TRY(payload_make(client->memory, header, 2, &frame, 1, CODEC_NONE, &graph, err));
    dk_status status =
        send_parts(client, builder, extras, &graph, list_wanted(builder, wanted, nwanted),
                   list_priorities(builder, tasks, ntasks), err);
    made_payload_deinit(&graph);
    return status;
}

dk_status client_send_python_graph(dk_client *client, const struct outgoing_task *tasks,
                                   size_t ntasks, const struct wire_bytes *wanted, size_t nwanted,
                                   const dk_submit_options *options, dk_error *err)
{
    struct arena arena;
    struct extras extras;
    arena_init(&arena, client->memory);
    vector_init(&extras.graph, client->memory, 1);
    vector_init(&extras.annotations, client->memory, 1);
    struct wire_builder builder = {.arena = &arena};
    dk_status status =
        send_graph(client, &builder, &extras, tasks, ntasks, wanted, nwanted, options, err);
    vector_deinit(&extras.graph);
    vector_deinit(&extras.annotations);
    arena_deinit(&arena);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}
