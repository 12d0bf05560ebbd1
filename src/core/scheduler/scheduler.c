#include "core/scheduler/scheduler.h"

#include <string.h>

#include "base/error.h"
#include "core/scheduler/clients.h"
#include "core/scheduler/graph.h"
#include "core/scheduler/memory_manager.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/patience.h"
#include "core/scheduler/processing.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/retire.h"
#include "core/scheduler/steal.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"
#include "core/scheduler/workers.h"

#define SECOND_US ((int64_t)1000000)
/* Bytes a second, until workers have measured it. */
#define BANDWIDTH 1e8

/* ---- making and freeing ---- */

static uint32_t *queue_place(void *task)
{
    return &((struct sched_task *)task)->queue_place;
}

static bool queued_before(const void *a, const void *b)
{
    return sched_task_before(a, b);
}

static void set_defaults(struct sched_options *options)
{
    if (!options->allowed_failures && !options->gives_up_at_once)
        options->allowed_failures = 3;
    if (!(options->saturation > 0))
        options->saturation = 1.1;
    if (!(options->unknown_duration_s > 0))
        options->unknown_duration_s = 0.5;
    if (!options->worker_ttl_us)
        options->worker_ttl_us = 300 * SECOND_US;
    if (!options->steal_interval_us)
        options->steal_interval_us = SECOND_US;
    if (!options->manage_interval_us)
        options->manage_interval_us = 2 * SECOND_US;
}

static void init_tables(struct sched *sched, struct memory *memory)
{
    keys_init(&sched->keys, memory);
    keys_init(&sched->addresses, memory);
    keys_init(&sched->client_names, memory);
    keys_init(&sched->group_names, memory);
    keys_init(&sched->prefix_names, memory);
    vector_init(&sched->tasks, memory, sizeof(struct sched_task *));
    vector_init(&sched->workers, memory, sizeof(struct sched_worker *));
    vector_init(&sched->clients, memory, sizeof(struct sched_client *));
    vector_init(&sched->groups, memory, sizeof(struct sched_group *));
    vector_init(&sched->prefixes, memory, sizeof(struct sched_prefix *));
    vector_init(&sched->recommendations, memory, sizeof(struct sched_recommendation));
    vector_init(&sched->idle, memory, sizeof(struct sched_worker *));
    vector_init(&sched->replicated, memory, sizeof(struct sched_task *));
    vector_init(&sched->scratch, memory, 1);
    heap_init(&sched->queued, memory, queued_before, queue_place);
    heap_init(&sched->open_slots, memory, sched_worker_has_slots_before, sched_worker_slots_place);
}

struct sched *sched_new(struct memory *memory, const struct sched_options *options)
{
    struct sched *sched = memory_calloc(memory, sizeof(*sched));
    if (!sched)
        return NULL;
    sched->memory = memory;
    sched->options = options ? *options : (struct sched_options){0};
    sched->bandwidth = BANDWIDTH;
    sched->next_run_id = 1;
    sched->silent_us = INT64_MAX;
    sched->unrunnable_us = INT64_MAX;
    sched->no_workers_since_us = INT64_MAX;
    set_defaults(&sched->options);
    sched->manages_memory = !sched->options.no_memory_manager;
    init_tables(sched, memory);
    struct sched_client *fire_and_forget = sched_client_get(
        sched, &(struct sched_add_client){.name = "fire-and-forget", .is_pseudo = true});
    if (!fire_and_forget) {
        sched_free(sched);
        return NULL;
    }
    sched->fire_and_forget = fire_and_forget->id;
    return sched;
}

static void free_relations(struct sched *sched, struct sched_task *task)
{
    while (task->replicas)
        sched_remove_replica(sched, task->replicas);
    while (task->desires)
        sched_remove_desire(sched, task->desires);
    memory_free(sched->memory, task->run, sizeof(*task->run));
}

static void free_tasks(struct sched *sched)
{
    for (size_t i = 0; i < sched->tasks.count; i++)
        if (sched_task_at(sched, (uint32_t)i))
            free_relations(sched, sched_task_at(sched, (uint32_t)i));
    for (size_t i = 0; i < sched->tasks.count; i++)
        if (sched_task_at(sched, (uint32_t)i))
            sched_task_free(sched, sched_task_at(sched, (uint32_t)i));
}

static void free_tables(struct sched *sched)
{
    keys_deinit(&sched->keys);
    keys_deinit(&sched->addresses);
    keys_deinit(&sched->client_names);
    keys_deinit(&sched->group_names);
    keys_deinit(&sched->prefix_names);
    vector_deinit(&sched->tasks);
    vector_deinit(&sched->workers);
    vector_deinit(&sched->clients);
    vector_deinit(&sched->groups);
    vector_deinit(&sched->prefixes);
    vector_deinit(&sched->recommendations);
    vector_deinit(&sched->idle);
    vector_deinit(&sched->replicated);
    vector_deinit(&sched->scratch);
    heap_deinit(&sched->queued);
    heap_deinit(&sched->open_slots);
}

