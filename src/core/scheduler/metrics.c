#include "core/scheduler/metrics.h"

#include <stdio.h>
#include <string.h>

#include "core/prometheus.h"
#include "core/scheduler/adaptive.h"
#include "core/scheduler/steal.h"

struct tally {
    uint64_t tasks[SCHED_NSTATES];
    uint64_t ngroups;
    uint64_t nwaited_for; /* tasks whose results others wait for */
    int64_t nsaturated, npaused, nreplicas, nprocessing, nbytes;
};

static struct tally count(const struct sched *sched)
{
    struct tally tally = {0};
    for (size_t i = 0; i < sched->groups.count; i++) {
        const struct sched_group *group = ((struct sched_group **)sched->groups.data)[i];
        if (!group)
            continue;
        tally.ngroups++;
        tally.nwaited_for += group->nwaited_for;
        for (int state = 0; state < SCHED_NSTATES; state++)
            tally.tasks[state] += group->ntasks[state];
    }
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (!worker)
            continue;
        tally.nsaturated += worker->is_saturated;
        tally.npaused += worker->status == SCHED_PAUSED;
        tally.nreplicas += worker->nreplicas;
        tally.nprocessing += worker->nprocessing;
        tally.nbytes += worker->nbytes;
    }
    return tally;
}

/* ---- as JSON ---- */

static int64_t count_hosts(const struct sched *sched, struct wire_builder *builder)
{
    struct keys hosts;
    uint32_t id;
    bool is_new;
    keys_init(&hosts, sched->memory);
    for (size_t i = 0; i < sched->workers.count; i++) {
        const struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        struct wire_bytes host = {worker ? worker->host : "", worker ? strlen(worker->host) : 0};
        if (worker && keys_add(&hosts, host, &id, &is_new) != DK_OK)
            builder->failed = true;
    }
    int64_t nhosts = (int64_t)hosts.count;
    keys_deinit(&hosts);
    return nhosts;
}

struct wire_value sched_describe_counts(const struct sched *sched, struct wire_builder *builder)
{
    struct tally tally = count(sched);
    struct wire_filling map = wire_begin_map(builder, 16);
    wire_put(&map, "bytes", wire_int(tally.nbytes));
    wire_put(&map, "clients", wire_int((int64_t)sched->client_names.count));
    wire_put(&map, "cores", wire_int(sched->total_nthreads));
    wire_put(&map, "erred", wire_int((int64_t)tally.tasks[SCHED_ERRED]));
    wire_put(&map, "hosts", wire_int(count_hosts(sched, builder)));
    wire_put(&map, "idle", wire_int((int64_t)sched->idle.count));
    wire_put(&map, "memory", wire_int(tally.nreplicas));
    wire_put(&map, "processing", wire_int(tally.nprocessing));
    wire_put(&map, "released", wire_int((int64_t)tally.tasks[SCHED_RELEASED]));
    wire_put(&map, "saturated", wire_int(tally.nsaturated));
    wire_put(&map, "tasks", wire_int((int64_t)sched_ntasks(sched)));
    wire_put(&map, "unrunnable", wire_int((int64_t)tally.tasks[SCHED_NO_WORKER]));
    wire_put(&map, "waiting", wire_int((int64_t)tally.tasks[SCHED_WAITING]));
    wire_put(&map, "waiting_data", wire_int((int64_t)tally.nwaited_for));
    wire_put(&map, "workers", wire_int(sched->nworkers));
    wire_put(&map, "desired_workers", wire_int(sched_wanted_workers(sched, SCHED_TARGET_S)));
    return wire_end_map(&map);
}

/* ---- for Prometheus ---- */

static struct wire_bytes name_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

static void write_clients(const struct sched *sched, struct text *out)
{
    uint64_t added = sched->ever.clients_added, removed = sched->ever.clients_removed;
    metric_write(out, METRIC_GAUGE, "dask_scheduler_clients", "Number of clients connected",
                 (double)(added - removed));
    metric_write(out, METRIC_COUNTER, "dask_scheduler_client_connections_added_total",
                 "Total number of client connections added", (double)added);
    metric_write(out, METRIC_COUNTER, "dask_scheduler_client_connections_removed_total",
                 "Total number of client connections removed", (double)removed);
}

static void write_workers(const struct sched *sched, const struct tally *tally, struct text *out)
{
    double nidle = (double)sched->idle.count, nrunning = sched->nrunning;
    double nsaturated = (double)tally->nsaturated, npaused = (double)tally->npaused;
    metric_write(out, METRIC_GAUGE, "dask_scheduler_desired_workers",
                 "Number of workers scheduler needs for task graph",
                 sched_wanted_workers(sched, SCHED_TARGET_S));
    struct metric workers = metric_begin(out, METRIC_GAUGE, "dask_scheduler_workers",
                                         "Number of workers known by scheduler");
    metric_put_of(&workers, "state", name_of("idle"), nidle);
    metric_put_of(&workers, "state", name_of("partially_saturated"), nrunning - nidle - nsaturated);
    metric_put_of(&workers, "state", name_of("saturated"), nsaturated);
    metric_put_of(&workers, "state", name_of("paused"), npaused);
    metric_put_of(&workers, "state", name_of("retiring"), sched->nworkers - npaused - nrunning);
    metric_write(out, METRIC_COUNTER, "dask_scheduler_workers_added_total",
                 "Total number of workers added", (double)sched->ever.workers_added);
    metric_write(out, METRIC_COUNTER, "dask_scheduler_workers_removed_total",
                 "Total number of workers removed", (double)sched->ever.workers_removed);
}

