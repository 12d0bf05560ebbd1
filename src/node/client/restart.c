/* Beginning anew. The scheduler tells of it on the stream, and answers elsewhere: only who has
 * heard both may submit tasks that are not cancelled with the old ones. */
#include "base/error.h"
#include "node/client/client.h"

static uint64_t count_restarts(dk_client *client)
{
    pthread_mutex_lock(&client->lock);
    uint64_t count = client->nrestarts;
    pthread_mutex_unlock(&client->lock);
    return count;
}

static dk_status wait_for_word(dk_client *client, uint64_t before, const struct wait_limit *limit,
                               dk_error *err)
{
    dk_status status = DK_OK;
    pthread_mutex_lock(&client->lock);
    while (status == DK_OK && client->nrestarts == before) {
        status = client_check(client, err);
        if (status == DK_OK)
            status = limit_wait(client, limit, err);
    }
    pthread_mutex_unlock(&client->lock);
    return status;
}

dk_status dk_client_restart(dk_client *client, double timeout_s, bool wait_for_workers,
                            const dk_wait_options *options, dk_error *err)
{
    struct wire_entry fields[] = {{wire_text("op"), wire_text("restart")},
                                  {wire_text("timeout"), wire_float(timeout_s)},
                                  {wire_text("wait_for_workers"), wire_bool(wait_for_workers)},
                                  {wire_text("stimulus_id"), wire_text("client-restart")}};
    struct wire_value message = wire_map(fields, 4);
    struct wait_limit limit = limit_begin(options);
    struct message answer;
    uint64_t before = count_restarts(client);
    DK_TRY(client_ask(client, &message, &limit, &answer, err));
    message_deinit(&answer);
    return wait_for_word(client, before, &limit, err);
}
