#include "core/scheduler/tasks.h"

#include <string.h>

#include "base/error.h"

#define DEFAULT_NBYTES 1024

bool sched_task_is(const struct sched_task *task, enum sched_state state)
{
    return task->state == state;
}

static int64_t held_nbytes(const struct sched_task *task)
{
    return sched_task_is(task, SCHED_MEMORY) ? sched_task_nbytes(task) : 0;
}

void sched_task_enter(struct sched_task *task, enum sched_state state)
{
    struct sched_prefix *prefix = task->group->prefix;
    task->group->ntasks[task->state]--;
    task->group->ntasks[state]++;
    prefix->nentered[state]++;
    prefix->nbytes -= held_nbytes(task);
    task->state = (uint8_t)state;
    prefix->nbytes += held_nbytes(task);
}

void sched_task_set_nbytes(struct sched_task *task, int64_t nbytes)
{
    task->group->prefix->nbytes -= held_nbytes(task);
    task->nbytes = nbytes;
    task->group->prefix->nbytes += held_nbytes(task);
}

int64_t sched_task_nbytes(const struct sched_task *task)
{
    return task->nbytes < 0 ? DEFAULT_NBYTES : task->nbytes;
}

bool sched_task_before(const struct sched_task *a, const struct sched_task *b)
{
    if (a->priority.user != b->priority.user)
        return a->priority.user < b->priority.user;
    if (a->priority.generation != b->priority.generation)
        return a->priority.generation < b->priority.generation;
    if (a->priority.order != b->priority.order)
        return a->priority.order < b->priority.order;
    return a->id < b->id;
}

bool sched_task_is_needed(const struct sched_task *task)
{
    return task->nwaiters || task->ndesires;
}

/* ---- finding and making ---- */

struct sched_task *sched_find_task(const struct sched *sched, struct wire_bytes key)
{
    uint32_t id = keys_find(&sched->keys, key);
    return id == KEY_NONE ? NULL : sched_task_at(sched, id);
}

static bool make_room(struct sched *sched, uint32_t id)
{
    while (sched->tasks.count <= id)
        if (!vector_push(&sched->tasks))
            return false;
    return true;
}

struct sched_task *sched_task_get(struct sched *sched, struct wire_bytes key, bool *is_new)
{
    uint32_t id;
    if (keys_add(&sched->keys, key, &id, is_new) != DK_OK)
        return NULL;
    if (!*is_new)
        return sched_task_at(sched, id);
    struct sched_task *task = NULL;
    if (make_room(sched, id))
        task = memory_calloc(sched->memory, sizeof(*task));
    if (!task || !(task->group = sched_group_get(sched, key))) {
        memory_free(sched->memory, task, sizeof(*task));
        keys_remove(&sched->keys, id);
        return NULL;
    }
    task->id = id;
    task->nbytes = -1;
    task->queue_place = HEAP_NOWHERE;
    task->erred_on = SCHED_NOBODY;
    task->group->size++;
    task->group->ntasks[SCHED_RELEASED]++;
    task->group->prefix->nentered[SCHED_RELEASED]++;
    ((struct sched_task **)sched->tasks.data)[id] = task;
    return task;
}

void sched_task_free(struct sched *sched, struct sched_task *task)
{
    struct sched_group *group = task->group;
    group->ntasks[task->state]--;
    group->size--;
    group->prefix->nbytes -= held_nbytes(task);
    group->prefix->nentered[SCHED_FORGOTTEN]++;
    wire_box_unref(task->run_spec);
    wire_box_unref(task->type);
    sched_failure_unref(task->failure);
    sched_needs_free(task->needs);
    memory_free(sched->memory, task->dependencies,
                task->ndependencies * sizeof(*task->dependencies));
    ((struct sched_task **)sched->tasks.data)[task->id] = NULL;
    keys_remove(&sched->keys, task->id);
    memory_free(sched->memory, task, sizeof(*task));
    sched_group_release(sched, group);
}

/* ---- edges ---- */

static void link_edge(struct sched_edge *edge, struct sched_task *from, struct sched_task *to)
{
    *edge =
        (struct sched_edge){.from = from, .dependent = to->id, .previous = from->last_dependent};
    if (from->last_dependent)
        from->last_dependent->next = edge;
    else
        from->first_dependent = edge;
    from->last_dependent = edge;
    from->ndependents++;
}

dk_status sched_task_depend(struct sched *sched, struct sched_task *task,
                            const struct sched_keys *dependencies)
{
    if (!dependencies->count)
        return DK_OK;
    struct sched_edge *edges = memory_calloc(sched->memory, dependencies->count * sizeof(*edges));
    if (!edges)
        return DK_ENOMEM;
    task->dependencies = edges;
    task->ndependencies = (uint32_t)dependencies->count;
    for (size_t i = 0; i < dependencies->count; i++) {
        struct sched_task *from = sched_find_task(sched, dependencies->list[i]);
        if (!from || (!from->run_spec && !from->replicas)) {
            task->has_lost_dependencies = true; /* nobody can make it */
            continue;
        }
        link_edge(&edges[i], from, task);
        DK_TRY(sched_group_depend(task->group, from->group));
    }
    return DK_OK;
}

static struct sched_edge *live_edge(struct sched_edge *edge, const struct sched_edge *end)
{
    while (edge < end && !edge->from)
        edge++;
    return edge < end ? edge : NULL;
}

struct sched_edge *sched_first_dependency(const struct sched_task *task)
{
    return live_edge(task->dependencies, task->dependencies + task->ndependencies);
}

struct sched_edge *sched_next_dependency(const struct sched_task *task,
                                         const struct sched_edge *edge)
{
    ptrdiff_t at = edge - task->dependencies;
    return live_edge(task->dependencies + at + 1, task->dependencies + task->ndependencies);
}

void sched_edge_await(struct sched *sched, struct sched_edge *edge, bool is_awaited)
{
    sched_dependent(sched, edge)->nawaited += (uint32_t)is_awaited - (uint32_t)edge->is_awaited;
    edge->is_awaited = is_awaited;
}

void sched_edge_wait(struct sched_edge *edge, bool is_waiter)
{
    struct sched_task *from = edge->from;
    from->group->nwaited_for -= from->nwaiters > 0;
    from->nwaiters += (uint32_t)is_waiter - (uint32_t)edge->is_waiter;
    from->group->nwaited_for += from->nwaiters > 0;
    edge->is_waiter = is_waiter;
}

void sched_edge_cut(struct sched *sched, struct sched_edge *edge)
{
    struct sched_task *from = edge->from;
    sched_edge_await(sched, edge, false);
    sched_edge_wait(edge, false);
    if (edge->previous)
        edge->previous->next = edge->next;
    else
        from->first_dependent = edge->next;
    if (edge->next)
        edge->next->previous = edge->previous;
    else
        from->last_dependent = edge->previous;
    from->ndependents--;
    edge->from = NULL;
}

void sched_task_drop_waiters(struct sched_task *task)
{
    for (struct sched_edge *e = task->first_dependent; e && task->nwaiters; e = e->next)
        sched_edge_wait(e, false);
}
