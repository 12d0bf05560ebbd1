/* The invariants of the whole state. */
#include "base/error.h"
#include "core/scheduler/placement.h"
#include "core/scheduler/processing.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/runs.h"
#include "core/scheduler/tasks.h"

struct check {
    const struct sched *sched;
    dk_error *err;
    bool has_failed;
};

static void expect(struct check *check, bool holds, const struct sched_task *task,
                   const char *invariant)
{
    char key[256];
    if (holds || check->has_failed)
        return;
    check->has_failed = true;
    key_text(sched_key(check->sched, task), key, sizeof(key));
    error_set(check->err, DK_EINVAL, "%s is %s: %s", key,
              sched_state_name((enum sched_state)task->state), invariant);
}

static void expect_worker(struct check *check, bool holds, const struct sched_worker *worker,
                          const char *invariant)
{
    if (holds || check->has_failed)
        return;
    check->has_failed = true;
    error_set(check->err, DK_EINVAL, "worker %s: %s", worker->address, invariant);
}

static void check_dependencies(struct check *check, const struct sched_task *task)
{
    bool is_live = sched_task_is(task, SCHED_WAITING) || sched_task_is(task, SCHED_QUEUED) ||
                   sched_task_is(task, SCHED_NO_WORKER) || sched_task_is(task, SCHED_PROCESSING);
    uint32_t nawaited = 0;
    for (struct sched_edge *e = sched_first_dependency(task); e;
         e = sched_next_dependency(task, e)) {
        nawaited += e->is_awaited;
        expect(check, e->dependent == task->id, task, "its edge is another's");
        expect(check, !e->is_awaited || sched_task_is(task, SCHED_WAITING), task,
               "it awaits a dependency");
        if (!is_live)
            continue;
        expect(check, e->is_waiter, task, "a dependency does not know that it is needed");
        expect(check, e->is_awaited == !e->from->replicas, task,
               "it awaits what is there, or does not await what is not");
        expect(check, !sched_task_is(e->from, SCHED_RELEASED), task, "a dependency is released");
        expect(check, !sched_task_is(e->from, SCHED_ERRED), task, "a dependency has failed");
    }
    expect(check, nawaited == task->nawaited, task, "it counts what it awaits wrongly");
}

static void check_dependents(struct check *check, const struct sched_task *task)
{
    uint32_t ndependents = 0, nwaiters = 0;
    for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
        ndependents++;
        nwaiters += e->is_waiter;
        expect(check, e->from == task, task, "its dependent's edge is another's");
    }
    expect(check, ndependents == task->ndependents, task, "it counts its dependents wrongly");
    expect(check, nwaiters == task->nwaiters, task, "it counts its waiters wrongly");
}

static void check_relations(struct check *check, const struct sched_task *task)
{
    uint32_t nreplicas = 0, ndesires = 0;
    for (struct sched_replica *r = task->replicas; r; r = r->next_of_task) {
        nreplicas++;
        expect(check, sched_worker_at(check->sched, r->worker->id) == r->worker, task,
               "a worker that holds it has left");
    }
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task)
        ndesires++;
    expect(check, nreplicas == task->nreplicas, task, "it counts its copies wrongly");
    expect(check, ndesires == task->ndesires, task, "it counts its clients wrongly");
    const struct vector *replicated = &check->sched->replicated;
    uint32_t place = task->replicated_place;
    expect(check, (nreplicas > 1) == (place > 0), task, "its place among those with copies");
    expect(check,
           !place || (place <= replicated->count &&
                      ((struct sched_task **)replicated->data)[place - 1] == task),
           task, "another has its place among those with copies");
}

static void check_state(struct check *check, const struct sched_task *task)
{
    bool is_processing = sched_task_is(task, SCHED_PROCESSING);
    expect(check, (sched_task_worker(task) != NULL) == is_processing, task, "its worker");
    expect(check, (task->run != NULL) == (is_processing || sched_task_is(task, SCHED_NO_WORKER)),
           task, "its run");
    expect(check, sched_task_is(task, SCHED_MEMORY) == (task->replicas != NULL), task,
           "its copies");
    expect(check, sched_task_is(task, SCHED_QUEUED) == (task->queue_place != HEAP_NOWHERE), task,
           "its place in the queue");
    expect(check, !sched_task_is(task, SCHED_ERRED) || task->failure, task, "without a failure");
    expect(check, !sched_task_is(task, SCHED_FORGOTTEN), task, "but still there");
    expect(check, !sched_task_is(task, SCHED_WAITING) || task->nawaited, task,
           "but awaits nothing");
    expect(check, !task->recommendation, task, "and a recommendation is left");
    expect(check, !task->is_marked && !task->mark, task, "and a mark is left");
    expect(check, task->ndesires || task->ndependents || !task->run_spec, task,
           "but nobody knows it any longer");
    if (sched_task_is(task, SCHED_MEMORY))
        expect(check, sched_task_is_needed(task) || !task->run_spec, task, "but nobody needs it");
}

