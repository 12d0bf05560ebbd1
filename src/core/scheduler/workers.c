#include "core/scheduler/workers.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "core/scheduler/memory_manager.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/patience.h"
#include "core/scheduler/placement.h"
#include "core/scheduler/processing.h"
#include "core/scheduler/refusals.h"
#include "core/scheduler/steal.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"

static struct wire_bytes bytes_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

static dk_status copy_text(struct memory *memory, const char *text, char **out)
{
    *out = NULL;
    if (!text)
        return DK_OK;
    size_t nbytes = strlen(text) + 1;
    *out = memory_alloc(memory, nbytes);
    if (!*out)
        return DK_ENOMEM;
    memcpy(*out, text, nbytes);
    return DK_OK;
}

static void free_text(struct memory *memory, char *text)
{
    if (text)
        memory_free(memory, text, strlen(text) + 1);
}

/* ---- coming ---- */

void sched_worker_free(struct sched *sched, struct sched_worker *worker)
{
    free_text(sched->memory, worker->address);
    free_text(sched->memory, worker->host);
    free_text(sched->memory, worker->nanny);
    wire_box_unref(worker->name);
    wire_box_unref(worker->registration);
    wire_box_unref(worker->metrics);
    sched_resources_deinit(&worker->resources);
    sched_resources_deinit(&worker->used);
    vector_deinit(&worker->prefixes);
    memory_free(sched->memory, worker, sizeof(*worker));
}

static dk_status read_resources(struct sched_worker *worker, const struct wire_value *resources)
{
    DK_TRY(sched_resources_read(&worker->resources, resources));
    DK_TRY(sched_resources_read(&worker->used, resources));
    for (size_t i = 0; i < worker->used.count; i++)
        ((struct sched_resource *)worker->used.data)[i].amount = 0;
    return DK_OK;
}

static dk_status copy_worker(struct sched *sched, struct sched_worker *worker,
                             const struct sched_add_worker *added)
{
    DK_TRY(copy_text(sched->memory, added->address, &worker->address));
    DK_TRY(copy_text(sched->memory, added->host, &worker->host));
    DK_TRY(copy_text(sched->memory, added->nanny, &worker->nanny));
    worker->name = wire_box_new(sched->memory, &added->name);
    worker->registration = wire_box_new(sched->memory, &added->registration);
    if (!worker->name || !worker->registration)
        return DK_ENOMEM;
    return read_resources(worker, added->resources);
}

static struct sched_worker *make_worker(struct sched *sched, const struct sched_add_worker *added)
{
    struct sched_worker *worker = memory_calloc(sched->memory, sizeof(*worker));
    if (!worker)
        return NULL;
    vector_init(&worker->resources, sched->memory, sizeof(struct sched_resource));
    vector_init(&worker->used, sched->memory, sizeof(struct sched_resource));
    vector_init(&worker->prefixes, sched->memory, sizeof(struct sched_prefix_count));
    worker->slots_place = HEAP_NOWHERE;
    worker->status = SCHED_INIT;
    worker->nthreads = added->nthreads < 1 ? 1 : added->nthreads;
    worker->memory_limit = added->memory_limit;
    worker->has_native = added->has_native;
    worker->has_python = added->has_python;
    worker->last_seen_us = sched->now_us;
    if (copy_worker(sched, worker, added) == DK_OK)
        return worker;
    sched_worker_free(sched, worker);
    return NULL;
}

static bool make_room(struct sched *sched, uint32_t id)
{
    while (sched->workers.count <= id)
        if (!vector_push(&sched->workers))
            return false;
    return true;
}

static dk_status refuse_taken(struct sched *sched, const struct sched_add_worker *added,
                              dk_error *err)
{
    if (sched_find_worker(sched, added->address) != SCHED_NOBODY)
        return error_set(err, DK_EINVAL, "worker already exists %s", added->address);
    uint32_t same = sched_find_worker_by_name(sched, added->name);
    if (same == SCHED_NOBODY)
        return DK_OK;
    if (added->name.kind == WIRE_INT)
        return error_set(err, DK_EINVAL, "name taken, %lld", (long long)added->name.as.integer);
    return error_set(err, DK_EINVAL, "name taken, %.*s", (int)added->name.count,
                     added->name.kind == WIRE_TEXT ? added->name.as.bytes : "");
}

