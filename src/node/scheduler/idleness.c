/* A scheduler that nobody needs any more ends, if it was told to.
 * Source: distributed.scheduler.Scheduler.check_idle. */
#include "core/scheduler/queries.h"
#include "node/scheduler/parts.h"

/* It is looked at so often within the timeout. */
#define LOOKS 4

static void on_look(uv_timer_t *timer)
{
    struct scheduler_node *node = timer->data;
    double now = (double)uv_now(node->loop) / 1000, timeout = node->options.idle_timeout_s;
    uint64_t nassigned = sched_nassigned(node->sched);
    bool was_idle = nassigned == node->nassigned_then && sched_is_idle(node->sched);
    node->nassigned_then = nassigned;
    if (!was_idle) {
        node->idle_since = 0;
    } else if (node->idle_since <= 0) {
        node->idle_since = now;
    } else if (now >= node->idle_since + timeout) {
        scheduler_log(node, "INFO", "Scheduler closing after being idle for %.2f s", timeout);
        scheduler_node_close(node, "idle-timeout-exceeded");
    }
}

void scheduler_watch_idleness(struct scheduler_node *node)
{
    uint64_t interval_ms = (uint64_t)(node->options.idle_timeout_s * 1000 / LOOKS);
    uv_timer_init(node->loop, &node->idle);
    node->idle.data = node;
    node->nclosing++;
    if (node->options.idle_timeout_s > 0)
        uv_timer_start(&node->idle, on_look, interval_ms, interval_ms ? interval_ms : 1);
}
