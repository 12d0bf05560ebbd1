/* What each event means: changes to what is known, and recommendations.
 *
 * Source: distributed.worker_state_machine (_handle_*). */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "core/worker/state.h"

static struct wkr_task *task_at(const struct wkr *worker, struct wkr_task_id id)
{
    return ((struct wkr_task **)worker->tasks.data)[id.number];
}

/* ---- compute-task ---- */

/* Makes the task's needs those of the event. All resources are known: see check_resources(). */
static dk_status set_needs(struct wkr *worker, struct wkr_task *task,
                           const struct wkr_compute_task *event)
{
    struct wkr_need *needs = NULL;
    if (event->nresources) {
        needs = memory_calloc(worker->memory, event->nresources * sizeof(*needs));
        if (!needs)
            return DK_ENOMEM;
    }
    memory_free(worker->memory, task->needs, task->nneeds * sizeof(*needs));
    task->needs = needs;
    task->nneeds = (uint32_t)event->nresources;
    for (uint32_t i = 0; i < task->nneeds; i++) {
        struct wire_bytes name = event->resources[i].name;
        needs[i].amount = event->resources[i].amount;
        while (worker->resources[needs[i].resource].nbytes != name.nbytes ||
               memcmp(worker->resources[needs[i].resource].name, name.data, name.nbytes) != 0)
            needs[i].resource++;
    }
    return DK_OK;
}

static bool has_resource(const struct wkr *worker, struct wire_bytes name)
{
    for (size_t i = 0; i < worker->options.nresources; i++) {
        const struct wkr_supply *resource = &worker->resources[i];
        if (resource->nbytes == name.nbytes && memcmp(resource->name, name.data, name.nbytes) == 0)
            return true;
    }
    return false;
}

static dk_status check_resources(const struct wkr *worker, const struct wkr_compute_task *event,
                                 dk_error *err)
{
    for (size_t i = 0; i < event->nresources; i++) {
        struct wire_bytes name = event->resources[i].name;
        if (!has_resource(worker, name))
            return error_set(err, DK_EINVAL, "a task needs the resource '%.*s': there is none here",
                             (int)name.nbytes, name.data);
    }
    return DK_OK;
}

static dk_status expect_task(struct wkr_work *step, const struct wkr_replicas *whereabouts,
                             struct wkr_priority priority, struct wkr_task **out)
{
    struct wkr_task *task;
    DK_TRY(wkr_ensure_task(step->worker, whereabouts->key, &task));
    if (!task->has_priority)
        task->priority = priority;
    task->has_priority = true;
    if (task->state != WKR_MEMORY)
        task->nbytes = whereabouts->nbytes;
    *out = task;
    return DK_OK;
}

/* What is to be fetched, and is nowhere any more, is missing from now on: a recommendation to fetch
 * it would find that it is. */
static dk_status learn_replicas(struct wkr_work *step, struct wkr_task *task,
                                const struct wkr_replicas *whereabouts)
{
    DK_TRY(wkr_update_replicas(step->worker, task, whereabouts));
    if (task->state == WKR_FETCH && list_is_empty(&task->replicas))
        wkr_miss(step, task);
    else if (task->state == WKR_MISSING && !list_is_empty(&task->replicas))
        return wkr_recommend(step, task, WKR_FETCH);
    return DK_OK;
}

/* Adds the dependencies that the task does not have yet. */
static dk_status link_dependencies(struct wkr_work *step, struct wkr_task *task,
                                   const struct wkr_compute_task *event)
{
    struct wkr *worker = step->worker;
    uint32_t mark = ++worker->mark;
    LIST_EACH (at, &task->dependencies)
        LIST_ENTRY(at, struct wkr_edge, in_user)->dependency->mark = mark;
    for (size_t i = 0; i < event->ndependencies; i++) {
        struct wkr_task *dependency;
        DK_TRY(expect_task(step, &event->dependencies[i], task->priority, &dependency));
        if (dependency->mark != mark)
            DK_TRY(wkr_add_edge(worker, task, dependency));
        dependency->mark = mark;
        DK_TRY(learn_replicas(step, dependency, &event->dependencies[i]));
    }
    return DK_OK;
}

static bool still_runs(const struct wkr_task *task)
{
    return task->activity == WKR_RUNS || task->activity == WKR_RUNS_ASIDE;
}

