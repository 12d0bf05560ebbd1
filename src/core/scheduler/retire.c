#include "core/scheduler/retire.h"

#include "core/scheduler/memory_manager.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/workers.h"

/* Copies that were asked for and have not come by then are asked for again, perhaps elsewhere. */
#define PATIENCE_US ((int64_t)2000000)

/* Copies on other workers that retire as well are no rescue. */
static bool is_rescued(const struct sched_task *task)
{
    for (const struct sched_replica *r = task->replicas; r; r = r->next_of_task)
        if (!r->worker->is_retiring)
            return true;
    return false;
}

static void rescue(struct sched *sched, struct sched_worker *worker)
{
    worker->asked_us = sched->now_us;
    for (struct sched_replica *r = worker->replicas; r; r = r->next_of_worker) {
        struct sched_worker *to = is_rescued(r->task) ? NULL : sched_find_recipient(sched, r->task);
        if (!to)
            continue;
        sched_tell_acquire(sched, to->id, r->task);
        to->promised_nbytes += sched_task_nbytes(r->task);
    }
    for (size_t i = 0; i < sched->workers.count; i++)
        if (sched_worker_at(sched, (uint32_t)i))
            sched_worker_at(sched, (uint32_t)i)->promised_nbytes = 0;
}

enum outlook { MAY_GO, HAS_TO_WAIT, CANNOT_GO };

/* Actors cannot move, and what nobody can take is not given up. */
static enum outlook outlook_of(const struct sched *sched, const struct sched_worker *worker)
{
    if (worker->nactors)
        return CANNOT_GO;
    for (const struct sched_replica *r = worker->replicas; r; r = r->next_of_worker)
        if (!is_rescued(r->task))
            return sched_find_recipient(sched, r->task) ? HAS_TO_WAIT : CANNOT_GO;
    return MAY_GO;
}

void sched_worker_retires(struct sched *sched, struct sched_worker *worker)
{
    if (worker->is_retiring)
        return;
    worker->is_retiring = true;
    sched->nretiring++;
    sched_worker_set_status(sched, worker, SCHED_CLOSING);
    if (outlook_of(sched, worker) == CANNOT_GO)
        return; /* which is looked at once more when the step ends */
    sched_tell_status(sched, worker->id, "closing_gracefully");
    rescue(sched, worker);
}

/* One that was paused will say so again. */
static void stay(struct sched *sched, struct sched_worker *worker)
{
    worker->is_retiring = false;
    sched->nretiring--;
    sched_tell_status(sched, worker->id, "running");
    sched_worker_set_status(sched, worker, SCHED_RUNNING);
    sched_tell_stays(sched, worker->id);
}

void sched_check_retiring(struct sched *sched)
{
    for (size_t i = 0; sched->nretiring && i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker || !worker->is_retiring || worker->has_retired)
            continue;
        switch (outlook_of(sched, worker)) {
        case HAS_TO_WAIT:
            if (sched->now_us - worker->asked_us >= PATIENCE_US)
                rescue(sched, worker);
            break;
        case CANNOT_GO:
            stay(sched, worker);
            break;
        default:
            worker->has_retired = true;
            sched_tell_retired(sched, worker->id);
            break;
        }
    }
}

int64_t sched_retire_deadline_us(const struct sched *sched)
{
    int64_t deadline = INT64_MAX;
    for (size_t i = 0; sched->nretiring && i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && worker->is_retiring && !worker->has_retired &&
            worker->asked_us + PATIENCE_US < deadline)
            deadline = worker->asked_us + PATIENCE_US;
    }
    return deadline;
}