void sched_free(struct sched *sched)
{
    if (!sched)
        return;
    free_tasks(sched);
    for (size_t i = 0; i < sched->workers.count; i++)
        if (sched_worker_at(sched, (uint32_t)i))
            sched_worker_free(sched, sched_worker_at(sched, (uint32_t)i));
    for (size_t i = 0; i < sched->clients.count; i++)
        if (sched_client_at(sched, (uint32_t)i))
            sched_client_free(sched, sched_client_at(sched, (uint32_t)i));
    sched_groups_deinit(sched);
    free_tables(sched);
    memory_free(sched->memory, sched, sizeof(*sched));
}

/* ---- events ---- */

static void handle_client(struct sched *sched, const struct sched_event *event)
{
    struct sched_client *client = sched_client_at(sched, event->client);
    if (!client)
        return; /* it has left */
    client->last_seen_us = sched->now_us;
    switch (event->kind) {
    case SCHED_REMOVE_CLIENT:
        sched_client_remove(sched, client);
        break;
    case SCHED_UPDATE_GRAPH:
        sched_update_graph(sched, client, &event->as.graph);
        break;
    case SCHED_CLIENT_DESIRES:
        sched_client_desires(sched, client, &event->as.keys);
        break;
    case SCHED_CLIENT_RELEASES:
        sched_client_releases(sched, client, &event->as.keys);
        break;
    case SCHED_REPORT_KEYS:
        sched_client_report(sched, client, &event->as.keys);
        break;
    case SCHED_CANCEL:
        sched_client_cancels(sched, client, event);
        break;
    default:
        sched_client_retries(sched, &event->as.keys);
        break;
    }
}

static void handle_report(struct sched *sched, struct sched_worker *worker,
                          const struct sched_event *event)
{
    switch (event->kind) {
    case SCHED_TASK_FINISHED:
        sched_worker_finished(sched, worker->id, &event->as.finished);
        break;
    case SCHED_TASK_ERRED:
        sched_worker_erred(sched, worker->id, &event->as.erred);
        break;
    case SCHED_RELEASE_DATA:
        sched_worker_released_data(sched, worker, &event->as.keys);
        break;
    case SCHED_ADD_KEYS:
        sched_worker_added_keys(sched, worker, &event->as.keys);
        break;
    case SCHED_DROP_KEYS:
        sched_worker_drops(sched, worker, &event->as.keys);
        break;
    case SCHED_LONG_RUNNING:
        sched_worker_seceded(sched, worker, event);
        break;
    case SCHED_RESCHEDULE:
        sched_worker_reschedules(sched, worker, &event->as.keys);
        break;
    case SCHED_REFRESH_WHO_HAS:
        sched_tell_who_has(sched, worker->id, &event->as.keys);
        break;
    default:
        sched_steal_answered(sched, worker, event);
        break;
    }
}

static void handle_worker(struct sched *sched, const struct sched_event *event)
{
    struct sched_worker *worker = sched_worker_at(sched, event->worker);
    if (!worker)
        return; /* it has left */
    worker->last_seen_us = sched->now_us;
    switch (event->kind) {
    case SCHED_REMOVE_WORKER:
        sched_worker_remove(sched, worker, event->as.is_expected);
        break;
    case SCHED_WORKER_STATUS:
        sched_worker_set_status(sched, worker, event->as.status);
        break;
    case SCHED_RETIRE_WORKER:
        sched_worker_retires(sched, worker);
        break;
    case SCHED_HEARTBEAT:
        sched_worker_heartbeat(sched, worker, event);
        break;
    default:
        handle_report(sched, worker, event);
        break;
    }
}

static dk_status handle(struct sched *sched, const struct sched_event *event, dk_error *err)
{
    switch (event->kind) {
    case SCHED_ADD_WORKER:
        return sched_worker_add(sched, &event->as.add_worker, err);
    case SCHED_ADD_CLIENT:
        return sched_client_get(sched, &event->as.add_client) ? DK_OK : error_nomem(err);
    case SCHED_UPDATE_DATA:
        sched_update_data(sched, sched_client_at(sched, event->client), event->as.data.list,
                          event->as.data.count);
        return DK_OK;
    case SCHED_REDUCE_REPLICAS:
        sched_reduce_replicas(sched, &event->as.reduce);
        return DK_OK;
    case SCHED_MANAGE_MEMORY:
        sched_manage_memory(sched, event->as.manager);
        return DK_OK;
    case SCHED_RESTART:
        sched_clients_restart(sched);
        return DK_OK;
    case SCHED_TICK:
        sched_check_deadlines(sched);
        return DK_OK;
    default:
        break;
    }
    if (event->kind <= SCHED_RETRY)
        handle_client(sched, event);
    else
        handle_worker(sched, event);
    return DK_OK;
}

