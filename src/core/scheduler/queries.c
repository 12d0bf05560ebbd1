#include "core/scheduler/queries.h"

#include <string.h>

#include "core/scheduler/runs.h"
#include "core/scheduler/tasks.h"

/* ---- workers ---- */

static const char *status_name(enum sched_worker_status status)
{
    static const char *const names[] = {"init", "running", "paused", "closing_gracefully",
                                        "closed"};
    return names[status];
}

static struct wire_value registered(const struct sched_worker *worker, const char *field)
{
    const struct wire_value *value = wire_find(&worker->registration->value, field);
    return value ? *value : wire_nil();
}

static struct wire_value describe(const struct sched *sched, struct wire_builder *builder,
                                  const struct sched_worker *worker)
{
    const struct wire_value *extra = wire_find(&worker->registration->value, "extra");
    uint32_t nextra = extra && extra->kind == WIRE_MAP ? extra->count : 0;
    struct wire_filling map = wire_begin_map(builder, 16 + nextra);
    wire_put(&map, "type", wire_text("Worker"));
    wire_put(&map, "id", wire_box_value(worker->name));
    wire_put(&map, "host", wire_text(worker->host));
    wire_put(&map, "resources", registered(worker, "resources"));
    wire_put(&map, "local_directory", registered(worker, "local_directory"));
    wire_put(&map, "name", wire_box_value(worker->name));
    wire_put(&map, "nthreads", wire_int(worker->nthreads));
    wire_put(&map, "memory_limit", wire_int(worker->memory_limit));
    wire_put(&map, "last_seen",
             wire_float(sched->options.epoch_s + (double)worker->last_seen_us / 1e6));
    wire_put(&map, "services", registered(worker, "services"));
    wire_put(&map, "metrics", worker->metrics ? worker->metrics->value : wire_map(NULL, 0));
    wire_put(&map, "status", wire_text(status_name(worker->status)));
    wire_put(&map, "nanny", worker->nanny ? wire_text(worker->nanny) : wire_nil());
    for (uint32_t i = 0; i < nextra; i++)
        wire_put_key(&map, extra->as.entries[i].key, extra->as.entries[i].value);
    return wire_end_map(&map);
}

const struct wire_value *sched_worker_extra(const struct sched *sched, uint32_t worker,
                                            const char *name)
{
    const struct sched_worker *found = sched_worker_at(sched, worker);
    const struct wire_value *extra = found ? wire_find(&found->registration->value, "extra") : NULL;
    return extra ? wire_find(extra, name) : NULL;
}

struct wire_value sched_describe_workers(const struct sched *sched, struct wire_builder *builder,
                                         uint32_t count)
{
    if (count > sched->nworkers)
        count = sched->nworkers;
    struct wire_filling map = wire_begin_map(builder, count);
    for (size_t i = 0; i < sched->workers.count && map.count < count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker)
            wire_put(&map, worker->address, describe(sched, builder, worker));
    }
    return wire_end_map(&map);
}

int64_t sched_total_threads(const struct sched *sched)
{
    return sched->total_nthreads;
}

bool sched_is_idle(const struct sched *sched)
{
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && worker->nprocessing)
            return false;
    }
    return !heap_count(&sched->queued) && !sched->unrunnable;
}

uint64_t sched_nassigned(const struct sched *sched)
{
    return sched->nassigned;
}

int64_t sched_total_memory(const struct sched *sched)
{
    return sched->total_memory;
}

static struct wire_value key_of(const struct sched *sched, const struct sched_task *task)
{
    return wire_packed(sched_key(sched, task));
}

static struct wire_value list_replicas(const struct sched *sched, struct wire_builder *builder,
                                       const struct sched_worker *worker)
{
    struct wire_filling array = wire_begin_array(builder, worker->nreplicas);
    for (struct sched_replica *r = worker->replicas; r; r = r->next_of_worker)
        wire_add(&array, key_of(sched, r->task));
    return wire_end_array(&array);
}

