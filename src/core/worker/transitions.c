/* The table of ways from state to state, and the walk along recommendations.
 *
 * Each way is taken at once and recommends others. A pair that is not in the table goes by way of
 * "released".   Source: distributed.worker_state_machine (_transition_*, _TRANSITIONS_TABLE). */
#include "base/error.h"
#include "core/worker/state.h"

/* ---- recommendations ---- */

static struct wkr_recommendation *recommendation_at(const struct wkr *worker, uint32_t index)
{
    return &((struct wkr_recommendation *)worker->recommendations.data)[index];
}

dk_status wkr_recommend_run(struct wkr_work *step, struct wkr_task *task, enum wkr_state target,
                            int64_t run_id)
{
    struct wkr *worker = step->worker;
    if (!task->recommendation) {
        if (!vector_push(&worker->recommendations))
            return DK_ENOMEM;
        task->recommendation = (uint32_t)worker->recommendations.count;
    }
    *recommendation_at(worker, task->recommendation - 1) =
        (struct wkr_recommendation){task, target, run_id};
    return DK_OK;
}

dk_status wkr_recommend(struct wkr_work *step, struct wkr_task *task, enum wkr_state target)
{
    return wkr_recommend_run(step, task, target, task->run_id);
}

static struct wkr_recommendation take_recommendation(struct wkr *worker, uint32_t index)
{
    struct wkr_recommendation taken = *recommendation_at(worker, index);
    uint32_t last = (uint32_t)worker->recommendations.count - 1;
    for (uint32_t i = index; i < last; i++) {
        *recommendation_at(worker, i) = *recommendation_at(worker, i + 1);
        recommendation_at(worker, i)->task->recommendation = i + 1;
    }
    worker->recommendations.count--;
    taken.task->recommendation = 0;
    return taken;
}

/* ---- instructions ---- */

struct wkr_instruction *wkr_instruct(struct wkr_work *step, enum wkr_instruction_kind kind,
                                     const struct wkr_task *task)
{
    struct wkr_instruction *instruction = vector_push(&step->out->list);
    if (!instruction)
        return NULL;
    instruction->kind = kind;
    instruction->first_task = (uint32_t)step->out->tasks.count;
    if (task) {
        instruction->task = task->id;
        instruction->key = keys_packed(&step->worker->keys, task->id.number);
    }
    return instruction;
}

static dk_status instruct_simply(struct wkr_work *step, enum wkr_instruction_kind kind,
                                 const struct wkr_task *task)
{
    return wkr_instruct(step, kind, task) ? DK_OK : DK_ENOMEM;
}

dk_status wkr_instruct_finished(struct wkr_work *step, const struct wkr_task *task, int64_t run_id)
{
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_TASK_FINISHED, task);
    if (!sent)
        return DK_ENOMEM;
    sent->run_id = run_id;
    sent->nbytes = task->nbytes;
    sent->start = task->start;
    sent->stop = task->stop;
    sent->thread = task->thread;
    return DK_OK;
}

static dk_status instruct_long_running(struct wkr_work *step, const struct wkr_task *task,
                                       double compute_duration)
{
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_LONG_RUNNING, task);
    if (!sent)
        return DK_ENOMEM;
    sent->run_id = task->run_id;
    sent->compute_duration = compute_duration;
    return DK_OK;
}

/* ---- helpers of the ways ---- */

/* Forgets all that belongs to a state: whoever keeps the task starts over. */
static void purge(struct wkr *worker, struct wkr_task *task)
{
    while (!list_is_empty(&task->replicas))
        wkr_remove_replica(worker, LIST_ENTRY(task->replicas.next, struct wkr_replica, in_task));
    LIST_EACH (at, &task->dependencies)
        wkr_stop_waiting(LIST_ENTRY(at, struct wkr_edge, in_user));
    wkr_unqueue(worker, task);
    wire_box_unref(task->error);
    task->error = NULL;
    task->nbytes = -1;
    task->previous = task->next = WKR_RELEASED;
    task->is_done = false;
    task->coming_from = NULL;
    wkr_set_activity(worker, task, WKR_IDLE);
}

