/* Workers that are to start anew: nannies start another process, the others just leave.
 *
 * Source: distributed.scheduler.Scheduler.restart, restart_workers. */
#include "base/error.h"
#include "node/scheduler/survey.h"

#define TIMEOUT_S 30
/* How long a worker has to end; no more than a quarter of all, the rest is for the next one. */
#define KILL_S 5.0

enum outcome { DONE, REMOVED, TIMED_OUT };

/* One request. Its survey asks the nannies; those without one are the first of its answers. */
struct restart {
    struct scheduler_node *node;
    struct survey *survey;
    struct restart *previous;
    struct restart *next; /* of those that wait for workers */
    uv_timer_t timer;
    uint64_t begun_ms;
    uint32_t nworkers; /* that there were */
    uint32_t nleft;    /* answers in front: of workers without a nanny */
    bool is_of_all;    /* "restart": every task is forgotten as well */
    bool is_waiting;
};

/* ---- the end ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct restart *restart = handle->data;
    struct scheduler_node *node = restart->node;
    memory_free(node->memory, restart, sizeof(*restart));
    scheduler_part_closed(node);
}

static void unlist(struct restart *restart)
{
    if (!restart->is_waiting)
        return;
    if (restart->previous)
        restart->previous->next = restart->next;
    else
        restart->node->restarts = restart->next;
    if (restart->next)
        restart->next->previous = restart->previous;
    restart->is_waiting = false;
}

static void end(struct restart *restart)
{
    unlist(restart);
    uv_close((uv_handle_t *)&restart->timer, on_timer_closed);
}

static enum outcome outcome_of(const struct restart *restart, uint32_t i)
{
    if (i < restart->nleft)
        return REMOVED;
    return survey_has_answer(&restart->survey->answers[i]) ? DONE : TIMED_OUT;
}

static void reply(struct restart *restart)
{
    static const char *const texts[] = {"OK", "removed", "timed out"};
    struct survey *survey = restart->survey;
    struct wire_builder builder = {.arena = &survey->arena};
    struct wire_filling map = wire_begin_map(&builder, survey->count);
    for (uint32_t i = 0; i < survey->count; i++)
        wire_put(&map, survey->answers[i].worker, wire_text(texts[outcome_of(restart, i)]));
    struct wire_value value = restart->is_of_all ? wire_nil() : wire_end_map(&map);
    survey_reply(survey, &value);
    end(restart);
}

static void raise_timeout(struct restart *restart, const char *text)
{
    request_raise(restart->survey->request, "TimeoutError", text);
    survey_free(restart->survey);
    end(restart);
}

/* ---- waiting for workers to come back ---- */

static void on_timeout(uv_timer_t *timer)
{
    raise_timeout(timer->data, "Waited for workers to reconnect after restarting, in vain");
}

void scheduler_worker_came(struct scheduler_node *node)
{
    struct restart *next;
    for (struct restart *r = node->restarts; r; r = next) {
        next = r->next;
        if (sched_nworkers(node->sched) >= r->nworkers)
            reply(r);
    }
}

void scheduler_restarts_close(struct scheduler_node *node)
{
    while (node->restarts)
        raise_timeout(node->restarts, "the scheduler closes");
}

static void await_workers(struct restart *restart)
{
    struct scheduler_node *node = restart->node;
    restart->next = node->restarts;
    if (restart->next)
        restart->next->previous = restart;
    node->restarts = restart;
    restart->is_waiting = true;
    uint64_t passed_ms = uv_now(node->loop) - restart->begun_ms;
    uint64_t timeout_ms = (uint64_t)restart->survey->timeout_ms;
    uv_timer_start(&restart->timer, on_timeout, timeout_ms > passed_ms ? timeout_ms - passed_ms : 0,
                   0);
    scheduler_worker_came(node);
}