static dk_status prepare(struct wkr_work *step, struct wkr_task *task,
                         const struct wkr_compute_task *event)
{
    wire_box_unref(task->run_spec);
    task->run_spec = wire_box_ref(event->run_spec);
    task->is_actor = event->is_actor;
    wire_box_unref(task->error);
    task->error = NULL;
    task->priority = event->priority;
    task->priority.arrival = step->worker->arrivals--;
    task->has_priority = true;
    LIST_EACH (at, &task->replicas) {
        struct wkr_replica *replica = LIST_ENTRY(at, struct wkr_replica, in_task);
        if (replica->needed != HEAP_NOWHERE)
            heap_update(&replica->peer->needed, replica);
    }
    /* Those that it holds now are released when it ends. */
    if (!still_runs(task))
        DK_TRY(set_needs(step->worker, task, event));
    DK_TRY(link_dependencies(step, task, event));
    return wkr_recommend(step, task, WKR_WAITING);
}

static dk_status compute_task(struct wkr_work *step)
{
    const struct wkr_compute_task *event = &step->event->as.compute;
    struct wkr_task *task;
    DK_TRY(wkr_ensure_task(step->worker, event->key, &task));
    task->run_id = event->run_id;
    switch (task->state) {
    case WKR_WAITING:
    case WKR_READY:
    case WKR_CONSTRAINED:
    case WKR_EXECUTING:
    case WKR_LONG_RUNNING:
        return DK_OK;
    case WKR_MEMORY:
        return wkr_instruct_finished(step, task, event->run_id);
    default:
        return prepare(step, task, event);
    }
}

/* ---- the scheduler's other wishes ---- */

/* It has not begun. */
static bool may_be_given_up(const struct wkr_task *task)
{
    return task && (task->state == WKR_WAITING || task->state == WKR_READY ||
                    task->state == WKR_CONSTRAINED);
}

static dk_status free_keys(struct wkr_work *step)
{
    const struct wkr_keys *keys = &step->event->as.keys;
    for (size_t i = 0; i < keys->count; i++) {
        struct wkr_task *task = wkr_find_task(step->worker, keys->list[i]);
        if (task)
            DK_TRY(wkr_recommend(step, task, WKR_RELEASED));
    }
    return DK_OK;
}

/* By a task that runs here, or is to run. */
static bool is_used(const struct wkr_task *task)
{
    LIST_EACH (at, &task->dependents) {
        const struct wkr_task *user = LIST_ENTRY(at, struct wkr_edge, in_dependency)->user;
        if (still_runs(user) || may_be_given_up(user))
            return true;
    }
    return false;
}

/* A copy that is in use stays, and the scheduler is told that it is still there. */
static dk_status remove_replicas(struct wkr_work *step)
{
    const struct wkr_keys *keys = &step->event->as.keys;
    for (size_t i = 0; i < keys->count; i++) {
        struct wkr_task *task = wkr_find_task(step->worker, keys->list[i]);
        if (!task || task->state != WKR_MEMORY)
            continue;
        if (!is_used(task))
            DK_TRY(wkr_recommend(step, task, WKR_RELEASED));
        else if (!wkr_instruct(step, WKR_SEND_ADD_KEYS, task))
            return DK_ENOMEM;
    }
    return DK_OK;
}

/* After what the user's computations need, unless they are of low priority. */
static const struct wkr_priority replica_priority = {.user = 1, .generation = -INFINITY};

static dk_status acquire_replicas(struct wkr_work *step)
{
    const struct wkr_replicas_list *replicas = &step->event->as.replicas;
    for (size_t i = 0; i < replicas->count; i++) {
        struct wkr_task *task;
        DK_TRY(expect_task(step, &replicas->list[i], replica_priority, &task));
        DK_TRY(learn_replicas(step, task, &replicas->list[i]));
        if (task->state != WKR_MEMORY)
            DK_TRY(wkr_recommend(step, task, WKR_FETCH));
    }
    return DK_OK;
}

static dk_status refresh_who_has(struct wkr_work *step)
{
    const struct wkr_replicas_list *replicas = &step->event->as.replicas;
    for (size_t i = 0; i < replicas->count; i++) {
        struct wkr_task *task = wkr_find_task(step->worker, replicas->list[i].key);
        if (!task)
            continue;
        DK_TRY(learn_replicas(step, task, &replicas->list[i]));
    }
    return DK_OK;
}

