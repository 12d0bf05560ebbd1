#include "core/scheduler/transitions.h"

#include <stdlib.h>

#include "core/scheduler/clients.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/patience.h"
#include "core/scheduler/placement.h"
#include "core/scheduler/processing.h"
#include "core/scheduler/refusals.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"

#define KEPT_RECOMMENDATIONS 4096

static struct sched_recommendation *stack_of(struct sched *sched)
{
    return sched->recommendations.data;
}

void sched_recommend(struct sched *sched, struct sched_task *task, enum sched_state target)
{
    if (task->recommendation) {
        stack_of(sched)[task->recommendation - 1].target = target;
        return;
    }
    struct sched_recommendation *pushed = vector_push(&sched->recommendations);
    if (!pushed) {
        sched->has_failed = true;
        return;
    }
    *pushed = (struct sched_recommendation){task, target};
    task->recommendation = (uint32_t)sched->recommendations.count;
}

/* What `task` is asked to become; it is not asked any longer. */
static enum sched_state withdraw(struct sched *sched, struct sched_task *task,
                                 enum sched_state otherwise)
{
    if (!task->recommendation)
        return otherwise;
    struct sched_recommendation *asked = &stack_of(sched)[task->recommendation - 1];
    asked->task = NULL;
    task->recommendation = 0;
    return asked->target;
}

/* ---- what follows from a change, for others ---- */

static void release_if_unneeded(struct sched *sched, struct sched_task *task)
{
    if (!sched_task_is_needed(task))
        sched_recommend(sched, task, SCHED_RELEASED);
}

/* `task` needs none of its dependencies any longer. */
static void stop_waiting(struct sched *sched, struct sched_task *task)
{
    for (struct sched_edge *e = sched_first_dependency(task); e;
         e = sched_next_dependency(task, e)) {
        if (!e->is_waiter)
            continue; /* it has failed, and waits for nobody */
        sched_edge_wait(e, false);
        release_if_unneeded(sched, e->from);
    }
}

static void stop_awaiting(struct sched *sched, struct sched_task *task)
{
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(task, e))
        sched_edge_await(sched, e, false);
}

static int by_priority_last_first(const void *a, const void *b)
{
    const struct sched_recommendation *one = a, *other = b;
    if (one->task == other->task)
        return 0;
    return sched_task_before(one->task, other->task) ? 1 : -1;
}

void sched_sort_recommendations(struct sched *sched, size_t first)
{
    size_t count = sched->recommendations.count;
    if (count < first + 2)
        return;
    qsort(stack_of(sched) + first, count - first, sizeof(struct sched_recommendation),
          by_priority_last_first);
    for (size_t i = first; i < count; i++)
        stack_of(sched)[i].task->recommendation = (uint32_t)i + 1;
}

/* Those that waited for `task` alone can run. */
static void wake_dependents(struct sched *sched, struct sched_task *task)
{
    size_t first = sched->recommendations.count;
    for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
        if (!e->is_awaited)
            continue;
        struct sched_task *dependent = sched_dependent(sched, e);
        sched_edge_await(sched, e, false);
        if (!dependent->nawaited)
            sched_recommend(sched, dependent, SCHED_PROCESSING);
    }
    sched_sort_recommendations(sched, first);
}

static void free_replicas(struct sched *sched, struct sched_task *task)
{
    while (task->replicas) {
        struct sched_worker *worker = task->replicas->worker;
        if (task->is_actor)
            worker->nactors--;
        sched_tell_free(sched, worker->id, sched_key(sched, task));
        sched_remove_replica(sched, task->replicas);
    }
}

static void set_failure(struct sched_task *task, struct sched_failure *failure)
{
    sched_failure_ref(failure);
    sched_failure_unref(task->failure);
    task->failure = failure;
}

/* ---- from released ---- */

static struct sched_failure *failure_of_dependency(const struct sched_task *task)
{
    for (struct sched_edge *e = sched_first_dependency(task); e; e = sched_next_dependency(task, e))
        if (sched_task_is(e->from, SCHED_ERRED))
            return e->from->failure;
    return NULL;
}

