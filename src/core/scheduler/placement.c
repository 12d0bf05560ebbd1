#include "core/scheduler/placement.h"

#include <stdio.h>
#include <string.h>

#include "core/scheduler/processing.h"
#include "core/scheduler/tasks.h"

/* From this many workers on, those without data are taken in turn instead of compared. */
#define MANY_WORKERS 20

/* ---- who may ---- */

bool sched_knows_language(const struct sched_worker *worker, uint8_t language)
{
    if (language == SCHED_PYTHON) /* a pickled graph of Dask's, which only Dask unpacks */
        return worker->has_python && !worker->has_native;
    return worker->has_native && (language == SCHED_NATIVE || worker->has_python);
}

static bool knows_language(const struct sched_task *task, const struct sched_worker *worker)
{
    return !task->run_spec || sched_knows_language(worker, task->language);
}

/* Alone, not with all of its host. */
static bool is_named(const struct sched_worker *worker, const char *name)
{
    char digits[24];
    struct wire_value alias = wire_box_value(worker->name);
    if (alias.kind == WIRE_INT) {
        snprintf(digits, sizeof(digits), "%lld", (long long)alias.as.integer);
        alias = wire_text(digits);
    }
    return strcmp(worker->address, name) == 0 || wire_text_is(&alias, name);
}

static bool is_called(const struct sched_worker *worker, const char *name)
{
    return is_named(worker, name) || strcmp(worker->host, name) == 0;
}

static bool is_chosen(const struct sched_task *task, const struct sched_worker *worker)
{
    if (!task->needs || !task->needs->workers.count)
        return true;
    char **names = task->needs->workers.data;
    for (size_t i = 0; i < task->needs->workers.count; i++)
        if (is_called(worker, names[i]))
            return true;
    return false;
}

static double supply_of(const struct sched_worker *worker, const char *name)
{
    const struct sched_resource *supply = worker->resources.data;
    for (size_t i = 0; i < worker->resources.count; i++)
        if (strcmp(supply[i].name, name) == 0)
            return supply[i].amount;
    return -1;
}

static bool has_resources(const struct sched_task *task, const struct sched_worker *worker)
{
    if (!task->needs)
        return true;
    const struct sched_resource *needed = task->needs->resources.data;
    for (size_t i = 0; i < task->needs->resources.count; i++)
        if (supply_of(worker, needed[i].name) < needed[i].amount)
            return false;
    return true;
}

bool sched_could_run(const struct sched_task *task, const struct sched_worker *worker)
{
    return worker->status == SCHED_RUNNING && knows_language(task, worker) &&
           (has_resources(task, worker) || (task->needs && task->needs->is_loose));
}

bool sched_may_run(const struct sched_task *task, const struct sched_worker *worker)
{
    return worker->status == SCHED_RUNNING && knows_language(task, worker) &&
           is_chosen(task, worker) && has_resources(task, worker);
}

static const struct sched_worker *find_named(const struct sched *sched, const char *name)
{
    for (uint32_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, i);
        if (worker && is_named(worker, name))
            return worker;
    }
    return NULL;
}

bool sched_is_barred(const struct sched *sched, const struct sched_task *task)
{
    const struct sched_needs *needs = task->needs;
    if (!needs || !needs->workers.count || needs->is_loose)
        return false;
    for (size_t i = 0; i < needs->workers.count; i++) {
        const struct sched_worker *worker = find_named(sched, ((char **)needs->workers.data)[i]);
        if (!worker || knows_language(task, worker))
            return false;
    }
    return true;
}

/* ---- who is best ---- */

/* The best so far of those that were considered. */
struct contest {
    const struct sched *sched;
    const struct sched_task *task;
    uint64_t number;              /* workers with it hold `held_nbytes` of what the task needs */
    int64_t needed_nbytes;        /* all that it needs */
    struct sched_worker *holders; /* those who hold something, by next_holder */
    bool (*admits)(const struct sched_task *task, const struct sched_worker *worker);
    struct sched_worker *best;
    uint32_t nactors;
    double start_s;
};

