#include "core/scheduler/groups.h"

#include <string.h>

#include "base/error.h"

#define NAME_NBYTES 256

/* Layers with at most this many inputs count as roots: groups, and tasks of them. */
#define ROOTISH_GROUPS 5
#define ROOTISH_TASKS  5

static struct wire_bytes bytes_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

/* Prefixes stay: there are few, and what was learnt about them is of use later. */
static struct sched_prefix *get_prefix(struct sched *sched, const char *name)
{
    uint32_t number;
    bool is_new;
    if (keys_add(&sched->prefix_names, bytes_of(name), &number, &is_new) != DK_OK)
        return NULL;
    if (!is_new)
        return ((struct sched_prefix **)sched->prefixes.data)[number];
    struct sched_prefix *prefix = memory_calloc(sched->memory, sizeof(*prefix));
    if (!prefix || vector_append(&sched->prefixes, &prefix, 1) != DK_OK) {
        memory_free(sched->memory, prefix, sizeof(*prefix));
        keys_remove(&sched->prefix_names, number);
        return NULL;
    }
    prefix->number = number;
    prefix->duration_s = -1;
    return prefix;
}

static struct sched_group *make_group(struct sched *sched, uint32_t number, struct wire_bytes key)
{
    char prefix[NAME_NBYTES];
    struct sched_group *group = memory_calloc(sched->memory, sizeof(*group));
    if (!group)
        return NULL;
    key_prefix(key, prefix, sizeof(prefix));
    group->number = number;
    group->prefix = get_prefix(sched, prefix);
    vector_init(&group->dependencies, sched->memory, sizeof(struct sched_group *));
    while (group->prefix && sched->groups.count <= number)
        if (!vector_push(&sched->groups))
            break;
    if (sched->groups.count <= number || !group->prefix) {
        memory_free(sched->memory, group, sizeof(*group));
        return NULL;
    }
    ((struct sched_group **)sched->groups.data)[number] = group;
    return group;
}

struct sched_group *sched_group_get(struct sched *sched, struct wire_bytes key)
{
    char name[NAME_NBYTES];
    uint32_t number;
    bool is_new;
    key_group(key, name, sizeof(name));
    if (keys_add(&sched->group_names, bytes_of(name), &number, &is_new) != DK_OK)
        return NULL;
    if (!is_new)
        return ((struct sched_group **)sched->groups.data)[number];
    struct sched_group *group = make_group(sched, number, key);
    if (!group)
        keys_remove(&sched->group_names, number);
    return group;
}

static void free_group(struct sched *sched, struct sched_group *group)
{
    ((struct sched_group **)sched->groups.data)[group->number] = NULL;
    keys_remove(&sched->group_names, group->number);
    vector_deinit(&group->dependencies);
    memory_free(sched->memory, group, sizeof(*group));
}

void sched_group_release(struct sched *sched, struct sched_group *group)
{
    if (group->size || group->ndependents)
        return;
    struct sched_group **from = group->dependencies.data;
    size_t count = group->dependencies.count;
    for (size_t i = 0; i < count; i++)
        if (from[i] != group && --from[i]->ndependents == 0)
            sched_group_release(sched, from[i]);
    free_group(sched, group);
}

static void free_prefix(struct sched *sched, struct sched_prefix *prefix)
{
    wire_box_unref(prefix->type);
    memory_free(sched->memory, prefix, sizeof(*prefix));
}

void sched_groups_deinit(struct sched *sched)
{
    for (size_t i = 0; i < sched->groups.count; i++)
        if (((struct sched_group **)sched->groups.data)[i])
            free_group(sched, ((struct sched_group **)sched->groups.data)[i]);
    for (size_t i = 0; i < sched->prefixes.count; i++)
        free_prefix(sched, ((struct sched_prefix **)sched->prefixes.data)[i]);
}

dk_status sched_group_depend(struct sched_group *group, struct sched_group *from)
{
    struct sched_group **known = group->dependencies.data;
    for (size_t i = 0; i < group->dependencies.count; i++)
        if (known[i] == from)
            return DK_OK;
    DK_TRY(vector_append(&group->dependencies, &from, 1));
    if (from != group)
        from->ndependents++;
    return DK_OK;
}

/* ---- durations ---- */

double sched_prefix_duration(const struct sched *sched, const struct sched_prefix *prefix)
{
    if (prefix->duration_s >= 0)
        return prefix->duration_s;
    return prefix->max_exec_s > 0 ? 2 * prefix->max_exec_s : sched->options.unknown_duration_s;
}

/* Keeps the total right, which has `nprocessing` times the duration in it. */
static void change_duration(struct sched *sched, struct sched_prefix *prefix, double duration_s,
                            double max_exec_s)
{
    double before = sched_prefix_duration(sched, prefix);
    prefix->duration_s = duration_s;
    prefix->max_exec_s = max_exec_s;
    double after = sched_prefix_duration(sched, prefix);
    sched->total_work_s += prefix->nprocessing * (after - before);
}

void sched_prefix_learn(struct sched *sched, struct sched_prefix *prefix, double duration_s)
{
    if (prefix->duration_s >= 0)
        duration_s = 0.5 * duration_s + 0.5 * prefix->duration_s;
    change_duration(sched, prefix, duration_s, prefix->max_exec_s);
}

void sched_prefix_spend(struct sched_prefix *prefix, double compute_s, double transfer_s)
{
    prefix->compute_s += compute_s > 0 ? compute_s : 0;
    prefix->transfer_s += transfer_s > 0 ? transfer_s : 0;
}

void sched_prefix_learn_running(struct sched *sched, struct sched_prefix *prefix, double duration_s)
{
    if (duration_s > prefix->max_exec_s)
        change_duration(sched, prefix, prefix->duration_s, duration_s);
}

bool sched_is_rootish(const struct sched *sched, const struct sched_task *task)
{
    const struct sched_group *group = task->group;
    if (task->needs && (task->needs->workers.count || task->needs->resources.count))
        return false;
    if (sched->nable[task->language] < sched->nworkers)
        return false; /* the queue is for workers that are all alike */
    if (group->size <= 2 * sched->total_nthreads || group->dependencies.count >= ROOTISH_GROUPS)
        return false;
    uint64_t ninputs = 0;
    for (size_t i = 0; i < group->dependencies.count; i++)
        ninputs += ((struct sched_group **)group->dependencies.data)[i]->size;
    return ninputs < ROOTISH_TASKS;
}
