/* Futures that somebody wants to hear of when they are done, whichever comes first. */
#include "base/error.h"
#include "node/client/client.h"

static void finish(dk_client *client, dk_future *future)
{
    future->is_watched = false;
    list_append(&client->done, &future->done);
}

void watch_end(dk_client *client, struct result *result)
{
    for (dk_future *future = result->watched; future; future = future->next_watched)
        finish(client, future);
    result->watched = NULL;
}

void watch_forget(dk_future *future)
{
    list_remove(&future->done);
    if (!future->is_watched)
        return;
    dk_future **at = &future_result(future)->watched;
    while (*at != future)
        at = &(*at)->next_watched;
    *at = future->next_watched;
    future->is_watched = false;
}

void dk_future_watch(dk_future *future, int64_t token)
{
    dk_client *client = future->client;
    pthread_mutex_lock(&client->lock);
    struct result *result = future_result(future);
    watch_forget(future);
    future->token = token;
    if (result->status == DK_FUTURE_PENDING) {
        future->is_watched = true;
        future->next_watched = result->watched;
        result->watched = future;
    } else {
        finish(client, future);
        pthread_cond_broadcast(&client->changed);
    }
    pthread_mutex_unlock(&client->lock);
}

/* What is done is told of even when the connection is lost meanwhile. */
static dk_status wait_for_done(dk_client *client, const struct wait_limit *limit, dk_error *err)
{
    dk_status status = DK_OK;
    while (status == DK_OK && !client->is_unwatched && list_is_empty(&client->done)) {
        status = client_check(client, err);
        if (status == DK_OK)
            status = limit_wait(client, limit, err);
    }
    if (status == DK_OK && client->is_unwatched)
        return error_set(err, DK_ECANCELED, "nobody watches futures any more");
    return status;
}

dk_status dk_client_next_done(dk_client *client, const dk_wait_options *options, int64_t *token,
                              dk_error *err)
{
    struct wait_limit limit = limit_begin(options);
    pthread_mutex_lock(&client->lock);
    dk_status status = wait_for_done(client, &limit, err);
    if (status == DK_OK) {
        dk_future *future = LIST_ENTRY(client->done.next, dk_future, done);
        list_remove(&future->done);
        *token = future->token;
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

void dk_client_end_watch(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->is_unwatched = true;
    pthread_cond_broadcast(&client->changed);
    pthread_mutex_unlock(&client->lock);
}
