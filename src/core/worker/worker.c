#include "core/worker/worker.h"

#include <string.h>

#include "base/error.h"
#include "core/worker/state.h"

/* ---- making and freeing ---- */

static dk_status copy_text(struct memory *memory, struct wire_bytes text, char **out)
{
    *out = memory_alloc(memory, text.nbytes);
    if (!*out)
        return DK_ENOMEM;
    memcpy(*out, text.data, text.nbytes);
    return DK_OK;
}

static dk_status copy_resources(struct wkr *worker, const struct wkr_options *options)
{
    if (!options->nresources)
        return DK_OK;
    worker->resources =
        memory_calloc(worker->memory, options->nresources * sizeof(*worker->resources));
    if (!worker->resources)
        return DK_ENOMEM;
    worker->options.nresources = options->nresources;
    for (size_t i = 0; i < options->nresources; i++) {
        struct wkr_supply *resource = &worker->resources[i];
        DK_TRY(copy_text(worker->memory, options->resources[i].name, &resource->name));
        resource->nbytes = options->resources[i].name.nbytes;
        resource->total = resource->available = options->resources[i].amount;
    }
    return DK_OK;
}

static void set_options(struct wkr *worker, const struct wkr_options *options)
{
    worker->options = *options;
    worker->options.resources = NULL; /* copy_resources() makes ours */
    worker->options.nresources = 0;
    if (!options->gathers_max)
        worker->options.gathers_max = 10;
    if (!options->message_nbytes_max)
        worker->options.message_nbytes_max = 50000000;
    if (!options->incoming_nbytes_max)
        worker->options.incoming_nbytes_max = 300000000;
}

static void init(struct wkr *worker, struct memory *memory)
{
    worker->memory = memory;
    worker->is_running = true;
    worker->find_missing_us = INT64_MAX;
    keys_init(&worker->keys, memory);
    keys_init(&worker->addresses, memory);
    vector_init(&worker->tasks, memory, sizeof(struct wkr_task *));
    vector_init(&worker->peers, memory, sizeof(struct wkr_peer *));
    vector_init(&worker->recommendations, memory, sizeof(struct wkr_recommendation));
    wkr_init_tasks(&worker->ready, memory);
    wkr_init_tasks(&worker->constrained, memory);
    list_init(&worker->needed);
    for (int state = 0; state < WKR_NSTATES; state++)
        list_init(&worker->in_state[state]);
}

dk_status wkr_new(struct memory *memory, const struct wkr_options *options, struct wkr **out)
{
    struct wkr *worker = memory_calloc(memory, sizeof(*worker));
    if (!worker)
        return DK_ENOMEM;
    init(worker, memory);
    set_options(worker, options);
    dk_status status = copy_text(memory, options->address, &worker->address);
    if (status == DK_OK) {
        worker->address_nbytes = options->address.nbytes;
        status = copy_resources(worker, options);
    }
    if (status != DK_OK) {
        wkr_free(worker);
        return status;
    }
    *out = worker;
    return DK_OK;
}

static void free_resources(struct wkr *worker)
{
    for (size_t i = 0; i < worker->options.nresources; i++)
        memory_free(worker->memory, worker->resources[i].name, worker->resources[i].nbytes);
    memory_free(worker->memory, worker->resources,
                worker->options.nresources * sizeof(*worker->resources));
}

void wkr_free(struct wkr *worker)
{
    if (!worker)
        return;
    for (uint32_t i = 0; i < worker->tasks.count; i++) {
        struct wkr_task *task = ((struct wkr_task **)worker->tasks.data)[i];
        if (task)
            wkr_free_task(worker, task);
    }
    for (uint32_t i = 0; i < worker->peers.count; i++) {
        struct wkr_peer *peer = ((struct wkr_peer **)worker->peers.data)[i];
        if (peer)
            wkr_free_peer(worker, peer);
    }
    free_resources(worker);
    memory_free(worker->memory, worker->address, worker->address_nbytes);
    heap_deinit(&worker->ready);
    heap_deinit(&worker->constrained);
    vector_deinit(&worker->recommendations);
    vector_deinit(&worker->tasks);
    vector_deinit(&worker->peers);
    keys_deinit(&worker->keys);
    keys_deinit(&worker->addresses);
    memory_free(worker->memory, worker, sizeof(*worker));
}

/* ---- steps ---- */

