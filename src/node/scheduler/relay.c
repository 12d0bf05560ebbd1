/* Questions of clients that workers answer: client.run, versions, call stacks, actors.
 *
 * Source: distributed.scheduler.Scheduler.broadcast, proxy. */
#include "base/error.h"
#include "node/scheduler/survey.h"
#include "wire/pickle.h"

static bool lists(const struct wire_value *list, const char *text)
{
    bool is_list = list && (list->kind == WIRE_ARRAY || list->kind == WIRE_SET);
    for (uint32_t i = 0; is_list && i < list->count; i++)
        if (wire_text_is(&list->as.items[i], text))
            return true;
    return false;
}

/* The workers that are named by address, or by host; all when none is. */
static bool is_asked(const struct survey *survey, uint32_t worker)
{
    const struct wire_value *message = &survey->question.root;
    const struct wire_value *workers = wire_find(message, "workers");
    const struct wire_value *hosts = wire_find(message, "hosts");
    bool has_workers = workers && workers->kind != WIRE_NIL;
    bool has_hosts = hosts && hosts->kind != WIRE_NIL;
    const struct sched *sched = survey->node->sched;
    return (!has_workers && !has_hosts) || lists(workers, sched_worker_address(sched, worker)) ||
           lists(hosts, sched_worker_host(sched, worker));
}

/* Whoever was not reached, as an exception for the client to raise. */
static struct wire_value pickle_failure(struct survey *survey, const struct survey_answer *answer,
                                        struct wire_builder *builder)
{
    struct vector pickle;
    struct wire_bytes text = {answer->why.message, strlen(answer->why.message)};
    vector_init(&pickle, survey->node->memory, 1);
    const char *copy = NULL;
    if (pickle_exception(&pickle, "builtins", "OSError", text) == DK_OK)
        copy = arena_text(&survey->arena, pickle.data, pickle.count);
    struct wire_value value = wire_bin((struct wire_bytes){copy, copy ? pickle.count : 0});
    builder->failed |= !copy;
    vector_deinit(&pickle);
    return value;
}

