#include "support/live_objects.h"

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

/* Proves that a reduction over 1024 results holds about as many at once as the tree is deep. */
static void test_tree_holds_few(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id top = live_objects_tree(graph, 1024);
    dk_value result = dk_value_null();
    assert_int_equal(dk_get_sync(&dk, graph, &top, 1, NULL, &result, NULL), DK_OK);
    assert_int_equal(atomic_load(&live.made), 2047);
    assert_in_range(atomic_load(&live.most), 11, 12);
    assert_int_equal(atomic_load(&live.now), 1);
    dk_value_unref(result);
    dk_graph_free(graph);
}

/* Proves that a long chain of wide steps holds the results of one step. */
static void test_pipeline_holds_few(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[4];
    dk_task_id last = tasks_add(graph, "live", 0, "live", NULL, 0);
    for (int64_t i = 1; i <= 100; i++) {
        for (int64_t k = 0; k < 4; k++) {
            dk_value arg = dk_value_task(last);
            args[k] = dk_value_task(tasks_add(graph, "step", i * 4 + k, "live", &arg, 1));
        }
        last = tasks_add(graph, "live", i, "live", args, 4);
    }
    dk_value result = dk_value_null();
    assert_int_equal(dk_get_sync(&dk, graph, &last, 1, NULL, &result, NULL), DK_OK);
    assert_in_range(atomic_load(&live.most), 5, 6);
    dk_value_unref(result);
    dk_graph_free(graph);
}

/* Proves that what is not needed does not run, and that a failure stops the rest and frees what
 * there was. */
static void test_failure_stops(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[10];
    for (int64_t i = 0; i < 10; i++) {
        args[i] = dk_value_task(tasks_add(graph, "part", i, i == 6 ? "fail" : "live", NULL, 0));
        tasks_add(graph, "unneeded", i, "live", NULL, 0);
    }
    dk_task_id top = tasks_add(graph, "top", 0, "live", args, 10);
    dk_value result = dk_value_null();
    assert_int_equal(dk_get_sync(&dk, graph, &top, 1, NULL, &result, NULL), DK_EPARSE);
    assert_int_equal(atomic_load(&live.made), 6);
    assert_int_equal(atomic_load(&live.now), 0);
    dk_graph_free(graph);
}

static void note_task(void *self, const dk_task_event *event)
{
    dk_task_id **next = self;
    *(*next)++ = event->task;
}

/* Proves that tasks run in the order that order() gives. */
static void test_order(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        dk_task_id ids[TASKS_RANDOM_MAX];
        dk_task_id order[TASKS_RANDOM_MAX];
        dk_task_id ran[TASKS_RANDOM_MAX];
        dk_task_id *next = ran;
        size_t count = 0;
        dk_value result = dk_value_null();
        dk_graph *graph = tasks_graph(&dk);
        size_t n = tasks_random_graph(graph, seed, ids);
        dk_callbacks callbacks = {.pretask = note_task, .self = &next};
        dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
        assert_int_equal(dk_graph_order(graph, &ids[n - 1], 1, order, &count, NULL), DK_OK);
        assert_int_equal(dk_get_sync(&dk, graph, &ids[n - 1], 1, &options, &result, NULL), DK_OK);
        assert_int_equal(next - ran, count);
        for (size_t i = 0; i < count; i++)
            assert_int_equal(ran[i].id, order[i].id);
        dk_graph_free(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tree_holds_few, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_pipeline_holds_few, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure_stops, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_order, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