static dk_status steal_request(struct wkr_work *step)
{
    struct wkr_task *task = wkr_find_task(step->worker, step->event->as.key);
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_STEAL_RESPONSE, NULL);
    if (!sent)
        return DK_ENOMEM;
    sent->key = step->event->as.key;
    sent->state = task ? task->state : WKR_FORGOTTEN;
    return may_be_given_up(task) ? wkr_recommend(step, task, WKR_RELEASED) : DK_OK;
}

static dk_status cancel_compute(struct wkr_work *step)
{
    struct wkr_task *task = wkr_find_task(step->worker, step->event->as.key);
    return may_be_given_up(task) ? wkr_recommend(step, task, WKR_RELEASED) : DK_OK;
}

/* Whoever it was has nothing any more. */
static dk_status lose_peer(struct wkr_work *step, struct wkr_peer *peer)
{
    while (!list_is_empty(&peer->replicas)) {
        struct wkr_replica *replica = LIST_ENTRY(peer->replicas.next, struct wkr_replica, in_peer);
        struct wkr_task *task = replica->task;
        wkr_remove_replica(step->worker, replica);
        if (task->state == WKR_FETCH && list_is_empty(&task->replicas))
            DK_TRY(wkr_recommend(step, task, WKR_MISSING));
    }
    wkr_forget_idle_peer(step->worker, peer);
    return DK_OK;
}

static dk_status remove_worker(struct wkr_work *step)
{
    struct wkr_peer *peer = wkr_find_peer(step->worker, step->event->as.address);
    return peer ? lose_peer(step, peer) : DK_OK;
}

static dk_status update_data(struct wkr_work *step)
{
    const struct wkr_scattered_list *scattered = &step->event->as.scattered;
    for (size_t i = 0; i < scattered->count; i++) {
        struct wkr_task *task;
        DK_TRY(wkr_ensure_task(step->worker, scattered->list[i].key, &task));
        if (task->activity != WKR_IDLE)
            continue;
        task->brought_nbytes = scattered->list[i].nbytes;
        DK_TRY(wkr_recommend(step, task, WKR_MEMORY));
    }
    return DK_OK;
}

/* ---- ends of runs ---- */

static dk_status execute_done(struct wkr_work *step)
{
    const struct wkr_executed *event = &step->event->as.executed;
    struct wkr_task *task = task_at(step->worker, event->task);
    enum wkr_state target = WKR_RESCHEDULED;
    if (step->event->kind == WKR_EXECUTE_SUCCEEDED)
        target = WKR_MEMORY;
    else if (step->event->kind == WKR_EXECUTE_FAILED)
        target = WKR_ERROR;
    task->is_done = true;
    task->brought_nbytes = event->nbytes;
    task->start = event->start;
    task->stop = event->stop;
    task->thread = event->thread;
    step->worker->nexecuted++;
    wkr_note_run(step->worker, event);
    wkr_release_resources(step->worker, task);
    wkr_set_activity(step->worker, task, WKR_IDLE);
    return wkr_recommend_run(step, task, target, event->run_id);
}

static dk_status secede(struct wkr_work *step)
{
    struct wkr_task *task = task_at(step->worker, step->event->as.seceded.task);
    bool runs = task && still_runs(task);
    return runs ? wkr_recommend(step, task, WKR_LONG_RUNNING) : DK_OK;
}

/* ---- ends of gathers ---- */

static struct wkr_peer *gathered_peer(const struct wkr_work *step)
{
    return ((struct wkr_peer **)step->worker->peers.data)[step->event->as.gathered.peer.number];
}

/* The peer's answer is there; what was expected of it is listed in peer->in_flight. */
static void gather_done(struct wkr_work *step, struct wkr_peer *peer)
{
    step->worker->incoming_nbytes -= peer->in_flight_nbytes;
    step->worker->ngathers--;
    peer->in_flight_nbytes = 0;
    peer->is_awaited = false;
    const struct wkr_task_id *ids = peer->in_flight.data;
    for (size_t i = 0; i < peer->in_flight.count; i++) {
        struct wkr_task *task = task_at(step->worker, ids[i]);
        task->is_done = true;
        task->coming_from = NULL;
        task->brought_nbytes = -1;
        wkr_set_activity(step->worker, task, WKR_IDLE);
    }
}

