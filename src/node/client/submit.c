/* Tasks on their way to the scheduler. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "node/client/client.h"
#include "payload/plain.h"
#include "payload/task.h"
#include "payload/value.h"
#include "wire/build.h"

/* ---- graphs ---- */

static struct wire_value list_keys(struct wire_builder *builder, const struct wire_bytes *keys,
                                   size_t count)
{
    struct wire_filling array = wire_begin_array(builder, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&array, wire_packed(keys[i]));
    return wire_end_array(&array);
}

static struct wire_value list_tasks(struct wire_builder *builder, const struct outgoing_task *tasks,
                                    size_t ntasks)
{
    struct wire_filling array = wire_begin_array(builder, ntasks);
    for (size_t i = 0; i < ntasks; i++) {
        const struct outgoing_task *task = &tasks[i];
        struct wire_filling parts = wire_begin_array(builder, 6);
        wire_add(&parts, wire_packed(task->key));
        wire_add(&parts, list_keys(builder, task->dependencies, task->ndependencies));
        wire_add(&parts, wire_int(task->order));
        wire_add(&parts, wire_bin(task->payload));
        if (payload_needs_python(task->payload)) {
            wire_add(&parts, wire_nil());
            wire_add(&parts, wire_bool(true));
        }
        wire_add(&array, wire_end_array(&parts));
    }
    return wire_end_array(&array);
}

static void put_options(struct wire_builder *builder, struct wire_filling *map,
                        const dk_submit_options *options)
{
    wire_put(map, "priority", wire_int(options->priority));
    wire_put(map, "retries", wire_int(options->retries));
    if (options->nworkers) {
        struct wire_filling workers = wire_begin_array(builder, options->nworkers);
        for (size_t i = 0; i < options->nworkers; i++)
            wire_add(&workers, wire_text(options->workers[i]));
        wire_put(map, "workers", wire_end_array(&workers));
        wire_put(map, "allow_other_workers", wire_bool(options->allow_other_workers));
    }
    if (options->nresources) {
        struct wire_filling resources = wire_begin_map(builder, options->nresources);
        for (size_t i = 0; i < options->nresources; i++)
            wire_put(&resources, options->resources[i], wire_float(options->amounts[i]));
        wire_put(map, "resources", wire_end_map(&resources));
    }
}

