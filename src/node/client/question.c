#include "node/client/question.h"

#include "base/error.h"
#include "node/client/answer.h"

void question_begin(struct question_form *form, dk_client *client, const char *op, size_t nfields)
{
    form->client = client;
    arena_init(&form->arena, client->memory);
    form->builder = (struct wire_builder){.arena = &form->arena};
    form->fields = wire_begin_map(&form->builder, nfields + 1);
    wire_put(&form->fields, "op", wire_text(op));
}

struct wire_value question_keys(struct question_form *form, dk_future *const *futures,
                                size_t nfutures)
{
    struct wire_filling keys = wire_begin_array(&form->builder, nfutures);
    for (size_t i = 0; i < nfutures; i++)
        wire_add(&keys, wire_packed(futures[i]->key));
    return wire_end_array(&keys);
}

struct wire_value question_texts(struct question_form *form, const char *const *texts, size_t count)
{
    struct wire_filling list = wire_begin_array(&form->builder, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&list, wire_text(texts[i]));
    return count ? wire_end_array(&list) : wire_nil();
}

dk_status question_receive(struct question_form *form, struct message *answer, dk_error *err)
{
    struct wait_limit limit = limit_begin(NULL);
    struct wire_value message = wire_end_map(&form->fields);
    dk_status status = form->builder.failed
                           ? error_nomem(err)
                           : client_ask(form->client, &message, &limit, answer, err);
    arena_deinit(&form->arena);
    return status;
}

dk_status question_ask(struct question_form *form, dk_value *answer, dk_error *err)
{
    struct message received;
    DK_TRY(question_receive(form, &received, err));
    dk_status status = DK_OK;
    if (answer)
        status = answer_value(form->client->dk, &received.root, answer, err);
    message_deinit(&received);
    return status;
}

dk_status question_say(struct question_form *form, dk_error *err)
{
    struct wire_value message = wire_end_map(&form->fields);
    dk_status status =
        form->builder.failed ? error_nomem(err) : client_send(form->client, &message, err);
    arena_deinit(&form->arena);
    return status;
}