static void released_to_waiting(struct sched *sched, struct sched_task *task)
{
    if (task->has_lost_dependencies) {
        sched_recommend(sched, task, SCHED_FORGOTTEN);
        return;
    }
    set_failure(task, failure_of_dependency(task));
    if (task->failure) {
        sched_recommend(sched, task, SCHED_ERRED);
        return;
    }
    sched_task_enter(task, SCHED_WAITING);
    for (struct sched_edge *e = sched_first_dependency(task); e;
         e = sched_next_dependency(task, e)) {
        sched_edge_await(sched, e, !e->from->replicas);
        sched_edge_wait(e, true);
        if (sched_task_is(e->from, SCHED_RELEASED))
            sched_recommend(sched, e->from, SCHED_WAITING);
    }
    for (struct sched_edge *e = task->first_dependent; e; e = e->next)
        sched_edge_wait(e, sched_task_is(sched_dependent(sched, e), SCHED_WAITING));
    if (!task->nawaited)
        sched_recommend(sched, task, SCHED_PROCESSING);
}

static void released_to_erred(struct sched *sched, struct sched_task *task)
{
    for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
        struct sched_task *dependent = sched_dependent(sched, e);
        if (dependent->replicas)
            continue;
        set_failure(dependent, task->failure);
        sched_recommend(sched, dependent, SCHED_ERRED);
    }
    sched_task_drop_waiters(task);
    sched_task_enter(task, SCHED_ERRED);
    sched_tell_all_erred(sched, task);
    sched_client_let_go(sched, task);
}

static void cut_dependents(struct sched *sched, struct sched_task *task)
{
    while (task->first_dependent) {
        struct sched_task *dependent = sched_dependent(sched, task->first_dependent);
        sched_edge_cut(sched, task->first_dependent);
        dependent->has_lost_dependencies = true;
        if (!sched_task_is(dependent, SCHED_MEMORY) && !sched_task_is(dependent, SCHED_ERRED))
            sched_recommend(sched, dependent, SCHED_FORGOTTEN);
    }
}

static void cut_dependencies(struct sched *sched, struct sched_task *task)
{
    struct sched_edge *e = sched_first_dependency(task);
    for (; e; e = sched_next_dependency(task, e)) {
        struct sched_task *from = e->from;
        sched_edge_cut(sched, e);
        if (!from->ndependents && !from->ndesires)
            sched_recommend(sched, from, SCHED_FORGOTTEN);
    }
}

static void tell_desires_lost(struct sched *sched, struct sched_task *task)
{
    struct wire_bytes key = sched_key(sched, task);
    struct sched_keys keys = {&key, 1};
    while (task->desires) {
        struct sched_client *client = task->desires->client;
        sched_tell_cancelled(sched, client, &keys, wire_text("lost dependencies"), wire_nil());
        sched_remove_desire(sched, task->desires);
    }
}

static void to_forgotten(struct sched *sched, struct sched_task *task)
{
    free_replicas(sched, task);
    cut_dependents(sched, task);
    cut_dependencies(sched, task);
    tell_desires_lost(sched, task);
    withdraw(sched, task, SCHED_FORGOTTEN);
    sched_task_free(sched, task);
}

/* ---- from waiting ---- */

static void waiting_to_released(struct sched *sched, struct sched_task *task)
{
    stop_waiting(sched, task);
    stop_awaiting(sched, task);
    sched_task_enter(task, SCHED_RELEASED);
    if (task->has_lost_dependencies)
        sched_recommend(sched, task, SCHED_FORGOTTEN);
    else if (!task->failure && sched_task_is_needed(task))
        sched_recommend(sched, task, SCHED_WAITING);
    else
        sched_task_drop_waiters(task);
}

static void give_out(struct sched *sched, struct sched_task *task, struct sched_worker *worker)
{
    if (sched_processing_add(sched, task, worker) != DK_OK) {
        sched->has_failed = true;
        return;
    }
    sched_task_enter(task, SCHED_PROCESSING);
    sched->nassigned++;
    if (!sched_fail_if_too_large(sched, task))
        sched_tell_compute(sched, task);
}

static void waiting_to_processing(struct sched *sched, struct sched_task *task)
{
    bool is_root = sched_is_rootish(sched, task);
    struct sched_worker *worker =
        is_root ? sched_place_root(sched, task) : sched_place(sched, task);
    if (worker)
        give_out(sched, task, worker);
    else
        sched_recommend(sched, task, is_root ? SCHED_QUEUED : SCHED_NO_WORKER);
}

static void waiting_to_no_worker(struct sched *sched, struct sched_task *task)
{
    sched_task_enter(task, SCHED_NO_WORKER);
    if (sched_unrunnable_add(sched, task) != DK_OK)
        sched->has_failed = true;
    sched_fail_if_never_runnable(sched, task);
}

static void waiting_to_queued(struct sched *sched, struct sched_task *task)
{
    sched_task_enter(task, SCHED_QUEUED);
    if (heap_push(&sched->queued, task) != DK_OK)
        sched->has_failed = true;
}

