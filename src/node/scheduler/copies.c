/* Requests for copies: replicate, rebalance. Workers are asked to get them from each other.
 *
 * Source: distributed.scheduler.Scheduler (replicate, rebalance, gather_on_worker). */
#include <string.h>

#include "base/error.h"
#include "core/keys.h"
#include "core/scheduler/copies.h"
#include "node/scheduler/survey.h"

#define BRANCHING 2

/* One request. Each round of a replication is a survey of those that are to get copies. */
struct copying {
    struct scheduler_node *node;
    struct survey *survey;
    struct sched_keys keys;
    bool has_keys; /* else all there are */
    struct sched_workers workers;
    uint32_t n;
    uint32_t branching;
    struct vector copies; /* of struct sched_copy: of this round; keys in the survey's arena */
    size_t ndone;
    struct vector failed; /* of struct wire_bytes */
};

/* ---- the end ---- */

static void free_copying(struct copying *copying)
{
    vector_deinit(&copying->copies);
    vector_deinit(&copying->failed);
    memory_free(copying->node->memory, copying, sizeof(*copying));
}

static void reply(struct copying *copying, struct wire_value value)
{
    struct survey *survey = copying->survey;
    free_copying(copying);
    survey_reply(survey, &value);
}

static void fail(struct copying *copying, const dk_error *why)
{
    struct survey *survey = copying->survey;
    free_copying(copying);
    request_fail(survey->request, why);
    survey_free(survey);
}

static void refuse(struct copying *copying, const char *kind, const char *text)
{
    struct survey *survey = copying->survey;
    free_copying(copying);
    request_raise(survey->request, kind, text);
    survey_free(survey);
}

