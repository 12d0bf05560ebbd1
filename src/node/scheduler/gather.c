/* Results on their way from workers to a client that does not ask the workers itself: relayed
 * without being opened or copied. A holder that fails is replaced by another one.
 *
 * Source: distributed.scheduler.Scheduler.gather, distributed.utils_comm.gather_from_workers. */
#include <string.h>

#include "base/error.h"
#include "core/keys.h"
#include "node/scheduler/parts.h"

/* A worker that sends to many already is asked again after this long. */
#define BUSY_MS 150
/* Holders of one key that are tried. */
#define HOLDERS_MAX 16

struct wanted {
    struct wire_bytes key;
    const struct wire_value *value; /* in one of the messages; NULL: not there yet */
    uint32_t worker;                /* that is being asked */
    size_t ntried;                  /* holders that had it and failed */
};

struct gathering {
    struct scheduler_node *node;
    struct request *request;
    struct arena arena;
    struct wanted *wanted;
    size_t count;
    struct vector messages; /* of struct message: answers with values */
    size_t nasked;          /* questions that are not answered yet */
    uv_timer_t timer;
    bool is_busy; /* somebody has to be asked again, later */
};

/* One worker's answer to come. */
struct asked {
    struct gathering *gathering;
    uint32_t worker;
};

static void next_round(struct gathering *gathering);

/* ---- the end ---- */

static void free_gathering(struct gathering *gathering)
{
    struct memory *memory = gathering->node->memory;
    struct message *messages = gathering->messages.data;
    for (size_t i = 0; i < gathering->messages.count; i++)
        message_deinit(&messages[i]);
    vector_deinit(&gathering->messages);
    arena_deinit(&gathering->arena);
    memory_free(memory, gathering, sizeof(*gathering));
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct gathering *gathering = handle->data;
    struct scheduler_node *node = gathering->node;
    free_gathering(gathering);
    scheduler_part_closed(node);
}

/* The reply is written: what it was made of can go. */
static void release(void *self)
{
    struct gathering *gathering = self;
    uv_close((uv_handle_t *)&gathering->timer, on_timer_closed);
}

static size_t count_missing(const struct gathering *gathering)
{
    size_t count = 0;
    for (size_t i = 0; i < gathering->count; i++)
        count += !gathering->wanted[i].value;
    return count;
}

static struct wire_value list_missing(struct gathering *gathering, struct wire_builder *builder)
{
    struct wire_filling keys = wire_begin_array(builder, gathering->count);
    for (size_t i = 0; i < gathering->count; i++)
        if (!gathering->wanted[i].value)
            wire_add(&keys, wire_packed(gathering->wanted[i].key));
    return wire_end_array(&keys);
}

static struct wire_value list_found(struct gathering *gathering, struct wire_builder *builder)
{
    struct wire_filling data = wire_begin_map(builder, gathering->count);
    for (size_t i = 0; i < gathering->count; i++)
        wire_put_key(&data, wire_packed(gathering->wanted[i].key), *gathering->wanted[i].value);
    return wire_end_map(&data);
}

/* All keys, or those that are missing. */
static void finish(struct gathering *gathering)
{
    struct wire_builder builder = {.arena = &gathering->arena};
    struct wire_filling map = wire_begin_map(&builder, 2);
    bool is_complete = !count_missing(gathering);
    struct loan loan = {release, gathering};
    wire_put(&map, "status", wire_text(is_complete ? "OK" : "error"));
    wire_put(&map, is_complete ? "data" : "keys",
             is_complete ? list_found(gathering, &builder) : list_missing(gathering, &builder));
    struct wire_value reply = wire_end_map(&map);
    if (builder.failed) {
        request_fail(gathering->request,
                     &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
        release(gathering);
    } else {
        request_reply_lent(gathering->request, &reply, loan);
    }
}

static void on_busy_over(uv_timer_t *timer)
{
    next_round(timer->data);
}

static void end_round(struct gathering *gathering)
{
    if (--gathering->nasked)
        return;
    if (!gathering->is_busy) {
        next_round(gathering);
        return;
    }
    gathering->is_busy = false;
    uv_timer_start(&gathering->timer, on_busy_over, BUSY_MS, 0);
}

/* ---- answers ---- */

/* Its keys are asked of other holders. */
static void give_up(struct gathering *gathering, uint32_t worker)
{
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->wanted[i].worker == worker && !gathering->wanted[i].value)
            gathering->wanted[i].ntried++;
}

static bool is_key(struct gathering *gathering, const struct wire_value *value,
                   struct wire_bytes key)
{
    struct vector *scratch = &gathering->node->scratch;
    return key_pack(value, scratch, NULL) == DK_OK && scratch->count == key.nbytes &&
           memcmp(scratch->data, key.data, key.nbytes) == 0;
}

/* The entry of a key, looked for from `*at` on, where it is when the answer has the order of the
 * question; `*at` moves on. */
static const struct wire_value *find_key(struct gathering *gathering, const struct wire_value *data,
                                         struct wire_bytes key, uint32_t *at)
{
    uint32_t count = data && data->kind == WIRE_MAP ? data->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = (*at + i) % count;
        if (!is_key(gathering, &data->as.entries[entry].key, key))
            continue;
        *at = entry + 1;
        return &data->as.entries[entry].value;
    }
    return NULL;
}

