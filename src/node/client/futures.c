/* What is known of results on the cluster. */
#include <string.h>

#include "base/error.h"
#include "node/client/answer.h"
#include "node/client/client.h"
#include "wire/build.h"

static struct result *result_at(dk_client *client, uint32_t id)
{
    return &((struct result *)client->results.data)[id];
}

struct result *future_result(const dk_future *future)
{
    return result_at(future->client, future->id);
}

/* ---- making and freeing ---- */

/* Who begins anew has one that was cancelled pending again. */
static dk_status add_result(dk_client *client, struct wire_bytes key, bool begins, uint32_t *id)
{
    bool is_new;
    DK_TRY(keys_add(&client->keys, key, id, &is_new));
    while (client->results.count <= *id)
        if (!vector_push(&client->results)) {
            if (is_new)
                keys_remove(&client->keys, *id);
            return DK_ENOMEM;
        }
    struct result *result = result_at(client, *id);
    if (is_new)
        *result = (struct result){0};
    else if (result->status == DK_FUTURE_CANCELLED && begins)
        result->status = DK_FUTURE_PENDING;
    result_at(client, *id)->references++;
    return DK_OK;
}

static dk_status make_future(dk_client *client, struct wire_bytes key, bool begins, dk_future **out)
{
    dk_future *future = memory_alloc(client->memory, sizeof(*future));
    if (!future)
        return DK_ENOMEM;
    pthread_mutex_lock(&client->lock);
    dk_status status = add_result(client, key, begins, &future->id);
    if (status == DK_OK) {
        future->key = keys_packed(&client->keys, future->id);
        client->references++;
    }
    pthread_mutex_unlock(&client->lock);
    if (status != DK_OK) {
        memory_free(client->memory, future, sizeof(*future));
        return status;
    }
    future->client = client;
    future->is_watched = false;
    list_init(&future->done);
    key_text(key, future->text, sizeof(future->text));
    *out = future;
    return DK_OK;
}

dk_status future_new(dk_client *client, struct wire_bytes key, dk_future **out)
{
    return make_future(client, key, true, out);
}

dk_status future_copy(const dk_future *future, dk_future **out)
{
    return make_future(future->client, future->key, false, out);
}

static void forget(dk_client *client, uint32_t id)
{
    struct result *result = result_at(client, id);
    struct wire_bytes key = keys_packed(&client->keys, id);
    failure_unref(client, result->failure);
    result->failure = NULL;
    /* Out of memory the scheduler keeps the result until the client goes. */
    if (vector_append(&client->released, key.data, key.nbytes) == DK_OK)
        client->nreleased++;
    keys_remove(&client->keys, id);
}

void dk_future_free(dk_future *future)
{
    if (!future)
        return;
    dk_client *client = future->client;
    pthread_mutex_lock(&client->lock);
    watch_forget(future);
    bool is_last = --result_at(client, future->id)->references == 0;
    if (is_last)
        forget(client, future->id);
    bool is_first = is_last && client->nreleased == 1 && client->state != CLIENT_CLOSED;
    if (is_first)
        uv_async_send(&client->wake);
    pthread_mutex_unlock(&client->lock);
    memory_free(client->memory, future, sizeof(*future));
    client_unref(client);
}

/* An array of packed keys is their count and the keys. */
static void push_released(dk_client *client, const struct vector *released, uint32_t count)
{
    char header[5] = {(char)0xdd, (char)(count >> 24), (char)(count >> 16), (char)(count >> 8),
                      (char)count};
    struct vector packed;
    vector_init(&packed, client->memory, 1);
    if (vector_append(&packed, header, sizeof(header)) == DK_OK &&
        vector_append(&packed, released->data, released->count) == DK_OK) {
        struct wire_entry fields[] = {
            {wire_text("op"), wire_text("client-releases-keys")},
            {wire_text("keys"), wire_packed((struct wire_bytes){packed.data, packed.count})},
            {wire_text("client"), wire_text(client->name)},
        };
        struct wire_value message = wire_map(fields, 3);
        (void)!stream_push(&client->stream, &message, NULL);
    }
    vector_deinit(&packed);
}

void futures_flush(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    struct vector released = client->released;
    uint32_t count = client->nreleased;
    vector_init(&client->released, client->memory, 1);
    client->nreleased = 0;
    pthread_mutex_unlock(&client->lock);
    if (count)
        push_released(client, &released, count);
    vector_deinit(&released);
}

/* ---- messages ---- */

