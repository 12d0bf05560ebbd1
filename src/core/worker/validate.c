/* What must be true of the state between steps.
 *
 * Source: distributed.worker_state_machine (validate_state, _validate_task_*). */
#include <math.h>

#include "base/error.h"
#include "core/worker/state.h"

#define CHECK(task, condition)                                                                     \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return complain(worker, task, #condition, err);                                        \
    } while (0)

static dk_status complain(const struct wkr *worker, const struct wkr_task *task,
                          const char *condition, dk_error *err)
{
    char name[DK_ERROR_KEY_MAX] = "the worker";
    if (task)
        key_text(keys_packed(&worker->keys, task->id.number), name, sizeof(name));
    return error_set(err, DK_EINVAL, "%s (%s): not true: %s", name,
                     task ? wkr_state_name(task->state) : "-", condition);
}

static bool is_queued(const struct heap *queue, const struct wkr_task *task)
{
    return task->queued < heap_count(queue) &&
           ((struct wkr_task **)queue->items.data)[task->queued] == task;
}

static dk_status check_edges(const struct wkr *worker, const struct wkr_task *task, dk_error *err)
{
    uint32_t nawaited = 0, nwaiters = 0;
    LIST_EACH (at, &task->dependencies) {
        const struct wkr_edge *edge = LIST_ENTRY(at, struct wkr_edge, in_user);
        CHECK(task, edge->user == task);
        CHECK(task, edge->dependency->state != WKR_FORGOTTEN);
        CHECK(task, !edge->is_awaited || edge->is_waiter);
        CHECK(task, !edge->is_awaited || edge->dependency->state != WKR_MEMORY);
        nawaited += edge->is_awaited;
    }
    LIST_EACH (at, &task->dependents) {
        const struct wkr_edge *edge = LIST_ENTRY(at, struct wkr_edge, in_dependency);
        CHECK(task, edge->dependency == task);
        nwaiters += edge->is_waiter;
    }
    CHECK(task, nawaited == task->nawaited);
    CHECK(task, nwaiters == task->nwaiters);
    return DK_OK;
}

static dk_status check_replicas(const struct wkr *worker, const struct wkr_task *task,
                                dk_error *err)
{
    LIST_EACH (at, &task->replicas) {
        const struct wkr_replica *replica = LIST_ENTRY(at, struct wkr_replica, in_task);
        CHECK(task, replica->task == task);
        CHECK(task, (replica->needed != HEAP_NOWHERE) == (task->state == WKR_FETCH));
    }
    return DK_OK;
}

static bool is_coming(const struct wkr_task *task)
{
    const struct wkr_peer *peer = task->coming_from;
    if (!peer || !peer->is_awaited)
        return false;
    for (size_t i = 0; i < peer->in_flight.count; i++)
        if (((struct wkr_task_id *)peer->in_flight.data)[i].number == task->id.number)
            return true;
    return false;
}

/* What is going on fits what is said of it. */
static dk_status check_activity(const struct wkr *worker, const struct wkr_task *task,
                                enum wkr_state said, dk_error *err)
{
    enum wkr_activity expected = WKR_IDLE;
    if (said == WKR_EXECUTING)
        expected = WKR_RUNS;
    else if (said == WKR_LONG_RUNNING)
        expected = WKR_RUNS_ASIDE;
    else if (said == WKR_FLIGHT)
        expected = WKR_COMES;
    CHECK(task, task->activity == expected);
    CHECK(task, (expected == WKR_COMES) == is_coming(task));
    return DK_OK;
}

static dk_status check_unwanted(const struct wkr *worker, const struct wkr_task *task,
                                dk_error *err)
{
    bool ran = task->previous == WKR_EXECUTING || task->previous == WKR_LONG_RUNNING;
    CHECK(task, ran || task->previous == WKR_FLIGHT);
    CHECK(task, !task->is_done);
    if (task->state == WKR_CANCELLED)
        CHECK(task, task->next == WKR_RELEASED);
    else
        CHECK(task, task->next == (ran ? WKR_FETCH : WKR_WAITING));
    return check_activity(worker, task, task->previous, err);
}