static void count_worker(struct sched *sched, const struct sched_worker *worker, int sign)
{
    sched->nworkers += (uint32_t)sign;
    for (int language = 0; language < SCHED_NLANGUAGES; language++) {
        bool is_able = sched_knows_language(worker, (uint8_t)language);
        sched->nable[language] += (uint32_t)(sign * is_able);
        sched->was_able[language] |= is_able;
    }
    sched->total_nthreads += sign * worker->nthreads;
    sched->total_memory += sign * worker->memory_limit;
}

dk_status sched_worker_add(struct sched *sched, const struct sched_add_worker *added, dk_error *err)
{
    uint32_t id;
    bool is_new;
    DK_TRY(refuse_taken(sched, added, err));
    if (keys_add(&sched->addresses, bytes_of(added->address), &id, &is_new) != DK_OK)
        return error_nomem(err);
    struct sched_worker *worker = make_room(sched, id) ? make_worker(sched, added) : NULL;
    if (!worker) {
        keys_remove(&sched->addresses, id);
        return error_nomem(err);
    }
    worker->id = id;
    ((struct sched_worker **)sched->workers.data)[id] = worker;
    count_worker(sched, worker, 1);
    sched->ever.workers_added++;
    if (sched->silent_us == INT64_MAX) /* else there is one that was heard of before */
        sched->silent_us = sched->now_us + sched->options.worker_ttl_us;
    sched_worker_set_status(sched, worker, added->status);
    return DK_OK;
}

/* Tasks that no worker could run may run now, or never will; the best is tried first. */
static void retry_unrunnable(struct sched *sched, struct sched_worker *worker)
{
    size_t first = sched->recommendations.count;
    for (struct sched_run *run = sched->unrunnable; run; run = run->next)
        if (sched_may_run(run->task, worker) || sched_could_run(run->task, worker) ||
            sched_is_barred(sched, run->task))
            sched_recommend(sched, run->task, SCHED_PROCESSING);
    sched_sort_recommendations(sched, first);
    sched_drain(sched);
}

void sched_worker_set_status(struct sched *sched, struct sched_worker *worker,
                             enum sched_worker_status status)
{
    bool was_running = worker->status == SCHED_RUNNING;
    worker->status = status;
    sched->nrunning += (uint32_t)((status == SCHED_RUNNING) - was_running);
    if (sched_check_idle(sched, worker) != DK_OK)
        sched->has_failed = true;
    if (status == SCHED_RUNNING && !was_running)
        retry_unrunnable(sched, worker);
}

/* ---- going ---- */

/* What it was running is released, and goes from there to where it is needed. */
static void lose_processing(struct sched *sched, struct sched_worker *worker, bool is_expected)
{
    while (worker->processing) {
        struct sched_run *run = worker->processing;
        struct sched_task *task = run->task;
        task->group->prefix->nsuspicious += !is_expected;
        if (!is_expected && ++task->suspicious > sched->options.allowed_failures)
            sched_fail_as_killer(sched, task, worker);
        else
            sched_transition(sched, task, SCHED_RELEASED);
        if (worker->processing == run)
            return; /* out of memory */
    }
}

static void lose_replicas(struct sched *sched, struct sched_worker *worker)
{
    while (worker->replicas) {
        struct sched_task *task = worker->replicas->task;
        sched_remove_replica(sched, worker->replicas);
        if (task->is_actor)
            sched_fail_lost_actor(sched, task);
        else if (!task->replicas && sched_task_is(task, SCHED_MEMORY))
            sched_recommend(sched, task, task->run_spec ? SCHED_RELEASED : SCHED_FORGOTTEN);
    }
}

static void tell_others(struct sched *sched, const struct sched_worker *gone)
{
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *other = sched_worker_at(sched, (uint32_t)i);
        if (other)
            sched_tell_worker_left(sched, other->id, gone->address);
    }
}

