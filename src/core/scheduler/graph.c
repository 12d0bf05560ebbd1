#include "core/scheduler/graph.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "core/scheduler/clients.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/order.h"
#include "core/scheduler/refusals.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"

#define TEXT_NBYTES 512

/* One graph while it is taken in. */
struct intake {
    struct sched *sched;
    struct sched_client *client;
    const struct sched_update_graph *graph;
    double generation;
    struct vector fresh; /* of struct intake_task: those that get their code by this graph */
};

struct intake_task {
    struct sched_task *task;
    const struct sched_new_task *source;
};

/* ---- making tasks ---- */

static double generation_of(struct sched *sched, const struct sched_update_graph *graph)
{
    struct sched_task *submitter =
        graph->submitter ? sched_find_task(sched, *graph->submitter) : NULL;
    if (submitter)
        return submitter->priority.generation - 0.01;
    if (!sched->has_graphs || sched->now_us > sched->last_graph_us + graph->fifo_timeout_us) {
        sched->generation += 1;
        sched->last_graph_us = sched->now_us;
        sched->has_graphs = true;
    }
    return sched->generation;
}

static bool has_needs(const struct sched_wishes *wishes)
{
    return (wishes->workers && wishes->workers->count) ||
           (wishes->resources && wishes->resources->count) ||
           (wishes->annotations && wishes->annotations->count);
}

static dk_status equip(struct intake *intake, struct sched_task *task,
                       const struct sched_new_task *source)
{
    const struct sched_wishes *wishes = source->wishes ? source->wishes : &intake->graph->wishes;
    task->run_spec = wire_box_ref(source->run_spec);
    task->language = (uint8_t)source->language;
    task->is_actor = wishes->is_actor;
    task->retries = wishes->retries;
    task->priority = (struct sched_priority){-wishes->priority, source->order, intake->generation};
    if (has_needs(wishes) && !(task->needs = sched_needs_new(intake->sched->memory, wishes)))
        return DK_ENOMEM;
    return DK_OK;
}

static dk_status make_tasks(struct intake *intake)
{
    for (size_t i = 0; i < intake->graph->ntasks; i++) {
        const struct sched_new_task *source = &intake->graph->tasks[i];
        bool is_new;
        struct sched_task *task = sched_task_get(intake->sched, source->key, &is_new);
        if (!task)
            return DK_ENOMEM;
        if (task->run_spec || !sched_task_is(task, SCHED_RELEASED))
            continue;
        struct intake_task made = {task, source};
        DK_TRY(equip(intake, task, source));
        DK_TRY(vector_append(&intake->fresh, &made, 1));
    }
    return DK_OK;
}

static dk_status connect_tasks(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    for (size_t i = 0; i < intake->fresh.count; i++)
        DK_TRY(sched_task_depend(intake->sched, fresh[i].task, &fresh[i].source->dependencies));
    return DK_OK;
}

/* ---- cycles ---- */

/* Counts, in `mark`, the fresh tasks that each fresh task depends on; the ones of other graphs
 * cannot be part of a cycle. */
static void count_fresh_dependencies(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    for (size_t i = 0; i < intake->fresh.count; i++)
        fresh[i].task->is_marked = true;
    for (size_t i = 0; i < intake->fresh.count; i++) {
        struct sched_task *task = fresh[i].task;
        struct sched_edge *e = sched_first_dependency(task);
        for (; e; e = sched_next_dependency(task, e))
            task->mark += e->from->is_marked;
    }
}

static struct sched_task *find_in_cycle(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    for (size_t i = 0; i < intake->fresh.count; i++)
        if (fresh[i].task->mark)
            return fresh[i].task;
    return NULL;
}

static void clear_marks(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    for (size_t i = 0; i < intake->fresh.count; i++) {
        fresh[i].task->is_marked = false;
        fresh[i].task->mark = 0;
    }
}

static dk_status find_order(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    if (!intake->graph->is_unordered)
        return DK_OK;
    for (size_t i = 0; i < intake->fresh.count; i++)
        fresh[i].task->is_marked = true;
    dk_status status = sched_order_tasks(intake->sched, &intake->graph->wanted);
    clear_marks(intake);
    return status;
}

/* Takes tasks away whose dependencies are all gone, until only those are left that wait for a
 * cycle. `*culprit` is one of them, NULL without. */
