#include "core/coordination/coordination.h"

#include <string.h>

#include "base/error.h"
#include "core/coordination/parts.h"

/* ---- the table of questions and messages ---- */

static const struct coord_question *const questions[] = {
#define COORD_QUESTIONS(name) coord_##name##_questions,
    COORD_PRIMITIVES(COORD_QUESTIONS)
#undef COORD_QUESTIONS
};

static const struct coord_saying *const sayings[] = {
#define COORD_SAYINGS(name) coord_##name##_sayings,
    COORD_PRIMITIVES(COORD_SAYINGS)
#undef COORD_SAYINGS
};

#define NPRIMITIVES (sizeof(questions) / sizeof(*questions))

const char *coord_question(size_t n)
{
    for (size_t i = 0; i < NPRIMITIVES; i++)
        for (const struct coord_question *at = questions[i]; at->op; at++)
            if (n-- == 0)
                return at->op;
    return NULL;
}

static const struct coord_question *find_question(const struct wire_value *message)
{
    const struct wire_value *op = wire_find(message, "op");
    for (size_t i = 0; i < NPRIMITIVES; i++)
        for (const struct coord_question *at = questions[i]; at->op; at++)
            if (wire_text_is(op, at->op))
                return at;
    return NULL;
}

static const struct coord_saying *find_saying(const struct wire_value *message)
{
    const struct wire_value *op = wire_find(message, "op");
    for (size_t i = 0; i < NPRIMITIVES; i++)
        for (const struct coord_saying *at = sayings[i]; at->op; at++)
            if (wire_text_is(op, at->op))
                return at;
    return NULL;
}

/* ---- making and freeing ---- */

static bool is_earlier(const void *a, const void *b)
{
    return ((const struct coord_timer *)a)->at_us < ((const struct coord_timer *)b)->at_us;
}

static uint32_t *place_of(void *timer)
{
    return &((struct coord_timer *)timer)->place;
}

struct coord *coord_new(struct memory *memory, const struct sched *sched)
{
    struct coord *coord = memory_calloc(memory, sizeof(*coord));
    if (!coord)
        return NULL;
    coord->memory = memory;
    coord->sched = sched;
    coord->next_token = 1;
    vector_init(&coord->name_scratch, memory, 1);
    vector_init(&coord->key_scratch, memory, 1);
    heap_init(&coord->timers, memory, is_earlier, place_of);
    list_init(&coord->woken);
    list_init(&coord->waiting);
    coord_place_init(&coord->unknown_tasks, false, NULL);
#define COORD_INIT(name) coord_##name##_init(coord);
    COORD_PRIMITIVES(COORD_INIT)
#undef COORD_INIT
    return coord;
}

void coord_free(struct coord *coord)
{
    struct coord_instructions out;
    if (!coord)
        return;
    coord_instructions_init(&out, coord->memory);
    coord->out = &out;
    coord_forget_waiting(coord);
#define COORD_DEINIT(name) coord_##name##_deinit(coord);
    COORD_PRIMITIVES(COORD_DEINIT)
#undef COORD_DEINIT
    coord_instructions_deinit(&out);
    heap_deinit(&coord->timers);
    vector_deinit(&coord->name_scratch);
    vector_deinit(&coord->key_scratch);
    memory_free(coord->memory, coord, sizeof(*coord));
}

/* ---- events ---- */

static void lose_client(struct coord *coord, uint32_t client)
{
    coord_variables_lose_client(coord, client);
    coord_datasets_lose_client(coord, client);
    coord_topics_lose_client(coord, client);
}

static dk_status take(struct coord *coord, const struct coord_event *event)
{
    const struct coord_question *question;
    const struct coord_saying *saying;
    switch (event->kind) {
    case COORD_ASK:
        question = find_question(event->message);
        if (!question)
            return DK_ENOTSUP;
        coord_take_question(coord, question, event);
        return DK_OK;
    case COORD_SAY:
        saying = find_saying(event->message);
        if (!saying)
            return DK_ENOTSUP;
        saying->take(coord, event);
        return DK_OK;
    case COORD_LOG:
        coord_topic_log(coord, event->message);
        return DK_OK;
    case COORD_TASK_ENDED:
        coord_note_task(coord, event->message);
        return DK_OK;
    case COORD_GONE:
        coord_lose(coord, event->asker);
        return DK_OK;
    case COORD_CLIENT_GONE:
        lose_client(coord, event->client);
        return DK_OK;
    case COORD_TASKS_CHANGED:
        coord_wake(coord, &coord->unknown_tasks);
        return DK_OK;
    case COORD_TICK:
        coord_tick(coord);
        return DK_OK;
    }
    return DK_ENOTSUP;
}

dk_status coord_step(struct coord *coord, const struct coord_event *event,
                     struct coord_instructions *out)
{
    coord->now_us = event->now_us;
    coord->wall_s = event->wall_s;
    coord->out = out;
    coord->has_failed = false;
    dk_status status = take(coord, event);
    coord_settle(coord);
    coord->out = NULL;
    return coord->has_failed || out->values.failed ? DK_ENOMEM : status;
}

/* ---- looking ---- */

int64_t coord_deadline_us(const struct coord *coord)
{
    const struct coord_timer *first = heap_first(&coord->timers);
    return first ? first->at_us : INT64_MAX;
}

bool coord_awaits_tasks(const struct coord *coord)
{
    return !list_is_empty(&coord->unknown_tasks.waiting);
}

bool coord_collects_tasks(const struct coord *coord)
{
    return coord_table_count(&coord->collections) > 0;
}

size_t coord_nwaiting(const struct coord *coord)
{
    return coord->nwaiting;
}

bool coord_validate(const struct coord *coord, dk_error *err)
{
    size_t nwaiting = 0;
    LIST_EACH (at, &coord->waiting) {
        const struct coord_ask *ask = LIST_ENTRY(at, struct coord_ask, of_all);
        if (ask->asker->waiting != ask || !ask->copy || list_is_empty(&ask->link))
            return !error_set(err, DK_EINVAL, "%s: waits nowhere", ask->question->op);
        nwaiting++;
    }
    if (nwaiting != coord->nwaiting || !list_is_empty(&coord->woken))
        return !error_set(err, DK_EINVAL, "those who wait are counted or served wrongly");
#define COORD_IS_VALID(name)                                                                       \
    if (!coord_##name##_are_valid(coord, err))                                                     \
        return false;
    COORD_PRIMITIVES(COORD_IS_VALID)
#undef COORD_IS_VALID
    return true;
}
