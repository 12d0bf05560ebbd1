/* A client of a cluster that runs in another thread: results, failures, and every way to lose them.
 */
#include "unit/node/cluster_support.h"

struct fixture {
    struct cluster cluster;
    struct dk_context dk; /* the client's */
    dk_client *client;
};

/* Graphs want to know the functions of their tasks; nothing runs here. */
static dk_status register_names(struct dk_context *dk)
{
    static const char *const names[] = {"add", "gate", "nonsense"};
    for (int i = 0; i < 3; i++)
        DK_TRY(dk_register(dk, names[i], task_add, NULL, NULL));
    return DK_OK;
}

static void open_client(struct fixture *fixture)
{
    dk_client_options options = {.address = fixture->cluster.address};
    dk_error err = {0};
    assert_true(context_open(&fixture->dk, NULL));
    assert_int_equal(register_names(&fixture->dk), DK_OK);
    dk_status status = dk_client_open(&fixture->dk, &options, &fixture->client, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, DK_OK);
}

static void close_client(struct fixture *fixture)
{
    dk_client_close(fixture->client);
    assert_null(fixture->dk.default_get);
    assert_int_equal(context_close(&fixture->dk), 0);
}

static void open_all(struct fixture *fixture, size_t nworkers)
{
    cluster_open(&fixture->cluster, nworkers);
    open_client(fixture);
}

static void close_all(struct fixture *fixture)
{
    close_client(fixture);
    cluster_close(&fixture->cluster);
}

static dk_future *submit_with(struct fixture *fixture, const char *function, const dk_value *args,
                              size_t nargs, dk_future *const *futures, size_t nfutures,
                              const dk_submit_options *options)
{
    dk_future *future = NULL;
    assert_int_equal(dk_client_submit(fixture->client, function, args, nargs, futures, nfutures,
                                      options, &future, NULL),
                     DK_OK);
    return future;
}

static dk_future *submit(struct fixture *fixture, const char *function, int64_t number)
{
    dk_value arg = dk_value_int(number);
    return submit_with(fixture, function, &arg, 1, NULL, 0, NULL);
}

/* function(future, number) */
static dk_future *submit_after(struct fixture *fixture, const char *function, dk_future *future,
                               int64_t number)
{
    dk_value args[] = {dk_value_task((dk_task_id){0}), dk_value_int(number)};
    return submit_with(fixture, function, args, 2, &future, 1, NULL);
}

static int64_t result_of(dk_future *future)
{
    dk_value result;
    dk_error err = {0};
    dk_status status = dk_future_result(future, &result, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, DK_OK);
    assert_int_equal(result.kind, DK_KIND_INT);
    return result.as.integer;
}

/* Proves that results come back, and that results of others are arguments. */
static void test_results(void **state)
{
    struct fixture fixture;
    (void)state;
    open_all(&fixture, 2);
    assert_string_equal(dk_client_address(fixture.client), fixture.cluster.address);
    dk_future *futures[3];
    futures[0] = submit(&fixture, "add", 1);
    futures[1] = submit_after(&fixture, "add", futures[0], 10);
    futures[2] = submit_after(&fixture, "add", futures[1], 100);
    assert_int_equal(result_of(futures[2]), 111);
    assert_int_equal(dk_future_state(futures[2]), DK_FUTURE_FINISHED);
    assert_int_equal(strncmp(dk_future_key(futures[0]), "add-", 4), 0);
    assert_string_not_equal(dk_future_key(futures[0]), dk_future_key(futures[1]));
    dk_value results[3];
    assert_int_equal(dk_client_gather(fixture.client, futures, 3, results, NULL), DK_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(results[i].as.integer, i == 0 ? 1 : i == 1 ? 11 : 111);
        dk_future_free(futures[i]);
    }
    assert_int_equal(dk_client_gather(fixture.client, NULL, 0, NULL, NULL), DK_OK);
    close_all(&fixture);
}