static void check_task(struct check *check, const struct sched_task *task)
{
    check_state(check, task);
    check_dependencies(check, task);
    check_dependents(check, task);
    check_relations(check, task);
}

static void check_processing(struct check *check, const struct sched_worker *worker)
{
    uint32_t nprocessing = 0, nlong_running = 0, ncounted = 0;
    int64_t incoming = 0;
    for (struct sched_run *run = worker->processing; run; run = run->next) {
        nprocessing++;
        nlong_running += run->is_long_running;
        incoming += run->incoming_nbytes;
        expect(check, run->worker == worker, run->task, "on the list of another worker");
        expect(check, run->task->run == run, run->task, "and has another run");
    }
    const struct sched_prefix_count *counts = worker->prefixes.data;
    for (size_t i = 0; i < worker->prefixes.count; i++)
        ncounted += counts[i].count;
    expect_worker(check, nprocessing == worker->nprocessing, worker, "counts its tasks wrongly");
    expect_worker(check, nlong_running == worker->nlong_running, worker, "counts the seceded");
    expect_worker(check, ncounted + nlong_running == nprocessing, worker, "counts its prefixes");
    expect_worker(check, incoming == worker->incoming_nbytes, worker, "counts its transfers");
}

static void check_worker(struct check *check, const struct sched_worker *worker)
{
    uint32_t nreplicas = 0;
    int64_t nbytes = 0;
    for (struct sched_replica *r = worker->replicas; r; r = r->next_of_worker) {
        nreplicas++;
        nbytes += sched_task_nbytes(r->task);
        expect_worker(check, r->worker == worker, worker, "holds a copy of another's");
    }
    expect_worker(check, nreplicas == worker->nreplicas, worker, "counts its copies wrongly");
    expect_worker(check, nbytes == worker->nbytes, worker, "counts its bytes wrongly");
    expect_worker(check,
                  !sched_open_slots(check->sched, worker) || worker->slots_place != HEAP_NOWHERE,
                  worker, "its open slots");
    expect_worker(check, worker->status == SCHED_RUNNING || !worker->idle_place, worker,
                  "is idle and not running");
    check_processing(check, worker);
}

static void check_queue(struct check *check)
{
    const struct sched *sched = check->sched;
    const struct sched_task *first = heap_first(&sched->queued);
    if (first)
        expect(check, !sched_place_root(sched, first), first, "though a worker would take it");
}

/* What is kept up to date for metrics is what one would count. */
static void check_counts(struct check *check)
{
    const struct sched *sched = check->sched;
    int64_t nbytes = 0, nwaited_for = 0;
    for (size_t i = 0; i < sched->tasks.count; i++) {
        const struct sched_task *task = sched_task_at(sched, (uint32_t)i);
        nbytes += task && sched_task_is(task, SCHED_MEMORY) ? sched_task_nbytes(task) : 0;
        nwaited_for += task && task->nwaiters;
    }
    for (size_t i = 0; i < sched->prefixes.count; i++)
        nbytes -= ((struct sched_prefix **)sched->prefixes.data)[i]->nbytes;
    for (size_t i = 0; i < sched->groups.count; i++) {
        const struct sched_group *group = ((struct sched_group **)sched->groups.data)[i];
        nwaited_for -= group ? group->nwaited_for : 0;
    }
    if (check->has_failed || (!nbytes && !nwaited_for))
        return;
    check->has_failed = true;
    error_set(check->err, DK_EINVAL, "%s",
              nbytes ? "a prefix counts its bytes wrongly"
                     : "a group counts who is waited for wrongly");
}

bool sched_validate(const struct sched *sched, dk_error *err)
{
    struct check check = {sched, err, false};
    for (size_t i = 0; i < sched->tasks.count; i++)
        if (sched_task_at(sched, (uint32_t)i))
            check_task(&check, sched_task_at(sched, (uint32_t)i));
    for (size_t i = 0; i < sched->workers.count; i++)
        if (sched_worker_at(sched, (uint32_t)i))
            check_worker(&check, sched_worker_at(sched, (uint32_t)i));
    check_queue(&check);
    check_counts(&check);
    return !check.has_failed;
}