dk_status sched_step(struct sched *sched, const struct sched_event *event, struct sched_outbox *out,
                     dk_error *err)
{
    if (sched->has_failed)
        return error_nomem(err);
    sched->now_us = event->now_us;
    sched->stimulus = event->stimulus;
    sched->out = out;
    dk_status status = handle(sched, event, err);
    sched->has_failed |= status == DK_ENOMEM;
    sched_check_memory(sched);
    sched_check_retiring(sched);
    sched_fill_slots(sched);
    if (!sched->has_failed)
        sched_balance(sched);
    sched_note_no_workers(sched);
    sched->has_failed |= out->failed;
    sched->out = NULL;
    if (!sched->has_failed)
        return status;
    sched_outbox_clear(out); /* parts of what is in it may be missing */
    return error_nomem(err);
}

/* ---- questions ---- */

int64_t sched_deadline_us(const struct sched *sched)
{
    int64_t deadline = sched_retire_deadline_us(sched);
    if (sched->nworking && !sched->options.no_stealing && sched->nworkers > 1 &&
        sched->next_steal_us < deadline)
        deadline = sched->next_steal_us;
    if (sched_manage_deadline_us(sched) < deadline)
        deadline = sched_manage_deadline_us(sched);
    if (sched->silent_us < deadline)
        deadline = sched->silent_us;
    if (sched_patience_deadline_us(sched) < deadline)
        deadline = sched_patience_deadline_us(sched);
    return deadline;
}

const char *sched_state_name(enum sched_state state)
{
    static const char *const names[SCHED_NSTATES] = {
        "released", "waiting", "no-worker", "queued", "processing", "memory", "erred", "forgotten"};
    return names[state];
}

uint32_t sched_find_worker(const struct sched *sched, const char *address)
{
    return keys_find(&sched->addresses, (struct wire_bytes){address, strlen(address)});
}

static bool is_same_name(struct wire_value a, struct wire_value b)
{
    if (a.kind != b.kind)
        return false;
    if (a.kind == WIRE_INT)
        return a.as.integer == b.as.integer;
    return a.kind == WIRE_TEXT && a.count == b.count &&
           memcmp(a.as.bytes, b.as.bytes, a.count) == 0;
}

uint32_t sched_find_worker_by_name(const struct sched *sched, struct wire_value name)
{
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && is_same_name(wire_box_value(worker->name), name))
            return worker->id;
    }
    return SCHED_NOBODY;
}

bool sched_worker_is_called(const struct sched *sched, uint32_t worker, struct wire_value name)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return found && (is_same_name(wire_box_value(found->name), name) ||
                     wire_text_is(&name, found->address) || wire_text_is(&name, found->host));
}

uint32_t sched_find_client(const struct sched *sched, const char *name)
{
    return keys_find(&sched->client_names, (struct wire_bytes){name, strlen(name)});
}

const char *sched_worker_address(const struct sched *sched, uint32_t worker)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return found ? found->address : NULL;
}

struct wire_value sched_worker_name(const struct sched *sched, uint32_t worker)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return wire_box_value(found ? found->name : NULL);
}

const char *sched_worker_nanny(const struct sched *sched, uint32_t worker)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return found ? found->nanny : NULL;
}

bool sched_is_running(const struct sched *sched, uint32_t worker)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return found && found->status == SCHED_RUNNING;
}

const char *sched_worker_host(const struct sched *sched, uint32_t worker)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    return found ? found->host : NULL;
}

const char *sched_client_name(const struct sched *sched, uint32_t client)
{
    const struct sched_client *found = sched_client_at(sched, client);
    return found ? found->name : NULL;
}

uint32_t sched_nworkers(const struct sched *sched)
{
    return sched->nworkers;
}

uint32_t sched_worker_limit(const struct sched *sched)
{
    return (uint32_t)sched->workers.count;
}

enum sched_state sched_task_state(const struct sched *sched, struct wire_bytes key)
{
    const struct sched_task *task = sched_find_task(sched, key);
    return task ? (enum sched_state)task->state : SCHED_FORGOTTEN;
}

size_t sched_ntasks(const struct sched *sched)
{
    return sched->keys.count;
}

uint64_t sched_ntransitions(const struct sched *sched)
{
    return sched->ntransitions;
}

bool sched_manages_memory(const struct sched *sched)
{
    return sched->manages_memory;
}