/* The old processes are gone, even if their connections say so later. */
static void on_killed(struct survey *survey)
{
    struct restart *restart = survey->self;
    struct scheduler_node *node = restart->node;
    const struct wire_value *message = &survey->question.root;
    uint32_t nfailed = 0;
    for (uint32_t i = restart->nleft; i < survey->count; i++) {
        struct wire_value address = wire_text(survey->answers[i].worker);
        scheduler_drop_worker(node, scheduler_find_worker(node, &address));
        nfailed += outcome_of(restart, i) == TIMED_OUT;
    }
    bool raises = !wire_text_is(wire_find(message, "on_error"), "return");
    if (nfailed && raises)
        raise_timeout(restart, "nanny worker(s) did not shut down in time");
    else if (node->is_closing || !scheduler_read_flag(wire_find(message, "wait_for_workers"), true))
        reply(restart);
    else
        await_workers(restart);
}

/* ---- the beginning ---- */

static bool is_meant(const struct restart *restart, const char *address)
{
    const struct wire_value *list = wire_find(&restart->survey->question.root, "workers");
    if (!list || (list->kind != WIRE_ARRAY && list->kind != WIRE_SET))
        return true;
    for (uint32_t i = 0; i < list->count; i++)
        if (wire_text_is(&list->as.items[i], address))
            return true;
    return false;
}

/* Nobody starts these again. */
static void remove_without_nanny(struct restart *restart)
{
    struct scheduler_node *node = restart->node;
    struct survey *survey = restart->survey;
    for (uint32_t i = 0; i < sched_worker_limit(node->sched); i++) {
        const char *address = sched_worker_address(node->sched, i);
        if (!address || sched_worker_nanny(node->sched, i) || !is_meant(restart, address))
            continue;
        const char *copy = arena_strdup(&survey->arena, address);
        survey->answers[survey->count++].worker = copy ? copy : "";
        scheduler_drop_worker(node, i);
    }
    restart->nleft = survey->count;
}

static void kill_by_nanny(struct restart *restart)
{
    struct scheduler_node *node = restart->node;
    double quarter_s = (double)restart->survey->timeout_ms / 4e3;
    struct wire_entry fields[] = {
        {wire_text("op"), wire_text("kill")},
        {wire_text("timeout"), wire_float(quarter_s < KILL_S ? quarter_s : KILL_S)},
        {wire_text("reason"), wire_text("scheduler-restart")}};
    struct wire_value question = wire_map(fields, 3);
    for (uint32_t i = 0; i < sched_worker_limit(node->sched); i++) {
        const char *address = sched_worker_address(node->sched, i);
        if (address && is_meant(restart, address))
            survey_ask(restart->survey, address, sched_worker_nanny(node->sched, i), &question);
    }
    survey_wait(restart->survey);
}

static struct restart *make(struct scheduler_node *node, struct request *request)
{
    uint32_t nworkers = sched_nworkers(node->sched);
    struct survey *survey = survey_new(node, request, nworkers + 1, on_killed);
    struct restart *restart = survey ? memory_calloc(node->memory, sizeof(*restart)) : NULL;
    if (survey && !restart) {
        request_raise(request, "MemoryError", "out of memory");
        survey_free(survey);
    }
    if (!restart)
        return NULL;
    *restart = (struct restart){
        .node = node, .survey = survey, .nworkers = nworkers, .begun_ms = uv_now(node->loop)};
    survey->self = restart;
    survey->timeout_ms =
        scheduler_read_timeout_ms(wire_find(&survey->question.root, "timeout"), TIMEOUT_S);
    uv_timer_init(node->loop, &restart->timer);
    restart->timer.data = restart;
    node->nclosing++;
    return restart;
}

void scheduler_restart_workers(void *self, struct request *request)
{
    struct restart *restart = make(self, request);
    if (!restart)
        return;
    remove_without_nanny(restart);
    kill_by_nanny(restart);
}

void scheduler_restart(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    struct sched_event event = {.kind = SCHED_RESTART, .stimulus = "restart"};
    struct restart *restart = make(node, request);
    if (!restart)
        return;
    restart->is_of_all = true;
    (void)!scheduler_take(node, &event, NULL);
    remove_without_nanny(restart);
    kill_by_nanny(restart);
}
