/* Every allocation of a client fails once, and those of a cluster's start. The cluster that the
 * clients use has memory enough, in a context of its own. */
#include <signal.h>
#include <unistd.h>

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

/* Raises what any Python could load, as a host language does: None. */
static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    assert_true(!dk_task_worker(task) == !dk_task_scheduler(task));
    assert_true(!dk_task_worker(task) == !dk_task_folder(task));
    assert_true(!dk_task_worker(task) == !dk_task_worker_name(task));
    assert_true(!dk_task_worker(task) == !dk_task_worker_nthreads(task));
    dk_task_secede(task);
    dk_task_rejoin(task);
    DK_TRY(dk_task_raise(task, "\x80\x04N.", 4, "\x80\x04N.", 4));
    return DK_EINVAL;
}

static dk_status open_client(dk_context *dk, dk_client **client)
{
    dk_client_options options = {.address = address, .no_default = true};
    DK_TRY(dk_register(dk, "add", add, NULL, NULL));
    DK_TRY(dk_client_open(dk, &options, client, NULL));
    assert_string_equal(dk_client_address(*client), address);
    (void)dk_client_is_connected(*client); /* what its thread cannot allocate may have ended it */
    return DK_OK;
}

static dk_status wait_for(dk_future *future)
{
    assert_string_not_equal(dk_future_key(future), "");
    assert_non_null(dk_future_client(future));
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
    dk_value result, raised;
    DK_TRY(dk_client_submit(client, "refuse", NULL, 0, NULL, 0, NULL, future, NULL));
    DK_TRY(wait_for(*future));
    DK_TRY(refused(dk_future_result(*future, &result, NULL), DK_ETASK));
    assert_true(dk_future_raised(*future, &raised));
    assert_int_equal(dk_value_find(raised, "exception").kind, DK_KIND_BYTES);
    dk_value_unref(raised);
    DK_TRY(dk_future_retry(*future, NULL));
    return dk_future_cancel(*future, &(dk_cancel_options){.reason = "enough"}, NULL);
}

/* It stands for itself in a graph. */
static dk_status keep(const dk_future *future)
{
    dk_value kept;
    DK_TRY(dk_future_kept(future, &kept));
    dk_value_unref(kept);
    return DK_OK;
}

