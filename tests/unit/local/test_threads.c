/* What the threads scheduler does that the others need not: sharing, stealing, parking, stopping
 * together. */
#include "support/live_objects.h"

#include <pthread.h>

#include "graph/graph.h"

static struct dk_context dk;
static struct live_objects live;

static int open_context(void **state)
{
    (void)state;
    if (!context_open(&dk, NULL))
        return -1;
    tasks_register(&dk);
    atomic_store(&live.now, 0);
    atomic_store(&live.most, 0);
    atomic_store(&live.made, 0);
    return dk_register(&dk, "live", live_object_make, &live, NULL);
}

static int close_context(void **state)
{
    (void)state;
    return context_close(&dk) == 0 && atomic_load(&live.now) == 0 ? 0 : -1;
}

static dk_status get(const dk_graph *graph, dk_task_id key, int32_t num_workers, dk_value *result,
                     dk_error *err)
{
    dk_get_options options = {.num_workers = num_workers};
    return dk_get_threads(&dk, graph, &key, 1, &options, result, err);
}

/* Proves that four threads hold at most about four times what one would, and free the rest as they
 * go. */
static void test_tree_holds_few(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id top = live_objects_tree(graph, 2048);
    dk_value result = dk_value_null();
    assert_int_equal(get(graph, top, 4, &result, NULL), DK_OK);
    assert_int_equal(atomic_load(&live.made), 4095);
    assert_in_range(atomic_load(&live.most), 12, 4 * 13 + 8);
    dk_value_unref(result);
    dk_graph_free(graph);
}

/* Meets as many others as its user says: none goes on before all are there. */
static dk_status meet(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)err;
    pthread_barrier_wait(dk_task_user(task));
    *result = dk_value_int(1);
    return DK_OK;
}

/* Proves that as many tasks run at once as there are workers: first roots, then what one task makes
 * ready, which the others must be woken for and steal. */
static void test_parallel(void **state)
{
    (void)state;
    enum { NWORKERS = 4 };
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, NWORKERS);
    assert_int_equal(dk_register(&dk, "meet", meet, &barrier, NULL), DK_OK);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[NWORKERS];
    dk_value result = dk_value_null();
    dk_task_id root = tasks_add(graph, "root", 0, "sum", NULL, 0);
    for (int64_t round = 0; round < 20; round++) {
        for (int64_t i = 0; i < NWORKERS; i++) {
            dk_value arg = dk_value_task(root);
            args[i] =
                dk_value_task(tasks_add(graph, "meet", round * NWORKERS + i, "meet", &arg, 1));
        }
        root = tasks_add(graph, "round", round, "sum", args, NWORKERS);
    }
    assert_int_equal(get(graph, root, NWORKERS, &result, NULL), DK_OK);
    assert_int_equal(result.as.integer, NWORKERS);
    dk_graph_free(graph);
    pthread_barrier_destroy(&barrier);
}

/* Proves that random graphs give what one thread gives, with more threads than there are
 * processors. */
static void test_random_graphs(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1150; seed++) {
        dk_task_id ids[TASKS_RANDOM_MAX];
        dk_value expected = dk_value_null();
        dk_value result = dk_value_null();
        dk_graph *graph = tasks_graph(&dk);
        size_t n = tasks_random_graph(graph, seed, ids);
        assert_int_equal(get(graph, ids[n - 1], 8, &result, NULL), DK_OK);
        assert_int_equal(dk_get_sync(&dk, graph, &ids[n - 1], 1, NULL, &expected, NULL), DK_OK);
        assert_int_equal(result.as.integer, expected.as.integer);
        dk_graph_free(graph);
    }
}

/* Proves that many tiny tasks with fan-in and fan-out all run once. */
static void test_many(void **state)
{
    (void)state;
    enum { WIDTH = 500, DEPTH = 40 };
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id layer[WIDTH];
    dk_task_id next[WIDTH];
    dk_value all[WIDTH];
    dk_value one = dk_value_int(1);
    for (int64_t i = 0; i < WIDTH; i++)
        layer[i] = tasks_add(graph, "t", i, "sum", &one, 1);
    for (int64_t depth = 1; depth < DEPTH; depth++) {
        for (int64_t i = 0; i < WIDTH; i++) {
            dk_value args[] = {dk_value_task(layer[i]),
                               dk_value_task(layer[(i * 7 + depth) % WIDTH])};
            next[i] = tasks_add(graph, "t", depth * WIDTH + i, "sum", args, 2);
        }
        memcpy(layer, next, sizeof(layer));
    }
    for (int64_t i = 0; i < WIDTH; i++)
        all[i] = dk_value_task(layer[i]);
    dk_task_id top = tasks_add(graph, "top", 0, "sum", all, WIDTH);
    dk_value result = dk_value_null();
    assert_int_equal(get(graph, top, 4, &result, NULL), DK_OK);
    assert_int_equal(result.as.integer, (int64_t)WIDTH << (DEPTH - 1));
    dk_graph_free(graph);
}

/* Fails once the others are running. */
static dk_status fail_among_others(dk_task *task, const dk_value *args, size_t nargs,
                                   dk_value *result, dk_error *err)
{
    pthread_barrier_wait(dk_task_user(task));
    return tasks_fail(task, args, nargs, result, err);
}

/* Runs until somebody fails. */
static dk_status run_until_failure(dk_task *task, const dk_value *args, size_t nargs,
                                   dk_value *result, dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)result;
    pthread_barrier_wait(dk_task_user(task));
    while (!dk_task_is_cancelled(task)) {
    }
    return error_set(err, DK_ECANCELED, "gave up");
}

/* Proves that running functions see that another task has failed, that the first error is the one
 * reported, and that what has not started does not. */
static void test_failure(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, 3);
    assert_int_equal(dk_register(&dk, "bad", fail_among_others, &barrier, NULL), DK_OK);
    assert_int_equal(dk_register(&dk, "busy", run_until_failure, &barrier, NULL), DK_OK);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[5];
    args[0] = dk_value_task(tasks_add(graph, "busy", 0, "busy", NULL, 0));
    args[1] = dk_value_task(tasks_add(graph, "busy", 1, "busy", NULL, 0));
    args[2] = dk_value_task(tasks_add(graph, "bad", 0, "bad", NULL, 0));
    args[3] = dk_value_task(tasks_add(graph, "late", 0, "live", &args[2], 1));
    args[4] = dk_value_task(tasks_add(graph, "late", 1, "live", &args[3], 1));
    dk_task_id top = tasks_add(graph, "top", 0, "sum", args, 5);
    dk_error err = {0};
    dk_value result = dk_value_null();
    assert_int_equal(get(graph, top, 3, &result, &err), DK_EPARSE);
    assert_string_equal(err.key, "('bad', 0)");
    assert_int_equal(atomic_load(&live.made), 0);
    dk_graph_free(graph);
    pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree_holds_few, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_parallel, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_random_graphs, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_many, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