/* Proves that a failure arrives with its text and the key of its task, at those that depend on it,
 * too, and that retrying can make it good. */
static void test_failure(void **state)
{
    struct fixture fixture;
    dk_error err = {0};
    dk_value result;
    (void)state;
    open_all(&fixture, 1);
    atomic_store(&fixture.cluster.nfailures, 1);
    dk_future *flaky = submit(&fixture, "flaky", 5);
    dk_future *after = submit_after(&fixture, "add", flaky, 1);
    assert_int_equal(dk_future_result(after, &result, &err), DK_ETASK);
    assert_non_null(strstr(err.message, "flaky: not this time"));
    assert_string_equal(err.key, dk_future_key(after));
    assert_int_equal(dk_future_state(flaky), DK_FUTURE_ERROR);
    assert_int_equal(dk_future_wait(after, 0, &err), DK_OK);
    assert_int_equal(dk_future_retry(after, &err), DK_OK);
    while (dk_future_state(after) == DK_FUTURE_ERROR)
        assert_int_equal(dk_future_wait(flaky, -1, NULL), DK_OK);
    assert_int_equal(result_of(after), 6);
    dk_future_free(flaky);
    dk_future_free(after);
    close_all(&fixture);
}

/* Proves that retries that were asked for are made before a task fails. */
static void test_retries(void **state)
{
    struct fixture fixture;
    (void)state;
    open_all(&fixture, 1);
    atomic_store(&fixture.cluster.nfailures, 2);
    dk_value arg = dk_value_int(5);
    dk_submit_options options = {.retries = 2, .priority = 3};
    dk_future *future = submit_with(&fixture, "flaky", &arg, 1, NULL, 0, &options);
    assert_int_equal(result_of(future), 5);
    dk_future_free(future);
    close_all(&fixture);
}

/* Proves that what nobody knows is an error of the future, not of the call, and says its name. */
static void test_unknown_function(void **state)
{
    struct fixture fixture;
    dk_error err = {0};
    dk_value result;
    (void)state;
    open_all(&fixture, 1);
    dk_future *future = submit(&fixture, "nonsense", 1);
    assert_int_equal(dk_future_result(future, &result, &err), DK_ETASK);
    assert_non_null(strstr(err.message, "nonsense"));
    dk_future_free(future);
    dk_value arg = dk_value_task((dk_task_id){3});
    assert_int_equal(dk_client_submit(fixture.client, "add", &arg, 1, NULL, 0, NULL, &future, &err),
                     DK_EINVAL);
    assert_string_equal(err.message, "argument 0 is future 3, and there are 0");
    close_all(&fixture);
}

/* Proves that a value can be put there, and is an argument as any other. */
static void test_scatter(void **state)
{
    struct fixture fixture;
    (void)state;
    open_all(&fixture, 2);
    dk_future *seven, *text;
    dk_value words, back;
    assert_int_equal(dk_value_text(&fixture.dk, "words", 5, &words), DK_OK);
    assert_int_equal(dk_client_scatter(fixture.client, dk_value_int(7), false, &seven, NULL),
                     DK_OK);
    assert_int_equal(dk_client_scatter(fixture.client, words, true, &text, NULL), DK_OK);
    dk_future *sum = submit_after(&fixture, "add", seven, 1);
    assert_int_equal(result_of(sum), 8);
    assert_int_equal(dk_future_result(text, &back, NULL), DK_OK);
    size_t nbytes;
    assert_string_equal(dk_value_data(back, &nbytes), "words");
    dk_value_unref(back);
    dk_value_unref(words);
    dk_future_free(seven);
    dk_future_free(text);
    dk_future_free(sum);
    close_all(&fixture);
}

/* Proves that a key that was let go of and is submitted again is computed again: letting go does
 * not overtake the submission. */
