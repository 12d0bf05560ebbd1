/* What a task costs in cdask: tasks that add one, independent and in chains of two, graph building
 * included. Chains are not fused: every task is scheduled on its own.
 *
 *     bench_cdask_tasks [NTASKS] [NUM_WORKERS] [sync|threads|processes ...]
 */
#include "measure.h"

#include <cdask/graph.h>

#include <stdlib.h>

/* What one measurement makes. Independent tasks are chains of one. */
struct run {
    dk_context *dk;
    dk_graph *graph;
    dk_task_id *keys;
    dk_value *results;
    int64_t nchains;
    int64_t length; /* of a chain */
    int32_t num_workers;
};

static dk_status increment(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                           dk_error *err)
{
    (void)task, (void)nargs, (void)err;
    *result = dk_value_int(args[0].as.integer + 1);
    return DK_OK;
}

static dk_status build(struct run *run, dk_error *err)
{
    dk_status status = dk_graph_new(run->dk, &run->graph);

    for (int64_t chain = 0; chain < run->nchains && status == DK_OK; chain++) {
        dk_value arg = dk_value_int(chain);

        for (int64_t step = 0; step < run->length && status == DK_OK; step++) {
            status = dk_graph_add(run->graph, dk_key_at(step == 0 ? "x" : "y", chain), "increment",
                                  &arg, 1, &run->keys[chain], err);
            arg = dk_value_task(run->keys[chain]);
        }
    }
    return status;
}

static dk_status run_get(struct run *run, dk_get get, dk_error *err)
{
    const dk_get_options options = {.num_workers = run->num_workers, .no_fuse = true};
    dk_status status = build(run, err);

    if (status == DK_OK) {
        status =
            get(run->dk, run->graph, run->keys, (size_t)run->nchains, &options, run->results, err);
    }
    return status;
}

static dk_status check(const struct run *run, dk_error *err)
{
    for (int64_t chain = 0; chain < run->nchains; chain++) {
        if (run->results[chain].as.integer != chain + run->length) {
            snprintf(err->message, sizeof err->message, "task %lld gave %lld", (long long)chain,
                     (long long)run->results[chain].as.integer);
            return DK_ETASK;
        }
    }
    return DK_OK;
}

static void report(const struct run *run, const char *scheduler, double seconds)
{
    int64_t ntasks = run->nchains * run->length;
    double bytes = (double)dk_context_memory(run->dk).peak;

    printf("{\"name\": \"%s %s\", \"tasks\": %lld, \"seconds\": %.6f, \"ns_per_task\": %.1f, "
           "\"bytes_per_task\": %.1f}\n",
           scheduler, run->length == 1 ? "independent" : "chains", (long long)ntasks, seconds,
           seconds / (double)ntasks * 1e9, bytes / (double)ntasks);
    fflush(stdout);
}

static dk_status measure(struct run *run, const char *scheduler, dk_error *err)
{
    dk_get get;
    dk_status status = dk_find_scheduler(scheduler, &get, err);
    double start;

    if (status == DK_OK)
        status = dk_register(run->dk, "increment", increment, NULL, err);
    start = measure_now();
    if (status == DK_OK)
        status = run_get(run, get, err);
    if (status == DK_OK) {
        report(run, scheduler, measure_now() - start);
        status = check(run, err);
    }
    dk_graph_free(run->graph);
    return status;
}

/* A context of its own for each measurement, so that its ledger counts this one only. */
static int measure_shape(const char *scheduler, int64_t ntasks, int64_t length, int32_t num_workers)
{
    struct run run = {.nchains = ntasks / length, .length = length, .num_workers = num_workers};
    dk_error err = {0};
    dk_status status = DK_ENOMEM;

    run.dk = dk_open(NULL);
    run.keys = malloc((size_t)run.nchains * sizeof *run.keys);
    run.results = malloc((size_t)run.nchains * sizeof *run.results);
    if (run.dk && run.keys && run.results)
        status = measure(&run, scheduler, &err);
    if (status != DK_OK)
        fprintf(stderr, "bench_cdask_tasks: %s: %s\n", dk_status_text(status), err.message);
    free(run.results);
    free(run.keys);
    dk_close(run.dk);
    return status == DK_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int64_t ntasks = argc > 1 ? atoll(argv[1]) / 2 * 2 : 1000000;
    int32_t num_workers = argc > 2 ? atoi(argv[2]) : 0;
    int failed = 0;

    if (ntasks < 2 || num_workers < 0) {
        fprintf(stderr, "usage: bench_cdask_tasks [NTASKS] [NUM_WORKERS] [SCHEDULER ...]\n");
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        failed |= measure_shape(argv[i], ntasks, 1, num_workers);
        failed |= measure_shape(argv[i], ntasks, 2, num_workers);
    }
    if (argc <= 3) {
        failed |= measure_shape("sync", ntasks, 1, num_workers);
        failed |= measure_shape("sync", ntasks, 2, num_workers);
        failed |= measure_shape("threads", ntasks, 1, num_workers);
        failed |= measure_shape("threads", ntasks, 2, num_workers);
    }
    return failed;
}
