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

/* Work that a thread may have in front of it, in seconds. */
#define AHEAD_S 500e-6

/* Fast to rise: one that takes long ends the handing out ahead, and so does one that was given back
 * because it had not begun. */
void wkr_note_run(struct wkr *worker, const struct wkr_executed *run)
{
    double seconds = run->stop > 0 ? run->stop - run->start : 16 * AHEAD_S;
    bool is_slower = seconds > worker->run_s;
    worker->run_s = is_slower ? seconds : (worker->run_s + seconds) / 2;
}

uint32_t wkr_nruns_max(const struct wkr *worker)
{
    double ahead = worker->run_s > 0 ? AHEAD_S / worker->run_s : 0;
    uint32_t max = worker->options.ahead_max;
    return worker->options.nthreads * (1 + (ahead < max ? (uint32_t)ahead : max));
}

/* A thread that ends a short task finds the next without waiting for this core: tasks beyond the
 * number of threads are given out ahead, but for those that hold resources. */
dk_status wkr_execute_more(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    uint32_t nruns_max = wkr_nruns_max(worker);
    dk_status status = DK_OK;
    while (status == DK_OK && worker->is_running && worker->nexecuting < nruns_max) {
        struct wkr_task *task = choose(worker);
        if (!task || (task->nneeds && worker->nexecuting >= worker->options.nthreads))
            break;
        wkr_unqueue(worker, task);
        take_resources(worker, task);
        status = wkr_begin_executing(step, task);
    }
    return status;
}