void sched_worker_remove(struct sched *sched, struct sched_worker *worker, bool is_expected)
{
    sched_forget_idle(sched, worker);
    sched->nrunning -= worker->status == SCHED_RUNNING;
    worker->status = SCHED_CLOSED;
    sched->nretiring -= worker->is_retiring;
    count_worker(sched, worker, -1);
    sched->ever.workers_removed++;
    ((struct sched_worker **)sched->workers.data)[worker->id] = NULL;
    keys_remove(&sched->addresses, worker->id);
    sched_forget_thief(sched, worker);
    lose_processing(sched, worker, is_expected);
    lose_replicas(sched, worker);
    sched_drain(sched);
    tell_others(sched, worker);
    if (worker->processing || worker->replicas) /* out of memory: sched_free() finds it there */
        ((struct sched_worker **)sched->workers.data)[worker->id] = worker;
    else
        sched_worker_free(sched, worker);
}

/* ---- heartbeats and time ---- */

static void learn_running(struct sched *sched, const struct wire_value *executing)
{
    uint32_t count = executing && executing->kind == WIRE_MAP ? executing->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        double seconds;
        struct sched_task *task = NULL;
        if (key_pack(&executing->as.entries[i].key, &sched->scratch, NULL) == DK_OK)
            task = sched_find_task(sched,
                                   (struct wire_bytes){sched->scratch.data, sched->scratch.count});
        if (task && sched_task_is(task, SCHED_PROCESSING) &&
            wire_read_float(&executing->as.entries[i].value, &seconds))
            sched_prefix_learn_running(sched, task->group->prefix, seconds);
    }
}

/* Each worker has its part in what is known of all.
 * Source: distributed.scheduler.Scheduler.heartbeat_worker. */
static void learn_bandwidth(struct sched *sched, const struct wire_value *metrics)
{
    double share = 1.0 / sched->nworkers;
    double total;
    const struct wire_value *bandwidth = wire_find(metrics, "bandwidth");
    if (bandwidth && wire_read_float(wire_find(bandwidth, "total"), &total) && total > 0 &&
        isfinite(total))
        sched->bandwidth = (1 - share) * sched->bandwidth + share * total;
}

void sched_worker_heartbeat(struct sched *sched, struct sched_worker *worker,
                            const struct sched_event *event)
{
    const struct wire_value *metrics = event->as.heartbeat.metrics;
    worker->last_seen_us = sched->now_us;
    if (metrics) {
        sched_learn_memory(sched, worker, metrics);
        learn_bandwidth(sched, metrics);
        struct wire_box *box = wire_box_new(sched->memory, metrics);
        if (!box)
            sched->has_failed = true;
        wire_box_unref(worker->metrics);
        worker->metrics = box;
    }
    learn_running(sched, event->as.heartbeat.executing);
}

/* When the worker will have been silent for too long, unless it is heard of before. */
static int64_t silent_us(const struct sched *sched, const struct sched_worker *worker)
{
    return worker->last_seen_us + sched->options.worker_ttl_us;
}

/* Workers are looked through once in a time to live, not after each event. */
static void drop_silent_workers(struct sched *sched)
{
    if (sched->now_us < sched->silent_us)
        return;
    sched->silent_us = INT64_MAX;
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && silent_us(sched, worker) <= sched->now_us) {
            sched_tell_close(sched, worker->id, "scheduler-worker-ttl");
            sched_tell_drop(sched, worker->id);
            sched_worker_remove(sched, worker, false);
        } else if (worker && silent_us(sched, worker) < sched->silent_us) {
            sched->silent_us = silent_us(sched, worker);
        }
    }
}

void sched_check_deadlines(struct sched *sched)
{
    drop_silent_workers(sched);
    sched_drop_unrunnable(sched);
}

/* ---- reports ---- */

static bool is_running_on(const struct sched_task *task, uint32_t worker)
{
    return sched_task_is(task, SCHED_PROCESSING) && task->run->worker->id == worker;
}