static dk_status failures(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *future = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = fail_twice(client, &future);
    if (status == DK_OK)
        status = keep(future);
    dk_client_disconnect(client);
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

/* The same, without waiting for it. */
static dk_status begin_graph(dk_client *client, const dk_graph *graph, dk_future **future)
{
    dk_task_id last = {1};
    dk_wait_options wait = {.timeout_s = 60, .has_timeout = true};
    dk_value result;
    DK_TRY(dk_client_compute(client, graph, &last, 1, NULL, future, NULL));
    DK_TRY(dk_client_gather_with(client, future, 1, DK_DIRECT_AUTO, &wait, &result, NULL));
    assert_int_equal(result.as.integer, 2);
    return DK_OK;
}

static dk_status graphs(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_graph *graph = NULL;
    dk_future *future = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_graph_new(dk, &graph);
    if (status == DK_OK)
        status = run_graph(dk, graph);
    if (status == DK_OK)
        status = begin_graph(client, graph, &future);
    dk_future_free(future);
    dk_graph_free(graph);
    dk_client_close(client);
    return status;
}

/* {"op": `op`} */
static dk_status make_message(dk_context *dk, const char *op, dk_value *out)
{
    dk_value items[2] = {{DK_KIND_NULL, {0}}};
    DK_TRY(dk_value_text(dk, "op", 2, &items[0]));
    dk_status status = dk_value_text(dk, op, strlen(op), &items[1]);
    if (status == DK_OK)
        return dk_value_map(dk, items, 2, out);
    dk_value_unref(items[0]);
    return status;
}

/* {worker: threads} */
static dk_status ask(dk_client *client, dk_value message)
{
    dk_wait_options wait = {.timeout_s = 60, .has_timeout = true};
    dk_value answer;
    size_t count = 0;
    DK_TRY(dk_client_ask(client, message, &wait, &answer, NULL));
    const dk_value *items = dk_value_items(answer, &count);
    assert_true(count >= 2 && items[1].as.integer > 0);
    dk_value_unref(answer);
    return DK_OK;
}

static dk_status questions(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_value say = dk_value_null(), question = dk_value_null();
    (void)trial;
    DK_TRY(open_client(dk, &client));
    assert_non_null(strstr(dk_client_id(client), "Client-"));
    dk_status status = make_message(dk, "heartbeat-client", &say);
    if (status == DK_OK)
        status = dk_client_say(client, say, NULL);
    if (status == DK_OK)
        status = make_message(dk, "ncores", &question);
    if (status == DK_OK)
        status = ask(client, question);
    dk_value_unref(say);
    dk_value_unref(question);
    dk_client_close(client);
    return status;
}

/* Hears of a future and of another one of its key when they are done. */
static dk_status hear(dk_client *client, dk_future *futures[2])
{
    dk_value arg = dk_value_int(1), name;
    int64_t tokens[2];
    DK_TRY(dk_client_submit(client, "add", &arg, 1, NULL, 0, NULL, &futures[0], NULL));
    DK_TRY(dk_future_name(futures[0], &name));
    dk_status status = dk_client_future(client, name, &futures[1], NULL);
    dk_value_unref(name);
    DK_TRY(status);
    for (int i = 0; i < 2; i++)
        dk_future_watch(futures[i], i + 1);
    for (int i = 0; i < 2; i++)
        DK_TRY(dk_client_next_done(client, NULL, &tokens[i], NULL));
    assert_int_equal(tokens[0] + tokens[1], 3);
    dk_client_end_watch(client);
    assert_int_equal(dk_client_next_done(client, NULL, &tokens[0], NULL), DK_ECANCELED);
    return DK_OK;
}

static dk_status watched(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *futures[2] = {NULL, NULL};
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = hear(client, futures);
    dk_future_free(futures[0]);
    dk_future_free(futures[1]);
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

/* The futures of a frame's partitions. */
static dk_status look_for_futures(dk_frame frame)
{
    dk_graph *graph = NULL;
    dk_task_id key;
    dk_future *futures[32];
    size_t count = 0;
    DK_TRY(dk_frame_graph(&frame, 1, &graph, &key, NULL));
    assert_true(dk_graph_ntasks(graph) < 32);
    dk_status status = dk_graph_futures(graph, futures, &count);
    if (status == DK_OK)
        assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        dk_future_free(futures[i]);
    dk_graph_free(graph);
    return status;
}

/* As another process would. */
static dk_status adopt(dk_context *dk, dk_frame frame)
{
    dk_value description, results[3] = {dk_value_int(1), dk_value_int(2), dk_value_int(3)};
    DK_TRY(dk_frame_description(frame, &description, NULL));
    dk_frame adopted = dk_adopt(dk, description, NULL, results, 3);
    const dk_error *error = dk_frame_error(adopted);
    dk_status status = error ? error->status : DK_OK;
    dk_forget(adopted);
    dk_value_unref(description);
    return status;
}

/* They are kept there, and outlive the client here. */
static dk_status persisted(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    DK_TRY(open_client(dk, &client));
    dk_table *table = NULL;
    dk_compute_options options = {.scheduler = "distributed"};
    dk_frame df = days_read(dk, &trial->days), kept;
    dk_status status = dk_persist(&df, 1, &options, &kept);
    if (status == DK_OK)
        status = look_for_futures(kept);
    if (status == DK_OK)
        status = adopt(dk, kept);
    if (status == DK_OK)
        status = dk_compute(dk_max(dk_col(kept, "high")), &options, &table);
    dk_table_unref(table);
    dk_client_close(client);
    return status;
}

/* The same function for two arguments. */
static dk_status map_and_wait(dk_client *client)
{
    dk_value args[] = {dk_value_int(1), dk_value_int(2)};
    dk_future *futures[2];
    DK_TRY(dk_client_map(client, "add", args, 2, NULL, futures, NULL));
    dk_status status = dk_client_wait(client, futures, 2, NULL, NULL);
    if (status == DK_OK)
        status = dk_client_fire_and_forget(client, futures[0], NULL);
    dk_future_free(futures[0]);
    dk_future_free(futures[1]);
    return status;
}

static dk_status mapped(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = map_and_wait(client);
    dk_client_close(client);
    return status;
}

static dk_status ask_about(dk_client *client, dk_future *future)
{
    dk_value answer;
    DK_TRY(dk_client_scheduler_info(client, &answer, NULL));
    dk_value_unref(answer);
    DK_TRY(dk_client_nthreads(client, &answer, NULL));
    dk_value_unref(answer);
    DK_TRY(dk_client_who_has(client, &future, 1, &answer, NULL));
    dk_value_unref(answer);
    DK_TRY(dk_client_has_what(client, NULL, 0, &answer, NULL));
    dk_value_unref(answer);
    DK_TRY(dk_client_scheduler_logs(client, 1, &answer, NULL));
    dk_value_unref(answer);
    DK_TRY(dk_client_worker_logs(client, 1, NULL, 0, false, &answer, NULL));
    dk_value_unref(answer);
    return DK_OK;
}

static dk_status asked(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *there = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_client_scatter(client, dk_value_int(1), false, &there, NULL);
    if (status == DK_OK)
        status = ask_about(client, there);
    dk_future_free(there);
    dk_client_close(client);
    return status;
}

/* An object that is lent to its message. */
static void stay(void *object)
{
    (void)object;
}

static dk_status pack_whole(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    (void)err;
    return dk_value_bytes(dk, object, 4, bytes);
}

static dk_status unpack_whole(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                              dk_error *err)
{
    (void)dk;
    (void)bytes;
    (void)nbytes;
    (void)object;
    (void)err;
    return DK_EPARSE;
}

static dk_status pack_parts(dk_context *dk, void *object, dk_parts *parts, dk_error *err)
{
    (void)dk;
    (void)err;
    DK_TRY(dk_parts_add(parts, "\x80\x05N.", 4, stay, NULL));
    return dk_parts_add(parts, object, 4, stay, NULL);
}

static dk_status unpack_parts(dk_context *dk, const dk_part *parts, size_t nparts, void **object,
                              dk_error *err)
{
    static char thing;
    (void)dk;
    (void)err;
    assert_int_equal(nparts, 2);
    assert_memory_equal(parts[1].data, "part", 4);
    *object = &thing;
    return DK_OK;
}

static dk_status in_parts(dk_context *dk, struct trial *trial)
{
    static char object[] = "part";
    static const dk_object_type type = {"parted", stay, pack_whole, unpack_whole,
                                        NULL,     true, pack_parts, unpack_parts};
    dk_client *client;
    dk_future *future = NULL;
    dk_value value, result;
    (void)trial;
    DK_TRY(dk_register_type(dk, &type, NULL));
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_value_object(dk, &type, object, &value);
    if (status == DK_OK) {
        status = dk_client_scatter(client, value, false, &future, NULL);
        dk_value_unref(value);
    }
    if (status == DK_OK)
        status = dk_future_result(future, &result, NULL);
    if (status == DK_OK) {
        assert_non_null(dk_value_as_object(result, &type));
        dk_value_unref(result);
    }
    dk_future_free(future);
    dk_client_close(client);
    return status;
}

static dk_status publish(dk_client *client, dk_future *future)
{
    dk_value names;
    dk_future *found[1];
    size_t count;
    DK_TRY(dk_client_publish(client, "numbers", &future, 1, true, NULL));
    DK_TRY(dk_client_datasets(client, &names, NULL));
    dk_value_unref(names);
    DK_TRY(dk_client_dataset(client, "numbers", found, 1, &count, NULL));
    dk_future_free(found[0]);
    return dk_client_unpublish(client, "numbers", NULL);
}

static dk_status published(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    dk_future *there = NULL;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_client_scatter(client, dk_value_int(1), false, &there, NULL);
    if (status == DK_OK)
        status = publish(client, there);
    dk_future_free(there);
    dk_client_close(client);
    return status;
}

/* On the worker itself; what it is sent is no shared object. */
static dk_status run_and_upload(dk_client *client, const struct trial *trial)
{
    char path[128];
    dk_value one = dk_value_int(1), results;
    DK_TRY(dk_client_run(client, "add", &one, 1, NULL, 0, &results, NULL));
    dk_value_unref(results);
    days_path(&trial->days, 0, path);
    return refused(dk_client_upload_file(client, path, NULL), DK_ETASK);
}

static dk_status everywhere(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    DK_TRY(open_client(dk, &client));
    dk_status status = run_and_upload(client, trial);
    dk_client_close(client);
    return status;
}

/* The last: it leaves the cluster without a worker. */
static dk_status retired(dk_context *dk, struct trial *trial)
{
    dk_client *client;
    const char *const strangers[] = {"tcp://127.0.0.1:1"};
    dk_value gone;
    (void)trial;
    DK_TRY(open_client(dk, &client));
    dk_status status = dk_client_retire_workers(client, strangers, 1, &gone, NULL);
    if (status == DK_OK)
        dk_value_unref(gone);
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
    if (status == DK_OK) {
        assert_non_null(strstr(dk_cluster_address(cluster), "tcp://127.0.0.1:"));
        assert_non_null(strstr(dk_cluster_dashboard(cluster), "http://127.0.0.1:"));
    }
    dk_cluster_close(cluster);
    return status == DK_EIO ? DK_ENOMEM : status;
}

/* Of a scheduler that has no memory, either, and ends without. */
static dk_status begin_anew(dk_context *dk, const char *scheduler)
{
    dk_client_options options = {.address = scheduler};
    dk_client *client;
    DK_TRY(dk_client_open(dk, &options, &client, NULL));
    dk_status status = dk_client_restart(client, 1, false, NULL, NULL);
    dk_client_close(client);
    return status;
}

static dk_status restart(dk_context *dk, struct trial *trial)
{
    dk_cluster *cluster = NULL;
    dk_cluster_options options = {.no_workers = true};
    (void)trial;
    dk_status status = dk_cluster_open(dk, &options, &cluster, NULL);
    if (status == DK_OK)
        status = begin_anew(dk, dk_cluster_address(cluster));
    dk_cluster_close(cluster);
    return status == DK_EIO || status == DK_ETASK ? DK_ENOMEM : status;
}

static int stop_fds[2];

static void stop_when_registered(void *self, const char *level, const char *name, const char *text)
{
    (void)self;
    (void)level;
    (void)name;
    if (strstr(text, "Registered to"))
        assert_int_equal(write(stop_fds[1], "x", 1), 1);
}

/* Where a message cannot be read for want of memory, the scheduler is lost. */
static dk_status work(dk_context *dk, struct trial *trial)
{
    (void)trial;
    assert_int_equal(pipe(stop_fds), 0);
    dk_worker_options options = {
        .address = address, .nthreads = 1, .stop_fd = stop_fds[0], .log = stop_when_registered};
    dk_status status = dk_worker_run(dk, &options, NULL);
    close(stop_fds[0]);
    close(stop_fds[1]);
    return status == DK_EIO ? DK_ENOMEM : status;
}

static const struct scenario scenarios[] = {
    {"futures", futures},       {"failures", failures},   {"graphs", graphs},
    {"frames", frames},         {"persisted", persisted}, {"watched", watched},
    {"questions", questions},   {"start", start},         {"work", work},
    {"mapped", mapped},         {"asked", asked},         {"published", published},
    {"everywhere", everywhere}, {"retired", retired},     {"restart", restart},
    {"in_parts", in_parts},
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