static bool is_better(const struct contest *contest, const struct sched_worker *worker,
                      uint32_t nactors, double start_s)
{
    const struct sched_worker *best = contest->best;
    if (!best)
        return true;
    if (nactors != contest->nactors)
        return nactors < contest->nactors;
    if (start_s < contest->start_s || start_s > contest->start_s)
        return start_s < contest->start_s;
    return worker->nbytes != best->nbytes ? worker->nbytes < best->nbytes : worker->id < best->id;
}

/* In one pass, however many a task needs: who holds how much of it. */
static void find_holders(struct contest *contest)
{
    const struct sched_task *task = contest->task;
    for (struct sched_edge *e = sched_first_dependency(task); e;
         e = sched_next_dependency(task, e)) {
        int64_t nbytes = sched_task_nbytes(e->from);
        contest->needed_nbytes += nbytes;
        for (struct sched_replica *r = e->from->replicas; r; r = r->next_of_task) {
            struct sched_worker *worker = r->worker;
            if (worker->contest != contest->number) {
                worker->contest = contest->number;
                worker->held_nbytes = 0;
                worker->next_holder = contest->holders;
                contest->holders = worker;
            }
            worker->held_nbytes += nbytes;
        }
    }
}

static void consider(struct contest *contest, struct sched_worker *worker)
{
    const struct sched *sched = contest->sched;
    if (!contest->admits(contest->task, worker))
        return;
    int64_t held = worker->contest == contest->number ? worker->held_nbytes : 0;
    uint32_t nactors = contest->task->is_actor ? worker->nactors : 0;
    double start_s = sched_occupancy(sched, worker) / worker->nthreads +
                     (double)(contest->needed_nbytes - held) / sched->bandwidth;
    if (!is_better(contest, worker, nactors, start_s))
        return;
    contest->best = worker;
    contest->nactors = nactors;
    contest->start_s = start_s;
}

static void consider_all(struct contest *contest)
{
    for (size_t i = 0; i < contest->sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(contest->sched, (uint32_t)i);
        if (worker)
            consider(contest, worker);
    }
}

static struct sched_worker *best_of(struct sched *sched, const struct sched_task *task,
                                    bool (*admits)(const struct sched_task *task,
                                                   const struct sched_worker *worker))
{
    struct contest contest = {
        .sched = sched, .task = task, .admits = admits, .number = ++sched->ncontests};
    find_holders(&contest);
    if (!task->is_actor)
        for (struct sched_worker *worker = contest.holders; worker; worker = worker->next_holder)
            consider(&contest, worker);
    if (!contest.best)
        consider_all(&contest);
    return contest.best;
}

/* One that may run it, beginning with the one whose turn it is. */
static struct sched_worker *in_turn(const struct sched *sched, const struct sched_task *task,
                                    bool needs_nothing_to_do)
{
    bool has_idle = sched->idle.count > 0;
    const struct vector *pool = has_idle ? &sched->idle : &sched->workers;
    for (size_t i = 0; i < pool->count; i++) {
        size_t at = (sched->nassigned + i) % pool->count;
        struct sched_worker *worker = ((struct sched_worker **)pool->data)[at];
        if (worker && sched_may_run(task, worker) && !(needs_nothing_to_do && worker->nprocessing))
            return worker;
    }
    return NULL;
}

struct sched_worker *sched_place(struct sched *sched, const struct sched_task *task)
{
    bool is_free = !sched_first_dependency(task) && !task->needs && !task->is_actor;
    struct sched_worker *worker = NULL;
    if (is_free)
        worker = in_turn(sched, task, sched->nworkers < MANY_WORKERS);
    if (!worker)
        worker = best_of(sched, task, sched_may_run);
    if (!worker && task->needs && task->needs->is_loose)
        worker = best_of(sched, task, sched_could_run);
    return worker;
}

struct sched_worker *sched_place_root(const struct sched *sched, const struct sched_task *task)
{
    struct sched_worker *worker = heap_first(&sched->open_slots);
    if (!worker || sched_open_slots(sched, worker) || sched_is_short(sched, task))
        return worker;
    return NULL;
}