static void set_type(struct sched *sched, struct sched_task *task, const struct wire_value *type)
{
    struct sched_prefix *prefix = task->group->prefix;
    wire_box_unref(task->type);
    task->type = NULL;
    if (!type)
        return;
    if (!prefix->type || !wire_box_holds(prefix->type, type)) {
        wire_box_unref(prefix->type);
        prefix->type = wire_box_new(sched->memory, type);
        sched->has_failed |= !prefix->type;
    }
    task->type = wire_box_ref(prefix->type);
}

/* The worker reports a run that it was told to forget, after which it was given the task again.
 * That this run goes on under its new number is not sure: told once more, the worker reports by
 * that what it has, or goes on with what it does. To release the task here instead would make the
 * report on its way stale in turn, and so on for ever. */
static void ask_again(struct sched *sched, struct sched_task *task)
{
    sched_tell_compute(sched, task);
}

void sched_worker_finished(struct sched *sched, uint32_t worker,
                           const struct sched_finished *finished)
{
    struct sched_task *task = sched_find_task(sched, finished->key);
    struct sched_worker *from = sched_worker_at(sched, worker);
    if (task && sched_task_is(task, SCHED_MEMORY)) {
        struct sched_keys keys = {&finished->key, 1};
        sched_worker_added_keys(sched, from, &keys);
        return;
    }
    if (!task || !is_running_on(task, worker)) {
        if (!task || !sched_task_is(task, SCHED_WAITING))
            sched_tell_free(sched, worker, finished->key);
        return;
    }
    if (task->run->id != finished->run_id) {
        ask_again(sched, task);
    } else {
        if (finished->compute_s >= 0)
            sched_prefix_learn(sched, task->group->prefix, finished->compute_s);
        sched_prefix_spend(task->group->prefix, finished->compute_s, finished->transfer_s);
        sched_set_nbytes(task, finished->nbytes);
        set_type(sched, task, finished->type);
        sched_task_succeed(sched, task, from);
    }
    sched_drain(sched);
}

void sched_worker_erred(struct sched *sched, uint32_t worker, const struct sched_erred *erred)
{
    struct sched_task *task = sched_find_task(sched, erred->key);
    if (!task || !is_running_on(task, worker))
        return;
    if (task->run->id != erred->run_id) {
        ask_again(sched, task);
    } else if (task->retries) {
        task->retries--;
        sched_recommend(sched, task, SCHED_WAITING);
    } else {
        struct sched_failure *failure = sched_failure_new(sched->memory, erred);
        sched->has_failed |= !failure;
        if (failure)
            sched_task_fail(sched, task, failure);
        sched_failure_unref(failure);
    }
    sched_drain(sched);
}

void sched_worker_released_data(struct sched *sched, struct sched_worker *worker,
                                const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        struct sched_replica *replica = task ? sched_find_replica(task, worker) : NULL;
        if (!replica)
            continue;
        sched_remove_replica(sched, replica);
        if (!task->replicas)
            sched_recommend(sched, task, SCHED_RELEASED);
    }
    sched_drain(sched);
}

void sched_worker_added_keys(struct sched *sched, struct sched_worker *worker,
                             const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (!task || !sched_task_is(task, SCHED_MEMORY))
            sched_tell_remove_replica(sched, worker->id, keys->list[i]);
        else if (sched_add_replica(sched, task, worker) != DK_OK)
            sched->has_failed = true;
    }
}

void sched_worker_seceded(struct sched *sched, struct sched_worker *worker,
                          const struct sched_event *event)
{
    struct sched_task *task = sched_find_task(sched, event->as.long_running.key);
    if (!task || !is_running_on(task, worker->id) || task->run->id != event->as.long_running.run_id)
        return;
    if (event->as.long_running.compute_s >= 0)
        sched_prefix_learn(sched, task->group->prefix, event->as.long_running.compute_s);
    sched_processing_secede(sched, task);
}

void sched_worker_reschedules(struct sched *sched, struct sched_worker *worker,
                              const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (task && is_running_on(task, worker->id))
            sched_recommend(sched, task, SCHED_RELEASED);
    }
    sched_drain(sched);
}