/* Back to the beginning, keeping what is known of it. */
static void start_over(struct wkr *worker, struct wkr_task *task)
{
    wkr_set_state(worker, task, WKR_RELEASED);
    task->is_done = false;
    task->previous = task->next = WKR_RELEASED;
}

static void cancel(struct wkr *worker, struct wkr_task *task, enum wkr_state previous)
{
    task->previous = previous;
    task->next = WKR_RELEASED;
    wkr_set_state(worker, task, WKR_CANCELLED);
}

static void resume(struct wkr *worker, struct wkr_task *task, enum wkr_state next)
{
    task->next = next;
    wkr_set_state(worker, task, WKR_RESUMED);
}

/* As if it had never been cancelled. */
static void uncancel(struct wkr *worker, struct wkr_task *task)
{
    wkr_set_state(worker, task, task->previous);
    task->previous = task->next = WKR_RELEASED;
}

static bool ran(const struct wkr_task *task)
{
    return task->previous == WKR_EXECUTING || task->previous == WKR_LONG_RUNNING;
}

/* It runs, may soon, or has run. */
static bool is_wanted_itself(const struct wkr_task *task)
{
    switch (task->state) {
    case WKR_WAITING:
    case WKR_READY:
    case WKR_CONSTRAINED:
    case WKR_EXECUTING:
    case WKR_LONG_RUNNING:
    case WKR_MEMORY:
        return true;
    default:
        return false;
    }
}

/* ---- the ways ---- */

typedef dk_status way(struct wkr_work *step, struct wkr_task *task, int64_t run_id);

static dk_status to_released(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    purge(step->worker, task);
    LIST_EACH (at, &task->dependencies) {
        struct wkr_task *dependency = LIST_ENTRY(at, struct wkr_edge, in_user)->dependency;
        if (!dependency->nwaiters && !is_wanted_itself(dependency))
            DK_TRY(wkr_recommend(step, dependency, WKR_RELEASED));
    }
    wkr_set_state(step->worker, task, WKR_RELEASED);
    return list_is_empty(&task->dependents) ? wkr_recommend(step, task, WKR_FORGOTTEN) : DK_OK;
}

static dk_status to_fetch(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    if (list_is_empty(&task->replicas))
        return wkr_recommend(step, task, WKR_MISSING);
    wkr_set_state(step->worker, task, WKR_FETCH);
    task->is_done = false;
    LIST_EACH (at, &task->replicas)
        DK_TRY(wkr_need_replica(step->worker, LIST_ENTRY(at, struct wkr_replica, in_task)));
    return DK_OK;
}

void wkr_miss(struct wkr_work *step, struct wkr_task *task)
{
    struct wkr *worker = step->worker;
    wkr_set_state(worker, task, WKR_MISSING);
    task->is_done = false;
    if (worker->find_missing_us == INT64_MAX)
        worker->find_missing_us = step->event->now_us + WKR_FIND_MISSING_US;
}

static dk_status to_missing(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    wkr_miss(step, task);
    return DK_OK;
}

static dk_status missing_to_fetch(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    return list_is_empty(&task->replicas) ? DK_OK : to_fetch(step, task, run_id);
}

static dk_status to_error(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    struct wire_box *error = step->event->kind == WKR_EXECUTE_FAILED
                                 ? step->event->as.executed.error
                                 : step->event->as.gathered.error;
    wire_box_unref(task->error);
    task->error = wire_box_ref(error);
    wkr_set_state(step->worker, task, WKR_ERROR);
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_TASK_ERRED, task);
    if (!sent)
        return DK_ENOMEM;
    sent->run_id = run_id;
    sent->error = task->error;
    sent->start = task->start;
    sent->stop = task->stop;
    sent->thread = task->thread;
    return DK_OK;
}

