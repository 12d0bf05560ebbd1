#include "core/scheduler/adaptive.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/scheduler/groups.h"
#include "core/scheduler/processing.h"

/* So many of the tasks that nobody runs stand for all of them. */
#define SAMPLE 100
/* Of the memory of all; with more in use there should be more workers. */
#define CROWDED 0.6
/* What stays must have so many times the memory that is in use. */
#define ROOM 2

struct ready {
    double ntasks;
    double work_s;
};

/* Tasks that could run, and wait for a worker. */
static struct ready count_ready(const struct sched *sched)
{
    struct ready ready = {0};
    double sampled = 0;
    size_t nqueued = heap_count(&sched->queued);
    for (size_t i = 0; i < nqueued && sampled < SAMPLE; i++, sampled++) {
        const struct sched_task *task = ((struct sched_task **)sched->queued.items.data)[i];
        ready.work_s += sched_prefix_duration(sched, task->group->prefix);
    }
    ready.ntasks = (double)nqueued;
    for (struct sched_run *run = sched->unrunnable; run; run = run->next, ready.ntasks++) {
        if (sampled < SAMPLE) {
            ready.work_s += sched_prefix_duration(sched, run->task->group->prefix);
            sampled++;
        }
    }
    if (sampled > 0)
        ready.work_s *= ready.ntasks / sampled;
    return ready;
}

struct load {
    double nprocessing;
    double nbytes;
    double memory_limit;
};

static struct load count_load(const struct sched *sched)
{
    struct load load = {0};
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker)
            continue;
        load.nprocessing += worker->nprocessing;
        load.nbytes += (double)worker->nbytes;
        load.memory_limit += (double)worker->memory_limit;
    }
    return load;
}

/* Idle workers that could leave, for others have room for what all hold. */
static uint32_t count_dispensable(const struct sched *sched, const struct load *load)
{
    double limit = load->memory_limit;
    uint32_t count = 0;
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker || worker->nprocessing)
            continue;
        limit -= (double)worker->memory_limit;
        if (limit < ROOM * load->nbytes)
            break;
        count++;
    }
    return count;
}

uint32_t sched_wanted_workers(const struct sched *sched, double target_s)
{
    struct ready ready = count_ready(sched);
    struct load load = count_load(sched);
    double nworkers = sched->nworkers;
    double wanted = ceil((sched_total_occupancy(sched) + ready.work_s) / target_s);
    /* A few long tasks do not ask for many threads. */
    wanted = fmin(wanted, ready.ntasks + load.nprocessing);
    if (nworkers > 0)
        wanted = ceil(wanted / (double)sched->total_nthreads * nworkers);
    else if (ready.ntasks > 0)
        wanted = fmax(wanted, 1);
    if (load.memory_limit > 0 && load.nbytes > CROWDED * load.memory_limit)
        wanted = fmax(wanted, 2 * nworkers);
    if (wanted >= nworkers)
        return (uint32_t)fmin(wanted, UINT32_MAX);
    return sched->unrunnable ? sched->nworkers : sched->nworkers - count_dispensable(sched, &load);
}

/* ---- who goes ---- */

static int best_to_close(const void *a, const void *b)
{
    const struct sched_worker *one = *(struct sched_worker *const *)a;
    const struct sched_worker *other = *(struct sched_worker *const *)b;
    if (!one->nprocessing != !other->nprocessing)
        return one->nprocessing ? 1 : -1;
    if (one->nbytes != other->nbytes)
        return one->nbytes < other->nbytes ? -1 : 1;
    return one->id > other->id ? -1 : 1; /* who came last goes first */
}

static dk_status list_closable(const struct sched *sched, struct vector *list)
{
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && !worker->nlong_running)
            DK_TRY(vector_append(list, &worker, 1));
    }
    if (list->count)
        qsort(list->data, list->count, sizeof(struct sched_worker *), best_to_close);
    return DK_OK;
}

static uint32_t choose_closed(const struct sched *sched, const struct vector *list,
                              const struct sched_shrinking *shrinking, uint32_t *out)
{
    struct load load = count_load(sched);
    double limit = load.memory_limit, least = shrinking->memory_ratio * load.nbytes;
    uint32_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct sched_worker *worker = ((struct sched_worker *const *)list->data)[i];
        limit -= (double)worker->memory_limit;
        bool goes =
            shrinking->n < 0 ? !worker->nprocessing && limit >= least : count < shrinking->n;
        if (!goes || (int64_t)sched->nworkers - count <= shrinking->minimum)
            break;
        out[count++] = worker->id;
    }
    return count;
}

dk_status sched_workers_to_close(const struct sched *sched, const struct sched_shrinking *shrinking,
                                 uint32_t *out, uint32_t *count)
{
    struct vector list;
    vector_init(&list, sched->memory, sizeof(struct sched_worker *));
    dk_status status = list_closable(sched, &list);
    if (status == DK_OK)
        *count = choose_closed(sched, &list, shrinking, out);
    vector_deinit(&list);
    return status;
}