static void test_same_key_again(void **state)
{
    struct fixture fixture;
    dk_submit_options options = {.key = "the-same"};
    (void)state;
    open_all(&fixture, 1);
    for (int64_t i = 0; i < 100; i++) {
        dk_value arg = dk_value_int(i);
        dk_future *future = submit_with(&fixture, "add", &arg, 1, NULL, 0, &options);
        dk_future *twin = submit_with(&fixture, "add", &arg, 1, NULL, 0, &options);
        assert_string_equal(dk_future_key(future), "the-same");
        dk_future_free(future);
        assert_int_equal(result_of(twin), i);
        dk_future_free(twin);
    }
    close_all(&fixture);
}

/* Proves that waiting ends in time, and that a cancelled task is said to be. */
static void test_waiting(void **state)
{
    struct fixture fixture;
    dk_error err = {0};
    dk_value result;
    (void)state;
    open_all(&fixture, 1);
    dk_future *running = submit(&fixture, "gate", 1);
    dk_future *waiting = submit_after(&fixture, "add", running, 1);
    assert_int_equal(dk_future_wait(waiting, 0.01, &err), DK_EIO);
    assert_string_equal(err.message, "not done in time");
    assert_int_equal(dk_future_state(waiting), DK_FUTURE_PENDING);
    dk_cancel_options why = {.reason = "enough", .msg = "of it"};
    assert_int_equal(dk_future_cancel(waiting, &why, &err), DK_OK);
    assert_int_equal(dk_future_wait(waiting, -1, &err), DK_OK);
    assert_int_equal(dk_future_state(waiting), DK_FUTURE_CANCELLED);
    assert_int_equal(dk_future_result(waiting, &result, &err), DK_ECANCELED);
    assert_non_null(strstr(err.message, "was cancelled: enough: of it"));
    assert_true(dk_future_raised(waiting, &result));
    assert_string_equal(dk_value_data(dk_value_find(result, "reason"), NULL), "enough");
    dk_value_unref(result);
    sem_post(&fixture.cluster.gate);
    assert_int_equal(result_of(running), 1);
    dk_future_free(waiting);
    dk_future_free(running);
    close_all(&fixture);
}

/* Proves that work waits for the first worker. */
static void test_no_worker_yet(void **state)
{
    struct fixture fixture;
    (void)state;
    open_all(&fixture, 0);
    dk_future *future = submit(&fixture, "add", 3);
    assert_int_equal(dk_future_state(future), DK_FUTURE_PENDING);
    cluster_add_worker(&fixture.cluster);
    assert_int_equal(result_of(future), 3);
    dk_future_free(future);
    close_all(&fixture);
}

struct waiter {
    dk_future *future;
    dk_status status;
    dk_error err;
};

static void *wait_for_result(void *self)
{
    struct waiter *waiter = self;
    dk_value result;
    waiter->status = dk_future_result(waiter->future, &result, &waiter->err);
    return NULL;
}

/* Proves that who waits when the scheduler goes is told so, with its address, and so is who comes
 * later; nothing hangs. */
static void test_scheduler_goes(void **state)
{
    struct fixture fixture;
    dk_error err = {0};
    dk_value arg = dk_value_int(1);
    pthread_t thread;
    (void)state;
    open_all(&fixture, 0);
    struct waiter waiter = {.future = submit(&fixture, "add", 1)};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_result, &waiter), 0);
    cluster_order(&fixture.cluster, stop_scheduler);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.status, DK_EIO);
    assert_non_null(strstr(waiter.err.message, fixture.cluster.address));
    dk_future *future = NULL;
    assert_int_equal(dk_client_submit(fixture.client, "add", &arg, 1, NULL, 0, NULL, &future, &err),
                     DK_EIO);
    assert_non_null(strstr(err.message, fixture.cluster.address));
    assert_int_equal(dk_client_scatter(fixture.client, arg, false, &future, &err), DK_EIO);
    assert_int_equal(dk_future_cancel(waiter.future, NULL, &err), DK_EIO);
    assert_int_equal(dk_future_retry(waiter.future, &err), DK_EIO);
    assert_int_equal(dk_future_wait(waiter.future, -1, &err), DK_EIO);
    dk_future_free(waiter.future);
    close_client(&fixture);
    cluster_join(&fixture.cluster);
}

