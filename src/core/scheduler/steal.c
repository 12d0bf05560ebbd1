#include "core/scheduler/steal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/placement.h"
#include "core/scheduler/processing.h"
#include "core/scheduler/runs.h"
#include "core/scheduler/tasks.h"
#include "core/scheduler/transitions.h"

/* What moving a task takes beside its data. */
#define LATENCY_S 0.1
/* Without saturated workers, this many of the busiest are looked at, above this occupancy. */
#define NVICTIMS         10
#define VICTIM_OCCUPANCY 0.2

const double sched_steal_limits[SCHED_NSTEAL_ROUNDS] = {0.125, 1, 8, 256};

/* What is on a worker's account once the moves that are asked for have happened. */
static double expected_s(const struct sched *sched, const struct sched_worker *worker)
{
    return sched_occupancy(sched, worker) + worker->inflight_s;
}

static double transfer_s(const struct sched *sched, const struct sched_task *task,
                         const struct sched_worker *worker)
{
    return (double)sched_missing_nbytes(task, worker) / sched->bandwidth;
}

static double compute_s(const struct sched *sched, const struct sched_task *task)
{
    return sched_prefix_duration(sched, task->group->prefix);
}

/* ---- who gives, who takes ---- */

static bool is_victim(const struct sched *sched, const struct sched_worker *worker,
                      bool has_saturated)
{
    if (worker->status != SCHED_RUNNING || (int64_t)worker->nprocessing <= worker->nthreads)
        return false;
    return has_saturated ? worker->is_saturated : sched_occupancy(sched, worker) > VICTIM_OCCUPANCY;
}

static bool has_saturated_worker(const struct sched *sched)
{
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && worker->is_saturated)
            return true;
    }
    return false;
}

/* The busiest that is on no list yet; NULL when there is none. */
static struct sched_worker *busiest(const struct sched *sched, bool has_saturated,
                                    struct sched_worker **before, size_t nbefore)
{
    struct sched_worker *best = NULL;
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        bool is_listed = false;
        for (size_t j = 0; j < nbefore; j++)
            is_listed |= before[j] == worker;
        if (!worker || is_listed || !is_victim(sched, worker, has_saturated))
            continue;
        if (!best || sched_occupancy(sched, worker) > sched_occupancy(sched, best))
            best = worker;
    }
    return best;
}

static bool takes_more(const struct sched_worker *worker)
{
    return (int64_t)worker->nprocessing + worker->ninflight < worker->nthreads;
}

static struct sched_worker *best_thief(const struct sched *sched, const struct sched_task *task)
{
    struct sched_worker *best = NULL;
    double best_s = 0;
    for (size_t i = 0; i < sched->idle.count; i++) {
        struct sched_worker *worker = ((struct sched_worker **)sched->idle.data)[i];
        if (worker == task->run->worker || !takes_more(worker) || !sched_may_run(task, worker))
            continue;
        double start_s =
            expected_s(sched, worker) / worker->nthreads + transfer_s(sched, task, worker);
        if (!best || start_s < best_s) {
            best = worker;
            best_s = start_s;
        }
    }
    return best;
}

/* ---- moving ---- */

static void account(const struct sched *sched, struct sched_run *run, int sign)
{
    double seconds = sign * compute_s(sched, run->task);
    run->thief->inflight_s += seconds;
    run->worker->inflight_s -= seconds;
    run->thief->ninflight += sign;
}

/* When nothing is on its way, nothing is on the account, whatever rounding says. */
static void end_steal(struct sched *sched, struct sched_run *run)
{
    account(sched, run, -1);
    if (--sched->nsteals == 0)
        for (size_t i = 0; i < sched->workers.count; i++)
            if (sched_worker_at(sched, (uint32_t)i))
                sched_worker_at(sched, (uint32_t)i)->inflight_s = 0;
    run->thief = NULL;
}

static void ask_for(struct sched *sched, struct sched_run *run, struct sched_worker *thief)
{
    char stimulus[32];
    run->thief = thief;
    run->steal = ++sched->last_steal;
    sched->nsteals++;
    account(sched, run, 1);
    snprintf(stimulus, sizeof(stimulus), "steal-%" PRIu32, run->steal);
    sched_tell_steal(sched, run->task, stimulus);
}

