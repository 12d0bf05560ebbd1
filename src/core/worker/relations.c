/* Tasks, peers, and what links them. */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "core/worker/state.h"

/* ---- queues ---- */

int wkr_compare_priority(const struct wkr_task *a, const struct wkr_task *b)
{
    const struct wkr_priority *x = &a->priority, *y = &b->priority;
    if (x->user != y->user)
        return x->user < y->user ? -1 : 1;
    if (x->generation != y->generation)
        return x->generation < y->generation ? -1 : 1;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->arrival < y->arrival ? -1 : x->arrival > y->arrival;
}

static bool is_task_before(const void *a, const void *b)
{
    const struct wkr_task *x = a, *y = b;
    int order = wkr_compare_priority(x, y);
    return order ? order < 0 : x->serial < y->serial;
}

static bool is_replica_before(const void *a, const void *b)
{
    const struct wkr_replica *x = a, *y = b;
    return is_task_before(x->task, y->task);
}

static uint32_t *task_place(void *task)
{
    return &((struct wkr_task *)task)->queued;
}

static uint32_t *replica_place(void *replica)
{
    return &((struct wkr_replica *)replica)->needed;
}

void wkr_init_tasks(struct heap *heap, struct memory *memory)
{
    heap_init(heap, memory, is_task_before, task_place);
}

void wkr_init_replicas(struct heap *heap, struct memory *memory)
{
    heap_init(heap, memory, is_replica_before, replica_place);
}

void wkr_unqueue(struct wkr *worker, struct wkr_task *task)
{
    if (task->queued != HEAP_NOWHERE)
        heap_remove(task->state == WKR_READY ? &worker->ready : &worker->constrained, task);
}

/* ---- tasks ---- */

static struct wkr_task **task_at(const struct wkr *worker, uint32_t number)
{
    return &((struct wkr_task **)worker->tasks.data)[number];
}

struct wkr_task *wkr_find_task(const struct wkr *worker, struct wire_bytes key)
{
    uint32_t number = keys_find(&worker->keys, key);
    if (number == KEY_NONE)
        return NULL;
    struct wkr_task *task = *task_at(worker, number);
    return task->state == WKR_FORGOTTEN ? NULL : task;
}

/* Room for number `number` in a vector of pointers. */
static dk_status make_room(struct vector *pointers, uint32_t number)
{
    while (pointers->count <= number)
        if (!vector_push(pointers))
            return DK_ENOMEM;
    return DK_OK;
}

static struct wkr_task *new_task(struct wkr *worker, uint32_t number)
{
    struct wkr_task *task = memory_calloc(worker->memory, sizeof(*task));
    if (!task)
        return NULL;
    task->id.number = number;
    task->run_id = -1;
    task->nbytes = -1;
    task->queued = HEAP_NOWHERE;
    task->serial = worker->nserials++;
    list_init(&task->dependencies);
    list_init(&task->dependents);
    list_init(&task->replicas);
    list_append(&worker->in_state[WKR_RELEASED], &task->in_state);
    worker->count[WKR_RELEASED]++;
    return task;
}

dk_status wkr_ensure_task(struct wkr *worker, struct wire_bytes key, struct wkr_task **out)
{
    uint32_t number;
    bool is_new;
    DK_TRY(keys_add(&worker->keys, key, &number, &is_new));
    if (!is_new) {
        *out = *task_at(worker, number);
        return DK_OK;
    }
    struct wkr_task *task = NULL;
    if (make_room(&worker->tasks, number) == DK_OK)
        task = new_task(worker, number);
    if (!task) {
        keys_remove(&worker->keys, number);
        return DK_ENOMEM;
    }
    *out = *task_at(worker, number) = task;
    return DK_OK;
}

void wkr_free_task(struct wkr *worker, struct wkr_task *task)
{
    while (!list_is_empty(&task->dependencies))
        wkr_remove_edge(worker, LIST_ENTRY(task->dependencies.next, struct wkr_edge, in_user));
    while (!list_is_empty(&task->dependents))
        wkr_remove_edge(worker, LIST_ENTRY(task->dependents.next, struct wkr_edge, in_dependency));
    while (!list_is_empty(&task->replicas))
        wkr_remove_replica(worker, LIST_ENTRY(task->replicas.next, struct wkr_replica, in_task));
    list_remove(&task->in_state);
    worker->count[task->state]--;
    *task_at(worker, task->id.number) = NULL;
    keys_remove(&worker->keys, task->id.number);
    wire_box_unref(task->run_spec);
    wire_box_unref(task->error);
    memory_free(worker->memory, task->needs, task->nneeds * sizeof(*task->needs));
    memory_free(worker->memory, task, sizeof(*task));
}

