#include "core/scheduler/retire.h"

#include "core/scheduler/messages.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/workers.h"

/* Copies that were asked for and have not come by then are asked for again, perhaps elsewhere. */
#define PATIENCE_US ((int64_t)2000000)

/* The running worker with the least data; NULL when there is none to go to. */
static struct sched_worker *emptiest(const struct sched *sched)
{
    struct sched_worker *best = NULL;
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && worker->status == SCHED_RUNNING &&
            (!best ||
             worker->nbytes + worker->promised_nbytes < best->nbytes + best->promised_nbytes))
            best = worker;
    }
    return best;
}

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
        struct sched_worker *to = is_rescued(r->task) ? NULL : emptiest(sched);
        if (!to)
            continue;
        sched_tell_acquire(sched, to->id, r->task);
        to->promised_nbytes += sched_task_nbytes(r->task);
    }
    for (size_t i = 0; i < sched->workers.count; i++)
        if (sched_worker_at(sched, (uint32_t)i))
            sched_worker_at(sched, (uint32_t)i)->promised_nbytes = 0;
}

static bool has_to_wait(const struct sched *sched, const struct sched_worker *worker)
{
    for (const struct sched_replica *r = worker->replicas; r; r = r->next_of_worker)
        if (!is_rescued(r->task))
            return emptiest(sched) !=
                   NULL; /* without anybody to go to it is lost, and made again */
    return false;
}

void sched_worker_retires(struct sched *sched, struct sched_worker *worker)
{
    if (worker->is_retiring)
        return;
    worker->is_retiring = true;
    sched->nretiring++;
    sched_worker_set_status(sched, worker, SCHED_CLOSING);
    sched_tell_status(sched, worker->id, "closing_gracefully");
    rescue(sched, worker);
}

void sched_check_retiring(struct sched *sched)
{
    for (size_t i = 0; sched->nretiring && i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker || !worker->is_retiring || worker->has_retired)
            continue;
        if (has_to_wait(sched, worker)) {
            if (sched->now_us - worker->asked_us >= PATIENCE_US)
                rescue(sched, worker);
            continue;
        }
        worker->has_retired = true;
        sched_tell_retired(sched, worker->id);
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