/* Its only copy was thought lost, and it was to be made again: nothing has to be done. */
static void waiting_to_memory(struct sched *sched, struct sched_task *task)
{
    (void)sched;
    (void)task;
}

/* ---- from ready states ---- */

static void ready_to_released(struct sched *sched, struct sched_task *task)
{
    sched_task_enter(task, SCHED_RELEASED);
    if (task->has_lost_dependencies) {
        sched_recommend(sched, task, SCHED_FORGOTTEN);
    } else if (sched_task_is_needed(task)) {
        sched_recommend(sched, task, SCHED_WAITING);
        return;
    }
    stop_waiting(sched, task);
    sched_task_drop_waiters(task);
}

static void ready_to_erred(struct sched *sched, struct sched_task *task)
{
    sched_task_enter(task, SCHED_ERRED);
    for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
        struct sched_task *dependent = sched_dependent(sched, e);
        if (!e->is_waiter)
            continue;
        set_failure(dependent, task->failure);
        sched_recommend(sched, dependent, SCHED_ERRED);
    }
    stop_waiting(sched, task);
    stop_awaiting(sched, task);
    sched_task_drop_waiters(task);
    sched_tell_all_erred(sched, task);
    sched_client_let_go(sched, task);
}

static void queued_to_released(struct sched *sched, struct sched_task *task)
{
    heap_remove(&sched->queued, task);
    ready_to_released(sched, task);
}

static void queued_to_processing(struct sched *sched, struct sched_task *task)
{
    struct sched_worker *worker = sched_place_root(sched, task);
    if (!worker)
        return;
    if (!sched_may_run(task, worker)) { /* it was queued before there were workers */
        sched_recommend(sched, task, SCHED_WAITING);
        return;
    }
    heap_remove(&sched->queued, task);
    give_out(sched, task, worker);
}

static void queued_to_erred(struct sched *sched, struct sched_task *task)
{
    heap_remove(&sched->queued, task);
    ready_to_erred(sched, task);
}

static void no_worker_to_released(struct sched *sched, struct sched_task *task)
{
    sched_unrunnable_remove(sched, task);
    ready_to_released(sched, task);
}

static void no_worker_to_processing(struct sched *sched, struct sched_task *task)
{
    struct sched_worker *worker = sched_place(sched, task);
    if (!worker) {
        sched_fail_if_never_runnable(sched, task);
        return;
    }
    sched_unrunnable_remove(sched, task);
    give_out(sched, task, worker);
}

static void no_worker_to_erred(struct sched *sched, struct sched_task *task)
{
    sched_unrunnable_remove(sched, task);
    ready_to_erred(sched, task);
}

static void processing_to_released(struct sched *sched, struct sched_task *task)
{
    struct sched_worker *worker = sched_processing_remove(sched, task);
    if (worker->status != SCHED_CLOSED)
        sched_tell_free(sched, worker->id, sched_key(sched, task));
    ready_to_released(sched, task);
}

static void processing_to_erred(struct sched *sched, struct sched_task *task)
{
    struct sched_worker *worker = sched_processing_remove(sched, task);
    task->erred_on = worker->id;
    worker->nactors -= task->is_actor;
    ready_to_erred(sched, task);
}

/* ---- from memory and erred ---- */

static void memory_to_released(struct sched *sched, struct sched_task *task)
{
    free_replicas(sched, task);
    sched_task_enter(task, SCHED_RELEASED);
    sched_tell_all(sched, task, "lost-data");
    if (!task->run_spec || task->has_lost_dependencies)
        sched_recommend(sched, task, SCHED_FORGOTTEN);
    else if (sched_task_is_needed(task))
        sched_recommend(sched, task, SCHED_WAITING);
    for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
        struct sched_task *dependent = sched_dependent(sched, e);
        if (!e->is_waiter)
            continue;
        if (sched_task_is(dependent, SCHED_WAITING))
            sched_edge_await(sched, e, true);
        else /* ready, or running: it has to wait again */
            sched_recommend(sched, dependent, SCHED_WAITING);
    }
}

static void memory_to_erred(struct sched *sched, struct sched_task *task)
{
    free_replicas(sched, task);
    sched_task_enter(task, SCHED_RELEASED);
    released_to_erred(sched, task);
}

static void erred_to_released(struct sched *sched, struct sched_task *task)
{
    set_failure(task, NULL);
    if (sched_worker_at(sched, task->erred_on))
        sched_tell_free(sched, task->erred_on, sched_key(sched, task));
    task->erred_on = SCHED_NOBODY;
    for (struct sched_edge *e = task->first_dependent; e; e = e->next)
        if (sched_task_is(sched_dependent(sched, e), SCHED_ERRED))
            sched_recommend(sched, sched_dependent(sched, e), SCHED_WAITING);
    sched_tell_all(sched, task, "task-retried");
    sched_task_enter(task, SCHED_RELEASED);
}