void wkr_set_state(struct wkr *worker, struct wkr_task *task, enum wkr_state state)
{
    worker->count[task->state]--;
    worker->count[state]++;
    list_remove(&task->in_state);
    list_append(&worker->in_state[state], &task->in_state);
    task->state = state;
}

void wkr_set_activity(struct wkr *worker, struct wkr_task *task, enum wkr_activity activity)
{
    worker->nexecuting -= task->activity == WKR_RUNS;
    worker->nlong_running -= task->activity == WKR_RUNS_ASIDE;
    worker->nin_flight -= task->activity == WKR_COMES;
    worker->nexecuting += activity == WKR_RUNS;
    worker->nlong_running += activity == WKR_RUNS_ASIDE;
    worker->nin_flight += activity == WKR_COMES;
    task->activity = activity;
}

/* ---- dependencies ---- */

dk_status wkr_add_edge(struct wkr *worker, struct wkr_task *user, struct wkr_task *dependency)
{
    struct wkr_edge *edge = memory_calloc(worker->memory, sizeof(*edge));
    if (!edge)
        return DK_ENOMEM;
    edge->user = user;
    edge->dependency = dependency;
    list_append(&user->dependencies, &edge->in_user);
    list_append(&dependency->dependents, &edge->in_dependency);
    return DK_OK;
}

void wkr_stop_waiting(struct wkr_edge *edge)
{
    edge->user->nawaited -= edge->is_awaited;
    edge->dependency->nwaiters -= edge->is_waiter;
    edge->is_awaited = edge->is_waiter = false;
}

void wkr_remove_edge(struct wkr *worker, struct wkr_edge *edge)
{
    wkr_stop_waiting(edge);
    list_remove(&edge->in_user);
    list_remove(&edge->in_dependency);
    memory_free(worker->memory, edge, sizeof(*edge));
}

/* ---- peers ---- */

static struct wkr_peer **peer_at(const struct wkr *worker, uint32_t number)
{
    return &((struct wkr_peer **)worker->peers.data)[number];
}

/* "10.0.0.1" of "tcp://10.0.0.1:8786". */
static struct wire_bytes host_of(struct wire_bytes address)
{
    for (size_t i = 0; i + 3 <= address.nbytes; i++) {
        if (memcmp(address.data + i, "://", 3) == 0) {
            address.data += i + 3;
            address.nbytes -= i + 3;
            break;
        }
    }
    for (size_t i = address.nbytes; i > 0; i--)
        if (address.data[i - 1] == ':')
            return (struct wire_bytes){address.data, i - 1};
    return address;
}

static bool are_equal(struct wire_bytes a, struct wire_bytes b)
{
    return a.nbytes == b.nbytes && memcmp(a.data, b.data, a.nbytes) == 0;
}

static struct wire_bytes own_address(const struct wkr *worker)
{
    return (struct wire_bytes){worker->address, worker->address_nbytes};
}

struct wkr_peer *wkr_find_peer(const struct wkr *worker, struct wire_bytes address)
{
    uint32_t number = keys_find(&worker->addresses, address);
    return number == KEY_NONE ? NULL : *peer_at(worker, number);
}

static struct wkr_peer *new_peer(struct wkr *worker, uint32_t number, struct wire_bytes address)
{
    struct wkr_peer *peer = memory_calloc(worker->memory, sizeof(*peer));
    if (!peer)
        return NULL;
    struct wire_bytes own = own_address(worker);
    peer->id.number = number;
    peer->is_local = are_equal(host_of(address), host_of(own));
    /* Not the same for every worker, or all of them would first ask the same peer. */
    peer->order = hash_u64(hash_bytes(own.data, own.nbytes) ^
                           hash_u64(hash_bytes(address.data, address.nbytes)));
    vector_init(&peer->in_flight, worker->memory, sizeof(struct wkr_task_id));
    list_init(&peer->replicas);
    list_init(&peer->in_needed);
    wkr_init_replicas(&peer->needed, worker->memory);
    return peer;
}

