#include "core/scheduler/processing.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/runs.h"
#include "core/scheduler/steal.h"
#include "core/scheduler/tasks.h"

/* A saturated worker has more than this many seconds of work before it, and more than this many
 * times the average. */
#define SATURATED_S     0.4
#define SATURATED_TIMES 1.9

/* ---- accounts ---- */

int64_t sched_missing_nbytes(const struct sched_task *task, const struct sched_worker *worker)
{
    int64_t nbytes = 0;
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(task, e))
        if (!sched_find_replica(e->from, worker))
            nbytes += sched_task_nbytes(e->from);
    return nbytes;
}

static struct sched_prefix_count *count_of(struct sched_worker *worker, struct sched_prefix *prefix)
{
    struct sched_prefix_count *counts = worker->prefixes.data;
    for (size_t i = 0; i < worker->prefixes.count; i++)
        if (counts[i].prefix == prefix)
            return &counts[i];
    struct sched_prefix_count *added = vector_push(&worker->prefixes);
    if (added)
        added->prefix = prefix;
    return added;
}

/* Counts a task as work, or, with -1, no longer. */
static void count_work(struct sched *sched, struct sched_prefix_count *count, int sign)
{
    struct sched_prefix *prefix = count->prefix;
    count->count += (uint32_t)sign;
    prefix->nprocessing += (uint32_t)sign;
    sched->nworking += (uint32_t)sign;
    sched->total_work_s += sign * sched_prefix_duration(sched, prefix);
    if (!sched->nworking)
        sched->total_work_s = 0; /* what rounding has left there */
}

static void count_resources(struct sched_worker *worker, const struct sched_task *task, int sign)
{
    if (!task->needs)
        return;
    const struct sched_resource *needed = task->needs->resources.data;
    struct sched_resource *used = worker->used.data;
    for (size_t i = 0; i < task->needs->resources.count; i++)
        for (size_t j = 0; j < worker->used.count; j++)
            if (strcmp(used[j].name, needed[i].name) == 0)
                used[j].amount += sign * needed[i].amount;
}

double sched_occupancy(const struct sched *sched, const struct sched_worker *worker)
{
    const struct sched_prefix_count *counts = worker->prefixes.data;
    double seconds = (double)worker->incoming_nbytes / sched->bandwidth;
    for (size_t i = 0; i < worker->prefixes.count; i++)
        if (counts[i].count)
            seconds += counts[i].count * sched_prefix_duration(sched, counts[i].prefix);
    return seconds;
}

double sched_total_occupancy(const struct sched *sched)
{
    return sched->total_work_s + (double)sched->total_incoming_nbytes / sched->bandwidth;
}

/* ---- the worker's list ---- */

dk_status sched_processing_add(struct sched *sched, struct sched_task *task,
                               struct sched_worker *worker)
{
    struct sched_prefix_count *count = count_of(worker, task->group->prefix);
    struct sched_run *run =
        count ? sched_run_begin(sched, &worker->processing, task, worker) : NULL;
    if (!run)
        return DK_ENOMEM;
    run->id = sched->next_run_id++;
    run->incoming_nbytes = sched_missing_nbytes(task, worker);
    worker->nprocessing++;
    worker->incoming_nbytes += run->incoming_nbytes;
    sched->total_incoming_nbytes += run->incoming_nbytes;
    count_work(sched, count, 1);
    count_resources(worker, task, 1);
    worker->nactors += task->is_actor;
    return sched_check_idle(sched, worker);
}

static void stop_counting(struct sched *sched, struct sched_run *run)
{
    struct sched_worker *worker = run->worker;
    count_work(sched, count_of(worker, run->task->group->prefix), -1);
    worker->incoming_nbytes -= run->incoming_nbytes;
    sched->total_incoming_nbytes -= run->incoming_nbytes;
    run->incoming_nbytes = 0;
}

struct sched_worker *sched_processing_remove(struct sched *sched, struct sched_task *task)
{
    struct sched_worker *worker = task->run->worker;
    sched_steal_forget(sched, task->run);
    if (task->run->is_long_running)
        worker->nlong_running--;
    else
        stop_counting(sched, task->run);
    count_resources(worker, task, -1);
    sched_run_end(sched, &worker->processing, task);
    worker->nprocessing--;
    if (worker->status != SCHED_CLOSED && sched_check_idle(sched, worker) != DK_OK)
        sched->has_failed = true;
    return worker;
}

void sched_processing_secede(struct sched *sched, struct sched_task *task)
{
    struct sched_run *run = task->run;
    if (run->is_long_running)
        return;
    stop_counting(sched, run);
    run->is_long_running = true;
    run->worker->nlong_running++;
    if (sched_check_idle(sched, run->worker) != DK_OK)
        sched->has_failed = true;
}

