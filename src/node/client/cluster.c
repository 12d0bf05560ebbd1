/* What a client asks about the cluster, and does with it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"
#include "node/client/answer.h"
#include "node/client/question.h"

/* ---- who is there, and has what ---- */

dk_status dk_client_scheduler_info(dk_client *client, dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "identity", 1);
    wire_put(&form.fields, "n_workers", wire_int(-1));
    return question_ask(&form, out, err);
}

dk_status dk_client_nthreads(dk_client *client, dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "ncores", 0);
    return question_ask(&form, out, err);
}

dk_status dk_client_has_what(dk_client *client, const char *const *workers, size_t nworkers,
                             dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "has_what", 1);
    wire_put(&form.fields, "workers", question_texts(&form, workers, nworkers));
    return question_ask(&form, out, err);
}

/* A map of texts has texts for keys: what is asked for comes back under the keys as Dask shows
 * them. */
static dk_status name_holders(dk_context *dk, const struct wire_value *answer, dk_value *out,
                              dk_error *err)
{
    struct arena arena;
    arena_init(&arena, dk->memory);
    struct wire_builder builder = {.arena = &arena};
    uint32_t count = answer->kind == WIRE_MAP ? answer->count : 0;
    struct wire_filling named = wire_begin_map(&builder, count);
    struct vector packed;
    vector_init(&packed, dk->memory, 1);
    dk_status status = DK_OK;
    for (uint32_t i = 0; i < count; i++) {
        char text[DK_ERROR_KEY_MAX];
        status = key_pack(&answer->as.entries[i].key, &packed, err);
        if (status != DK_OK)
            break;
        key_text((struct wire_bytes){packed.data, packed.count}, text, sizeof(text));
        wire_put_key(&named, wire_copy_text(&builder, text), answer->as.entries[i].value);
    }
    struct wire_value value = wire_end_map(&named);
    if (status == DK_OK)
        status = builder.failed ? error_nomem(err) : answer_value(dk, &value, out, err);
    vector_deinit(&packed);
    arena_deinit(&arena);
    return status;
}

dk_status dk_client_who_has(dk_client *client, dk_future *const *futures, size_t nfutures,
                            dk_value *out, dk_error *err)
{
    struct question_form form;
    struct message answer;
    question_begin(&form, client, "who_has", 1);
    wire_put(&form.fields, "keys", nfutures ? question_keys(&form, futures, nfutures) : wire_nil());
    DK_TRY(question_receive(&form, &answer, err));
    dk_status status = name_holders(client->dk, &answer.root, out, err);
    message_deinit(&answer);
    return status;
}

/* ---- logs ---- */

dk_status dk_client_scheduler_logs(dk_client *client, int64_t nlines, dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "logs", 1);
    wire_put(&form.fields, "n", wire_int(nlines));
    return question_ask(&form, out, err);
}

dk_status dk_client_worker_logs(dk_client *client, int64_t nlines, const char *const *workers,
                                size_t nworkers, bool of_nannies, dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "worker_logs", 3);
    wire_put(&form.fields, "n", wire_int(nlines));
    wire_put(&form.fields, "workers", question_texts(&form, workers, nworkers));
    wire_put(&form.fields, "nanny", wire_bool(of_nannies));
    return question_ask(&form, out, err);
}

/* ---- workers ---- */

dk_status dk_client_retire_workers(dk_client *client, const char *const *workers, size_t nworkers,
                                   dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "retire_workers", 3);
    if (nworkers)
        wire_put(&form.fields, "workers", question_texts(&form, workers, nworkers));
    wire_put(&form.fields, "close_workers", wire_bool(true));
    wire_put(&form.fields, "remove", wire_bool(true));
    return question_ask(&form, out, err);
}

/* ---- published futures ---- */

/* The scheduler publishes what it has been told of before: this comes behind that. */
static dk_status flush(dk_client *client, const char *uid, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "publish_flush_batched_send", 1);
    wire_put(&form.fields, "uid", wire_text(uid));
    return question_say(&form, err);
}

