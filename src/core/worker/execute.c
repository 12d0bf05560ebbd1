/* Which tasks run next.   Source: WorkerState._ensure_computing, _next_ready_task. */
#include "core/worker/state.h"

static bool are_resources_free(const struct wkr *worker, const struct wkr_task *task)
{
    for (uint32_t i = 0; i < task->nneeds; i++)
        if (worker->resources[task->needs[i].resource].available < task->needs[i].amount)
            return false;
    return true;
}

static void take_resources(struct wkr *worker, const struct wkr_task *task)
{
    for (uint32_t i = 0; i < task->nneeds; i++)
        worker->resources[task->needs[i].resource].available -= task->needs[i].amount;
}

void wkr_release_resources(struct wkr *worker, const struct wkr_task *task)
{
    for (uint32_t i = 0; i < task->nneeds; i++)
        worker->resources[task->needs[i].resource].available += task->needs[i].amount;
}

/* The best of both queues. The first that is constrained holds up only its own queue. */
static struct wkr_task *choose(const struct wkr *worker)
{
    struct wkr_task *ready = heap_first(&worker->ready);
    struct wkr_task *constrained = heap_first(&worker->constrained);
    if (constrained && !are_resources_free(worker, constrained))
        constrained = NULL;
    if (!ready || !constrained)
        return ready ? ready : constrained;
    return wkr_compare_priority(constrained, ready) < 0 ? constrained : ready;
}

dk_status wkr_execute_more(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    dk_status status = DK_OK;
    while (status == DK_OK && worker->is_running && worker->nexecuting < worker->options.nthreads) {
        struct wkr_task *task = choose(worker);
        if (!task)
            break;
        wkr_unqueue(worker, task);
        take_resources(worker, task);
        status = wkr_begin_executing(step, task);
    }
    return status;
}