static dk_status check_state(const struct wkr *worker, const struct wkr_task *task, dk_error *err)
{
    if (task->state == WKR_CANCELLED || task->state == WKR_RESUMED)
        return check_unwanted(worker, task, err);
    CHECK(task, task->previous == WKR_RELEASED && task->next == WKR_RELEASED);
    CHECK(task, is_queued(&worker->ready, task) == (task->state == WKR_READY));
    CHECK(task, is_queued(&worker->constrained, task) == (task->state == WKR_CONSTRAINED));
    switch (task->state) {
    case WKR_WAITING:
        CHECK(task, task->nawaited > 0);
        break;
    case WKR_READY:
    case WKR_CONSTRAINED:
        CHECK(task, (task->nneeds > 0) == (task->state == WKR_CONSTRAINED));
        CHECK(task, task->nawaited == 0);
        break;
    case WKR_FETCH:
        CHECK(task, !list_is_empty(&task->replicas));
        CHECK(task, task->has_priority && !task->is_done);
        break;
    case WKR_MISSING:
        CHECK(task, list_is_empty(&task->replicas));
        CHECK(task, worker->find_missing_us != INT64_MAX);
        break;
    case WKR_MEMORY:
        CHECK(task, task->nbytes >= 0);
        break;
    case WKR_ERROR:
        CHECK(task, task->nawaited == 0);
        break;
    case WKR_RELEASED:
        CHECK(task, !task->is_done && !task->error && task->nawaited == 0);
        CHECK(task, !list_is_empty(&task->dependents));
        break;
    default:
        break;
    }
    return check_activity(worker, task, task->state, err);
}

static dk_status check_task(const struct wkr *worker, const struct wkr_task *task, dk_error *err)
{
    CHECK(task, task->recommendation == 0);
    DK_TRY(check_edges(worker, task, err));
    DK_TRY(check_replicas(worker, task, err));
    return check_state(worker, task, err);
}

static dk_status check_peer(const struct wkr *worker, const struct wkr_peer *peer, dk_error *err)
{
    CHECK(NULL, list_is_empty(&peer->in_needed) == (heap_count(&peer->needed) == 0));
    CHECK(NULL, peer->is_awaited == (peer->in_flight.count > 0));
    LIST_EACH (at, &peer->replicas)
        CHECK(NULL, LIST_ENTRY(at, struct wkr_replica, in_peer)->peer == peer);
    return DK_OK;
}

static dk_status check_resource(const struct wkr *worker, uint32_t index, dk_error *err)
{
    double taken = 0;
    for (size_t i = 0; i < worker->tasks.count; i++) {
        const struct wkr_task *task = ((struct wkr_task **)worker->tasks.data)[i];
        if (!task || (task->activity != WKR_RUNS && task->activity != WKR_RUNS_ASIDE))
            continue;
        for (uint32_t j = 0; j < task->nneeds; j++)
            taken += task->needs[j].resource == index ? task->needs[j].amount : 0;
    }
    const struct wkr_supply *resource = &worker->resources[index];
    CHECK(NULL, resource->available > -1e-9);
    CHECK(NULL, fabs(resource->total - resource->available - taken) < 1e-9);
    return DK_OK;
}

/* What is counted, counted again. */
struct sums {
    uint32_t state[WKR_NSTATES];
    uint32_t activity[WKR_COMES + 1];
    int64_t nbytes;
    uint32_t ngathers, nbusy;
    int64_t incoming_nbytes;
};

static dk_status check_sums(const struct wkr *worker, const struct sums *sums, dk_error *err)
{
    for (int state = 0; state < WKR_NSTATES; state++)
        CHECK(NULL, sums->state[state] == worker->count[state]);
    CHECK(NULL, sums->activity[WKR_RUNS] == worker->nexecuting);
    CHECK(NULL, sums->activity[WKR_RUNS_ASIDE] == worker->nlong_running);
    CHECK(NULL, sums->activity[WKR_COMES] == worker->nin_flight);
    CHECK(NULL, sums->nbytes == worker->nbytes);
    CHECK(NULL, sums->ngathers == worker->ngathers);
    CHECK(NULL, sums->nbusy == worker->nbusy);
    CHECK(NULL, sums->incoming_nbytes == worker->incoming_nbytes);
    CHECK(NULL, worker->nexecuting <= worker->options.nthreads * (1 + worker->options.ahead_max));
    CHECK(NULL, worker->recommendations.count == 0);
    return DK_OK;
}

dk_status wkr_validate(const struct wkr *worker, dk_error *err)
{
    struct sums sums = {{0}, {0}, 0, 0, 0, 0};
    for (size_t i = 0; i < worker->tasks.count; i++) {
        const struct wkr_task *task = ((struct wkr_task **)worker->tasks.data)[i];
        if (!task)
            continue;
        sums.state[task->state]++;
        sums.activity[task->activity]++;
        sums.nbytes += task->state == WKR_MEMORY ? task->nbytes : 0;
        if (task->state != WKR_FORGOTTEN)
            DK_TRY(check_task(worker, task, err));
    }
    for (size_t i = 0; i < worker->peers.count; i++) {
        const struct wkr_peer *peer = ((struct wkr_peer **)worker->peers.data)[i];
        if (!peer)
            continue;
        sums.ngathers += peer->is_awaited;
        sums.nbusy += peer->is_busy;
        sums.incoming_nbytes += peer->in_flight_nbytes;
        DK_TRY(check_peer(worker, peer, err));
    }
    for (uint32_t i = 0; i < worker->options.nresources; i++)
        DK_TRY(check_resource(worker, i, err));
    return check_sums(worker, &sums, err);
}