static struct wkr_task *expected_task(const struct wkr_work *step, const struct wkr_peer *peer,
                                      size_t index)
{
    return task_at(step->worker, ((const struct wkr_task_id *)peer->in_flight.data)[index]);
}

static void lose_replica(struct wkr *worker, struct wkr_task *task, const struct wkr_peer *peer)
{
    LIST_EACH (at, &task->replicas) {
        struct wkr_replica *replica = LIST_ENTRY(at, struct wkr_replica, in_task);
        if (replica->peer == peer) {
            wkr_remove_replica(worker, replica);
            return;
        }
    }
}

static dk_status gather_succeeded(struct wkr_work *step)
{
    const struct wkr_gathered *event = &step->event->as.gathered;
    struct wkr_peer *peer = gathered_peer(step);
    gather_done(step, peer);
    for (size_t i = 0; i < event->ntasks; i++)
        task_at(step->worker, event->tasks[i].task)->brought_nbytes = event->tasks[i].nbytes;
    for (size_t i = 0; i < peer->in_flight.count; i++) {
        struct wkr_task *task = expected_task(step, peer, i);
        if (task->brought_nbytes >= 0) {
            DK_TRY(wkr_recommend(step, task, WKR_MEMORY));
            continue;
        }
        lose_replica(step->worker, task, peer);
        DK_TRY(wkr_recommend(step, task, WKR_FETCH));
    }
    peer->in_flight.count = 0;
    wkr_forget_idle_peer(step->worker, peer);
    return DK_OK;
}

static bool are_all_busy(const struct wkr_task *task)
{
    LIST_EACH (at, &task->replicas)
        if (!LIST_ENTRY(at, struct wkr_replica, in_task)->peer->is_busy)
            return false;
    return true;
}

/* Of those tasks that only busy peers have, there may be copies that we do not know of. */
static dk_status ask_for_others(struct wkr_work *step, const struct wkr_peer *peer)
{
    uint32_t first = (uint32_t)step->out->tasks.count;
    for (size_t i = 0; i < peer->in_flight.count; i++) {
        const struct wkr_task *task = expected_task(step, peer, i);
        if (are_all_busy(task))
            DK_TRY(vector_append(&step->out->tasks, &task->id, 1));
    }
    uint32_t ntasks = (uint32_t)step->out->tasks.count - first;
    if (!ntasks)
        return DK_OK;
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_REQUEST_REFRESH_WHO_HAS, NULL);
    if (!sent)
        return DK_ENOMEM;
    sent->first_task = first;
    sent->ntasks = ntasks;
    return DK_OK;
}

static dk_status fetch_again(struct wkr_work *step, struct wkr_peer *peer)
{
    for (size_t i = 0; i < peer->in_flight.count; i++)
        DK_TRY(wkr_recommend(step, expected_task(step, peer, i), WKR_FETCH));
    peer->in_flight.count = 0;
    return DK_OK;
}

static dk_status gather_busy(struct wkr_work *step)
{
    struct wkr_peer *peer = gathered_peer(step);
    gather_done(step, peer);
    peer->is_busy = true;
    peer->retry_us = step->event->now_us + WKR_BUSY_RETRY_US;
    step->worker->nbusy++;
    DK_TRY(ask_for_others(step, peer));
    return fetch_again(step, peer);
}

static dk_status gather_network_failed(struct wkr_work *step)
{
    struct wkr_peer *peer = gathered_peer(step);
    gather_done(step, peer);
    DK_TRY(fetch_again(step, peer));
    return lose_peer(step, peer);
}

static bool is_awaited(const struct wkr_task *task)
{
    LIST_EACH (at, &task->dependents)
        if (LIST_ENTRY(at, struct wkr_edge, in_dependency)->is_awaited)
            return true;
    return false;
}

/* Those who wait for it would wait for ever: they fail by the same error, but after it, as their
 * release would release it, too. A copy that nobody here waits for is given up: it would stay for
 * ever. */