/* ---- the table ---- */

typedef void (*transition)(struct sched *sched, struct sched_task *task);

static const transition table[SCHED_NSTATES][SCHED_NSTATES] = {
    [SCHED_RELEASED][SCHED_WAITING] = released_to_waiting,
    [SCHED_RELEASED][SCHED_ERRED] = released_to_erred,
    [SCHED_RELEASED][SCHED_FORGOTTEN] = to_forgotten,
    [SCHED_WAITING][SCHED_RELEASED] = waiting_to_released,
    [SCHED_WAITING][SCHED_PROCESSING] = waiting_to_processing,
    [SCHED_WAITING][SCHED_NO_WORKER] = waiting_to_no_worker,
    [SCHED_WAITING][SCHED_QUEUED] = waiting_to_queued,
    [SCHED_WAITING][SCHED_MEMORY] = waiting_to_memory,
    [SCHED_QUEUED][SCHED_RELEASED] = queued_to_released,
    [SCHED_QUEUED][SCHED_PROCESSING] = queued_to_processing,
    [SCHED_QUEUED][SCHED_ERRED] = queued_to_erred,
    [SCHED_NO_WORKER][SCHED_RELEASED] = no_worker_to_released,
    [SCHED_NO_WORKER][SCHED_PROCESSING] = no_worker_to_processing,
    [SCHED_NO_WORKER][SCHED_ERRED] = no_worker_to_erred,
    [SCHED_PROCESSING][SCHED_RELEASED] = processing_to_released,
    [SCHED_PROCESSING][SCHED_ERRED] = processing_to_erred,
    [SCHED_MEMORY][SCHED_RELEASED] = memory_to_released,
    [SCHED_MEMORY][SCHED_ERRED] = memory_to_erred,
    [SCHED_MEMORY][SCHED_FORGOTTEN] = to_forgotten,
    [SCHED_ERRED][SCHED_RELEASED] = erred_to_released,
};

/* Any other pair goes through released, where it may be asked to go elsewhere. */
static void go_through_released(struct sched *sched, struct sched_task *task,
                                enum sched_state target)
{
    table[task->state][SCHED_RELEASED](sched, task);
    target = withdraw(sched, task, target);
    if (target != SCHED_RELEASED && table[SCHED_RELEASED][target])
        table[SCHED_RELEASED][target](sched, task);
}

void sched_transition(struct sched *sched, struct sched_task *task, enum sched_state target)
{
    if (task->state == target)
        return;
    sched->ntransitions++;
    if (table[task->state][target])
        table[task->state][target](sched, task);
    else if (task->state != SCHED_RELEASED && target != SCHED_RELEASED)
        go_through_released(sched, task, target);
}

/* A transition that had no memory has left things half done: nothing may follow from it. */
void sched_drain(struct sched *sched)
{
    while (sched->recommendations.count && !sched->has_failed) {
        struct sched_recommendation next = stack_of(sched)[--sched->recommendations.count];
        if (!next.task)
            continue;
        next.task->recommendation = 0;
        sched_transition(sched, next.task, next.target);
    }
    if (!sched->recommendations.count && sched->recommendations.capacity > KEPT_RECOMMENDATIONS)
        vector_deinit(&sched->recommendations); /* a graph was there, all at once */
}

void sched_task_succeed(struct sched *sched, struct sched_task *task, struct sched_worker *worker)
{
    sched->ntransitions++;
    sched_processing_remove(sched, task);
    if (sched_add_replica(sched, task, worker) != DK_OK) {
        sched->has_failed = true;
        return;
    }
    sched_task_enter(task, SCHED_MEMORY);
    wake_dependents(sched, task);
    stop_waiting(sched, task);
    release_if_unneeded(sched, task);
    sched_tell_all_in_memory(sched, task);
    sched_client_let_go(sched, task);
}

void sched_task_fail(struct sched *sched, struct sched_task *task, struct sched_failure *failure)
{
    set_failure(task, failure);
    sched_transition(sched, task, SCHED_ERRED);
}

void sched_fill_slots(struct sched *sched)
{
    while (!sched->has_failed && heap_count(&sched->queued) && heap_count(&sched->open_slots)) {
        struct sched_task *task = heap_first(&sched->queued);
        sched_transition(sched, task, SCHED_PROCESSING);
        sched_drain(sched);
        if (heap_first(&sched->queued) == task)
            break;
    }
}
