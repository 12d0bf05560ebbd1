/* Every allocation of a client fails once, and those of a cluster's start. The cluster that the
 * clients use has memory enough, in a context of its own. */
#include <signal.h>

#include "out_of_memory.h"

static const char *address; /* of the scheduler for clients */

static dk_status add(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    int64_t sum = 0;
    (void)task;
    (void)err;
    for (size_t i = 0; i < nargs; i++)
        sum += args[i].as.integer;
    *result = dk_value_int(sum);
    return DK_OK;
}

static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    return DK_EINVAL;
}

static dk_status open_client(dk_context *dk, dk_client **client)
{
    dk_client_options options = {.address = address, .no_default = true};
    DK_TRY(dk_register(dk, "add", add, NULL, NULL));
    DK_TRY(dk_client_open(dk, &options, client, NULL));
    assert_string_equal(dk_client_address(*client), address);
    return DK_OK;
}

static dk_status wait_for(dk_future *future)
{
    assert_string_not_equal(dk_future_key(future), "");
    DK_TRY(dk_future_wait(future, -1, NULL));
    assert_int_not_equal(dk_future_state(future), DK_FUTURE_PENDING);
    return DK_OK;
}

/* What is computed from two numbers, of which one was put there before. */
static dk_status sum_up(dk_client *client, dk_future *there, dk_future **sum)
{
    dk_value args[] = {dk_value_task((dk_task_id){0}), dk_value_int(2)};
    const char *home = "nowhere";
    dk_submit_options options = {
        .key = "sum", .workers = &home, .nworkers = 1, .allow_other_workers = true};
    dk_value results[2];
    DK_TRY(dk_client_submit(client, "add", args, 2, &there, 1, &options, sum, NULL));
    DK_TRY(wait_for(*sum));
    DK_TRY(dk_future_result(*sum, results, NULL));
    assert_int_equal(results[0].as.integer, 3);
    dk_future *both[] = {there, *sum};
    DK_TRY(dk_client_gather(client, both, 2, results, NULL));
    assert_int_equal(results[0].as.integer + results[1].as.integer, 4);
    return DK_OK;
}

static dk_status futures(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *there = NULL, *sum = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_client_scatter(client, dk_value_int(1), true, &there, NULL);
    if (status == DK_OK)
        status = sum_up(client, there, &sum);
    dk_future_free(there);
    dk_future_free(sum);
    dk_client_close(client);
    return status;
}

/* A task that fails as often as it is run. */
static dk_status fail_twice(dk_client *client, dk_future **future)
{
    dk_value result;
    DK_TRY(dk_client_submit(client, "refuse", NULL, 0, NULL, 0, NULL, future, NULL));
    DK_TRY(wait_for(*future));
    DK_TRY(refused(dk_future_result(*future, &result, NULL), DK_ETASK));
    DK_TRY(dk_future_retry(*future, NULL));
    return dk_future_cancel(*future, NULL);
}

static dk_status failures(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *future = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = fail_twice(client, &future);
    dk_future_free(future);
    dk_client_close(client);
    return status;
}

static dk_status run_graph(dk_context *dk, dk_graph *graph)
{
    dk_task_id one, two;
    dk_value arg = dk_value_int(1), result;
    DK_TRY(dk_graph_add(graph, dk_key_at("n", 0), "add", &arg, 1, &one, NULL));
    dk_value args[] = {dk_value_task(one), dk_value_task(one)};
    DK_TRY(dk_graph_add(graph, dk_key_at("n", 1), "add", args, 2, &two, NULL));
    DK_TRY(dk_get_distributed(dk, graph, &two, 1, NULL, &result, NULL));
    assert_int_equal(result.as.integer, 2);
    return DK_OK;
}

static dk_status graphs(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_graph *graph = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_graph_new(dk, &graph);
    if (status == DK_OK)
        status = run_graph(dk, graph);
    dk_graph_free(graph);
    dk_client_close(client);
    return status;
}

/* Files are read and grouped there. */
static dk_status frames(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    DK_TRY(open_client(dk, &client));
    dk_table *table = NULL;
    dk_frame spread = days_spread(days_read(dk, &trial->days));
    dk_status status =
        dk_compute(spread, &(dk_compute_options){.scheduler = "distributed"}, &table);
    if (status == DK_OK)
        assert_true(dk_table_nrows(table) > 0);
    dk_table_unref(table);
    dk_client_close(client);
    return status;
}

/* A worker without memory is one that did not come up, as its parent sees it. */
static dk_status start(dk_context *dk, struct trial *trial)
{
    dk_cluster *cluster = NULL;
    dk_cluster_options options = {.nworkers = 1, .nthreads = 1};
    (void)trial;
    dk_status status = dk_cluster_open(dk, &options, &cluster, NULL);
    if (status == DK_OK)
        assert_non_null(strstr(dk_cluster_address(cluster), "tcp://127.0.0.1:"));
    dk_cluster_close(cluster);
    return status == DK_EIO ? DK_ENOMEM : status;
}

static const struct scenario scenarios[] = {
    {"futures", futures}, {"failures", failures}, {"graphs", graphs},
    {"frames", frames},   {"start", start},
};

int main(void)
{
    dk_context *dk = dk_open(NULL);
    dk_cluster *cluster = NULL;
    dk_cluster_options options = {.nworkers = 1, .nthreads = 2};
    signal(SIGPIPE, SIG_IGN);
    if (!dk || dk_register(dk, "add", add, NULL, NULL) != DK_OK ||
        dk_register(dk, "refuse", refuse, NULL, NULL) != DK_OK ||
        dk_cluster_open(dk, &options, &cluster, NULL) != DK_OK)
        return EXIT_FAILURE;
    address = dk_cluster_address(cluster);
    int failed = run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
    dk_cluster_close(cluster);
    dk_close(dk);
    return failed;
}