dk_status client_send_graph(dk_client *client, const struct outgoing_task *tasks, size_t ntasks,
                            const struct wire_bytes *wanted, size_t nwanted,
                            const dk_submit_options *options, dk_error *err)
{
    struct arena arena;
    if (client->scheduler.dialect != DIALECT_NATIVE)
        DK_TRY(client_check_runners(client, tasks, ntasks, err));
    if (client->scheduler.dialect == DIALECT_2022)
        return client_send_flat_graph(client, tasks, ntasks, wanted, nwanted, options, err);
    if (client->scheduler.dialect != DIALECT_NATIVE)
        return client_send_python_graph(client, tasks, ntasks, wanted, nwanted, options, err);
    arena_init(&arena, client->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling map = wire_begin_map(&builder, 8);
    wire_put(&map, "op", wire_text("update-graph-native"));
    wire_put(&map, "tasks", list_tasks(&builder, tasks, ntasks));
    wire_put(&map, "keys", list_keys(&builder, wanted, nwanted));
    if (options)
        put_options(&builder, &map, options);
    struct wire_value message = wire_end_map(&map);
    dk_status status = builder.failed ? error_nomem(err) : client_send(client, &message, err);
    arena_deinit(&arena);
    return status;
}

/* ---- one task ---- */

/* Made up unless the caller has chosen one. */
static dk_status name_task(dk_client *client, const char *function,
                           const dk_submit_options *options, struct vector *out)
{
    char name[256];
    pthread_mutex_lock(&client->lock);
    uint64_t number = client->nsubmitted++;
    pthread_mutex_unlock(&client->lock);
    if (options && options->key)
        return payload_pack_key(dk_key_text(options->key), out);
    snprintf(name, sizeof(name), "%.128s-%s-%" PRIu64, function, client->name + strlen("Client-"),
             number);
    return payload_pack_key(dk_key_text(name), out);
}

struct submission {
    struct vector key;          /* of char */
    struct vector dependencies; /* of struct wire_bytes */
    struct vector payload;      /* of char */
};

static dk_status pack(dk_client *client, struct submission *submission, const char *function,
                      const dk_value *args, size_t nargs, dk_error *err)
{
    for (size_t i = 0; i < nargs; i++)
        if (args[i].kind == DK_KIND_TASK && args[i].as.task >= submission->dependencies.count)
            return error_set(err, DK_EINVAL, "argument %zu is future %u, and there are %zu", i,
                             args[i].as.task, submission->dependencies.count);
    return payload_pack_task(client->dk, function, args, nargs, submission->dependencies.data,
                             &submission->payload, err);
}

static dk_status submit(dk_client *client, struct submission *submission,
                        const dk_submit_options *options, dk_future **out, dk_error *err)
{
    struct wire_bytes key = {submission->key.data, submission->key.count};
    struct outgoing_task task = {.key = key,
                                 .dependencies = submission->dependencies.data,
                                 .ndependencies = submission->dependencies.count,
                                 .payload = {submission->payload.data, submission->payload.count}};
    dk_future *future;
    if (future_new(client, key, &future) != DK_OK)
        return error_nomem(err);
    dk_status status = client_send_graph(client, &task, 1, &key, 1, options, err);
    if (status == DK_OK)
        *out = future;
    else
        dk_future_free(future);
    return status;
}

dk_status dk_client_submit(dk_client *client, const char *function, const dk_value *args,
                           size_t nargs, dk_future *const *futures, size_t nfutures,
                           const dk_submit_options *options, dk_future **out, dk_error *err)
{
    struct submission submission;
    dk_status status = DK_OK;
    vector_init(&submission.key, client->memory, 1);
    vector_init(&submission.dependencies, client->memory, sizeof(struct wire_bytes));
    vector_init(&submission.payload, client->memory, 1);
    for (size_t i = 0; i < nfutures && status == DK_OK; i++) {
        struct wire_bytes key = futures[i]->key;
        status = vector_append(&submission.dependencies, &key, 1);
    }
    if (status == DK_OK)
        status = name_task(client, function, options, &submission.key);
    if (status == DK_OK)
        status = pack(client, &submission, function, args, nargs, err);
    else
        error_nomem(err);
    if (status == DK_OK)
        status = submit(client, &submission, options, out, err);
    vector_deinit(&submission.key);
    vector_deinit(&submission.dependencies);
    vector_deinit(&submission.payload);
    return status;
}

/* ---- somebody's key ---- */

/* `whose` is a client of the scheduler's. */
static dk_status desire(dk_client *client, const char *whose, struct wire_bytes key, dk_error *err)
{
    struct wire_value item = wire_packed(key);
    struct wire_entry fields[] = {{wire_text("op"), wire_text("client-desires-keys")},
                                  {wire_text("keys"), wire_array(&item, 1)},
                                  {wire_text("client"), wire_text(whose)}};
    struct wire_value message = wire_map(fields, 3);
    return client_send(client, &message, err);
}

dk_status future_of_key(dk_client *client, struct wire_bytes key, dk_future **out, dk_error *err)
{
    dk_future *future = NULL;
    if (future_new(client, key, &future) != DK_OK)
        return error_nomem(err);
    dk_status status = desire(client, client->name, key, err);
    if (status == DK_OK)
        *out = future;
    else
        dk_future_free(future);
    return status;
}

dk_status dk_client_fire_and_forget(dk_client *client, dk_future *future, dk_error *err)
{
    return desire(client, "fire-and-forget", future->key, err);
}

/* The canonical bytes of a key that is given as a value. */
static dk_status pack_value_key(dk_client *client, dk_value key, struct vector *out, dk_error *err)
{
    struct arena arena;
    struct vector none; /* there are no objects in it */
    struct wire_value plain;
    arena_init(&arena, client->memory);
    vector_init(&none, client->memory, sizeof(dk_value));
    struct plain_packer packer = {.dk = client->dk, .arena = &arena, .owned = &none, .err = err};
    dk_status status = plain_pack(&packer, key, &plain);
    if (status == DK_OK)
        status = key_pack(&plain, out, err);
    vector_deinit(&none);
    arena_deinit(&arena);
    return status == DK_EPARSE ? DK_EINVAL : status;
}

dk_status dk_client_future(dk_client *client, dk_value key, dk_future **out, dk_error *err)
{
    struct vector packed;
    vector_init(&packed, client->memory, 1);
    dk_status status = pack_value_key(client, key, &packed, err);
    if (status == DK_OK)
        status = future_of_key(client, (struct wire_bytes){packed.data, packed.count}, out, err);
    vector_deinit(&packed);
    return status;
}

/* ---- data ---- */

static dk_status send_value(dk_client *client, struct wire_bytes key,
                            const struct payload_value *packed, bool broadcast, dk_error *err)
{
    struct wire_entry data = {wire_packed(key), payload_wire(packed)};
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("scatter")},
        {wire_text("data"), wire_map(&data, 1)},
        {wire_text("workers"), wire_nil()},
        {wire_text("client"), wire_text(client->name)},
        {wire_text("broadcast"), wire_bool(broadcast)},
        {wire_text("timeout"), wire_float(30)},
    };
    struct wire_value message = wire_map(fields, 6);
    struct wait_limit limit = limit_begin(NULL);
    struct message answer;
    DK_TRY(client_ask(client, &message, &limit, &answer, err));
    message_deinit(&answer);
    return DK_OK;
}

dk_status dk_client_scatter(dk_client *client, dk_value value, bool broadcast, dk_future **out,
                            dk_error *err)
{
    struct vector key;
    struct payload_value packed;
    dk_future *future = NULL;
    DK_TRY(payload_pack_value(client->dk, value, &packed, err));
    vector_init(&key, client->memory, 1);
    dk_status status = name_task(client, dk_kind_name(value.kind), NULL, &key);
    struct wire_bytes name = {key.data, key.count};
    if (status == DK_OK)
        status = future_new(client, name, &future);
    if (status != DK_OK)
        error_nomem(err);
    else
        status = send_value(client, name, &packed, broadcast, err);
    if (status == DK_OK)
        *out = future;
    else
        dk_future_free(future);
    vector_deinit(&key);
    payload_value_deinit(&packed);
    return status;
}
