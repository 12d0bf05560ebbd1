#include "node/scheduler/survey.h"

#include <string.h>

#include "base/error.h"

/* One question on its way. */
struct asked {
    struct survey *survey;
    struct survey_answer *answer;
};

struct survey *survey_new(struct scheduler_node *node, struct request *request, uint32_t capacity,
                          void (*finish)(struct survey *survey))
{
    struct survey *survey = memory_calloc(node->memory, sizeof(*survey));
    struct survey_answer *answers = memory_calloc(node->memory, capacity * sizeof(*answers));
    if (!survey || !answers) {
        memory_free(node->memory, survey, sizeof(*survey));
        memory_free(node->memory, answers, capacity * sizeof(*answers));
        request_fail(request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
        return NULL;
    }
    *survey = (struct survey){.node = node, .request = request, .capacity = capacity};
    survey->answers = answers;
    survey->npending = 1; /* until all are asked */
    survey->finish = finish;
    arena_init(&survey->arena, node->memory);
    request_take_message(request, &survey->question);
    node->nclosing++;
    return survey;
}

void survey_free(struct survey *survey)
{
    struct scheduler_node *node = survey->node;
    for (uint32_t i = 0; i < survey->count; i++)
        if (survey->answers[i].has_message)
            message_deinit(&survey->answers[i].message);
    message_deinit(&survey->question);
    arena_deinit(&survey->arena);
    memory_free(node->memory, survey->answers, survey->capacity * sizeof(*survey->answers));
    memory_free(node->memory, survey, sizeof(*survey));
    scheduler_part_closed(node);
}

void survey_again(struct survey *survey)
{
    for (uint32_t i = 0; i < survey->count; i++)
        if (survey->answers[i].has_message)
            message_deinit(&survey->answers[i].message);
    memset(survey->answers, 0, survey->count * sizeof(*survey->answers));
    survey->count = 0;
    survey->npending = 1; /* until all are asked */
}

void survey_wait(struct survey *survey)
{
    if (--survey->npending == 0)
        survey->finish(survey);
}

static void on_answer(void *self, struct message *message, const dk_error *why)
{
    const struct asked *asked = self;
    struct survey_answer *answer = asked->answer;
    if (why)
        answer->why = *why;
    if (message) {
        answer->message = *message;
        answer->has_message = true;
    }
    survey_wait(asked->survey);
}

void survey_ask(struct survey *survey, const char *worker, const char *address,
                const struct wire_value *question)
{
    struct asked *asked = arena_alloc(&survey->arena, sizeof(*asked));
    struct survey_answer *answer = &survey->answers[survey->count++];
    struct pool_question asks = {.message = question,
                                 .timeout_ms = survey->timeout_ms,
                                 .answered = on_answer,
                                 .self = asked};
    answer->worker = arena_strdup(&survey->arena, worker);
    if (!asked || !answer->worker) {
        answer->worker = "";
        error_nomem(&answer->why);
        return;
    }
    *asked = (struct asked){survey, answer};
    if (node_address_parse(address, &asks.address, &answer->why) == DK_OK &&
        pool_ask(survey->node->pool, &asks, NULL, &answer->why) == DK_OK)
        survey->npending++;
}

/* ---- replies ---- */

bool survey_has_answer(const struct survey_answer *answer)
{
    return answer->has_message &&
           !wire_text_is(wire_find(&answer->message.root, "status"), "uncaught-error");
}

static void release(void *self)
{
    survey_free(self);
}

void survey_reply(struct survey *survey, const struct wire_value *reply)
{
    request_reply_lent(survey->request, reply, (struct loan){release, survey});
}

void survey_fail(struct survey *survey, const struct survey_answer *answer)
{
    if (answer->has_message) {
        survey_reply(survey, &answer->message.root);
        return;
    }
    request_fail(survey->request, &answer->why);
    survey_free(survey);
}

void survey_reply_all(struct survey *survey)
{
    struct wire_builder builder = {.arena = &survey->arena};
    struct wire_filling map = wire_begin_map(&builder, survey->count);
    for (uint32_t i = 0; i < survey->count; i++) {
        const struct survey_answer *answer = &survey->answers[i];
        if (!survey_has_answer(answer)) {
            survey_fail(survey, answer);
            return;
        }
        wire_put(&map, answer->worker, answer->message.root);
    }
    struct wire_value reply = wire_end_map(&map);
    if (!builder.failed) {
        survey_reply(survey, &reply);
        return;
    }
    request_fail(survey->request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
    survey_free(survey);
}