/* `*out` is NULL when no future has the key, or it is none.   Errors: DK_ENOMEM. */
static dk_status find_result(dk_client *client, const struct wire_value *key, struct result **out)
{
    *out = NULL;
    dk_status status = key ? key_pack(key, &client->scratch, NULL) : DK_EPARSE;
    if (status != DK_OK)
        return status == DK_ENOMEM ? status : DK_OK;
    uint32_t id =
        keys_find(&client->keys, (struct wire_bytes){client->scratch.data, client->scratch.count});
    if (id != KEY_NONE)
        *out = result_at(client, id);
    return DK_OK;
}

/* Takes the failure. */
static void become(dk_client *client, struct result *result, dk_future_status status,
                   struct failure *failure)
{
    result->status = status;
    failure_unref(client, result->failure);
    result->failure = failure;
    if (status != DK_FUTURE_PENDING)
        watch_end(client, result);
}

static dk_status set_status(dk_client *client, const struct wire_value *key,
                            dk_future_status status)
{
    struct result *result;
    DK_TRY(find_result(client, key, &result));
    if (result)
        become(client, result, status, NULL);
    return DK_OK;
}

static dk_status set_failure(dk_client *client, const struct wire_value *message)
{
    struct result *result;
    DK_TRY(find_result(client, wire_find(message, "key"), &result));
    if (!result)
        return DK_OK;
    struct failure *failure = failure_new(client, message);
    if (!failure)
        return DK_ENOMEM;
    key_text((struct wire_bytes){client->scratch.data, client->scratch.count}, failure->why.key,
             sizeof(failure->why.key));
    become(client, result, DK_FUTURE_ERROR, failure);
    return DK_OK;
}

/* NULL: none. */
static struct wire_bytes bytes_of(const char *text)
{
    return (struct wire_bytes){text, text ? strlen(text) : 0};
}

/* `why` NULL: what was said of it before stands.   Ownership: `why` stays the caller's. */
static void become_cancelled(dk_client *client, struct result *result, struct failure *why)
{
    struct failure *known = result->status == DK_FUTURE_CANCELLED ? result->failure : NULL;
    struct failure *failure = why ? why : known;
    if (failure)
        failure->references++;
    become(client, result, DK_FUTURE_CANCELLED, failure);
}

static dk_status cancel_keys(dk_client *client, const struct wire_value *keys, struct failure *why)
{
    uint32_t count = keys && keys->kind == WIRE_ARRAY ? keys->count : 0;
    struct result *result;
    for (uint32_t i = 0; i < count; i++) {
        DK_TRY(find_result(client, &keys->as.items[i], &result));
        if (result)
            become_cancelled(client, result, why);
    }
    return DK_OK;
}

static dk_status set_cancelled(dk_client *client, const struct wire_value *message)
{
    struct wire_bytes reason = {NULL, 0}, msg = {NULL, 0};
    (void)!wire_read_text(wire_find(message, "reason"), &reason);
    (void)!wire_read_text(wire_find(message, "msg"), &msg);
    struct failure *why = failure_cancelled(client, reason, msg);
    dk_status status = cancel_keys(client, wire_find(message, "keys"), why);
    failure_unref(client, why);
    return status;
}

/* The scheduler knows nothing any more of what is known here. */
static void take_restart(dk_client *client)
{
    struct result *results = client->results.data;
    struct failure *why =
        failure_cancelled(client, bytes_of("scheduler-restart"),
                          bytes_of("the scheduler was told to forget all tasks; submit it again"));
    for (size_t i = 0; i < client->results.count; i++)
        if (results[i].references)
            become_cancelled(client, &results[i], why);
    failure_unref(client, why);
    client->nrestarts++;
}

static dk_status take(dk_client *client, const struct wire_value *message)
{
    const struct wire_value *op = wire_find(message, "op");
    const struct wire_value *key = wire_find(message, "key");
    if (wire_text_is(op, "key-in-memory"))
        return set_status(client, key, DK_FUTURE_FINISHED);
    if (wire_text_is(op, "task-erred"))
        return set_failure(client, message);
    if (wire_text_is(op, "cancelled-keys"))
        return set_cancelled(client, message);
    if (wire_text_is(op, "cancelled-key")) /* of 2022 */
        return set_status(client, key, DK_FUTURE_CANCELLED);
    if (wire_text_is(op, "restart"))
        take_restart(client);
    if (wire_text_is(op, "lost-data") || wire_text_is(op, "task-retried"))
        return set_status(client, key, DK_FUTURE_PENDING);
    return DK_OK;
}

dk_status futures_take(dk_client *client, const struct wire_value *message)
{
    pthread_mutex_lock(&client->lock);
    dk_status status = take(client, message);
    pthread_mutex_unlock(&client->lock);
    return status;
}