static dk_status look_for_cycle(struct intake *intake, struct sched_task **culprit)
{
    struct vector free_ones;
    dk_status status = DK_OK;
    struct intake_task *fresh = intake->fresh.data;
    *culprit = NULL;
    vector_init(&free_ones, intake->sched->memory, sizeof(struct sched_task *));
    count_fresh_dependencies(intake);
    for (size_t i = 0; i < intake->fresh.count; i++)
        if (!fresh[i].task->mark)
            DK_TRY_OUT(vector_append(&free_ones, &fresh[i].task, 1));
    while (free_ones.count) {
        struct sched_task *task = ((struct sched_task **)free_ones.data)[--free_ones.count];
        for (struct sched_edge *e = task->first_dependent; e; e = e->next) {
            struct sched_task *dependent = sched_dependent(intake->sched, e);
            if (dependent->is_marked && --dependent->mark == 0)
                DK_TRY_OUT(vector_append(&free_ones, &dependent, 1));
        }
    }
    *culprit = find_in_cycle(intake);
out:
    clear_marks(intake);
    vector_deinit(&free_ones);
    return status;
}

/* Without their edges, failed tasks can be forgotten one by one. */
static void cut_edges(struct sched *sched, struct sched_task *task)
{
    struct sched_edge *e = sched_first_dependency(task);
    for (; e; e = sched_next_dependency(task, e))
        sched_edge_cut(sched, e);
}

static void refuse_cycle(struct intake *intake, struct sched_task *culprit)
{
    struct sched *sched = intake->sched;
    char text[TEXT_NBYTES], key[256];
    key_text(sched_key(sched, culprit), key, sizeof(key));
    snprintf(text, sizeof(text),
             "the graph has a cycle: '%s' depends on itself, or waits for one "
             "that does",
             key);
    struct sched_failure *failure =
        sched_failure_of(sched, culprit, "builtins", "RuntimeError", text);
    struct intake_task *fresh = intake->fresh.data;
    sched->has_failed |= !failure;
    for (size_t i = 0; i < intake->fresh.count; i++)
        cut_edges(sched, fresh[i].task);
    for (size_t i = 0; i < intake->fresh.count && failure; i++)
        sched_task_fail(sched, fresh[i].task, failure);
    sched_failure_unref(failure);
}

/* ---- setting it going ---- */

/* Collects released tasks that `task` needs, itself included. */
static dk_status collect(struct vector *needed, struct sched_task *task)
{
    if (task->is_marked || !sched_task_is(task, SCHED_RELEASED) || !task->run_spec)
        return DK_OK;
    task->is_marked = true;
    return vector_append(needed, &task, 1);
}

static dk_status collect_needed(struct intake *intake, struct vector *needed)
{
    const struct sched_keys *wanted = &intake->graph->wanted;
    for (size_t i = 0; i < wanted->count; i++)
        DK_TRY(collect(needed, sched_find_task(intake->sched, wanted->list[i])));
    for (size_t i = 0; i < needed->count; i++) {
        struct sched_task *task = ((struct sched_task **)needed->data)[i];
        struct sched_edge *e = sched_first_dependency(task);
        for (; e; e = sched_next_dependency(task, e))
            DK_TRY(collect(needed, e->from));
    }
    return DK_OK;
}

static int last_first(const void *a, const void *b)
{
    const struct sched_task *one = *(struct sched_task *const *)a;
    const struct sched_task *other = *(struct sched_task *const *)b;
    if (one == other)
        return 0;
    return sched_task_before(one, other) ? 1 : -1;
}

/* What no wanted key needs goes at once: else it would fail with what it depends on, and stay. */
static void forget_unneeded(struct intake *intake)
{
    struct intake_task *fresh = intake->fresh.data;
    for (size_t i = 0; i < intake->fresh.count; i++)
        if (!fresh[i].task->is_marked && !fresh[i].task->ndesires)
            sched_recommend(intake->sched, fresh[i].task, SCHED_FORGOTTEN);
    sched_drain(intake->sched);
}

/* The first to run is recommended last. */
static void recommend_needed(struct sched *sched, const struct vector *needed)
{
    struct sched_task **tasks = needed->data;
    if (needed->count)
        qsort(tasks, needed->count, sizeof(*tasks), last_first);
    for (size_t i = 0; i < needed->count; i++) {
        tasks[i]->is_marked = false;
        sched_recommend(sched, tasks[i], SCHED_WAITING);
    }
    sched_drain(sched);
}