static bool is_worth_it(const struct sched *sched, const struct sched_run *run,
                        const struct sched_worker *thief)
{
    const struct sched_task *task = run->task;
    double work = compute_s(sched, task);
    double there = expected_s(sched, thief) + transfer_s(sched, task, thief) + work;
    double here =
        expected_s(sched, run->worker) - (transfer_s(sched, task, run->worker) + work) / 2;
    return there <= here;
}

static bool is_movable(const struct sched *sched, const struct sched_run *run, size_t round)
{
    const struct sched_task *task = run->task;
    if (run->thief || run->is_long_running || task->is_actor)
        return false;
    double cost = 0;
    if (sched_first_dependency(task)) {
        int64_t nbytes = 0;
        for (struct sched_edge *e = sched_first_dependency(task); e;
             e = sched_next_dependency(task, e))
            nbytes += sched_task_nbytes(e->from);
        cost = ((double)nbytes / sched->bandwidth + LATENCY_S) / compute_s(sched, task);
    }
    return cost < sched_steal_limits[round] &&
           (round == 0 || cost >= sched_steal_limits[round - 1]);
}

/* The last that were given to it are the first to be asked for. */
static void rob(struct sched *sched, struct sched_worker *victim, size_t round)
{
    int64_t left = (int64_t)victim->nprocessing - victim->nthreads;
    for (struct sched_run *run = victim->processing; run && left > 0; run = run->next) {
        if (!is_movable(sched, run, round))
            continue;
        struct sched_worker *thief = best_thief(sched, run->task);
        if (!thief)
            return;
        if (!is_worth_it(sched, run, thief))
            continue;
        sched->ever.steals[round].count++;
        sched->ever.steals[round].cost_s +=
            compute_s(sched, run->task) + transfer_s(sched, run->task, victim);
        ask_for(sched, run, thief);
        left--;
    }
}

void sched_balance(struct sched *sched)
{
    if (sched->options.no_stealing || sched->now_us < sched->next_steal_us)
        return;
    sched->next_steal_us = sched->now_us + sched->options.steal_interval_us;
    if (!sched->idle.count || sched->idle.count == sched->nworkers)
        return;
    struct sched_worker *victims[NVICTIMS];
    bool has_saturated = has_saturated_worker(sched);
    size_t count = 0;
    while (count < NVICTIMS && (victims[count] = busiest(sched, has_saturated, victims, count)))
        count++;
    for (size_t round = 0; round < SCHED_NSTEAL_ROUNDS; round++)
        for (size_t i = 0; i < count; i++)
            rob(sched, victims[i], round);
}

/* ---- answers ---- */

static bool has_given_up(const char *state)
{
    return state && (strcmp(state, "ready") == 0 || strcmp(state, "constrained") == 0 ||
                     strcmp(state, "waiting") == 0);
}

static bool knows_nothing(const char *state)
{
    return !state || strcmp(state, "released") == 0;
}

static void move(struct sched *sched, struct sched_task *task, struct sched_worker *thief)
{
    sched_processing_remove(sched, task);
    if (sched_processing_add(sched, task, thief) != DK_OK) {
        sched->has_failed = true;
        return;
    }
    sched_tell_compute(sched, task);
}

void sched_steal_answered(struct sched *sched, struct sched_worker *victim,
                          const struct sched_event *event)
{
    char expected[32];
    struct sched_task *task = sched_find_task(sched, event->as.steal.key);
    if (!task || sched_task_worker(task) != victim)
        return;
    snprintf(expected, sizeof(expected), "steal-%" PRIu32, task->run->steal);
    if (strcmp(expected, sched->stimulus) != 0)
        return;
    struct sched_worker *thief = task->run->thief;
    const char *state = event->as.steal.state;
    sched_steal_forget(sched, task->run);
    if (thief && has_given_up(state) && sched_may_run(task, thief))
        move(sched, task, thief);
    else if (has_given_up(state) || knows_nothing(state))
        sched_recommend(sched, task, SCHED_RELEASED);
    sched_drain(sched);
}

void sched_steal_forget(struct sched *sched, struct sched_run *run)
{
    if (run->thief)
        end_steal(sched, run);
    run->steal = 0;
}

/* The questions stay open: who is asked may give the task up. */
void sched_forget_thief(struct sched *sched, const struct sched_worker *thief)
{
    if (!sched->nsteals)
        return;
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        for (struct sched_run *run = worker ? worker->processing : NULL; run; run = run->next)
            if (run->thief == thief)
                end_steal(sched, run);
    }
}
