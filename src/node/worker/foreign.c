/* Tasks of Python's that a scheduler of Dask's has given to a worker without Python: that scheduler
 * takes all workers to be alike. They are given back where there is a worker that can run them, and
 * else fail. The worker is paused before they are, and for a while after it, or it would be given
 * them again, being idle; and it holds them for a moment first, so that few are on their way.
 *
 * Source of the way back: distributed.worker.Reschedule. */
#include "node/worker/parts.h"

#define HOLD_MS   20
#define AWAY_MS   200
#define ANSWER_MS 10000

static bool has_python(const struct wire_value *worker)
{
    const struct wire_value *kinds = wire_find(worker, "cdask"); /* Dask's have none */
    const struct wire_value *python = wire_find(kinds, "python");
    return !kinds || (python && python->kind == WIRE_BOOL && python->as.boolean);
}

/* What the scheduler says of itself: cdask's own would not have given us the task. */
static bool has_others(const struct wire_value *identity)
{
    const struct wire_value *workers = wire_find(identity, "workers");
    bool is_found = false;
    if (!workers || workers->kind != WIRE_MAP || wire_find(identity, "cdask"))
        return false;
    for (uint32_t i = 0; i < workers->count; i++)
        is_found |= has_python(&workers->as.entries[i].value);
    return is_found;
}

static void on_held(uv_timer_t *timer);

static void come_back(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    node->is_away = false;
    if (node->status == WORKER_PAUSED)
        worker_set_status(node, WORKER_RUNNING);
    worker_watch_memory(node);
    if (!list_is_empty(&node->foreign))
        uv_timer_start(timer, on_held, HOLD_MS, 0);
}

static void go_away(struct worker_node *node)
{
    node->is_away = true;
    if (node->status == WORKER_RUNNING)
        worker_set_status(node, WORKER_PAUSED);
    uv_timer_start(&node->hold, come_back, AWAY_MS, 0);
}

static void decide_all(struct worker_node *node, bool others_can)
{
    if (others_can && node->status != WORKER_CLOSING)
        go_away(node);
    while (!list_is_empty(&node->foreign)) {
        struct foreign *foreign = LIST_ENTRY(node->foreign.next, struct foreign, link);
        list_remove(&foreign->link);
        foreign->decide(foreign, others_can);
    }
}

static void on_identity(void *self, struct message *answer, const dk_error *why)
{
    (void)why; /* without an answer nobody else is known */
    decide_all(self, answer && has_others(&answer->root));
    if (answer)
        message_deinit(answer);
}

static void on_held(uv_timer_t *timer)
{
    struct worker_node *node = timer->data;
    struct wire_entry op = {wire_text("op"), wire_text("identity")};
    struct wire_value question = wire_map(&op, 1);
    struct pool_question asks = {.address = node->options.scheduler,
                                 .message = &question,
                                 .timeout_ms = ANSWER_MS,
                                 .answered = on_identity,
                                 .self = node};
    if (pool_ask(node->pool, &asks, NULL, NULL) != DK_OK)
        decide_all(node, false);
}

void worker_hold_foreign(struct worker_node *node, struct foreign *foreign)
{
    if (!node->has_told_foreign)
        worker_log(
            node, "WARNING",
            "the scheduler gives this worker tasks of Python's, which it cannot run: they go "
            "back to it");
    node->has_told_foreign = true;
    if (list_is_empty(&node->foreign) && !node->is_away)
        uv_timer_start(&node->hold, on_held, HOLD_MS, 0);
    list_append(&node->foreign, &foreign->link);
}

void worker_drop_foreign(struct worker_node *node)
{
    uv_timer_stop(&node->hold);
    decide_all(node, false);
}