static void fail_without_memory(struct copying *copying)
{
    fail(copying, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
}

/* {"status": "OK"}, or which keys were not copied. */
static void reply_status(struct copying *copying)
{
    struct wire_builder builder = {.arena = &copying->survey->arena};
    const struct wire_bytes *failed = copying->failed.data;
    struct wire_filling keys = wire_begin_array(&builder, copying->failed.count);
    struct wire_filling map = wire_begin_map(&builder, 2);
    for (size_t i = 0; i < copying->failed.count; i++)
        wire_add(&keys, wire_packed(failed[i]));
    wire_put(&map, "status", wire_text(keys.count ? "partial-fail" : "OK"));
    if (keys.count)
        wire_put(&map, "keys", wire_end_array(&keys));
    if (builder.failed)
        fail_without_memory(copying);
    else
        reply(copying, wire_end_map(&map));
}

/* ---- what is asked for ---- */

/* False: the request was answered. */
static bool read_request(struct copying *copying)
{
    const struct wire_value *message = &copying->survey->question.root;
    const struct wire_value *keys = wire_find(message, "keys");
    dk_error err = {0};
    struct sched_decoder decoder = {&copying->survey->arena, &copying->node->scratch, NULL, &err};
    copying->has_keys = keys && keys->kind != WIRE_NIL;
    dk_status status = sched_decode_keys(&decoder, keys, &copying->keys);
    if (status == DK_OK)
        status = scheduler_find_workers(copying->node, wire_find(message, "workers"),
                                        &copying->survey->arena, &copying->workers, &err);
    if (status != DK_OK)
        fail(copying, &err);
    return status == DK_OK;
}

static struct copying *begin(struct scheduler_node *node, struct request *request,
                             void (*finish)(struct survey *survey))
{
    struct survey *survey = survey_new(node, request, sched_nworkers(node->sched) + 1, finish);
    struct copying *copying = survey ? memory_calloc(node->memory, sizeof(*copying)) : NULL;
    if (survey && !copying) {
        request_raise(request, "MemoryError", "out of memory");
        survey_free(survey);
    }
    if (!copying)
        return NULL;
    *copying = (struct copying){.node = node, .survey = survey};
    survey->self = copying;
    vector_init(&copying->copies, node->memory, sizeof(struct sched_copy));
    vector_init(&copying->failed, node->memory, sizeof(struct wire_bytes));
    return read_request(copying) ? copying : NULL;
}

/* What nobody holds cannot be copied; true: that was answered. */
static bool refuse_missing(struct copying *copying)
{
    dk_status status = sched_missing(copying->node->sched, &copying->keys, &copying->failed);
    if (status == DK_OK && !copying->failed.count)
        return false;
    if (status == DK_OK)
        reply_status(copying);
    else
        fail_without_memory(copying);
    return true;
}

/* ---- asking workers ---- */

static struct wire_value list_holders(const struct sched *sched, struct wire_builder *builder,
                                      struct wire_bytes key)
{
    size_t count = sched_holders(sched, key, NULL, 0);
    uint32_t *holders = arena_alloc(builder->arena, (count + 1) * sizeof(*holders));
    builder->failed |= !holders;
    if (!holders)
        return wire_nil();
    struct wire_filling list = wire_begin_array(builder, count);
    (void)sched_holders(sched, key, holders, count);
    for (size_t i = 0; i < count; i++)
        wire_add(&list, wire_copy_text(builder, sched_worker_address(sched, holders[i])));
    return wire_end_array(&list);
}

static bool ask_for_copies(struct copying *copying, uint32_t to)
{
    const struct sched *sched = copying->node->sched;
    const struct sched_copy *copies = copying->copies.data;
    struct wire_builder builder = {.arena = &copying->survey->arena};
    struct wire_filling who_has = wire_begin_map(&builder, copying->copies.count);
    for (size_t i = 0; i < copying->copies.count; i++)
        if (copies[i].to == to)
            wire_put_key(&who_has, wire_packed(copies[i].key),
                         list_holders(sched, &builder, copies[i].key));
    struct wire_entry fields[] = {{wire_text("op"), wire_text("gather")},
                                  {wire_text("who_has"), wire_end_map(&who_has)}};
    struct wire_value question = wire_map(fields, 2);
    const char *address = sched_worker_address(sched, to);
    if (!builder.failed && who_has.count)
        survey_ask(copying->survey, address, address, &question);
    return !builder.failed;
}

/* The state changes while workers are busy: keys are kept apart from it. */
static bool keep_keys(struct copying *copying)
{
    struct sched_copy *copies = copying->copies.data;
    for (size_t i = 0; i < copying->copies.count; i++) {
        copies[i].key.data =
            arena_text(&copying->survey->arena, copies[i].key.data, copies[i].key.nbytes);
        if (!copies[i].key.data)
            return false;
    }
    return true;
}

static bool ask_round(struct copying *copying)
{
    if (!keep_keys(copying))
        return false;
    for (size_t i = 0; i < copying->workers.count; i++)
        if (!ask_for_copies(copying, copying->workers.list[i]))
            return false;
    return true;
}

/* ---- answers ---- */

static bool lists_key(const struct copying *copying, const struct wire_value *list,
                      struct wire_bytes key)
{
    struct vector *scratch = &copying->node->scratch;
    for (uint32_t i = 0; list && list->kind == WIRE_ARRAY && i < list->count; i++)
        if (key_pack(&list->as.items[i], scratch, NULL) == DK_OK && scratch->count == key.nbytes &&
            memcmp(scratch->data, key.data, key.nbytes) == 0)
            return true;
    return false;
}

static bool was_copied(const struct copying *copying, const struct survey_answer *answer,
                       struct wire_bytes key)
{
    const struct wire_value *root = &answer->message.root;
    if (!survey_has_answer(answer))
        return false;
    if (wire_text_is(wire_find(root, "status"), "OK"))
        return true;
    return wire_text_is(wire_find(root, "status"), "partial-fail") &&
           !lists_key(copying, wire_find(root, "keys"), key);
}

static dk_status tell(struct copying *copying, enum sched_event_kind kind, uint32_t worker,
                      struct wire_bytes key)
{
    struct sched_event event = {.kind = kind, .stimulus = "copy", .worker = worker};
    event.as.keys = (struct sched_keys){&key, 1};
    return scheduler_take(copying->node, &event, NULL);
}

static dk_status take_copy(struct copying *copying, const struct survey_answer *answer,
                           const struct sched_copy *copy)
{
    if (!was_copied(copying, answer, copy->key))
        return vector_append(&copying->failed, &copy->key, 1);
    copying->ndone++;
    DK_TRY(tell(copying, SCHED_ADD_KEYS, copy->to, copy->key));
    return copy->from == SCHED_NOBODY ? DK_OK
                                      : tell(copying, SCHED_DROP_KEYS, copy->from, copy->key);
}

/* Whoever has left meanwhile has no number any longer, or its number is another's. */
static dk_status take_answers(struct copying *copying)
{
    const struct sched_copy *copies = copying->copies.data;
    copying->ndone = 0;
    copying->failed.count = 0;
    for (uint32_t i = 0; i < copying->survey->count; i++) {
        const struct survey_answer *answer = &copying->survey->answers[i];
        uint32_t worker = sched_find_worker(copying->node->sched, answer->worker);
        for (size_t j = 0; j < copying->copies.count && worker != SCHED_NOBODY; j++)
            if (copies[j].to == worker)
                DK_TRY(take_copy(copying, answer, &copies[j]));
    }
    return DK_OK;
}

/* ---- replicate ---- */

/* Answers when nothing is left to be done, or nothing of what was left could be. */
static void begin_round(struct copying *copying, bool is_first)
{
    copying->copies.count = 0;
    dk_status status =
        sched_plan_replication(copying->node->sched, &copying->keys, copying->workers, copying->n,
                               copying->branching, &copying->copies);
    survey_again(copying->survey);
    if (status != DK_OK) {
        fail_without_memory(copying);
    } else if (!copying->copies.count) {
        reply(copying, wire_nil());
    } else if (!is_first && !copying->ndone) {
        reply_status(copying);
    } else if (!ask_round(copying)) {
        fail_without_memory(copying);
    } else {
        survey_wait(copying->survey);
    }
}

static void on_replicated(struct survey *survey)
{
    struct copying *copying = survey->self;
    if (take_answers(copying) != DK_OK)
        fail_without_memory(copying);
    else if (copying->node->is_closing)
        refuse(copying, "OSError", "the scheduler closes");
    else
        begin_round(copying, false);
}

/* How many copies there can be: on workers that run. */
static uint32_t count_running(const struct copying *copying)
{
    uint32_t count = 0;
    for (size_t i = 0; i < copying->workers.count; i++)
        count += sched_is_running(copying->node->sched, copying->workers.list[i]);
    return count;
}

static bool read_counts(struct copying *copying)
{
    const struct wire_value *message = &copying->survey->question.root;
    int64_t n, branching = BRANCHING;
    uint32_t nrunning = count_running(copying);
    copying->n = nrunning;
    if (wire_read_int(wire_find(message, "n"), &n) && n < nrunning)
        copying->n = n > 0 ? (uint32_t)n : 0;
    (void)wire_read_int(wire_find(message, "branching_factor"), &branching);
    copying->branching = branching > 0 && branching < UINT32_MAX ? (uint32_t)branching : 1;
    return copying->n > 0;
}

void scheduler_replicate(void *self, struct request *request)
{
    struct copying *copying = begin(self, request, on_replicated);
    if (!copying)
        return;
    if (!read_counts(copying)) {
        refuse(copying, "ValueError", "Can not use replicate to delete data");
        return;
    }
    if (refuse_missing(copying))
        return;
    struct sched_event event = {.kind = SCHED_REDUCE_REPLICAS, .stimulus = "replicate"};
    event.as.reduce = (struct sched_reduce){copying->keys, copying->workers.list,
                                            copying->workers.count, copying->n};
    if (scheduler_read_flag(wire_find(&copying->survey->question.root, "delete"), true) &&
        scheduler_take(self, &event, NULL) != DK_OK)
        fail_without_memory(copying);
    else
        begin_round(copying, true);
}

/* ---- rebalance ---- */

/* Who has asked for no keys is not told which have failed. */
static void on_balanced(struct survey *survey)
{
    struct copying *copying = survey->self;
    if (take_answers(copying) != DK_OK) {
        fail_without_memory(copying);
        return;
    }
    if (!copying->has_keys)
        copying->failed.count = 0;
    reply_status(copying);
}

void scheduler_rebalance(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct copying *copying = begin(self, request, on_balanced);
    if (!copying || (copying->has_keys && refuse_missing(copying)))
        return;
    dk_status status = sched_plan_balance(node->sched, copying->has_keys ? &copying->keys : NULL,
                                          copying->workers, &copying->copies);
    if (status != DK_OK || !ask_round(copying))
        fail_without_memory(copying);
    else
        survey_wait(copying->survey);
}