/* Proves that the newest client is the default, unless it does not want to be, and that a client
 * needs a scheduler that is there. */
static void test_opening(void **state)
{
    struct fixture fixture;
    struct dk_context dk;
    dk_client *client = NULL;
    dk_error err = {0};
    (void)state;
    open_all(&fixture, 1);
    dk_client_options options = {.address = fixture.cluster.address, .timeout_s = 20};
    assert_int_equal(dk_client_open(&fixture.dk, &options, &client, &err), DK_OK);
    assert_ptr_equal(fixture.dk.client, client);
    dk_client_close(client);
    assert_ptr_equal(fixture.dk.client, fixture.client);
    options.no_default = true;
    assert_int_equal(dk_client_open(&fixture.dk, &options, &client, &err), DK_OK);
    assert_ptr_equal(fixture.dk.client, fixture.client);
    dk_client_close(client);
    assert_true(context_open(&dk, NULL));
    options.address = worker_node_address(fixture.cluster.workers[0]);
    assert_int_equal(dk_client_open(&dk, &options, &client, &err), DK_EIO);
    assert_non_null(strstr(err.message, "this is no scheduler"));
    options.address = "nonsense";
    assert_int_equal(dk_client_open(&dk, &options, &client, &err), DK_EINVAL);
    close_all(&fixture);
    options.address = fixture.cluster.address;
    assert_int_equal(dk_client_open(&dk, &options, &client, &err), DK_EIO);
    assert_non_null(strstr(err.message, fixture.cluster.address));
    assert_null(dk.client);
    assert_int_equal(context_close(&dk), 0);
}

#define NTHREADS 4
#define NTASKS   60

static void *work(void *self)
{
    struct fixture *fixture = self;
    dk_future *futures[NTASKS];
    dk_value results[NTASKS];
    for (int64_t i = 0; i < NTASKS; i++)
        futures[i] =
            i % 2 ? submit_after(fixture, "add", futures[i - 1], i) : submit(fixture, "add", i);
    assert_int_equal(dk_client_gather(fixture->client, futures, NTASKS, results, NULL), DK_OK);
    for (int64_t i = 0; i < NTASKS; i++) {
        assert_int_equal(results[i].as.integer, i % 2 ? 2 * i - 1 : i);
        dk_future_free(futures[i]);
    }
    return NULL;
}

/* Proves that several threads may use one client. */
static void test_threads(void **state)
{
    struct fixture fixture;
    pthread_t threads[NTHREADS];
    (void)state;
    open_all(&fixture, 2);
    for (int i = 0; i < NTHREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &fixture), 0);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    close_all(&fixture);
}

/* A chain and a sum of all of it. */
static dk_graph *make_graph(dk_context *dk, const char *first, dk_task_id *last)
{
    dk_graph *graph;
    dk_task_id ids[5];
    dk_value args[5];
    if (dk_graph_new(dk, &graph) != DK_OK)
        return NULL;
    dk_status status = DK_OK;
    for (int i = 0; i < 5 && status == DK_OK; i++) {
        dk_value step[] = {i ? dk_value_task(ids[i - 1]) : dk_value_int(0), dk_value_int(1)};
        status =
            dk_graph_add(graph, dk_key_at("step", i), i ? "add" : first, step, 2, &ids[i], NULL);
        args[i] = dk_value_task(ids[i]);
    }
    if (status == DK_OK)
        status = dk_graph_add(graph, dk_key_text("sum"), "add", args, 5, last, NULL);
    if (status == DK_OK)
        return graph;
    dk_graph_free(graph);
    return NULL;
}

/* Proves that a graph runs there as anywhere, that its failures have the graph's keys, and that a
 * flag stops it. */