static dk_status released_to_waiting(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    LIST_EACH (at, &task->dependencies) {
        struct wkr_edge *edge = LIST_ENTRY(at, struct wkr_edge, in_user);
        struct wkr_task *dependency = edge->dependency;
        wkr_stop_waiting(edge);
        if (dependency->state == WKR_MEMORY)
            continue;
        edge->is_awaited = edge->is_waiter = true;
        task->nawaited++;
        dependency->nwaiters++;
        DK_TRY(wkr_recommend(step, dependency, WKR_FETCH));
    }
    wkr_set_state(step->worker, task, WKR_WAITING);
    return task->nawaited ? DK_OK : wkr_recommend(step, task, WKR_READY);
}

static dk_status missing_to_waiting(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    purge(step->worker, task);
    return released_to_waiting(step, task, run_id);
}

static dk_status waiting_to_ready(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    struct wkr *worker = step->worker;
    struct heap *queue = task->nneeds ? &worker->constrained : &worker->ready;
    DK_TRY(heap_push(queue, task));
    wkr_set_state(worker, task, task->nneeds ? WKR_CONSTRAINED : WKR_READY);
    return DK_OK;
}

static dk_status fetch_to_flight(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id; /* gather.c has taken it from the queues and knows from whom it comes */
    task->is_done = false;
    wkr_set_state(step->worker, task, WKR_FLIGHT);
    wkr_set_activity(step->worker, task, WKR_COMES);
    return DK_OK;
}

static dk_status flight_to_fetch(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    return task->is_done ? to_fetch(step, task, run_id) : DK_OK;
}

/* What is going on cannot be stopped: it is cancelled until it ends. It may have ended by this very
 * event, another consequence of which is that nobody wants it. */
static dk_status running_to_released(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    if (task->is_done)
        return to_released(step, task, run_id);
    cancel(step->worker, task, task->state);
    return DK_OK;
}

static dk_status executing_to_long_running(struct wkr_work *step, struct wkr_task *task,
                                           int64_t run_id)
{
    (void)run_id;
    wkr_set_state(step->worker, task, WKR_LONG_RUNNING);
    wkr_set_activity(step->worker, task, WKR_RUNS_ASIDE);
    return instruct_long_running(step, task, step->event->as.seceded.compute_duration);
}

static dk_status executing_to_rescheduled(struct wkr_work *step, struct wkr_task *task,
                                          int64_t run_id)
{
    DK_TRY(instruct_simply(step, WKR_SEND_RESCHEDULE, task));
    return to_released(step, task, run_id);
}

/* The one place where values are kept. */
static dk_status keep(struct wkr_work *step, struct wkr_task *task)
{
    struct wkr *worker = step->worker;
    wkr_set_state(worker, task, WKR_MEMORY);
    task->is_done = false;
    task->previous = task->next = WKR_RELEASED;
    task->nbytes = task->brought_nbytes;
    worker->nbytes += task->nbytes;
    LIST_EACH (at, &task->dependents) {
        struct wkr_edge *edge = LIST_ENTRY(at, struct wkr_edge, in_dependency);
        edge->user->nawaited -= edge->is_awaited;
        edge->is_awaited = false;
        if (!edge->user->nawaited && edge->user->state == WKR_WAITING)
            DK_TRY(wkr_recommend(step, edge->user, WKR_READY));
    }
    return instruct_simply(step, WKR_KEEP, task);
}

static dk_status executing_to_memory(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    DK_TRY(keep(step, task));
    return wkr_instruct_finished(step, task, run_id);
}

static dk_status flight_to_memory(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    DK_TRY(keep(step, task));
    return instruct_simply(step, WKR_SEND_ADD_KEYS, task);
}

/* Scattered: whoever does that tells the scheduler. */
static dk_status released_to_memory(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    return keep(step, task);
}

static dk_status memory_to_released(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    step->worker->nbytes -= task->nbytes;
    DK_TRY(instruct_simply(step, WKR_RELEASE_DATA, task));
    return to_released(step, task, run_id);
}

static dk_status cancelled_to_released(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    return task->is_done ? to_released(step, task, run_id) : DK_OK;
}

static dk_status cancelled_to_fetch(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    if (ran(task))
        resume(step->worker, task, WKR_FETCH);
    else if (task->is_done)
        return wkr_recommend(step, task, WKR_RELEASED);
    else
        uncancel(step->worker, task);
    return DK_OK;
}

