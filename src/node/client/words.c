/* Messages for schedulers of distributed 2022.12. All else is written in the words of 2026; here it
 * becomes what that one understands: a field that it does not know is an error there, and a message
 * that it does not know ends the client's stream.
 *
 * Source: distributed.scheduler.Scheduler (client_handlers, handlers) of 2022.12. */
#include <inttypes.h>
#include <stdio.h>

#include "base/error.h"
#include "node/client/client.h"
#include "payload/task.h"

/* How a message is called there, and the field of it that is left out. */
struct word {
    const char *op;
    const char *old_op; /* NULL: the same */
    const char *unknown;
};

/* All that may be told on the stream. */
static const struct word told[] = {
    {"update-graph", NULL, NULL},
    {"client-desires-keys", NULL, NULL},
    {"client-releases-keys", NULL, NULL},
    {"report-key", NULL, NULL},
    {"update-data", NULL, NULL},
    {"subscribe-topic", NULL, NULL},
    {"unsubscribe-topic", NULL, NULL},
    {"variable-future-received-confirm", "variable-future-release", NULL},
    {"variable_delete", NULL, NULL},
    {"queue-future-release", NULL, NULL},
    {"queue_release", NULL, NULL},
};

/* What is asked otherwise. */
static const struct word asked[] = {
    {"identity", NULL, "n_workers"},
    {"semaphore_register", NULL, "lease_timeout"},
    {"variable_set", NULL, "timeout"},
};

static const struct word *find_word(const struct word *words, size_t count,
                                    const struct wire_value *op)
{
    for (size_t i = 0; i < count; i++)
        if (wire_text_is(op, words[i].op))
            return &words[i];
    return NULL;
}

/* The message in that word, with room for one field more. */
static struct wire_filling translate(struct wire_builder *builder, const struct word *word,
                                     const struct wire_value *message)
{
    struct wire_filling map = wire_begin_map(builder, message->count + 1);
    for (uint32_t i = 0; i < message->count; i++) {
        const struct wire_entry *entry = &message->as.entries[i];
        if (wire_text_is(&entry->key, "op"))
            wire_put(&map, "op", wire_text(word->old_op ? word->old_op : word->op));
        else if (!word->unknown || !wire_text_is(&entry->key, word->unknown))
            wire_put_key(&map, entry->key, entry->value);
    }
    return map;
}

/* ---- keys: texts there ---- */

dk_status client_pack_key(const dk_client *client, dk_key key, struct vector *out)
{
    char text[1024];
    if (client->scheduler.dialect != DIALECT_2022 || key.index == DK_NO_INDEX)
        return payload_pack_key(key, out);
    snprintf(text, sizeof(text), "('%.960s', %" PRId64 ")", key.name, key.index);
    return payload_pack_key(dk_key_text(text), out);
}

/* ---- cancelling: a question there ---- */

/* What became of it is told on the stream. */
static void on_cancelled(void *self, struct message *answer, const dk_error *why)
{
    (void)self;
    (void)why;
    if (answer)
        message_deinit(answer);
}

static dk_status ask_to_cancel(dk_client *client, const struct wire_value *message, dk_error *err)
{
    const struct wire_value *keys = wire_find(message, "keys");
    const struct wire_value *force = wire_find(message, "force");
    struct wire_entry fields[] = {{wire_text("op"), wire_text("cancel")},
                                  {wire_text("keys"), keys ? *keys : wire_array(NULL, 0)},
                                  {wire_text("client"), wire_text(client->name)},
                                  {wire_text("force"), force ? *force : wire_bool(false)}};
    struct wire_value cancel = wire_map(fields, 4);
    struct pool_question question = {
        .address = client->address, .message = &cancel, .answered = on_cancelled};
    return pool_ask(client->pool, &question, NULL, err);
}

/* ---- both ways ---- */

static dk_status refuse(const dk_client *client, const struct wire_value *message, dk_error *err)
{
    struct wire_bytes op = {"?", 1};
    (void)wire_read_text(wire_find(message, "op"), &op);
    return error_set(err, DK_ENOTSUP, "%s: its scheduler, Dask's of version %s, knows no '%.*s'",
                     client->address.text, client->scheduler.dask,
                     (int)(op.nbytes < 64 ? op.nbytes : 64), op.data);
}

dk_status client_say_in_words(dk_client *client, const struct wire_value *message, dk_error *err)
{
    struct arena arena;
    const struct wire_value *op = wire_find(message, "op");
    if (client->scheduler.dialect != DIALECT_2022)
        return stream_push(&client->stream, message, err);
    if (wire_text_is(op, "cancel-keys"))
        return ask_to_cancel(client, message, err);
    const struct word *word = find_word(told, sizeof(told) / sizeof(*told), op);
    if (!word)
        return refuse(client, message, err);
    arena_init(&arena, client->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling map = translate(&builder, word, message);
    struct wire_value translated = wire_end_map(&map);
    dk_status status =
        builder.failed ? error_nomem(err) : stream_push(&client->stream, &translated, err);
    arena_deinit(&arena);
    return status;
}

dk_status client_ask_in_words(dk_client *client, const struct pool_question *question,
                              struct pool_call **out, dk_error *err)
{
    struct arena arena;
    const struct wire_value *op = wire_find(question->message, "op");
    const struct word *word = find_word(asked, sizeof(asked) / sizeof(*asked), op);
    if (client->scheduler.dialect != DIALECT_2022 || !word)
        return pool_ask(client->pool, question, out, err);
    arena_init(&arena, client->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling map = translate(&builder, word, question->message);
    struct wire_value translated = wire_end_map(&map);
    struct pool_question other = *question;
    other.message = &translated; /* which the pool copies */
    dk_status status = builder.failed ? error_nomem(err) : pool_ask(client->pool, &other, out, err);
    arena_deinit(&arena);
    return status;
}
