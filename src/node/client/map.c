/* The same function for many arguments: all tasks in one message. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "node/client/client.h"
#include "payload/task.h"

struct mapping {
    dk_client *client;
    struct arena arena; /* keys and payloads */
    struct vector scratch;
    struct wire_bytes *keys;
    struct outgoing_task *tasks;
    char prefix[192];
};

static dk_status keep(struct mapping *mapping, struct wire_bytes *out)
{
    char *copy = arena_alloc(&mapping->arena, mapping->scratch.count);
    if (!copy)
        return DK_ENOMEM;
    memcpy(copy, mapping->scratch.data, mapping->scratch.count);
    *out = (struct wire_bytes){copy, mapping->scratch.count};
    return DK_OK;
}

static void name_tasks(struct mapping *mapping, const char *function)
{
    dk_client *client = mapping->client;
    pthread_mutex_lock(&client->lock);
    uint64_t number = client->nsubmitted++;
    pthread_mutex_unlock(&client->lock);
    snprintf(mapping->prefix, sizeof(mapping->prefix), "%.128s-%.16s-%" PRIu64, function,
             client->name + strlen("Client-"), number);
}

static dk_status pack(struct mapping *mapping, size_t i, const char *function, const dk_value *arg,
                      dk_error *err)
{
    dk_client *client = mapping->client;
    struct outgoing_task *task = &mapping->tasks[i];
    *task = (struct outgoing_task){.order = (int64_t)i};
    mapping->scratch.count = 0;
    if (client_pack_key(client, dk_key_at(mapping->prefix, (int64_t)i), &mapping->scratch) !=
            DK_OK ||
        keep(mapping, &mapping->keys[i]) != DK_OK)
        return error_nomem(err);
    task->key = mapping->keys[i];
    DK_TRY(payload_pack_task(client->dk, function, arg, 1, NULL, &mapping->scratch, err));
    return keep(mapping, &task->payload) == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status send_all(struct mapping *mapping, size_t count, const dk_submit_options *options,
                          dk_future **out, dk_error *err)
{
    size_t made = 0;
    while (made < count && future_new(mapping->client, mapping->keys[made], &out[made]) == DK_OK)
        made++;
    dk_status status = made < count ? error_nomem(err)
                                    : client_send_graph(mapping->client, mapping->tasks, count,
                                                        mapping->keys, count, options, err);
    while (status != DK_OK && made)
        dk_future_free(out[--made]);
    return status;
}

static dk_status map(struct mapping *mapping, const char *function, const dk_value *args,
                     size_t count, const dk_submit_options *options, dk_future **out, dk_error *err)
{
    mapping->keys = arena_alloc(&mapping->arena, count * sizeof(*mapping->keys));
    mapping->tasks = arena_alloc(&mapping->arena, count * sizeof(*mapping->tasks));
    if (!mapping->keys || !mapping->tasks)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++) {
        if (args[i].kind == DK_KIND_TASK)
            return error_set(err, DK_EINVAL, "argument %zu is a future: submit that one", i);
        DK_TRY(pack(mapping, i, function, &args[i], err));
    }
    return send_all(mapping, count, options, out, err);
}

dk_status dk_client_map(dk_client *client, const char *function, const dk_value *args, size_t count,
                        const dk_submit_options *options, dk_future **out, dk_error *err)
{
    struct mapping mapping = {.client = client};
    if (options && options->key)
        return error_set(err, DK_EINVAL, "map: many tasks cannot have the one key '%s'",
                         options->key);
    arena_init(&mapping.arena, client->memory);
    vector_init(&mapping.scratch, client->memory, 1);
    name_tasks(&mapping, function);
    dk_status status = map(&mapping, function, args, count, options, out, err);
    vector_deinit(&mapping.scratch);
    arena_deinit(&mapping.arena);
    return status;
}