/* The scheduler has not heard of a task that seceded while it was cancelled. */
static dk_status cancelled_to_waiting(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    if (!ran(task)) {
        resume(step->worker, task, WKR_WAITING);
        return DK_OK;
    }
    uncancel(step->worker, task);
    return task->state == WKR_LONG_RUNNING ? instruct_long_running(step, task, -1) : DK_OK;
}

static dk_status unwanted_to_long_running(struct wkr_work *step, struct wkr_task *task,
                                          int64_t run_id)
{
    (void)run_id;
    task->previous = WKR_LONG_RUNNING;
    wkr_set_activity(step->worker, task, WKR_RUNS_ASIDE);
    return DK_OK;
}

static dk_status resumed_to_fetch(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    if (ran(task))
        return DK_OK;
    if (!task->is_done) {
        uncancel(step->worker, task);
        return DK_OK;
    }
    /* It did not come; but it is to be computed anyway. */
    start_over(step->worker, task);
    return wkr_recommend(step, task, WKR_WAITING);
}

/* What was cancelled has failed; nobody but us needs to know, as there is another way. */
static dk_status resumed_to_next(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    enum wkr_state next = task->next;
    start_over(step->worker, task);
    return wkr_recommend(step, task, next);
}

/* The scheduler expects what the task was resumed for, whichever way the value came. */
static dk_status resumed_to_memory(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    return ran(task) ? flight_to_memory(step, task, run_id)
                     : executing_to_memory(step, task, run_id);
}

static dk_status resumed_to_released(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    if (task->is_done)
        return to_released(step, task, run_id);
    cancel(step->worker, task, task->previous);
    return DK_OK;
}

static dk_status released_to_forgotten(struct wkr_work *step, struct wkr_task *task, int64_t run_id)
{
    (void)run_id;
    while (!list_is_empty(&task->dependencies)) {
        struct wkr_edge *edge = LIST_ENTRY(task->dependencies.next, struct wkr_edge, in_user);
        struct wkr_task *dependency = edge->dependency;
        wkr_remove_edge(step->worker, edge);
        if (dependency->state == WKR_RELEASED && list_is_empty(&dependency->dependents))
            DK_TRY(wkr_recommend(step, dependency, WKR_FORGOTTEN));
    }
    purge(step->worker, task);
    wkr_set_state(step->worker, task, WKR_FORGOTTEN);
    return DK_OK;
}

/* clang-format off */
static way *const ways[WKR_NSTATES][WKR_NSTATES] = {
    [WKR_RELEASED] = {
        [WKR_ERROR] = to_error,
        [WKR_FETCH] = to_fetch,
        [WKR_FORGOTTEN] = released_to_forgotten,
        [WKR_MEMORY] = released_to_memory,
        [WKR_MISSING] = to_missing,
        [WKR_WAITING] = released_to_waiting,
    },
    [WKR_WAITING] = {
        [WKR_READY] = waiting_to_ready,
        [WKR_RELEASED] = to_released,
    },
    [WKR_FETCH] = {
        [WKR_FLIGHT] = fetch_to_flight,
        [WKR_MISSING] = to_missing,
        [WKR_RELEASED] = to_released,
    },
    [WKR_FLIGHT] = {
        [WKR_ERROR] = to_error,
        [WKR_FETCH] = flight_to_fetch,
        [WKR_MEMORY] = flight_to_memory,
        [WKR_MISSING] = to_missing,
        [WKR_RELEASED] = running_to_released,
    },
    [WKR_MISSING] = {
        [WKR_ERROR] = to_error,
        [WKR_FETCH] = missing_to_fetch,
        [WKR_RELEASED] = to_released,
        [WKR_WAITING] = missing_to_waiting,
    },
    [WKR_READY] = {
        [WKR_RELEASED] = to_released,
    },
    [WKR_CONSTRAINED] = {
        [WKR_RELEASED] = to_released,
    },
    [WKR_EXECUTING] = {
        [WKR_ERROR] = to_error,
        [WKR_LONG_RUNNING] = executing_to_long_running,
        [WKR_MEMORY] = executing_to_memory,
        [WKR_RELEASED] = running_to_released,
        [WKR_RESCHEDULED] = executing_to_rescheduled,
    },
    [WKR_LONG_RUNNING] = {
        [WKR_ERROR] = to_error,
        [WKR_MEMORY] = executing_to_memory,
        [WKR_RELEASED] = running_to_released,
        [WKR_RESCHEDULED] = executing_to_rescheduled,
    },
    [WKR_MEMORY] = {
        [WKR_RELEASED] = memory_to_released,
    },
    [WKR_ERROR] = {
        [WKR_RELEASED] = to_released,
    },
    [WKR_CANCELLED] = {
        [WKR_ERROR] = cancelled_to_released,
        [WKR_FETCH] = cancelled_to_fetch,
        [WKR_LONG_RUNNING] = unwanted_to_long_running,
        [WKR_MEMORY] = cancelled_to_released,
        [WKR_MISSING] = cancelled_to_released,
        [WKR_RELEASED] = cancelled_to_released,
        [WKR_RESCHEDULED] = cancelled_to_released,
        [WKR_WAITING] = cancelled_to_waiting,
    },
    [WKR_RESUMED] = {
        [WKR_ERROR] = resumed_to_next,
        [WKR_FETCH] = resumed_to_fetch,
        [WKR_LONG_RUNNING] = unwanted_to_long_running,
        [WKR_MEMORY] = resumed_to_memory,
        [WKR_RELEASED] = resumed_to_released,
        [WKR_RESCHEDULED] = resumed_to_next,
    },
};
/* clang-format on */