static struct wire_value list_processing(const struct sched *sched, struct wire_builder *builder,
                                         const struct sched_worker *worker)
{
    struct wire_filling array = wire_begin_array(builder, worker->nprocessing);
    for (struct sched_run *run = worker->processing; run; run = run->next)
        wire_add(&array, key_of(sched, run->task));
    return wire_end_array(&array);
}

static struct wire_value answer(const struct sched *sched, struct wire_builder *builder,
                                enum sched_worker_question question,
                                const struct sched_worker *worker)
{
    switch (question) {
    case SCHED_HAS_WHAT:
        return list_replicas(sched, builder, worker);
    case SCHED_PROCESSES:
        return list_processing(sched, builder, worker);
    default:
        return wire_int(worker->nthreads);
    }
}

static bool is_asked(const struct sched_worker *worker, const struct wire_value *addresses)
{
    if (!addresses || addresses->kind == WIRE_NIL)
        return true;
    uint32_t count =
        addresses->kind == WIRE_ARRAY || addresses->kind == WIRE_SET ? addresses->count : 0;
    for (uint32_t i = 0; i < count; i++)
        if (wire_text_is(&addresses->as.items[i], worker->address))
            return true;
    return false;
}

struct wire_value sched_ask_workers(const struct sched *sched, struct wire_builder *builder,
                                    enum sched_worker_question question,
                                    const struct wire_value *addresses)
{
    struct wire_filling map = wire_begin_map(builder, sched->nworkers);
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker || !is_asked(worker, addresses) ||
            (question == SCHED_NCORES_RUNNING && worker->status != SCHED_RUNNING))
            continue;
        wire_put(&map, worker->address, answer(sched, builder, question, worker));
    }
    return wire_end_map(&map);
}

/* ---- tasks ---- */

static struct wire_value holders_of(struct wire_builder *builder, const struct sched_task *task)
{
    struct wire_filling array = wire_begin_array(builder, task ? task->nreplicas : 0);
    for (struct sched_replica *r = task ? task->replicas : NULL; r; r = r->next_of_task)
        wire_add(&array, wire_text(r->worker->address));
    return wire_end_array(&array);
}

static struct wire_value all_who_has(const struct sched *sched, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, sched->keys.count);
    for (size_t i = 0; i < sched->tasks.count; i++) {
        const struct sched_task *task = sched_task_at(sched, (uint32_t)i);
        if (task && task->replicas)
            wire_put_key(&map, key_of(sched, task), holders_of(builder, task));
    }
    return wire_end_map(&map);
}

/* {key: what `of` says about its task, which is NULL when there is none} */
static struct wire_value
each(const struct sched *sched, struct wire_builder *builder, const struct sched_keys *keys,
     struct wire_value (*of)(struct wire_builder *builder, const struct sched_task *task))
{
    struct wire_filling map = wire_begin_map(builder, keys->count);
    for (size_t i = 0; i < keys->count; i++)
        wire_put_key(&map, wire_packed(keys->list[i]),
                     of(builder, sched_find_task(sched, keys->list[i])));
    return wire_end_map(&map);
}

struct wire_value sched_who_has(const struct sched *sched, struct wire_builder *builder,
                                const struct sched_keys *keys)
{
    return keys ? each(sched, builder, keys, holders_of) : all_who_has(sched, builder);
}

static struct wire_value size_of(struct wire_builder *builder, const struct sched_task *task)
{
    (void)builder;
    return task ? wire_int(task->nbytes) : wire_nil();
}

static struct wire_value all_sizes(const struct sched *sched, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, sched->keys.count);
    for (size_t i = 0; i < sched->tasks.count; i++) {
        const struct sched_task *task = sched_task_at(sched, (uint32_t)i);
        if (task && task->nbytes >= 0)
            wire_put_key(&map, key_of(sched, task), wire_int(task->nbytes));
    }
    return wire_end_map(&map);
}

struct wire_value sched_sizes(const struct sched *sched, struct wire_builder *builder,
                              const struct sched_keys *keys)
{
    return keys ? each(sched, builder, keys, size_of) : all_sizes(sched, builder);
}

