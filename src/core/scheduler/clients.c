#include "core/scheduler/clients.h"

#include <string.h>

#include "base/error.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"

static struct wire_bytes bytes_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

static struct sched_client *make_client(struct sched *sched, uint32_t id, const char *name)
{
    while (sched->clients.count <= id)
        if (!vector_push(&sched->clients))
            return NULL;
    size_t nbytes = strlen(name) + 1;
    struct sched_client *client = memory_calloc(sched->memory, sizeof(*client));
    if (client && !(client->name = memory_alloc(sched->memory, nbytes))) {
        memory_free(sched->memory, client, sizeof(*client));
        client = NULL;
    }
    if (!client)
        return NULL;
    memcpy(client->name, name, nbytes);
    client->id = id;
    return client;
}

struct sched_client *sched_client_get(struct sched *sched, const struct sched_add_client *added)
{
    uint32_t id;
    bool is_new;
    if (keys_add(&sched->client_names, bytes_of(added->name), &id, &is_new) != DK_OK)
        return NULL;
    if (!is_new)
        return sched_client_at(sched, id);
    struct sched_client *client = make_client(sched, id, added->name);
    if (!client) {
        keys_remove(&sched->client_names, id);
        return NULL;
    }
    client->is_pseudo = added->is_pseudo;
    client->is_native = added->is_native;
    client->last_seen_us = sched->now_us;
    ((struct sched_client **)sched->clients.data)[id] = client;
    sched->ever.clients_added += !client->is_pseudo;
    return client;
}

void sched_client_free(struct sched *sched, struct sched_client *client)
{
    sched->ever.clients_removed += !client->is_pseudo;
    ((struct sched_client **)sched->clients.data)[client->id] = NULL;
    keys_remove(&sched->client_names, client->id);
    memory_free(sched->memory, client->name, strlen(client->name) + 1);
    memory_free(sched->memory, client, sizeof(*client));
}

/* ---- wanting and letting go ---- */

static void let_go(struct sched *sched, struct sched_desire *desire)
{
    struct sched_task *task = desire->task;
    sched_remove_desire(sched, desire);
    if (task->ndesires)
        return;
    if (!task->ndependents)
        sched_recommend(sched, task, SCHED_FORGOTTEN);
    else if (!sched_task_is(task, SCHED_ERRED) && !task->nwaiters)
        sched_recommend(sched, task, SCHED_RELEASED);
}

void sched_client_let_go(struct sched *sched, struct sched_task *task)
{
    struct sched_client *client = sched_client_at(sched, sched->fire_and_forget);
    struct sched_desire *desire = client ? sched_find_desire(task, client) : NULL;
    if (desire)
        let_go(sched, desire);
}

void sched_client_remove(struct sched *sched, struct sched_client *client)
{
    while (client->desires)
        let_go(sched, client->desires);
    sched_client_free(sched, client);
    sched_drain(sched);
}

void sched_clients_restart(struct sched *sched)
{
    for (size_t i = 0; i < sched->clients.count; i++) {
        struct sched_client *client = sched_client_at(sched, (uint32_t)i);
        while (client && client->desires)
            let_go(sched, client->desires);
        if (client)
            sched_tell_restart(sched, client);
    }
    sched_drain(sched);
}

void sched_client_releases(struct sched *sched, struct sched_client *client,
                           const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        struct sched_desire *desire = task ? sched_find_desire(task, client) : NULL;
        if (desire)
            let_go(sched, desire);
    }
    sched_drain(sched);
}

static void report(struct sched *sched, struct sched_client *client, struct wire_bytes key)
{
    struct sched_task *task = sched_find_task(sched, key);
    struct sched_keys keys = {&key, 1};
    if (!task)
        sched_tell_cancelled(sched, client, &keys, wire_text("unknown key"), wire_nil());
    else if (sched_task_is(task, SCHED_MEMORY))
        sched_tell_in_memory(sched, task, client);
    else if (sched_task_is(task, SCHED_ERRED))
        sched_tell_erred(sched, task, client);
}

void sched_client_report(struct sched *sched, struct sched_client *client,
                         const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        report(sched, client, keys->list[i]);
}