/* What "on_error" has put in place of those that failed. */
static void reply_with_failures(struct survey *survey, bool are_told)
{
    struct wire_builder builder = {.arena = &survey->arena};
    struct wire_filling map = wire_begin_map(&builder, survey->count);
    for (uint32_t i = 0; i < survey->count; i++) {
        const struct survey_answer *answer = &survey->answers[i];
        if (survey_has_answer(answer))
            wire_put(&map, answer->worker, answer->message.root);
        else if (are_told)
            wire_put(&map, answer->worker, pickle_failure(survey, answer, &builder));
    }
    struct wire_value reply = wire_end_map(&map);
    if (!builder.failed) {
        survey_reply(survey, &reply);
        return;
    }
    request_fail(survey->request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
    survey_free(survey);
}

static void finish_broadcast(struct survey *survey)
{
    const struct wire_value *on_error = wire_find(&survey->question.root, "on_error");
    bool are_told = wire_text_is(on_error, "return_pickle") || wire_text_is(on_error, "return");
    if (are_told || wire_text_is(on_error, "ignore"))
        reply_with_failures(survey, are_told);
    else
        survey_reply_all(survey);
}

void scheduler_ask_all(struct survey *survey, bool asks_nannies, const struct wire_value *question)
{
    const struct sched *sched = survey->node->sched;
    for (uint32_t i = 0; i < sched_worker_limit(sched); i++) {
        const char *address = sched_worker_address(sched, i);
        const char *asked = asks_nannies ? sched_worker_nanny(sched, i) : address;
        if (address && asked && is_asked(survey, i))
            survey_ask(survey, address, asked, question);
    }
    survey_wait(survey);
}

static struct survey *begin(struct scheduler_node *node, struct request *request,
                            void (*finish)(struct survey *survey))
{
    const struct wire_value *question = wire_find(request_message(request), "msg");
    if (!question || question->kind != WIRE_MAP) {
        request_raise(request, "ValueError", "there is no \"msg\" to pass on");
        return NULL;
    }
    return survey_new(node, request, sched_nworkers(node->sched) + 1, finish);
}

void scheduler_broadcast(void *self, struct request *request)
{
    struct survey *survey = begin(self, request, finish_broadcast);
    if (survey)
        scheduler_ask_all(survey,
                          scheduler_read_flag(wire_find(&survey->question.root, "nanny"), false),
                          wire_find(&survey->question.root, "msg"));
}

static void finish_proxy(struct survey *survey)
{
    const struct survey_answer *answer = &survey->answers[0];
    if (survey_has_answer(answer))
        survey_reply(survey, &answer->message.root);
    else
        survey_fail(survey, answer);
}

void scheduler_proxy(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    uint32_t worker = scheduler_find_worker(node, wire_find(request_message(request), "worker"));
    if (worker == SCHED_NOBODY) {
        request_raise(request, "KeyError", "no such worker");
        return;
    }
    struct survey *survey = begin(node, request, finish_proxy);
    if (!survey)
        return;
    const char *address = sched_worker_address(node->sched, worker);
    survey_ask(survey, address, address, wire_find(&survey->question.root, "msg"));
    survey_wait(survey);
}

/* ---- questions in other words ---- */

void scheduler_worker_logs(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct survey *survey =
        survey_new(node, request, sched_nworkers(node->sched) + 1, survey_reply_all);
    if (!survey)
        return;
    const struct wire_value *n = wire_find(&survey->question.root, "n");
    struct wire_entry fields[] = {{wire_text("op"), wire_text("get_logs")},
                                  {wire_text("n"), n ? *n : wire_nil()}};
    struct wire_value question = wire_map(fields, 2);
    scheduler_ask_all(
        survey, scheduler_read_flag(wire_find(&survey->question.root, "nanny"), false), &question);
}

/* Workers that run nothing are left out. */
static void finish_call_stack(struct survey *survey)
{
    for (uint32_t i = 0; i < survey->count; i++) {
        struct survey_answer *answer = &survey->answers[i];
        bool is_empty = survey_has_answer(answer) && answer->message.root.kind == WIRE_MAP &&
                        !answer->message.root.count;
        if (!is_empty)
            continue;
        message_deinit(&answer->message);
        *answer = survey->answers[--survey->count];
        i--;
    }
    survey_reply_all(survey);
}

/* Of the keys that are asked for, those that the worker runs; nil: all that it runs. */
static struct wire_value list_running(const struct survey *survey, const struct sched_keys *keys,
                                      uint32_t worker, struct wire_builder *builder)
{
    struct wire_filling list = wire_begin_array(builder, keys->count);
    for (size_t i = 0; i < keys->count; i++)
        if (sched_runner(survey->node->sched, keys->list[i]) == worker)
            wire_add(&list, wire_packed(keys->list[i]));
    return wire_end_array(&list);
}

static void ask_call_stacks(struct survey *survey, const struct sched_keys *keys, bool of_all)
{
    const struct sched *sched = survey->node->sched;
    struct wire_builder builder = {.arena = &survey->arena};
    for (uint32_t i = 0; i < sched_worker_limit(sched); i++) {
        const char *address = sched_worker_address(sched, i);
        struct wire_value running = list_running(survey, keys, i, &builder);
        struct wire_entry fields[] = {{wire_text("op"), wire_text("call_stack")},
                                      {wire_text("keys"), of_all ? wire_nil() : running}};
        struct wire_value question = wire_map(fields, 2);
        if (address && (of_all || running.count))
            survey_ask(survey, address, address, &question);
    }
    survey_wait(survey);
}

void scheduler_call_stack(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct sched_keys keys = {0};
    struct survey *survey =
        survey_new(node, request, sched_nworkers(node->sched) + 1, finish_call_stack);
    if (!survey)
        return;
    struct sched_decoder decoder = {&survey->arena, &node->scratch, NULL, NULL};
    const struct wire_value *list = wire_find(&survey->question.root, "keys");
    bool of_all = !list || list->kind == WIRE_NIL;
    (void)!sched_decode_keys(&decoder, list, &keys);
    ask_call_stacks(survey, &keys, of_all);
}
