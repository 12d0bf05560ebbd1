#include "core/coordination/waiting.h"

#include "base/timedelta.h"
#include "core/coordination/parts.h"

/* Longer than this is forever. */
#define FOREVER_S 1e11

/* ---- places ---- */

void coord_place_init(struct coord_place *place, bool is_fair,
                      void (*emptied)(struct coord *coord, struct coord_place *place))
{
    *place = (struct coord_place){.is_fair = is_fair, .emptied = emptied};
    list_init(&place->waiting);
    list_init(&place->woken);
}

bool coord_place_is_used(const struct coord_place *place)
{
    return !list_is_empty(&place->waiting) || !list_is_empty(&place->woken);
}

void coord_wake(struct coord *coord, struct coord_place *place)
{
    if (!list_is_empty(&place->waiting) && list_is_empty(&place->woken))
        list_append(&coord->woken, &place->woken);
}

static void leave(struct coord *coord, struct coord_place *place)
{
    if (place->emptied && !coord_place_is_used(place))
        place->emptied(coord, place);
}

/* ---- time ---- */

int64_t coord_after(const struct coord *coord, double seconds)
{
    return seconds < FOREVER_S ? coord->now_us + (int64_t)(seconds * 1e6) : INT64_MAX;
}

void coord_timer_stop(struct coord *coord, struct coord_timer *timer)
{
    if (timer->place != HEAP_NOWHERE)
        heap_remove(&coord->timers, timer);
}

void coord_timer_set(struct coord *coord, struct coord_timer *timer, int64_t at_us)
{
    coord_timer_stop(coord, timer);
    timer->at_us = at_us;
    if (at_us != INT64_MAX && heap_push(&coord->timers, timer) != DK_OK)
        coord_fail(coord);
}

/* ---- asking ---- */

static void ask_free(struct coord *coord, struct coord_ask *ask)
{
    coord_timer_stop(coord, &ask->timer);
    if (ask->asker->waiting == ask) {
        ask->asker->waiting = NULL;
        coord->nwaiting--;
    }
    list_remove(&ask->link);
    list_remove(&ask->of_all);
    wire_box_unref(ask->copy);
    memory_free(coord->memory, ask, sizeof(*ask));
}

/* Ends it without the answer that it asked for. */
static void give_up(struct coord *coord, struct coord_ask *ask)
{
    if (ask->question->give_up)
        ask->question->give_up(coord, ask);
    struct coord_place *place = ask->place;
    ask_free(coord, ask);
    if (place)
        leave(coord, place);
}

static void raise_unknown_task(struct coord *coord, const struct coord_ask *ask)
{
    char text[256];
    struct wire_bytes key;
    if (!coord_read_key(coord, ask, "key", &key))
        return;
    key_text(key, text, sizeof(text));
    coord_raise(coord, ask, "TimeoutError", "Task %s unknown to scheduler.", text);
}

static void expire(struct coord *coord, struct coord_ask *ask)
{
    if (ask->place == &coord->unknown_tasks)
        raise_unknown_task(coord, ask);
    else if (ask->question->late == COORD_LATE_FALSE)
        coord_answer(coord, ask, wire_bool(false));
    else
        coord_raise(coord, ask, "TimeoutError", "%s: the time is up", ask->question->op);
    give_up(coord, ask);
}

static void keep_waiting(struct coord *coord, struct coord_ask *ask)
{
    ask->has_waited = true;
    if (ask->timeout_s == 0) {
        expire(coord, ask);
        return;
    }
    ask->copy = wire_box_new(coord->memory, ask->message);
    if (!ask->copy) {
        coord_fail(coord);
        give_up(coord, ask);
        return;
    }
    ask->message = &ask->copy->value;
    ask->asker->waiting = ask;
    list_append(&coord->waiting, &ask->of_all);
    list_append(&ask->place->waiting, &ask->link);
    coord->nwaiting++;
    if (ask->timeout_s > 0)
        coord_timer_set(coord, &ask->timer, coord_after(coord, ask->timeout_s));
}

void coord_take_question(struct coord *coord, const struct coord_question *question,
                         const struct coord_event *event)
{
    struct coord_ask *ask = memory_calloc(coord->memory, sizeof(*ask));
    if (!ask) {
        coord_fail(coord);
        return;
    }
    *ask = (struct coord_ask){.question = question,
                              .message = event->message,
                              .asker = event->asker,
                              .timer.place = HEAP_NOWHERE,
                              .begun_us = coord->now_us,
                              .timeout_s = -1};
    list_init(&ask->link);
    list_init(&ask->of_all);
    list_init(&ask->taken);
    if (question->attempt(coord, ask))
        ask_free(coord, ask);
    else
        keep_waiting(coord, ask);
}

static bool read_timeout(struct coord *coord, struct coord_ask *ask)
{
    const struct wire_value *timeout = coord_field(ask->message, "timeout");
    struct wire_bytes text;
    double seconds = -1;
    dk_error err;
    if (wire_read_text(timeout, &text)) {
        if (timedelta_parse(text.data, text.nbytes, &seconds, &err) != DK_OK) {
            const char *kind = err.status == DK_EKEY ? "KeyError" : "ValueError";
            return !coord_raise(coord, ask, kind, "%s", err.message);
        }
    } else if (wire_read_float(timeout, &seconds) && seconds < 0) {
        seconds = 0; /* what is in the past is now */
    }
    ask->timeout_s = seconds;
    return true;
}

bool coord_wait(struct coord *coord, struct coord_ask *ask, struct coord_place *place)
{
    if (!ask->has_waited && !read_timeout(coord, ask))
        return true;
    ask->place = place;
    return false;
}

void coord_lose(struct coord *coord, struct coord_asker *asker)
{
    if (asker->waiting)
        give_up(coord, asker->waiting);
}

void coord_forget_waiting(struct coord *coord)
{
    while (!list_is_empty(&coord->waiting)) {
        struct coord_ask *ask = LIST_ENTRY(coord->waiting.next, struct coord_ask, of_all);
        if (ask->question->give_up)
            ask->question->give_up(coord, ask);
        ask_free(coord, ask);
    }
}

/* ---- being woken ---- */

/* One after the other, in the order of their coming. An attempt may lead to another place. */
static void serve(struct coord *coord, struct coord_place *place)
{
    struct list *next;
    for (struct list *at = place->waiting.next; at != &place->waiting; at = next) {
        struct coord_ask *ask = LIST_ENTRY(at, struct coord_ask, link);
        next = at->next;
        if (ask->question->attempt(coord, ask)) {
            ask_free(coord, ask);
        } else if (ask->place != place) {
            list_remove(&ask->link);
            list_append(&ask->place->waiting, &ask->link);
        } else if (place->is_fair) {
            return;
        }
    }
}

void coord_settle(struct coord *coord)
{
    while (!list_is_empty(&coord->woken)) {
        struct coord_place *place = LIST_ENTRY(coord->woken.next, struct coord_place, woken);
        list_remove(&place->woken);
        serve(coord, place);
        leave(coord, place);
    }
}

static void on_time(struct coord *coord, struct coord_timer *timer)
{
    coord_timer_stop(coord, timer);
    if (timer->is_lease)
        coord_semaphore_expire(coord, LIST_ENTRY(timer, struct coord_lease, timer));
    else
        expire(coord, LIST_ENTRY(timer, struct coord_ask, timer));
}

void coord_tick(struct coord *coord)
{
    struct coord_timer *timer;
    while ((timer = heap_first(&coord->timers)) && timer->at_us <= coord->now_us)
        on_time(coord, timer);
}
