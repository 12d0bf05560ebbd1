#include "core/scheduler/patience.h"

#include "core/scheduler/refusals.h"
#include "core/scheduler/runs.h"
#include "core/scheduler/transitions.h"

static int64_t timeout_us(const struct sched *sched)
{
    return sched->options.no_workers_timeout_us;
}

dk_status sched_unrunnable_add(struct sched *sched, struct sched_task *task)
{
    if (!sched_run_begin(sched, &sched->unrunnable, task, NULL))
        return DK_ENOMEM;
    if (timeout_us(sched) && sched->unrunnable_us == INT64_MAX) /* else one waits for longer */
        sched->unrunnable_us = sched->now_us + timeout_us(sched);
    return DK_OK;
}

void sched_unrunnable_remove(struct sched *sched, struct sched_task *task)
{
    sched_run_end(sched, &sched->unrunnable, task);
}

void sched_note_no_workers(struct sched *sched)
{
    if (sched->nrunning || !(heap_count(&sched->queued) || sched->unrunnable))
        sched->no_workers_since_us = INT64_MAX;
    else if (sched->no_workers_since_us == INT64_MAX)
        sched->no_workers_since_us = sched->now_us;
}

/* Who waits though there are workers, or did so before they left, asks for too much. */
static void give_up(struct sched *sched, const struct sched_run *run)
{
    if (sched->no_workers_since_us > run->since_us)
        sched_fail_without_valid_worker(sched, run->task);
    else
        sched_fail_without_workers(sched, run->task);
}

/* Tasks without a worker are looked through once in the time that they have, not at each event. */
static void drop_unrunnable(struct sched *sched)
{
    struct sched_run *next;
    if (sched->now_us < sched->unrunnable_us)
        return;
    sched->unrunnable_us = INT64_MAX;
    for (struct sched_run *run = sched->unrunnable; run; run = next) {
        int64_t deadline_us = run->since_us + timeout_us(sched);
        next = run->next;
        if (deadline_us <= sched->now_us)
            give_up(sched, run);
        else if (deadline_us < sched->unrunnable_us)
            sched->unrunnable_us = deadline_us;
    }
}

static int64_t queue_deadline_us(const struct sched *sched)
{
    bool is_over = sched->no_workers_since_us == INT64_MAX || !heap_count(&sched->queued);
    return is_over ? INT64_MAX : sched->no_workers_since_us + timeout_us(sched);
}

static void drop_queued(struct sched *sched)
{
    if (sched->now_us < queue_deadline_us(sched))
        return;
    while (heap_count(&sched->queued) && !sched->has_failed)
        sched_fail_without_workers(sched, heap_first(&sched->queued));
}

void sched_drop_unrunnable(struct sched *sched)
{
    if (!timeout_us(sched))
        return;
    drop_unrunnable(sched);
    drop_queued(sched);
    sched_drain(sched);
}

int64_t sched_patience_deadline_us(const struct sched *sched)
{
    if (!timeout_us(sched))
        return INT64_MAX;
    int64_t queue_us = queue_deadline_us(sched);
    return queue_us < sched->unrunnable_us ? queue_us : sched->unrunnable_us;
}