static void free_forgotten(struct wkr *worker)
{
    struct list *forgotten = &worker->in_state[WKR_FORGOTTEN];
    while (!list_is_empty(forgotten))
        wkr_free_task(worker, LIST_ENTRY(forgotten->next, struct wkr_task, in_state));
}

dk_status wkr_step(struct wkr *worker, const struct wkr_event *event, struct wkr_instructions *out,
                   dk_error *err)
{
    struct wkr_work step = {worker, event, out, err};
    if (worker->is_broken)
        return error_set(err, DK_EINVAL, "the worker is broken by what happened before");
    free_forgotten(worker);
    dk_status status = wkr_handle_event(&step);
    if (status == DK_EINVAL)
        return status; /* refused: nothing has changed */
    if (status == DK_OK)
        status = wkr_follow_recommendations(&step);
    if (status == DK_OK)
        status = wkr_execute_more(&step);
    if (status == DK_OK)
        status = wkr_gather_more(&step);
    worker->is_broken = status != DK_OK;
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static int64_t retry_deadline(const struct wkr *worker)
{
    int64_t deadline = INT64_MAX;
    for (size_t i = 0; worker->nbusy && i < worker->peers.count; i++) {
        const struct wkr_peer *peer = ((struct wkr_peer **)worker->peers.data)[i];
        if (peer && peer->is_busy && peer->retry_us < deadline)
            deadline = peer->retry_us;
    }
    return deadline;
}

int64_t wkr_deadline(const struct wkr *worker)
{
    int64_t retry_us = retry_deadline(worker);
    return retry_us < worker->find_missing_us ? retry_us : worker->find_missing_us;
}

/* ---- questions ---- */

const char *wkr_state_name(enum wkr_state state)
{
    static const char *const names[] = {
#define WKR_STATE_NAME(name, text) text,
        WKR_STATE_LIST(WKR_STATE_NAME)
#undef WKR_STATE_NAME
    };
    return names[state];
}

static const struct wkr_task *task_of(const struct wkr *worker, struct wkr_task_id task)
{
    return ((struct wkr_task **)worker->tasks.data)[task.number];
}

bool wkr_find(const struct wkr *worker, struct wire_bytes key, struct wkr_task_id *out)
{
    const struct wkr_task *task = wkr_find_task(worker, key);
    if (task)
        *out = task->id;
    return task != NULL;
}

enum wkr_state wkr_task_state(const struct wkr *worker, struct wkr_task_id task)
{
    return task_of(worker, task)->state;
}

struct wire_bytes wkr_task_key(const struct wkr *worker, struct wkr_task_id task)
{
    return keys_packed(&worker->keys, task.number);
}

struct wire_box *wkr_task_run_spec(const struct wkr *worker, struct wkr_task_id task)
{
    return task_of(worker, task)->run_spec;
}

bool wkr_task_is_actor(const struct wkr *worker, struct wkr_task_id task)
{
    return task_of(worker, task)->is_actor;
}

bool wkr_task_is_needed(const struct wkr *worker, struct wkr_task_id task)
{
    return !list_is_empty(&task_of(worker, task)->dependents);
}

size_t wkr_task_ndependencies(const struct wkr *worker, struct wkr_task_id task)
{
    size_t count = 0;
    LIST_EACH (at, &task_of(worker, task)->dependencies)
        count++;
    return count;
}

void wkr_task_dependencies(const struct wkr *worker, struct wkr_task_id task,
                           struct wkr_task_id *out)
{
    LIST_EACH (at, &task_of(worker, task)->dependencies)
        *out++ = LIST_ENTRY(at, struct wkr_edge, in_user)->dependency->id;
}

struct wire_bytes wkr_peer_address(const struct wkr *worker, struct wkr_peer_id peer)
{
    return keys_packed(&worker->addresses, peer.number);
}

struct wkr_counts wkr_counts(const struct wkr *worker)
{
    struct wkr_counts counts = {
        .executing = worker->nexecuting,
        .long_running = worker->nlong_running,
        .in_flight = worker->nin_flight,
        .gathers = worker->ngathers,
        .executed = worker->nexecuted,
        .gathered = worker->ngathered,
        .incoming_nbytes = worker->incoming_nbytes,
        .nbytes = worker->nbytes,
    };
    memcpy(counts.tasks, worker->count, sizeof(counts.tasks));
    return counts;
}