/* ---- waiting ---- */

dk_future_status dk_future_state(const dk_future *future)
{
    dk_client *client = future->client;
    pthread_mutex_lock(&client->lock);
    dk_future_status status = result_at(client, future->id)->status;
    pthread_mutex_unlock(&client->lock);
    return status;
}

dk_client *dk_future_client(const dk_future *future)
{
    return future->client;
}

const char *dk_future_key(const dk_future *future)
{
    return future->text;
}

dk_status dk_future_name(const dk_future *future, dk_value *out)
{
    return key_value(future->client->dk, future->key, out);
}

dk_status futures_wait(dk_client *client, dk_future *const *futures, size_t nfutures,
                       const struct wait_limit *limit, dk_error *err)
{
    dk_status status = DK_OK;
    pthread_mutex_lock(&client->lock);
    for (size_t i = 0; i < nfutures && status == DK_OK; i++)
        while (status == DK_OK && future_result(futures[i])->status == DK_FUTURE_PENDING) {
            status = client_check(client, err);
            if (status == DK_OK)
                status = limit_wait(client, limit, err);
        }
    pthread_mutex_unlock(&client->lock);
    return status;
}

dk_status dk_client_wait(dk_client *client, dk_future *const *futures, size_t nfutures,
                         const dk_wait_options *options, dk_error *err)
{
    struct wait_limit limit = limit_begin(options);
    return futures_wait(client, futures, nfutures, &limit, err);
}

dk_status dk_future_wait(dk_future *future, double timeout_s, dk_error *err)
{
    dk_wait_options options = {.timeout_s = timeout_s, .has_timeout = timeout_s >= 0};
    struct wait_limit limit = limit_begin(&options);
    return futures_wait(future->client, &future, 1, &limit, err);
}

/* ---- cancelling and retrying ---- */

/* The scheduler will tell, too, unless it has forgotten the task by then. */
static void take_for_cancelled(dk_future *future, const dk_cancel_options *options)
{
    dk_client *client = future->client;
    struct failure *why =
        failure_cancelled(client, bytes_of(options->reason), bytes_of(options->msg));
    pthread_mutex_lock(&client->lock);
    become_cancelled(client, future_result(future), why);
    pthread_cond_broadcast(&client->changed);
    failure_unref(client, why);
    pthread_mutex_unlock(&client->lock);
}

static struct wire_value text_or_nil(const char *text)
{
    return text ? wire_text(text) : wire_nil();
}

dk_status dk_future_cancel(dk_future *future, const dk_cancel_options *options, dk_error *err)
{
    dk_cancel_options chosen = options ? *options : (dk_cancel_options){0};
    if (!chosen.reason)
        chosen.reason = "user";
    struct wire_value key = wire_packed(future->key);
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("cancel-keys")},
        {wire_text("keys"), wire_array(&key, 1)},
        {wire_text("force"), wire_bool(chosen.force)},
        {wire_text("reason"), wire_text(chosen.reason)},
        {wire_text("msg"), text_or_nil(chosen.msg)},
    };
    struct wire_value message = wire_map(fields, 5);
    DK_TRY(client_send(future->client, &message, err));
    take_for_cancelled(future, &chosen);
    return DK_OK;
}

/* Before anybody asks for the result again: the scheduler's own word comes another way than its
 * answer. */
static void take_for_pending(dk_future *future)
{
    dk_client *client = future->client;
    pthread_mutex_lock(&client->lock);
    struct result *result = future_result(future);
    if (result->status == DK_FUTURE_ERROR)
        become(client, result, DK_FUTURE_PENDING, NULL);
    pthread_mutex_unlock(&client->lock);
}

/* How it is after all, for the scheduler may have known nothing to try again. */
static dk_status ask_how_it_is(dk_future *future, dk_error *err)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("report-key")},
                                  {wire_text("key"), wire_packed(future->key)}};
    struct wire_value message = wire_map(fields, 2);
    return client_send(future->client, &message, err);
}

dk_status dk_future_retry(dk_future *future, dk_error *err)
{
    struct wire_value key = wire_packed(future->key);
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("retry")},
        {wire_text("keys"), wire_array(&key, 1)},
        {wire_text("client"), wire_text(future->client->name)},
    };
    struct wire_value message = wire_map(fields, 3);
    struct wait_limit limit = limit_begin(NULL);
    struct message answer;
    take_for_pending(future);
    DK_TRY(client_ask(future->client, &message, &limit, &answer, err));
    message_deinit(&answer);
    return ask_how_it_is(future, err);
}