static struct wire_value one(struct question_form *form, struct wire_value value)
{
    struct wire_filling list = wire_begin_array(&form->builder, 1);
    wire_add(&list, value);
    return wire_end_array(&list);
}

static void make_uid(dk_client *client, char uid[96])
{
    pthread_mutex_lock(&client->lock);
    uint64_t number = client->nsubmitted++;
    pthread_mutex_unlock(&client->lock);
    snprintf(uid, 96, "%s-%" PRIu64, client->name, number);
}

dk_status dk_client_publish(dk_client *client, const char *name, dk_future *const *futures,
                            size_t nfutures, bool replaces, dk_error *err)
{
    struct question_form form;
    char uid[96];
    make_uid(client, uid);
    DK_TRY(flush(client, uid, err));
    question_begin(&form, client, "publish_put", 6);
    wire_put(&form.fields, "names", one(&form, wire_text(name)));
    wire_put(&form.fields, "keys", one(&form, question_keys(&form, futures, nfutures)));
    wire_put(&form.fields, "data", one(&form, question_keys(&form, futures, nfutures)));
    wire_put(&form.fields, "override", wire_bool(replaces));
    wire_put(&form.fields, "client", wire_text(client->name));
    wire_put(&form.fields, "uid", wire_text(uid));
    return question_ask(&form, NULL, err);
}

dk_status dk_client_unpublish(dk_client *client, const char *name, dk_error *err)
{
    struct question_form form;
    char uid[96];
    make_uid(client, uid);
    DK_TRY(flush(client, uid, err));
    question_begin(&form, client, "publish_delete", 2);
    wire_put(&form.fields, "names", one(&form, wire_text(name)));
    wire_put(&form.fields, "uid", wire_text(uid));
    return question_ask(&form, NULL, err);
}

dk_status dk_client_datasets(dk_client *client, dk_value *out, dk_error *err)
{
    struct question_form form;
    question_begin(&form, client, "publish_list", 0);
    return question_ask(&form, out, err);
}

/* The keys of the one dataset that was asked for; NULL: there is none. */
static const struct wire_value *find_keys(const struct wire_value *answer)
{
    bool has_one = answer->kind == WIRE_ARRAY && answer->count == 1;
    const struct wire_value *keys = has_one ? wire_find(&answer->as.items[0], "keys") : NULL;
    return keys && keys->kind == WIRE_ARRAY ? keys : NULL;
}

static dk_status make_futures(dk_client *client, const struct wire_value *keys, dk_future **out,
                              size_t room, size_t *count, dk_error *err)
{
    struct vector packed;
    dk_status status = DK_OK;
    vector_init(&packed, client->memory, 1);
    size_t made = 0;
    for (; made < keys->count && made < room && status == DK_OK; made += status == DK_OK) {
        status = key_pack(&keys->as.items[made], &packed, err);
        if (status == DK_OK)
            status = future_of_key(client, (struct wire_bytes){packed.data, packed.count},
                                   &out[made], err);
    }
    while (status != DK_OK && made)
        dk_future_free(out[--made]);
    *count = status == DK_OK ? keys->count : 0;
    vector_deinit(&packed);
    return status;
}

dk_status dk_client_dataset(dk_client *client, const char *name, dk_future **out, size_t room,
                            size_t *count, dk_error *err)
{
    struct question_form form;
    struct message answer;
    *count = 0;
    question_begin(&form, client, "publish_get", 2);
    wire_put(&form.fields, "names", one(&form, wire_text(name)));
    wire_put(&form.fields, "client", wire_text(client->name));
    DK_TRY(question_receive(&form, &answer, err));
    const struct wire_value *keys = find_keys(&answer.root);
    dk_status status = keys ? make_futures(client, keys, out, room, count, err)
                            : error_set(err, DK_EKEY, "no dataset '%s' is published", name);
    message_deinit(&answer);
    return status;
}