/* What the results of one prefix add up to. */
struct sum {
    int64_t nbytes;
    bool has_tasks;
};

static void add_size(struct sum *sums, const struct sched_task *task)
{
    if (!task || task->nbytes < 0)
        return;
    struct sum *sum = &sums[task->group->prefix->number];
    sum->nbytes += task->nbytes;
    sum->has_tasks = true;
}

static void add_sizes(const struct sched *sched, const struct sched_keys *keys, struct sum *sums)
{
    for (size_t i = 0; keys && i < keys->count; i++)
        add_size(sums, sched_find_task(sched, keys->list[i]));
    for (size_t i = 0; !keys && i < sched->tasks.count; i++)
        add_size(sums, sched_task_at(sched, (uint32_t)i));
}

struct wire_value sched_sizes_by_prefix(const struct sched *sched, struct wire_builder *builder,
                                        const struct sched_keys *keys)
{
    size_t nprefixes = sched->prefixes.count;
    struct wire_filling map = wire_begin_map(builder, nprefixes);
    struct sum *sums = arena_calloc(builder->arena, nprefixes * sizeof(*sums));
    builder->failed |= !sums;
    if (sums)
        add_sizes(sched, keys, sums);
    for (size_t i = 0; sums && i < nprefixes; i++) {
        if (!sums[i].has_tasks)
            continue;
        struct wire_bytes name = keys_packed(&sched->prefix_names, (uint32_t)i);
        wire_put_key(&map,
                     (struct wire_value){WIRE_TEXT, (uint32_t)name.nbytes, {.bytes = name.data}},
                     wire_int(sums[i].nbytes));
    }
    return wire_end_map(&map);
}

static struct wire_value state_of(struct wire_builder *builder, const struct sched_task *task)
{
    (void)builder;
    return task ? wire_text(sched_state_name((enum sched_state)task->state)) : wire_nil();
}

struct wire_value sched_states(const struct sched *sched, struct wire_builder *builder,
                               const struct sched_keys *keys)
{
    return each(sched, builder, keys, state_of);
}

struct wire_value sched_counts(const struct sched *sched, struct wire_builder *builder)
{
    uint64_t counts[SCHED_NSTATES] = {0};
    for (size_t i = 0; i < sched->groups.count; i++) {
        const struct sched_group *group = ((struct sched_group **)sched->groups.data)[i];
        for (int state = 0; group && state < SCHED_NSTATES; state++)
            counts[state] += group->ntasks[state];
    }
    struct wire_filling map = wire_begin_map(builder, SCHED_NSTATES);
    for (int state = 0; state < SCHED_FORGOTTEN; state++)
        wire_put(&map, sched_state_name((enum sched_state)state), wire_int((int64_t)counts[state]));
    return wire_end_map(&map);
}

bool sched_next_task(const struct sched *sched, size_t *at, struct wire_bytes *key)
{
    while (*at < sched->tasks.count) {
        const struct sched_task *task = sched_task_at(sched, (uint32_t)(*at)++);
        if (!task)
            continue;
        *key = sched_key(sched, task);
        return true;
    }
    return false;
}

struct sched_reason sched_reason_of(const struct sched *sched, struct wire_bytes key)
{
    const struct sched_task *task = sched_find_task(sched, key);
    if (!task || !task->failure)
        return (struct sched_reason){NULL, NULL};
    return (struct sched_reason){task->failure->exception, task->failure->traceback};
}

size_t sched_holders(const struct sched *sched, struct wire_bytes key, uint32_t *out, size_t max)
{
    const struct sched_task *task = sched_find_task(sched, key);
    size_t count = 0;
    for (struct sched_replica *r = task ? task->replicas : NULL; r; r = r->next_of_task, count++)
        if (count < max)
            out[count] = r->worker->id;
    return count;
}

uint32_t sched_runner(const struct sched *sched, struct wire_bytes key)
{
    const struct sched_task *task = sched_find_task(sched, key);
    return task && sched_task_worker(task) ? sched_task_worker(task)->id : SCHED_NOBODY;
}