static uint64_t count_forgotten(const struct sched *sched)
{
    uint64_t nforgotten = 0;
    for (size_t i = 0; i < sched->prefixes.count; i++)
        nforgotten += ((struct sched_prefix **)sched->prefixes.data)[i]->nentered[SCHED_FORGOTTEN];
    return nforgotten;
}

static void write_tasks(const struct sched *sched, const struct tally *tally, struct text *out)
{
    metric_write(out, METRIC_COUNTER, "dask_scheduler_tasks_forgotten_total",
                 "Total number of tasks that are known no longer", (double)count_forgotten(sched));
    struct metric tasks = metric_begin(out, METRIC_GAUGE, "dask_scheduler_tasks",
                                       "Number of tasks known by scheduler");
    for (int state = 0; state < SCHED_FORGOTTEN; state++)
        metric_put_of(&tasks, "state", name_of(sched_state_name((enum sched_state)state)),
                      (double)tally->tasks[state]);
    metric_write(out, METRIC_GAUGE, "dask_scheduler_task_groups",
                 "Number of task groups known by scheduler", (double)tally->ngroups);
}

/* ---- by what keys begin with ---- */

static double suspicious(const struct sched_prefix *prefix)
{
    return (double)prefix->nsuspicious;
}

static double compute_s(const struct sched_prefix *prefix)
{
    return prefix->compute_s;
}

static double transfer_s(const struct sched_prefix *prefix)
{
    return prefix->transfer_s;
}

static double nbytes(const struct sched_prefix *prefix)
{
    return (double)prefix->nbytes;
}

static const struct prefix_metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    double (*of)(const struct sched_prefix *prefix);
} prefix_metrics[] = {
    {METRIC_COUNTER, "dask_scheduler_tasks_suspicious_total",
     "Total number of times a task has been marked suspicious", suspicious},
    {METRIC_COUNTER, "dask_scheduler_tasks_compute_seconds_total",
     "Total amount of compute time spent in each prefix", compute_s},
    {METRIC_COUNTER, "dask_scheduler_tasks_transfer_seconds_total",
     "Total amount of transfer time spent in each prefix", transfer_s},
    {METRIC_GAUGE, "dask_scheduler_tasks_output_bytes",
     "Current number of bytes in memory (without duplicates) for each prefix", nbytes},
};

static void write_prefixes(const struct sched *sched, const struct prefix_metric *of,
                           struct text *out)
{
    struct metric metric = metric_begin(out, of->kind, of->name, of->help);
    for (size_t i = 0; i < sched->prefixes.count; i++)
        metric_put_of(&metric, "task_prefix_name", keys_packed(&sched->prefix_names, (uint32_t)i),
                      of->of(((struct sched_prefix **)sched->prefixes.data)[i]));
}

static void write_prefix_states(const struct sched *sched, struct text *out)
{
    struct metric metric =
        metric_begin(out, METRIC_COUNTER, "dask_scheduler_prefix_state_totals_total",
                     "Accumulated count of task prefix in each state");
    for (size_t i = 0; i < sched->prefixes.count; i++) {
        const struct sched_prefix *prefix = ((struct sched_prefix **)sched->prefixes.data)[i];
        for (int state = 0; state < SCHED_NSTATES; state++)
            metric_put_state_of(
                &metric, "task_prefix_name", keys_packed(&sched->prefix_names, (uint32_t)i),
                sched_state_name((enum sched_state)state), (double)prefix->nentered[state]);
    }
}

/* ---- stealing ---- */

static double steal_count(const struct sched_steals *steals)
{
    return (double)steals->count;
}

static double steal_cost_s(const struct sched_steals *steals)
{
    return steals->cost_s;
}

static void write_steals(const struct sched *sched, const char *name, const char *help,
                         double (*of)(const struct sched_steals *steals), struct text *out)
{
    char limit[32];
    struct metric metric = metric_begin(out, METRIC_COUNTER, name, help);
    for (size_t round = 0; round < SCHED_NSTEAL_ROUNDS; round++) {
        snprintf(limit, sizeof(limit), "%g", sched_steal_limits[round]);
        metric_put_of(&metric, "cost_multiplier", name_of(limit), of(&sched->ever.steals[round]));
    }
}

void sched_write_metrics(const struct sched *sched, struct text *out)
{
    struct tally tally = count(sched);
    write_clients(sched, out);
    write_workers(sched, &tally, out);
    write_tasks(sched, &tally, out);
    for (size_t i = 0; i < sizeof(prefix_metrics) / sizeof(*prefix_metrics); i++)
        write_prefixes(sched, &prefix_metrics[i], out);
    write_prefix_states(sched, out);
    write_steals(sched, "dask_stealing_request_count_total",
                 "Total number of stealing requests per cost multiplier.", steal_count, out);
    write_steals(sched, "dask_stealing_request_cost_total",
                 "Total cost of stealing requests per cost multiplier.", steal_cost_s, out);
}
