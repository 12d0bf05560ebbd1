/* Results on their way back. */
#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "node/client/gather.h"
#include "payload/value.h"
#include "wire/build.h"

/* A result may be lost between the moment that we hear of it and the moment that we ask. */
#define ATTEMPTS_MAX 20

/* ---- a message that columns may hold on to ---- */

struct held_message {
    struct memory *memory;
    struct message message;
    atomic_uint references;
};

static void ref_message(void *self)
{
    struct held_message *held = self;
    atomic_fetch_add_explicit(&held->references, 1, memory_order_relaxed);
}

static void unref_message(void *self)
{
    struct held_message *held = self;
    if (atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) > 1)
        return;
    message_deinit(&held->message);
    memory_free(held->memory, held, sizeof(*held));
}

/* *Takes* the message; NULL when out of memory. */
static struct held_message *hold(struct memory *memory, struct message *message)
{
    struct held_message *held = memory_alloc(memory, sizeof(*held));
    if (!held) {
        message_deinit(message);
        return NULL;
    }
    held->memory = memory;
    held->message = *message;
    atomic_init(&held->references, 1);
    return held;
}

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
            status = error_set(err, DK_ECANCELED, "%s was cancelled, or its data is lost",
                               futures[i]->text);
        } else if (result->status == DK_FUTURE_ERROR) {
            status = result->failure->why.status;
            if (err)
                *err = result->failure->why;
        }
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* ---- asking ---- */

static dk_status ask(dk_client *client, dk_future *const *futures, size_t nfutures,
                     const struct wait_limit *limit, struct message *answer, dk_error *err)
{
    struct arena arena;
    arena_init(&arena, client->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling keys = wire_begin_array(&builder, nfutures);
    struct wire_filling map = wire_begin_map(&builder, 2);
    for (size_t i = 0; i < nfutures; i++)
        wire_add(&keys, wire_packed(futures[i]->key));
    wire_put(&map, "op", wire_text("gather"));
    wire_put(&map, "keys", wire_end_array(&keys));
    struct wire_value message = wire_end_map(&map);
    dk_status status =
        builder.failed ? error_nomem(err) : client_ask(client, &message, limit, answer, err);
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

/* The value of a future, looked for from entry `*at` on, where it is when the answer has the order
 * of the question; `*at` moves on. */
static dk_status find_value(const dk_future *future, const struct wire_value *data, uint32_t *at,
                            struct vector *scratch, const struct wire_value **out, dk_error *err)
{
    uint32_t count = data && data->kind == WIRE_MAP ? data->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = (*at + i) % count;
        if (key_pack(&data->as.entries[entry].key, scratch, NULL) == DK_ENOMEM)
            return error_nomem(err);
        if (scratch->count != future->key.nbytes ||
            memcmp(scratch->data, future->key.data, scratch->count) != 0)
            continue;
        *at = entry + 1;
        *out = &data->as.entries[entry].value;
        return DK_OK;
    }
    return error_set(err, DK_EPARSE, "%s: no value of %s came", future->client->address.text,
                     future->text);
}

static dk_status unpack_each(struct held_message *held, dk_future *const *futures, size_t nfutures,
                             dk_value *results, size_t *done, dk_error *err)
{
    const struct wire_value *data = wire_find(&held->message.root, "data"), *value = NULL;
    struct payload_owner owner = {held, ref_message, unref_message};
    struct vector scratch;
    dk_status status = DK_OK;
    uint32_t at = 0;
    vector_init(&scratch, held->memory, 1);
    for (*done = 0; *done < nfutures; ++*done) {
        const dk_future *future = futures[*done];
        DK_TRY_OUT(find_value(future, data, &at, &scratch, &value, err));
        DK_TRY_OUT(payload_unpack_value(future->client->dk, value, &owner, &results[*done], err));
    }
out:
    vector_deinit(&scratch);
    return status;
}

static dk_status unpack(struct held_message *held, dk_future *const *futures, size_t nfutures,
                        dk_value *results, dk_error *err)
{
    size_t done;
    dk_status status = unpack_each(held, futures, nfutures, results, &done, err);
    for (size_t i = 0; status != DK_OK && i < done; i++)
        dk_value_unref(results[i]);
    return status;
}

static dk_status fetch(dk_client *client, dk_future *const *futures, size_t nfutures,
                       const struct wait_limit *limit, dk_value *results, bool *is_missing,
                       dk_error *err)
{
    struct message answer;
    DK_TRY(ask(client, futures, nfutures, limit, &answer, err));
    *is_missing = !wire_text_is(wire_find(&answer.root, "status"), "OK");
    if (*is_missing) {
        dk_status status = wait_again(client, wire_find(&answer.root, "keys"), err);
        message_deinit(&answer);
        return status;
    }
    struct held_message *held = hold(client->memory, &answer);
    if (!held)
        return error_nomem(err);
    dk_status status = unpack(held, futures, nfutures, results, err);
    unref_message(held);
    return status;
}

dk_status client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                        const struct wait_limit *limit, dk_value *results, dk_error *err)
{
    bool is_missing = nfutures > 0;
    for (int attempt = 0; attempt < ATTEMPTS_MAX && is_missing; attempt++) {
        DK_TRY(futures_wait(client, futures, nfutures, limit, err));
        DK_TRY(check_states(client, futures, nfutures, err));
        DK_TRY(fetch(client, futures, nfutures, limit, results, &is_missing, err));
    }
    return is_missing ? error_set(err, DK_EIO, "%s: results are lost again and again",
                                  client->address.text)
                      : DK_OK;
}

dk_status dk_client_gather_with(dk_client *client, dk_future *const *futures, size_t nfutures,
                                const dk_wait_options *options, dk_value *results, dk_error *err)
{
    struct wait_limit limit = limit_begin(options);
    return client_gather(client, futures, nfutures, &limit, results, err);
}

dk_status dk_client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                           dk_value *results, dk_error *err)
{
    return dk_client_gather_with(client, futures, nfutures, NULL, results, err);
}

dk_status dk_future_result(dk_future *future, dk_value *result, dk_error *err)
{
    return dk_client_gather_with(future->client, &future, 1, NULL, result, err);
}
