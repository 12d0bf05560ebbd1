/* Results on their way back. */
#include <string.h>

#include "base/error.h"
#include "node/client/gather.h"
#include "node/held.h"
#include "wire/build.h"

/* A result may be lost between the moment that we hear of it and the moment that we ask. */
#define ATTEMPTS_MAX 20

/* ---- what has gone wrong ---- */

static dk_status check_states(dk_client *client, dk_future *const *futures, size_t nfutures,
                              dk_error *err)
{
    dk_status status = DK_OK;
    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < nfutures && status == DK_OK; i++) {
        const struct result *result =
            &((const struct result *)client->results.data)[futures[i]->id];
        if (result->status == DK_FUTURE_CANCELLED) {
            status = error_set(err, DK_ECANCELED, "%s was cancelled: %s", futures[i]->text,
                               result->failure ? result->failure->why.message
                                               : "nobody has said why; its data may be lost");
        } else if (result->status == DK_FUTURE_ERROR) {
            status = result->failure->why.status;
            if (err)
                *err = result->failure->why;
        }
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* ---- asking the scheduler ---- */

/* For those that are not there yet. */
static dk_status ask(const struct gathering *gathering, struct message *answer, dk_error *err)
{
    struct arena arena;
    arena_init(&arena, gathering->client->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling keys = wire_begin_array(&builder, gathering->nfutures);
    struct wire_filling map = wire_begin_map(&builder, 2);
    for (size_t i = 0; i < gathering->nfutures; i++)
        if (!gathering->is_there[i])
            wire_add(&keys, wire_packed(gathering->futures[i]->key));
    wire_put(&map, "op", wire_text("gather"));
    wire_put(&map, "keys", wire_end_array(&keys));
    struct wire_value message = wire_end_map(&map);
    dk_status status = builder.failed
                           ? error_nomem(err)
                           : client_ask(gathering->client, &message, gathering->limit, answer, err);
    arena_deinit(&arena);
    return status;
}

/* Asks to be told again how the keys are that nobody has, and takes them for pending. */
static dk_status wait_again(dk_client *client, const struct wire_value *keys, dk_error *err)
{
    uint32_t count = keys && keys->kind == WIRE_ARRAY ? keys->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wire_entry lost[] = {{wire_text("op"), wire_text("lost-data")},
                                    {wire_text("key"), keys->as.items[i]}};
        struct wire_entry report[] = {{wire_text("op"), wire_text("report-key")},
                                      {wire_text("key"), keys->as.items[i]}};
        struct wire_value was_lost = wire_map(lost, 2), message = wire_map(report, 2);
        if (futures_take(client, &was_lost) != DK_OK)
            return error_nomem(err);
        DK_TRY(client_send(client, &message, err));
    }
    return DK_OK;
}

/* ---- taking what comes ---- */

dk_status gather_find(const dk_future *future, const struct wire_value *map, uint32_t *at,
                      struct vector *scratch, const struct wire_value **out)
{
    uint32_t count = map && map->kind == WIRE_MAP ? map->count : 0;
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = (*at + i) % count;
        if (key_pack(&map->as.entries[entry].key, scratch, NULL) == DK_ENOMEM)
            return DK_ENOMEM;
        if (scratch->count != future->key.nbytes ||
            memcmp(scratch->data, future->key.data, scratch->count) != 0)
            continue;
        *at = entry + 1;
        *out = &map->as.entries[entry].value;
        return DK_OK;
    }
    return DK_OK;
}

dk_status gather_take(struct gathering *gathering, size_t i, const struct wire_value *value,
                      const struct payload_owner *owner, dk_error *err)
{
    DK_TRY(payload_unpack_value(gathering->client->dk, value, owner, &gathering->results[i], err));
    gathering->is_there[i] = true;
    gathering->nthere++;
    return DK_OK;
}

static dk_status take_all(struct gathering *gathering, struct held *held, dk_error *err)
{
    const struct wire_value *data = wire_find(&held->message.root, "data"), *value;
    struct payload_owner owner = held_owner(held);
    struct vector scratch;
    dk_status status = DK_OK;
    uint32_t at = 0;
    vector_init(&scratch, held->memory, 1);
    for (size_t i = 0; i < gathering->nfutures; i++) {
        const dk_future *future = gathering->futures[i];
        if (gathering->is_there[i])
            continue;
        if (gather_find(future, data, &at, &scratch, &value) != DK_OK)
            status = error_nomem(err);
        else if (!value)
            status = error_set(err, DK_EPARSE, "%s: no value of %s came",
                               gathering->client->address.text, future->text);
        DK_TRY_OUT(status);
        DK_TRY_OUT(gather_take(gathering, i, value, &owner, err));
    }
out:
    vector_deinit(&scratch);
    return status;
}

static dk_status gather_by_scheduler(struct gathering *gathering, dk_error *err)
{
    struct message answer;
    DK_TRY(ask(gathering, &answer, err));
    if (!wire_text_is(wire_find(&answer.root, "status"), "OK")) {
        dk_status status = wait_again(gathering->client, wire_find(&answer.root, "keys"), err);
        message_deinit(&answer);
        return status;
    }
    struct held *held = held_new(gathering->client->memory, &answer);
    if (!held)
        return error_nomem(err);
    dk_status status = take_all(gathering, held, err);
    held_unref(held);
    return status;
}

/* ---- all of it ---- */

static dk_status gather_all(struct gathering *gathering, dk_error *err)
{
    dk_client *client = gathering->client;
    bool is_direct = gather_may_be_direct(gathering);
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (gathering->nthere == gathering->nfutures)
            return DK_OK;
        DK_TRY(
            futures_wait(client, gathering->futures, gathering->nfutures, gathering->limit, err));
        DK_TRY(check_states(client, gathering->futures, gathering->nfutures, err));
        if (is_direct && attempt == 0)
            DK_TRY(gather_directly(gathering, err));
        if (gathering->nthere < gathering->nfutures)
            DK_TRY(gather_by_scheduler(gathering, err));
    }
    return gathering->nthere == gathering->nfutures
               ? DK_OK
               : error_set(err, DK_EIO, "%s: results are lost again and again",
                           client->address.text);
}

dk_status client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                        dk_direct direct, const struct wait_limit *limit, dk_value *results,
                        dk_error *err)
{
    struct gathering gathering = {.client = client,
                                  .futures = futures,
                                  .nfutures = nfutures,
                                  .direct = direct ? direct : client->direct_to_workers,
                                  .limit = limit,
                                  .results = results};
    gathering.is_there = memory_calloc(client->memory, nfutures);
    if (!gathering.is_there)
        return error_nomem(err);
    dk_status status = gather_all(&gathering, err);
    for (size_t i = 0; i < nfutures && status != DK_OK; i++)
        if (gathering.is_there[i])
            dk_value_unref(results[i]);
    memory_free(client->memory, gathering.is_there, nfutures);
    return status;
}

dk_status dk_client_gather_with(dk_client *client, dk_future *const *futures, size_t nfutures,
                                dk_direct direct, const dk_wait_options *options, dk_value *results,
                                dk_error *err)
{
    struct wait_limit limit = limit_begin(options);
    return client_gather(client, futures, nfutures, direct, &limit, results, err);
}

dk_status dk_client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                           dk_value *results, dk_error *err)
{
    return dk_client_gather_with(client, futures, nfutures, DK_DIRECT_AUTO, NULL, results, err);
}

dk_status dk_future_result(dk_future *future, dk_value *result, dk_error *err)
{
    return dk_client_gather(future->client, &future, 1, result, err);
}