static void test_get(void **state)
{
    struct fixture fixture;
    dk_task_id sum;
    dk_value result;
    dk_error err = {0};
    (void)state;
    open_all(&fixture, 2);
    dk_graph *graph = make_graph(&fixture.dk, "add", &sum);
    assert_int_equal(dk_get_distributed(&fixture.dk, graph, &sum, 1, NULL, &result, &err), DK_OK);
    assert_int_equal(result.as.integer, 15);
    dk_graph_free(graph);
    graph = make_graph(&fixture.dk, "nonsense", &sum);
    assert_int_equal(dk_get_distributed(&fixture.dk, graph, &sum, 1, NULL, &result, &err),
                     DK_ETASK);
    assert_non_null(strstr(err.message, "nonsense"));
    dk_graph_free(graph);
    graph = make_graph(&fixture.dk, "gate", &sum);
    int cancel = 1;
    assert_int_equal(dk_get_distributed(&fixture.dk, graph, &sum, 1,
                                        &(dk_get_options){.cancel = &cancel}, &result, &err),
                     DK_ECANCELED);
    dk_graph_free(graph);
    sem_post(&fixture.cluster.gate);
    close_all(&fixture);
}

/* ---- without memory ---- */

static struct cluster *shared;

static dk_status use_futures(dk_client *client)
{
    dk_value args[] = {dk_value_task((dk_task_id){0}), dk_value_int(1)}, results[2];
    dk_future *futures[2] = {NULL, NULL};
    dk_status status = dk_client_scatter(client, args[1], false, &futures[0], NULL);
    if (status == DK_OK)
        status = dk_client_submit(client, "add", args, 2, futures, 1, NULL, &futures[1], NULL);
    if (status == DK_OK)
        status = dk_client_gather(client, futures, 2, results, NULL);
    if (status == DK_OK)
        assert_int_equal(results[1].as.integer, 2);
    dk_future_free(futures[1]);
    dk_future_free(futures[0]);
    return status;
}

static dk_status use_graph(struct dk_context *dk)
{
    dk_task_id sum;
    dk_value result;
    dk_graph *graph = make_graph(dk, "add", &sum);
    if (!graph)
        return DK_ENOMEM;
    dk_status status = dk_get_distributed(dk, graph, &sum, 1, NULL, &result, NULL);
    if (status == DK_OK)
        assert_int_equal(result.as.integer, 15);
    dk_graph_free(graph);
    return status;
}

/* A failing task's text may be what there is no memory for. */
static dk_status use_failure(dk_client *client)
{
    dk_value result;
    dk_future *future;
    DK_TRY(dk_client_submit(client, "nonsense", NULL, 0, NULL, 0, NULL, &future, NULL));
    dk_status status = dk_future_result(future, &result, NULL);
    dk_future_free(future);
    return status == DK_ETASK ? DK_OK : status;
}

static dk_status use_all(struct dk_context *dk)
{
    dk_client_options options = {.address = shared->address};
    dk_client *client;
    DK_TRY(register_names(dk));
    DK_TRY(dk_client_open(dk, &options, &client, NULL));
    dk_status status = use_futures(client);
    if (status == DK_OK)
        status = use_graph(dk);
    if (status == DK_OK)
        status = use_failure(client);
    dk_client_close(client);
    return status;
}

/* Proves that a client without memory says so, whatever it was doing, and gives everything back. */
static void test_out_of_memory(void **state)
{
    struct cluster cluster;
    (void)state;
    cluster_open(&cluster, 1);
    shared = &cluster;
    fail_each_allocation_of(use_all);
    cluster_close(&cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_retries),        cmocka_unit_test(test_unknown_function),
        cmocka_unit_test(test_scatter),        cmocka_unit_test(test_same_key_again),
        cmocka_unit_test(test_waiting),        cmocka_unit_test(test_no_worker_yet),
        cmocka_unit_test(test_scheduler_goes), cmocka_unit_test(test_opening),
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_get),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
