/* What must hold, in the middle and at the end; and the story of the key for which it does not. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "core/scheduler/queries.h"
#include "sim/cluster.h"
#include "sim/must.h"

#define NLINES 60

void sim_fail(struct cluster *cluster, uint32_t key, const char *format, ...)
{
    dk_error err = {0};
    va_list args;
    if (cluster->has_failed)
        return;
    va_start(args, format);
    (void)error_setv(&err, DK_EINVAL, format, args);
    va_end(args);
    cluster->has_failed = true;
    cluster->suspect = key;
    cluster->err = err;
}

uint32_t sim_number(const struct cluster *cluster, struct wire_bytes key)
{
    return keys_find(&cluster->work.keys, key);
}

/* ---- in the middle ---- */

/* The glue and the core agree on what is held. */
static void check_holds(struct cluster *cluster, const struct sim_worker *worker)
{
    for (uint32_t i = 0; i < worker->holds.count; i++) {
        struct wkr_task_id id = {i};
        if (sim_worker_holds(worker, id) && wkr_task_state(worker->core, id) != WKR_MEMORY)
            sim_fail(cluster, sim_number(cluster, wkr_task_key(worker->core, id)),
                     "worker %u holds what its core does not", worker->number);
    }
}

static uint64_t interval(const struct cluster *cluster)
{
    const struct sim_options *options = cluster->options;
    if (options->validate_every)
        return options->validate_every;
    if (options->measures)
        return UINT64_MAX;
    uint64_t size = options->tasks + options->workers;
    return size <= 400 ? 1 : size / 4;
}

/* Of the scheduler, or of one worker. */
void sim_validate(struct cluster *cluster, const struct sim_worker *worker)
{
    dk_error err = {0};
    uint64_t nsteps = worker ? cluster->nworker_steps : cluster->nsteps;
    if (nsteps % interval(cluster))
        return;
    if (!worker && !sched_validate(cluster->sched, &err))
        sim_fail(cluster, SIM_NO_KEY, "the scheduler: %s", err.message);
    if (worker && wkr_validate(worker->core, &err) != DK_OK)
        sim_fail(cluster, SIM_NO_KEY, "worker %u: %s", worker->number, err.message);
    if (worker)
        check_holds(cluster, worker);
}

/* ---- at the end ---- */

static void judge_future(struct cluster *cluster, const struct sim_client *client, uint32_t number)
{
    enum sched_state state =
        sched_task_state(cluster->sched, keys_packed(&cluster->work.keys, number));
    switch (client->futures[number]) {
    case SIM_PENDING:
        sim_fail(cluster, number, "nothing happens any more, and client %u still waits for it",
                 client->number);
        break;
    case SIM_DONE:
        if (state != SCHED_MEMORY)
            sim_fail(cluster, number, "a client believes it to be in memory, and it is %s",
                     sched_state_name(state));
        break;
    case SIM_ERRED:
        if (state != SCHED_ERRED)
            sim_fail(cluster, number, "a client believes it to have failed, and it is %s",
                     sched_state_name(state));
        break;
    default:
        break;
    }
}

static bool holds_key(const struct sim_worker *worker, struct wire_bytes key)
{
    struct wkr_task_id id;
    return worker->core && wkr_find(worker->core, key, &id) && sim_worker_holds(worker, id);
}

/* Whom the scheduler believes to hold it; each must. Returns how many those are. */
static size_t judge_holders(struct cluster *cluster, uint32_t number, uint32_t *holders)
{
    struct wire_bytes key = keys_packed(&cluster->work.keys, number);
    size_t count = sched_holders(cluster->sched, key, holders, cluster->options->workers);
    for (size_t i = 0; i < count; i++) {
        uint32_t worker = ((uint32_t *)cluster->by_known.data)[holders[i]];
        if (worker == SCHED_NOBODY || !holds_key(&cluster->workers[worker], key))
            sim_fail(cluster, number, "the scheduler believes that worker %u holds it", worker);
    }
    return count;
}

static size_t judge_worker(struct cluster *cluster, const struct sim_worker *worker)
{
    size_t nheld = 0;
    if (!worker->core)
        return 0;
    struct wkr_counts counts = wkr_counts(worker->core);
    for (uint32_t i = 0; i < worker->holds.count; i++)
        nheld += sim_worker_holds(worker, (struct wkr_task_id){i});
    if (counts.executing || counts.long_running || counts.in_flight || counts.gathers)
        sim_fail(cluster, SIM_NO_KEY, "worker %u is busy, though nothing happens any more",
                 worker->number);
    return nheld;
}