/* ---- the walk ---- */

static dk_status fail_no_way(struct wkr_work *step, const struct wkr_task *task,
                             enum wkr_state target)
{
    char name[DK_ERROR_KEY_MAX];
    key_text(keys_packed(&step->worker->keys, task->id.number), name, sizeof(name));
    return error_set(step->err, DK_EINVAL, "the worker's task %s cannot go from %s to %s", name,
                     wkr_state_name(task->state), wkr_state_name(target));
}

static dk_status go(struct wkr_work *step, struct wkr_task *task, enum wkr_state target,
                    int64_t run_id);

/* By way of "released", also along what that recommends for the task itself, but not so far as to
 * forget it. */
static dk_status go_by_released(struct wkr_work *step, struct wkr_task *task, enum wkr_state target,
                                int64_t run_id)
{
    DK_TRY(go(step, task, WKR_RELEASED, run_id));
    while (task->recommendation) {
        struct wkr_recommendation next =
            take_recommendation(step->worker, task->recommendation - 1);
        if (next.target != WKR_FORGOTTEN)
            DK_TRY(go(step, task, next.target, next.run_id));
    }
    if (task->state != target && !ways[task->state][target])
        return fail_no_way(step, task, target);
    return go(step, task, target, run_id);
}

static dk_status go(struct wkr_work *step, struct wkr_task *task, enum wkr_state target,
                    int64_t run_id)
{
    if (task->state == target)
        return DK_OK;
    way *chosen = ways[task->state][target];
    if (chosen)
        return chosen(step, task, run_id);
    if (task->state == WKR_RELEASED || target == WKR_RELEASED || task->state == WKR_FORGOTTEN)
        return fail_no_way(step, task, target);
    return go_by_released(step, task, target, run_id);
}

dk_status wkr_follow_recommendations(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    while (worker->recommendations.count) {
        struct wkr_recommendation next =
            take_recommendation(worker, (uint32_t)worker->recommendations.count - 1);
        DK_TRY(go(step, next.task, next.target, next.run_id));
    }
    return DK_OK;
}

dk_status wkr_begin_executing(struct wkr_work *step, struct wkr_task *task)
{
    wkr_set_state(step->worker, task, WKR_EXECUTING);
    wkr_set_activity(step->worker, task, WKR_RUNS);
    struct wkr_instruction *execute = wkr_instruct(step, WKR_EXECUTE, task);
    if (!execute)
        return DK_ENOMEM;
    execute->run_id = task->run_id;
    return DK_OK;
}