dk_status wkr_ensure_peer(struct wkr *worker, struct wire_bytes address, struct wkr_peer **out)
{
    uint32_t number;
    bool is_new;
    DK_TRY(keys_add(&worker->addresses, address, &number, &is_new));
    if (!is_new) {
        *out = *peer_at(worker, number);
        return DK_OK;
    }
    struct wkr_peer *peer = NULL;
    if (make_room(&worker->peers, number) == DK_OK)
        peer = new_peer(worker, number, address);
    if (!peer) {
        keys_remove(&worker->addresses, number);
        return DK_ENOMEM;
    }
    *out = *peer_at(worker, number) = peer;
    return DK_OK;
}

void wkr_free_peer(struct wkr *worker, struct wkr_peer *peer)
{
    while (!list_is_empty(&peer->replicas))
        wkr_remove_replica(worker, LIST_ENTRY(peer->replicas.next, struct wkr_replica, in_peer));
    list_remove(&peer->in_needed);
    heap_deinit(&peer->needed);
    vector_deinit(&peer->in_flight);
    *peer_at(worker, peer->id.number) = NULL;
    keys_remove(&worker->addresses, peer->id.number);
    memory_free(worker->memory, peer, sizeof(*peer));
}

void wkr_forget_idle_peer(struct wkr *worker, struct wkr_peer *peer)
{
    if (!peer->is_awaited && !peer->is_busy && list_is_empty(&peer->replicas))
        wkr_free_peer(worker, peer);
}

/* ---- replicas ---- */

dk_status wkr_need_replica(struct wkr *worker, struct wkr_replica *replica)
{
    struct wkr_peer *peer = replica->peer;
    DK_TRY(heap_push(&peer->needed, replica));
    if (list_is_empty(&peer->in_needed))
        list_append(&worker->needed, &peer->in_needed);
    return DK_OK;
}

void wkr_unneed_replica(struct wkr_replica *replica)
{
    if (replica->needed != HEAP_NOWHERE)
        heap_remove(&replica->peer->needed, replica);
    if (!heap_count(&replica->peer->needed))
        list_remove(&replica->peer->in_needed);
}

void wkr_remove_replica(struct wkr *worker, struct wkr_replica *replica)
{
    wkr_unneed_replica(replica);
    list_remove(&replica->in_task);
    list_remove(&replica->in_peer);
    memory_free(worker->memory, replica, sizeof(*replica));
}

static dk_status add_replica(struct wkr *worker, struct wkr_task *task, struct wkr_peer *peer)
{
    struct wkr_replica *replica = memory_calloc(worker->memory, sizeof(*replica));
    if (!replica)
        return DK_ENOMEM;
    replica->task = task;
    replica->peer = peer;
    replica->needed = HEAP_NOWHERE;
    list_append(&task->replicas, &replica->in_task);
    list_append(&peer->replicas, &replica->in_peer);
    return task->state == WKR_FETCH ? wkr_need_replica(worker, replica) : DK_OK;
}

static bool is_among(const struct wkr *worker, const struct wkr_peer *peer,
                     const struct wkr_replicas *whereabouts)
{
    struct wire_bytes address = keys_packed(&worker->addresses, peer->id.number);
    for (size_t i = 0; i < whereabouts->naddresses; i++)
        if (are_equal(whereabouts->addresses[i], address))
            return true;
    return false;
}

static bool has_replica(const struct wkr_task *task, const struct wkr_peer *peer)
{
    LIST_EACH (at, &task->replicas)
        if (LIST_ENTRY(at, struct wkr_replica, in_task)->peer == peer)
            return true;
    return false;
}

dk_status wkr_update_replicas(struct wkr *worker, struct wkr_task *task,
                              const struct wkr_replicas *whereabouts)
{
    struct list *next;
    for (struct list *at = task->replicas.next; at != &task->replicas; at = next) {
        struct wkr_replica *replica = LIST_ENTRY(at, struct wkr_replica, in_task);
        next = at->next;
        if (!is_among(worker, replica->peer, whereabouts))
            wkr_remove_replica(worker, replica);
    }
    for (size_t i = 0; i < whereabouts->naddresses; i++) {
        struct wkr_peer *peer;
        if (are_equal(whereabouts->addresses[i], own_address(worker)))
            continue;
        DK_TRY(wkr_ensure_peer(worker, whereabouts->addresses[i], &peer));
        if (!has_replica(task, peer))
            DK_TRY(add_replica(worker, task, peer));
    }
    return DK_OK;
}