static dk_status gather_failed(struct wkr_work *step)
{
    struct wkr_peer *peer = gathered_peer(step);
    gather_done(step, peer);
    for (size_t i = 0; i < peer->in_flight.count; i++) {
        struct wkr_task *task = expected_task(step, peer, i);
        if (task->state != WKR_FLIGHT)
            continue;
        LIST_EACH (at, &task->dependents) {
            struct wkr_edge *edge = LIST_ENTRY(at, struct wkr_edge, in_dependency);
            if (edge->is_awaited && edge->user->state == WKR_WAITING)
                DK_TRY(wkr_recommend(step, edge->user, WKR_ERROR));
        }
    }
    for (size_t i = 0; i < peer->in_flight.count; i++) {
        struct wkr_task *task = expected_task(step, peer, i);
        bool is_unneeded = task->state == WKR_FLIGHT && !is_awaited(task);
        DK_TRY(wkr_recommend(step, task, is_unneeded ? WKR_RELEASED : WKR_ERROR));
    }
    peer->in_flight.count = 0;
    wkr_forget_idle_peer(step->worker, peer);
    return DK_OK;
}

/* ---- deadlines ---- */

static void retry_busy_peers(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    for (size_t i = 0; worker->nbusy && i < worker->peers.count; i++) {
        struct wkr_peer *peer = ((struct wkr_peer **)worker->peers.data)[i];
        if (!peer || !peer->is_busy || peer->retry_us > step->event->now_us)
            continue;
        peer->is_busy = false;
        worker->nbusy--;
        wkr_forget_idle_peer(worker, peer);
    }
}

static dk_status find_missing(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    if (worker->find_missing_us > step->event->now_us)
        return DK_OK;
    worker->find_missing_us = INT64_MAX;
    if (!worker->count[WKR_MISSING])
        return DK_OK;
    worker->find_missing_us = step->event->now_us + WKR_FIND_MISSING_US;
    struct wkr_instruction *sent = wkr_instruct(step, WKR_SEND_REQUEST_REFRESH_WHO_HAS, NULL);
    if (!sent)
        return DK_ENOMEM;
    sent->ntasks = worker->count[WKR_MISSING];
    LIST_EACH (at, &worker->in_state[WKR_MISSING])
        DK_TRY(vector_append(&step->out->tasks, &LIST_ENTRY(at, struct wkr_task, in_state)->id, 1));
    return DK_OK;
}

/* ---- all ---- */

static dk_status handle_known(struct wkr_work *step)
{
    switch (step->event->kind) {
    case WKR_COMPUTE_TASK:
        return compute_task(step);
    case WKR_FREE_KEYS:
        return free_keys(step);
    case WKR_REMOVE_REPLICAS:
        return remove_replicas(step);
    case WKR_ACQUIRE_REPLICAS:
        return acquire_replicas(step);
    case WKR_REFRESH_WHO_HAS:
        return refresh_who_has(step);
    case WKR_STEAL_REQUEST:
        return steal_request(step);
    case WKR_CANCEL_COMPUTE:
        return cancel_compute(step);
    case WKR_REMOVE_WORKER:
        return remove_worker(step);
    case WKR_UPDATE_DATA:
        return update_data(step);
    case WKR_EXECUTE_SUCCEEDED:
    case WKR_EXECUTE_FAILED:
    case WKR_EXECUTE_RESCHEDULED:
        return execute_done(step);
    case WKR_SECEDED:
        return secede(step);
    case WKR_GATHER_SUCCEEDED:
        return gather_succeeded(step);
    case WKR_GATHER_BUSY:
        return gather_busy(step);
    case WKR_GATHER_NETWORK_FAILED:
        return gather_network_failed(step);
    case WKR_GATHER_FAILED:
        return gather_failed(step);
    case WKR_PAUSE:
    case WKR_UNPAUSE:
        step->worker->is_running = step->event->kind == WKR_UNPAUSE;
        return DK_OK;
    case WKR_DEADLINE:
        retry_busy_peers(step);
        return find_missing(step);
    }
    return error_set(step->err, DK_EINVAL, "an event of unknown kind %d", (int)step->event->kind);
}

dk_status wkr_handle_event(struct wkr_work *step)
{
    if (step->event->kind == WKR_COMPUTE_TASK)
        DK_TRY(check_resources(step->worker, &step->event->as.compute, step->err));
    return handle_known(step);
}
