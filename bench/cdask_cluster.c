/* What a task costs on a cluster of cdask's on this machine: two workers of one thread each, tasks
 * that add, building and submitting the graph and fetching the results included.
 *
 *     bench_cdask_cluster [NTASKS] [independent|chain|tree|merge ...]
 *
 * A chain is one, each task needing the one before: its time a task is the latency of a hop. A tree
 * adds neighbours up, two at a time. A merge is one task that needs all the others.
 */
#include "measure.h"

#include <cdask/distributed.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct run {
    dk_context *dk;
    dk_graph *graph;
    dk_task_id *keys; /* wanted */
    dk_value *results;
    int64_t nkeys;
    int64_t ntasks;
};

static dk_status add(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    int64_t sum = 1;
    (void)task, (void)err;
    for (size_t i = 0; i < nargs; i++)
        sum += args[i].as.integer;
    *result = dk_value_int(sum);
    return DK_OK;
}

/* ---- shapes ---- */

static dk_status build_independent(struct run *run, dk_error *err)
{
    dk_status status = DK_OK;
    run->nkeys = run->ntasks;
    for (int64_t i = 0; i < run->ntasks && status == DK_OK; i++) {
        dk_value arg = dk_value_int(i);
        status = dk_graph_add(run->graph, dk_key_at("x", i), "add", &arg, 1, &run->keys[i], err);
    }
    return status;
}

static dk_status build_chain(struct run *run, dk_error *err)
{
    dk_status status = DK_OK;
    dk_value arg = dk_value_int(0);
    run->nkeys = 1;
    for (int64_t i = 0; i < run->ntasks && status == DK_OK; i++) {
        status = dk_graph_add(run->graph, dk_key_at("x", i), "add", &arg, 1, &run->keys[0], err);
        arg = dk_value_task(run->keys[0]);
    }
    return status;
}

/* As many leaves as half of the tasks; each level has half as many as the one below. */
static dk_status build_tree(struct run *run, dk_error *err)
{
    int64_t width = run->ntasks / 2, number = width;
    dk_status status = DK_OK;
    run->nkeys = 1;
    for (int64_t i = 0; i < width && status == DK_OK; i++) {
        dk_value arg = dk_value_int(i);
        status = dk_graph_add(run->graph, dk_key_at("x", i), "add", &arg, 1, &run->keys[i], err);
    }
    for (; width > 1 && status == DK_OK; width /= 2)
        for (int64_t i = 0; i < width / 2 && status == DK_OK; i++) {
            dk_value args[] = {dk_value_task(run->keys[2 * i]),
                               dk_value_task(run->keys[2 * i + 1])};
            status = dk_graph_add(run->graph, dk_key_at("x", number++), "add", args, 2,
                                  &run->keys[i], err);
        }
    return status;
}

/* All but one are leaves, which that one adds up. */
static dk_status build_merge(struct run *run, dk_error *err)
{
    size_t nleaves = (size_t)run->ntasks - 1;
    dk_value *args = calloc(nleaves, sizeof *args);
    dk_status status = args ? DK_OK : DK_ENOMEM;
    run->nkeys = 1;
    for (size_t i = 0; i < nleaves && status == DK_OK; i++) {
        dk_value arg = dk_value_int((int64_t)i);
        status = dk_graph_add(run->graph, dk_key_at("x", (int64_t)i), "add", &arg, 1, &run->keys[0],
                              err);
        args[i] = dk_value_task(run->keys[0]);
    }
    if (status == DK_OK)
        status =
            dk_graph_add(run->graph, dk_key_at("sum", 0), "add", args, nleaves, &run->keys[0], err);
    free(args);
    return status;
}

static const struct {
    const char *name;
    dk_status (*build)(struct run *run, dk_error *err);
} shapes[] = {
    {"independent", build_independent},
    {"chain", build_chain},
    {"tree", build_tree},
    {"merge", build_merge},
};

/* ---- running ---- */

static dk_status measure(struct run *run, size_t shape, dk_error *err)
{
    double start = measure_now();
    dk_status status = dk_graph_new(run->dk, &run->graph);
    if (status == DK_OK)
        status = shapes[shape].build(run, err);
    if (status == DK_OK)
        status = dk_get_distributed(run->dk, run->graph, run->keys, (size_t)run->nkeys, NULL,
                                    run->results, err);
    double seconds = measure_now() - start;
    size_t ntasks = run->graph ? dk_graph_ntasks(run->graph) : 1;
    dk_graph_free(run->graph);
    run->graph = NULL;
    if (status == DK_OK)
        printf("{\"name\": \"%s\", \"seconds\": %.6f, \"us_per_task\": %.3f, \"first\": %lld}\n",
               shapes[shape].name, seconds, seconds / (double)ntasks * 1e6,
               (long long)run->results[0].as.integer);
    return status;
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc <= 2;
}

static dk_status measure_all(struct run *run, int argc, char **argv, dk_error *err)
{
    dk_cluster *cluster;
    dk_client *client;
    double start = measure_now();
    dk_cluster_options two = {.nworkers = 2, .nthreads = 1};
    dk_status status = dk_cluster_open(run->dk, &two, &cluster, err);
    if (status != DK_OK)
        return status;
    dk_client_options options = {.address = dk_cluster_address(cluster)};
    status = dk_client_open(run->dk, &options, &client, err);
    if (status == DK_OK) {
        printf("{\"name\": \"start\", \"seconds\": %.6f}\n", measure_now() - start);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes && status == DK_OK; i++)
            if (is_wanted(shapes[i].name, argc, argv))
                status = measure(run, i, err);
        dk_client_close(client);
    }
    dk_cluster_close(cluster);
    return status;
}

int main(int argc, char **argv)
{
    dk_error err = {0};
    struct run run = {.ntasks = argc > 1 ? atoll(argv[1]) : 100000};
    run.keys = calloc((size_t)run.ntasks, sizeof *run.keys);
    run.results = calloc((size_t)run.ntasks, sizeof *run.results);
    dk_status status = dk_open_with(NULL, &run.dk, &err);
    if (status == DK_OK)
        status = dk_register(run.dk, "add", add, NULL, &err);
    if (status == DK_OK)
        status = measure_all(&run, argc, argv, &err);
    if (status != DK_OK)
        fprintf(stderr, "%s\n", err.message);
    dk_close(run.dk);
    free(run.keys);
    free(run.results);
    return status != DK_OK;
}