/* ---- who could take more ---- */

/* Tasks so short that a worker would wait for the next one longer than it runs: it gets some in
 * advance, as many as take this long, but no more than so many for each thread. */
#define ADVANCE_S      0.002
#define ADVANCE_NTASKS 64

bool sched_takes_in_advance(const struct sched *sched, const struct sched_worker *worker)
{
    int64_t busy = (int64_t)worker->nprocessing - worker->nlong_running;
    return worker->status == SCHED_RUNNING && busy < (int64_t)ADVANCE_NTASKS * worker->nthreads &&
           sched_occupancy(sched, worker) < ADVANCE_S * worker->nthreads;
}

bool sched_is_short(const struct sched *sched, const struct sched_task *task)
{
    const struct sched_prefix *prefix = task->group->prefix;
    return prefix->duration_s >= 0 && sched_prefix_duration(sched, prefix) < ADVANCE_S;
}

int32_t sched_open_slots(const struct sched *sched, const struct sched_worker *worker)
{
    if (worker->status != SCHED_RUNNING)
        return 0;
    double limit = ceil(sched->options.saturation * worker->nthreads);
    if (limit < 1)
        limit = 1;
    if (limit > INT32_MAX)
        limit = INT32_MAX;
    int64_t busy = (int64_t)worker->nprocessing - worker->nlong_running;
    return busy < (int64_t)limit ? (int32_t)((int64_t)limit - busy) : 0;
}

/* Least busy first: when the first has no open slot, none has. */
bool sched_worker_has_slots_before(const void *a, const void *b)
{
    const struct sched_worker *one = a, *other = b;
    int64_t left = ((int64_t)one->nprocessing - one->nlong_running) * other->nthreads;
    int64_t right = ((int64_t)other->nprocessing - other->nlong_running) * one->nthreads;
    return left != right ? left < right : one->id < other->id;
}

uint32_t *sched_worker_slots_place(void *worker)
{
    return &((struct sched_worker *)worker)->slots_place;
}

static dk_status note_slots(struct sched *sched, struct sched_worker *worker)
{
    bool is_there = worker->slots_place != HEAP_NOWHERE;
    if (!sched_open_slots(sched, worker) && !sched_takes_in_advance(sched, worker)) {
        if (is_there)
            heap_remove(&sched->open_slots, worker);
        return DK_OK;
    }
    if (!is_there)
        return heap_push(&sched->open_slots, worker);
    heap_update(&sched->open_slots, worker);
    return DK_OK;
}

static void leave_idle(struct sched *sched, struct sched_worker *worker)
{
    struct sched_worker **idle = sched->idle.data;
    if (!worker->idle_place)
        return;
    struct sched_worker *last = idle[--sched->idle.count];
    idle[worker->idle_place - 1] = last;
    last->idle_place = worker->idle_place;
    worker->idle_place = 0;
}

static dk_status enter_idle(struct sched *sched, struct sched_worker *worker)
{
    if (worker->idle_place)
        return DK_OK;
    DK_TRY(vector_append(&sched->idle, &worker, 1));
    worker->idle_place = (uint32_t)sched->idle.count;
    return DK_OK;
}

static bool is_idle(const struct sched *sched, const struct sched_worker *worker, double occupancy)
{
    double average = sched_total_occupancy(sched) / (double)sched->total_nthreads;
    return (int64_t)worker->nprocessing < worker->nthreads ||
           occupancy < worker->nthreads * average / 2;
}

static bool is_saturated(const struct sched *sched, const struct sched_worker *worker,
                         double occupancy)
{
    double p = worker->nprocessing, threads = worker->nthreads;
    double average = sched_total_occupancy(sched) / (double)sched->total_nthreads;
    if (p <= threads)
        return false;
    double pending = occupancy * (p - threads) / (p * threads);
    return pending > SATURATED_S && pending > SATURATED_TIMES * average;
}

dk_status sched_check_idle(struct sched *sched, struct sched_worker *worker)
{
    if (!sched->total_nthreads || worker->status == SCHED_CLOSED)
        return DK_OK;
    double occupancy = sched_occupancy(sched, worker);
    worker->is_saturated = false;
    if (worker->status != SCHED_RUNNING) {
        leave_idle(sched, worker);
    } else if (is_idle(sched, worker, occupancy)) {
        DK_TRY(enter_idle(sched, worker));
    } else {
        leave_idle(sched, worker);
        worker->is_saturated = is_saturated(sched, worker, occupancy);
    }
    return note_slots(sched, worker);
}

void sched_forget_idle(struct sched *sched, struct sched_worker *worker)
{
    leave_idle(sched, worker);
    worker->is_saturated = false;
    if (worker->slots_place != HEAP_NOWHERE)
        heap_remove(&sched->open_slots, worker);
}