static dk_status start(struct intake *intake)
{
    struct vector needed;
    vector_init(&needed, intake->sched->memory, sizeof(struct sched_task *));
    dk_status status = collect_needed(intake, &needed);
    forget_unneeded(intake);
    recommend_needed(intake->sched, &needed);
    vector_deinit(&needed);
    return status;
}

static dk_status want(struct intake *intake)
{
    const struct sched_keys *wanted = &intake->graph->wanted;
    for (size_t i = 0; i < wanted->count; i++) {
        bool is_new;
        struct sched_task *task = sched_task_get(intake->sched, wanted->list[i], &is_new);
        if (!task)
            return DK_ENOMEM;
        task->has_lost_dependencies |= is_new; /* nobody says how to make it */
        DK_TRY(sched_add_desire(intake->sched, task, intake->client));
    }
    return DK_OK;
}

/* Wanted keys that nothing can make are cancelled; those that are there already are reported. */
static void report_known(struct intake *intake, const bool *was_known)
{
    const struct sched_keys *wanted = &intake->graph->wanted;
    for (size_t i = 0; i < wanted->count; i++) {
        struct sched_keys one = {&wanted->list[i], 1};
        struct sched_task *task = sched_find_task(intake->sched, wanted->list[i]);
        if (task && was_known[i])
            sched_client_report(intake->sched, intake->client, &one);
        else if (task && sched_task_is(task, SCHED_RELEASED) && !task->run_spec)
            sched_recommend(intake->sched, task, SCHED_FORGOTTEN);
    }
    sched_drain(intake->sched);
}

/* Whether each wanted key is in memory or erred already, before the graph is taken in. */
static bool *note_known(struct intake *intake)
{
    const struct sched_keys *wanted = &intake->graph->wanted;
    bool *was_known = memory_calloc(intake->sched->memory, wanted->count + 1);
    for (size_t i = 0; was_known && i < wanted->count; i++) {
        struct sched_task *task = sched_find_task(intake->sched, wanted->list[i]);
        was_known[i] =
            task && (sched_task_is(task, SCHED_MEMORY) || sched_task_is(task, SCHED_ERRED));
    }
    return was_known;
}

static dk_status take_in(struct intake *intake)
{
    struct sched_task *culprit;
    DK_TRY(make_tasks(intake));
    DK_TRY(connect_tasks(intake));
    DK_TRY(want(intake));
    DK_TRY(look_for_cycle(intake, &culprit));
    if (culprit)
        refuse_cycle(intake, culprit);
    else
        DK_TRY(find_order(intake));
    return start(intake);
}

void sched_update_graph(struct sched *sched, struct sched_client *client,
                        const struct sched_update_graph *graph)
{
    struct intake intake = {sched, client, graph, generation_of(sched, graph), {0}};
    vector_init(&intake.fresh, sched->memory, sizeof(struct intake_task));
    bool *was_known = note_known(&intake);
    if (!was_known || take_in(&intake) != DK_OK)
        sched->has_failed = true;
    else
        report_known(&intake, was_known);
    memory_free(sched->memory, was_known, graph->wanted.count + 1);
    vector_deinit(&intake.fresh);
}

/* ---- data ---- */

static dk_status place_data(struct sched *sched, struct sched_client *client,
                            const struct sched_data *data)
{
    bool is_new;
    struct sched_task *task = sched_task_get(sched, data->key, &is_new);
    if (!task)
        return DK_ENOMEM;
    for (size_t i = 0; i < data->nworkers; i++) {
        struct sched_worker *worker = sched_worker_at(sched, data->workers[i]);
        if (worker)
            DK_TRY(sched_add_replica(sched, task, worker));
    }
    sched_set_nbytes(task, data->nbytes);
    if (client)
        DK_TRY(sched_add_desire(sched, task, client));
    if (sched_task_is(task, SCHED_RELEASED) && task->replicas)
        sched_task_enter(task, SCHED_MEMORY);
    if (sched_task_is(task, SCHED_MEMORY) && client)
        sched_tell_in_memory(sched, task, client);
    return DK_OK;
}

void sched_update_data(struct sched *sched, struct sched_client *client,
                       const struct sched_data *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (place_data(sched, client, &list[i]) != DK_OK)
            sched->has_failed = true;
}