static void take_values(struct gathering *gathering, uint32_t worker, struct message *answer)
{
    const struct wire_value *data = wire_find(&answer->root, "data");
    uint32_t at = 0;
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->wanted[i].worker == worker && !gathering->wanted[i].value)
            gathering->wanted[i].value = find_key(gathering, data, gathering->wanted[i].key, &at);
    if (vector_append(&gathering->messages, answer, 1) == DK_OK)
        return;
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->wanted[i].worker == worker)
            gathering->wanted[i].value = NULL;
    message_deinit(answer);
}

static void on_answer(void *self, struct message *answer, const dk_error *why)
{
    struct asked *asked = self;
    struct gathering *gathering = asked->gathering;
    if (answer && wire_text_is(wire_find(&answer->root, "status"), "busy")) {
        gathering->is_busy = true;
        message_deinit(answer);
    } else {
        if (answer && !why)
            take_values(gathering, asked->worker, answer);
        else if (answer)
            message_deinit(answer);
        give_up(gathering, asked->worker);
    }
    end_round(gathering);
}

/* ---- questions ---- */

/* The next holder of a key; SCHED_NOBODY when all have failed. */
static uint32_t choose_holder(struct gathering *gathering, const struct wanted *wanted)
{
    uint32_t holders[HOLDERS_MAX];
    size_t count = sched_holders(gathering->node->sched, wanted->key, holders, HOLDERS_MAX);
    if (count > HOLDERS_MAX)
        count = HOLDERS_MAX;
    return wanted->ntried < count ? holders[wanted->ntried] : SCHED_NOBODY;
}

static dk_status ask(struct gathering *gathering, uint32_t worker)
{
    struct wire_builder builder = {.arena = &gathering->arena};
    struct wire_filling map = wire_begin_map(&builder, 3);
    struct wire_filling keys = wire_begin_array(&builder, gathering->count);
    struct asked *asked = arena_alloc(&gathering->arena, sizeof(*asked));
    for (size_t i = 0; i < gathering->count; i++)
        if (gathering->wanted[i].worker == worker && !gathering->wanted[i].value)
            wire_add(&keys, wire_packed(gathering->wanted[i].key));
    wire_put(&map, "op", wire_text("get_data"));
    wire_put(&map, "keys", wire_end_array(&keys));
    wire_put(&map, "who", wire_nil());
    struct wire_value message = wire_end_map(&map);
    struct pool_question question = {
        .message = &message, .confirms = true, .answered = on_answer, .self = asked};
    if (builder.failed || !asked)
        return DK_ENOMEM;
    *asked = (struct asked){gathering, worker};
    DK_TRY(node_address_parse(sched_worker_address(gathering->node->sched, worker),
                              &question.address, NULL));
    return pool_ask(gathering->node->pool, &question, NULL, NULL);
}

/* Each worker is asked once for all that is wanted of it: in the order of their ids. */
static void ask_each(struct gathering *gathering)
{
    uint32_t limit = sched_worker_limit(gathering->node->sched);
    bool *is_wanted = arena_calloc(&gathering->arena, limit + 1);
    for (size_t i = 0; i < gathering->count && is_wanted; i++)
        if (!gathering->wanted[i].value && gathering->wanted[i].worker < limit)
            is_wanted[gathering->wanted[i].worker] = true;
    for (uint32_t worker = 0; worker < limit; worker++) {
        if (is_wanted && !is_wanted[worker])
            continue;
        if (is_wanted && ask(gathering, worker) == DK_OK)
            gathering->nasked++;
        else
            give_up(gathering, worker);
    }
}

static void next_round(struct gathering *gathering)
{
    gathering->nasked = 1; /* this round, until everybody was asked */
    bool is_possible = false;
    for (size_t i = 0; i < gathering->count; i++) {
        struct wanted *wanted = &gathering->wanted[i];
        wanted->worker = wanted->value ? SCHED_NOBODY : choose_holder(gathering, wanted);
        is_possible |= wanted->worker != SCHED_NOBODY;
    }
    if (!is_possible || gathering->node->is_closing) {
        finish(gathering);
        return;
    }
    ask_each(gathering);
    end_round(gathering);
}

static dk_status read_keys(struct gathering *gathering, const struct wire_value *message,
                           dk_error *err)
{
    struct sched_decoder decoder = {&gathering->arena, &gathering->node->scratch, NULL, err};
    struct sched_keys keys;
    DK_TRY(sched_decode_keys(&decoder, wire_find(message, "keys"), &keys));
    gathering->wanted = arena_calloc(&gathering->arena, keys.count * sizeof(*gathering->wanted));
    if (!gathering->wanted)
        return error_nomem(err);
    gathering->count = keys.count;
    for (size_t i = 0; i < keys.count; i++)
        gathering->wanted[i].key = keys.list[i];
    return DK_OK;
}

void scheduler_gather(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    dk_error err = {0};
    struct gathering *gathering = memory_calloc(node->memory, sizeof(*gathering));
    if (!gathering) {
        error_nomem(&err);
        request_fail(request, &err);
        return;
    }
    gathering->node = node;
    gathering->request = request;
    arena_init(&gathering->arena, node->memory);
    vector_init(&gathering->messages, node->memory, sizeof(struct message));
    if (read_keys(gathering, request_message(request), &err) != DK_OK) {
        request_fail(request, &err);
        free_gathering(gathering);
        return;
    }
    uv_timer_init(node->loop, &gathering->timer);
    gathering->timer.data = gathering;
    node->nclosing++;
    next_round(gathering);
}