static bool is_done(const struct sched_task *task)
{
    return sched_task_is(task, SCHED_MEMORY) || sched_task_is(task, SCHED_ERRED);
}

void sched_client_desires(struct sched *sched, struct sched_client *client,
                          const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        bool is_new;
        struct sched_task *task = sched_task_get(sched, keys->list[i], &is_new);
        if (task && client->id == sched->fire_and_forget && is_done(task))
            continue;
        if (!task || sched_add_desire(sched, task, client) != DK_OK) {
            sched->has_failed = true;
            return;
        }
        if (sched_task_is(task, SCHED_RELEASED) && task->run_spec)
            sched_recommend(sched, task, SCHED_WAITING);
        else
            report(sched, client, keys->list[i]);
    }
    sched_drain(sched);
}

/* ---- cancelling ---- */

/* Those that depend on `task` go first, however far away. */
static void mark_cancelled(struct sched *sched, struct vector *cancelled, struct sched_task *task,
                           const struct sched_client *client, bool is_forced)
{
    bool is_own = task->ndesires == 0 || (task->ndesires == 1 && sched_find_desire(task, client));
    if (task->is_marked || (!is_forced && !is_own))
        return;
    task->is_marked = true;
    if (vector_append(cancelled, &task, 1) != DK_OK)
        sched->has_failed = true;
}

static void mark_all_cancelled(struct sched *sched, struct vector *cancelled,
                               const struct sched_client *client, const struct sched_event *event)
{
    bool is_forced = event->as.cancel.is_forced;
    const struct sched_keys *keys = &event->as.cancel.keys;
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (task)
            mark_cancelled(sched, cancelled, task, client, is_forced);
    }
    for (size_t i = 0; i < cancelled->count; i++) {
        struct sched_task *task = ((struct sched_task **)cancelled->data)[i];
        for (struct sched_edge *e = task->first_dependent; e; e = e->next)
            mark_cancelled(sched, cancelled, sched_dependent(sched, e), client, is_forced);
    }
}

static void cancel(struct sched *sched, struct sched_task *task, const struct sched_event *event)
{
    struct wire_bytes key = sched_key(sched, task);
    struct sched_keys keys = {&key, 1};
    task->is_marked = false;
    for (struct sched_desire *d = task->desires; d; d = d->next_of_task)
        sched_tell_cancelled(sched, d->client, &keys, event->as.cancel.reason,
                             event->as.cancel.message);
    while (task->desires)
        let_go(sched, task->desires);
}

void sched_client_cancels(struct sched *sched, struct sched_client *client,
                          const struct sched_event *event)
{
    struct vector cancelled;
    vector_init(&cancelled, sched->memory, sizeof(struct sched_task *));
    mark_all_cancelled(sched, &cancelled, client, event);
    for (size_t i = cancelled.count; i > 0; i--)
        cancel(sched, ((struct sched_task **)cancelled.data)[i - 1], event);
    vector_deinit(&cancelled);
    sched_drain(sched);
}

/* ---- retrying ---- */

static bool push_erred(struct vector *stack, struct sched_task *task)
{
    return vector_append(stack, &task, 1) == DK_OK;
}

static void retry_roots(struct sched *sched, struct vector *stack)
{
    while (stack->count) {
        struct sched_task *task = ((struct sched_task **)stack->data)[--stack->count];
        bool is_root = true;
        struct sched_edge *e = sched_first_dependency(task);
        for (; e; e = sched_next_dependency(task, e)) {
            if (!sched_task_is(e->from, SCHED_ERRED))
                continue;
            is_root = false;
            sched->has_failed |= !push_erred(stack, e->from);
        }
        if (is_root)
            sched_recommend(sched, task, SCHED_WAITING);
    }
}

void sched_client_retries(struct sched *sched, const struct sched_keys *keys)
{
    struct vector stack;
    vector_init(&stack, sched->memory, sizeof(struct sched_task *));
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (task && sched_task_is(task, SCHED_ERRED))
            sched->has_failed |= !push_erred(&stack, task);
    }
    retry_roots(sched, &stack);
    vector_deinit(&stack);
    sched_drain(sched);
}