/* A key that the worker holds and the scheduler does not know of. */
static uint32_t find_stray(struct cluster *cluster, uint32_t *holders, uint32_t *worker)
{
    uint32_t nworkers = cluster->options->workers;
    for (uint32_t number = 0; number < sim_ntasks(&cluster->work); number++) {
        struct wire_bytes key = keys_packed(&cluster->work.keys, number);
        size_t count = sched_holders(cluster->sched, key, holders, nworkers);
        for (uint32_t i = 0; i < nworkers; i++) {
            bool is_known = false;
            for (size_t j = 0; j < count; j++)
                is_known |= holders[j] == cluster->workers[i].known_as;
            *worker = i;
            if (!is_known && holds_key(&cluster->workers[i], key))
                return number;
        }
    }
    return SIM_NO_KEY;
}

static void judge_data(struct cluster *cluster)
{
    size_t nbytes = cluster->options->workers * sizeof(uint32_t), nbelieved = 0, nheld = 0;
    uint32_t *holders = must(memory_alloc(cluster->memory, nbytes)), worker = 0;
    for (uint32_t number = 0; number < sim_ntasks(&cluster->work); number++)
        nbelieved += judge_holders(cluster, number, holders);
    for (uint32_t i = 0; i < cluster->options->workers; i++)
        nheld += judge_worker(cluster, &cluster->workers[i]);
    if (nheld != nbelieved && !cluster->has_failed) {
        uint32_t stray = find_stray(cluster, holders, &worker);
        sim_fail(cluster, stray, "worker %u holds it, and the scheduler does not know", worker);
    }
    memory_free(cluster->memory, holders, nbytes);
}

void sim_judge(struct cluster *cluster)
{
    dk_error err = {0};
    if (!cluster->options->measures && !sched_validate(cluster->sched, &err))
        sim_fail(cluster, SIM_NO_KEY, "the scheduler: %s", err.message);
    for (uint32_t i = 0; i < cluster->options->clients; i++)
        for (uint32_t number = 0; number < sim_ntasks(&cluster->work); number++)
            judge_future(cluster, &cluster->clients[i], number);
    if (!cluster->has_failed)
        judge_data(cluster);
}

void sim_judge_end(struct cluster *cluster)
{
    judge_data(cluster);
    for (uint32_t number = 0; number < sim_ntasks(&cluster->work); number++) {
        struct wire_bytes key = keys_packed(&cluster->work.keys, number);
        enum sched_state state = sched_task_state(cluster->sched, key);
        if (state != SCHED_FORGOTTEN)
            sim_fail(cluster, number, "nobody wants it, and it is still %s",
                     sched_state_name(state));
    }
    for (uint32_t i = 0; i < cluster->options->workers; i++) {
        const struct sim_worker *worker = &cluster->workers[i];
        if (!worker->core)
            continue;
        struct wkr_counts counts = wkr_counts(worker->core);
        for (uint32_t state = 0; state < WKR_FORGOTTEN; state++)
            if (counts.tasks[state])
                sim_fail(cluster, SIM_NO_KEY, "nobody wants anything, and worker %u has tasks %s",
                         worker->number, wkr_state_name((enum wkr_state)state));
    }
}

/* ---- the story ---- */

static void print_states(struct cluster *cluster, uint32_t number)
{
    struct wire_bytes key = keys_packed(&cluster->work.keys, number);
    char text[128];
    key_text(key, text, sizeof(text));
    printf("  %u is %s: %s at the scheduler", number, text,
           sched_state_name(sched_task_state(cluster->sched, key)));
    for (uint32_t i = 0; i < cluster->options->workers; i++) {
        const struct sim_worker *worker = &cluster->workers[i];
        struct wkr_task_id id;
        if (worker->core && wkr_find(worker->core, key, &id))
            printf(", %s on %u", wkr_state_name(wkr_task_state(worker->core, id)), i);
    }
    printf("\n");
}

void sim_print_failure(struct cluster *cluster)
{
    printf("seed %" PRIu64 " failed after %.6f s, %" PRIu64 " events of the scheduler and %" PRIu64
           " of workers:\n  %s\nwith",
           cluster->options->seed, (double)cluster->now_us / 1e6, cluster->nsteps,
           cluster->nworker_steps, cluster->err.message);
    sim_options_show(cluster->options);
    if (cluster->suspect < sim_ntasks(&cluster->work)) {
        const struct sim_task *task = sim_task_at(&cluster->work, cluster->suspect);
        print_states(cluster, cluster->suspect);
        for (uint32_t i = 0; i < task->ndependencies && i < 10; i++)
            print_states(cluster, sim_dependencies(&cluster->work, task)[i]);
        diary_print(&cluster->diary, cluster->suspect, NLINES);
    }
    printf("and at last:\n");
    diary_print(&cluster->diary, SIM_NO_KEY, NLINES / 2);
}
