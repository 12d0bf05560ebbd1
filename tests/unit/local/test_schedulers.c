/* What holds for every scheduler: each test runs under all three. */
#include "support/failing_allocator.h"

#include <pthread.h>
#include <string.h>

#include "graph/graph.h"
#include "support/boxes.h"

static const dk_get gets[] = {dk_get_sync, dk_get_threads, dk_get_processes};

#define NGETS (sizeof(gets) / sizeof(gets[0]))

static struct dk_context dk;

static int open_context(void **state)
{
    (void)state;
    if (!context_open(&dk, NULL))
        return -1;
    tasks_register(&dk);
    return 0;
}

/* Nothing may be left on the ledger of any test. */
static int close_context(void **state)
{
    (void)state;
    return context_close(&dk) == 0 ? 0 : -1;
}

/* Proves that the three give equal results on random graphs with random wanted keys, fused and not.
 */
static void test_random_graphs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 60; seed++) {
        dk_task_id ids[TASKS_RANDOM_MAX];
        uint64_t random = seed;
        dk_graph *graph = tasks_graph(&dk);
        size_t n = tasks_random_graph(graph, seed, ids);
        dk_task_id keys[5] = {ids[n - 1]};
        for (int i = 1; i < 5; i++)
            keys[i] = ids[tasks_random(&random) % n];
        dk_value results[NGETS][5];
        for (size_t g = 0; g < NGETS; g++) {
            dk_error err = {0};
            dk_get_options options = {.num_workers = (int32_t)(seed % 4 + 1), .no_fuse = seed % 2};
            dk_status status = gets[g](&dk, graph, keys, 5, &options, results[g], &err);
            if (status != DK_OK)
                fail_msg("seed %d: %s", (int)seed, err.message);
            for (int i = 0; i < 5; i++) {
                assert_int_equal(results[g][i].kind, DK_KIND_INT);
                assert_int_equal(results[g][i].as.integer, results[0][i].as.integer);
            }
        }
        dk_graph_free(graph);
    }
}

/* Proves that wanting nothing is fine, that a key may be wanted twice, and an argument be given
 * twice. */
static void test_repeated(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_value number = dk_value_int(21);
    dk_task_id a = tasks_add(graph, "a", 0, "sum", &number, 1);
    dk_task_id b =
        tasks_add(graph, "b", 0, "sum", (dk_value[]){dk_value_task(a), dk_value_task(a)}, 2);
    for (size_t g = 0; g < NGETS; g++) {
        dk_value results[4];
        dk_task_id keys[] = {b, a, b, a};
        assert_int_equal(gets[g](&dk, graph, NULL, 0, NULL, NULL, NULL), DK_OK);
        assert_int_equal(gets[g](&dk, graph, keys, 4, NULL, results, NULL), DK_OK);
        for (int i = 0; i < 4; i++)
            assert_int_equal(results[i].as.integer, i % 2 ? 21 : 42);
    }
    dk_graph_free(graph);
}

/* Proves that values of every kind are shared between results and freed in the end. */
static void test_values(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    assert_int_equal(dk_register(&dk, "texts", tasks_texts, NULL, NULL), DK_OK);
    dk_value number = dk_value_int(5);
    dk_task_id texts = tasks_add(graph, "texts", 0, "texts", &number, 1);
    dk_value arg = dk_value_task(texts);
    dk_task_id mixed[4];
    for (int64_t i = 0; i < 4; i++)
        mixed[i] = tasks_add(graph, "mix", i, "mix", &arg, 1);
    dk_task_id keys[] = {texts, mixed[0], mixed[3], texts};
    int64_t digest = 0;
    for (size_t g = 0; g < NGETS; g++) {
        dk_value results[4];
        size_t n = 0;
        assert_int_equal(gets[g](&dk, graph, keys, 4, NULL, results, NULL), DK_OK);
        const dk_value *items = dk_value_items(results[0], &n);
        assert_int_equal(n, 5);
        assert_string_equal(dk_value_data(items[4], NULL), "text 4");
        if (g == 0)
            digest = results[1].as.integer;
        assert_int_equal(results[1].as.integer, digest);
        assert_int_equal(results[2].as.integer, digest);
        for (int i = 0; i < 4; i++)
            dk_value_unref(results[i]);
    }
    dk_graph_free(graph);
}

/* Proves that the first failing task gives the error its key, its function, its line and its own
 * words, and that results are left alone. */
static void test_failure(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id fails = tasks_add(graph, "parse", 3, "fail", NULL, 0);
    dk_value args[] = {dk_value_task(fails), dk_value_int(1)};
    dk_task_id top = tasks_add(graph, "top", 0, "sum", args, 2);
    for (size_t g = 0; g < NGETS; g++) {
        dk_error err = {0};
        dk_value result = dk_value_int(-1);
        assert_int_equal(gets[g](&dk, graph, &top, 1, NULL, &result, &err), DK_EPARSE);
        assert_int_equal(err.status, DK_EPARSE);
        assert_int_equal(err.line, 7);
        assert_string_equal(err.key, "('parse', 3)");
        assert_string_equal(err.message,
                            "task ('parse', 3), function fail: line 7: not a number: 'x'");
        assert_int_equal(result.as.integer, -1);
        assert_int_equal(gets[g](&dk, graph, &top, 1, NULL, &result, NULL), DK_EPARSE);
    }
    dk_graph_free(graph);
}

/* Proves that a cycle and a task nobody defined are refused before anything runs. */
static void test_refused(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id a = {0};
    dk_task_id missing = {0};
    assert_int_equal(dk_graph_task(graph, dk_key_text("a"), &a), DK_OK);
    assert_int_equal(dk_graph_task(graph, dk_key_text("missing"), &missing), DK_OK);
    dk_value arg = dk_value_task(a);
    dk_task_id b = tasks_add(graph, "b", 0, "sum", &arg, 1);
    arg = dk_value_task(b);
    assert_int_equal(dk_graph_add(graph, dk_key_text("a"), "sum", &arg, 1, NULL, NULL), DK_OK);
    for (size_t g = 0; g < NGETS; g++) {
        dk_error err = {0};
        dk_value result = dk_value_null();
        assert_int_equal(gets[g](&dk, graph, &b, 1, NULL, &result, &err), DK_ECYCLE);
        assert_non_null(strstr(err.message, "cycle"));
        assert_int_equal(gets[g](&dk, graph, &missing, 1, NULL, &result, &err), DK_EKEY);
        assert_non_null(strstr(err.message, "missing"));
    }
    dk_graph_free(graph);
}

/* Proves that a computation that is cancelled before it starts does nothing and says so. */
static void test_cancelled(void **state)
{
    (void)state;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id task = tasks_add(graph, "fail", 0, "fail", NULL, 0);
    volatile int cancel = 1;
    dk_get_options options = {.cancel = &cancel};
    for (size_t g = 0; g < NGETS; g++) {
        dk_error err = {0};
        dk_value result = dk_value_null();
        assert_int_equal(gets[g](&dk, graph, &task, 1, &options, &result, &err), DK_ECANCELED);
        assert_int_equal(err.status, DK_ECANCELED);
        assert_int_equal(strlen(err.key), 0);
    }
    dk_graph_free(graph);
}

/* Runs until it is cancelled, and cancels it all itself. */
static dk_status wait_for_cancel(dk_task *task, const dk_value *args, size_t nargs,
                                 dk_value *result, dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)result;
    volatile int *cancel = dk_task_user(task);
    __atomic_store_n(cancel, 1, __ATOMIC_RELAXED);
    while (!dk_task_is_cancelled(task)) {
    }
    return error_set(err, DK_ECANCELED, "stopped early");
}

/* Proves that running functions can see that they are cancelled, and that nothing starts after. */
static void test_cancel_while_running(void **state)
{
    (void)state;
    volatile int cancel = 0;
    dk_graph *graph = tasks_graph(&dk);
    assert_int_equal(dk_register(&dk, "wait", wait_for_cancel, (void *)(uintptr_t)&cancel, NULL),
                     DK_OK);
    dk_task_id waits = tasks_add(graph, "wait", 0, "wait", NULL, 0);
    dk_value arg = dk_value_task(waits);
    dk_task_id top = tasks_add(graph, "top", 0, "sum", &arg, 1);
    for (size_t g = 0; g < 2; g++) { /* a process sets a flag of its own */
        dk_error err = {0};
        dk_value result = dk_value_null();
        dk_get_options options = {.cancel = &cancel};
        cancel = 0;
        assert_int_equal(gets[g](&dk, graph, &top, 1, &options, &result, &err), DK_ECANCELED);
    }
    dk_graph_free(graph);
}

/* The sanitizers' allocators do not survive a fork while another thread allocates: their locks stay
 * taken in the child. malloc's do, so this test runs without a sanitizer as well. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NGETS_AT_ONCE 2
#else
#define NGETS_AT_ONCE NGETS
#endif

struct caller {
    pthread_t thread;
    uint64_t seed;
    bool is_wrong;
};

/* One of several callers: its own graphs, on the common context. */
static void *call_all(void *arg)
{
    struct caller *caller = arg;
    for (uint64_t round = 0; round < 10; round++) {
        dk_graph *graph = NULL;
        if (dk_graph_new(&dk, &graph) != DK_OK)
            return NULL;
        dk_task_id id = {0};
        for (int64_t i = 0; i < 40; i++) {
            dk_value args[] = {dk_value_int((int64_t)caller->seed), dk_value_task(id)};
            if (dk_graph_add(graph, dk_key_at("t", i), "sum", args, i ? 2 : 1, &id, NULL) !=
                DK_OK) {
                caller->is_wrong = true;
            }
        }
        dk_value result = dk_value_null();
        dk_status status = gets[round % NGETS_AT_ONCE](&dk, graph, &id, 1, NULL, &result, NULL);
        if (status != DK_OK || result.as.integer != (int64_t)caller->seed * 40) {
            caller->is_wrong = true;
        }
        dk_graph_free(graph);
    }
    return NULL;
}

/* Proves that several threads may get at once on one context, under each scheduler. */
static void test_callers_at_once(void **state)
{
    (void)state;
    struct caller callers[4] = {{0}};
    for (uint64_t i = 0; i < 4; i++) {
        callers[i].seed = i + 1;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_all, &callers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_false(callers[i].is_wrong);
    }
}

/* Proves that schedulers are found by all their names, in any case, and that unknown ones list what
 * there is. */
static void test_names(void **state)
{
    (void)state;
    dk_get get = NULL;
    dk_error err = {0};
    assert_int_equal(dk_find_scheduler("Single-Threaded", &get, &err), DK_OK);
    assert_ptr_equal(get, dk_get_sync);
    assert_int_equal(dk_find_scheduler("threading", &get, &err), DK_OK);
    assert_ptr_equal(get, dk_get_threads);
    assert_int_equal(dk_find_scheduler("MULTIPROCESSING", &get, &err), DK_OK);
    assert_ptr_equal(get, dk_get_processes);
    assert_int_equal(dk_find_scheduler("fibers", &get, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "'fibers'"));
    assert_non_null(strstr(err.message, "threads"));
    assert_string_equal(dk_scheduler_name(dk_get_sync), "sync");
    assert_string_equal(dk_scheduler_name(dk_get_threads), "threads");
    assert_string_equal(dk_scheduler_name(dk_get_processes), "processes");
    assert_string_equal(dk_scheduler_name(NULL), "custom");
}

static dk_get get_in_scenario;

static dk_status add_tasks(struct dk_context *own, dk_graph *graph, dk_task_id *top)
{
    dk_value args[10];
    for (int64_t i = 0; i < 8; i++) {
        dk_task_id id = {0};
        dk_value number = dk_value_int(i + 1);
        DK_TRY(dk_graph_add(graph, dk_key_at("texts", i), "texts", &number, 1, &id, NULL));
        args[i] = dk_value_task(id);
        DK_TRY(dk_graph_add(graph, dk_key_at("mix", i), "mix", &args[i], 1, &id, NULL));
        args[i] = dk_value_task(id);
    }
    for (int64_t i = 0; i < 2; i++) {
        dk_value box[] = {dk_value_int(i * 70000), dk_value_int(i)};
        dk_task_id id = {0};
        DK_TRY(dk_graph_add(graph, dk_key_at("box", i), "box", box, 2, &id, NULL));
        args[i + 8] = dk_value_task(id);
    }
    (void)own;
    return dk_graph_add(graph, dk_key_text("top"), "mix", args, 10, top, NULL);
}

static dk_status get_once(struct dk_context *own)
{
    dk_graph *graph = NULL;
    dk_task_id top = {0};
    dk_value result = dk_value_null();
    DK_TRY(dk_register(own, "mix", tasks_mix, NULL, NULL));
    DK_TRY(dk_register(own, "texts", tasks_texts, NULL, NULL));
    DK_TRY(dk_register(own, "box", boxes_make, NULL, NULL));
    DK_TRY(dk_register_type(own, &box_type, NULL));
    DK_TRY(dk_graph_new(own, &graph));
    dk_status status = add_tasks(own, graph, &top);
    if (status == DK_OK)
        status = get_in_scenario(own, graph, &top, 1, NULL, &result, NULL);
    dk_graph_free(graph);
    return status;
}

/* Proves that running out of memory is reported under each, at every allocation in whatever
 * process. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t g = 0; g < NGETS; g++) {
        get_in_scenario = gets[g];
        fail_each_allocation_of(get_once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_graphs, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_repeated, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_values, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failure, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_refused, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cancelled, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_cancel_while_running, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_callers_at_once, open_context, close_context),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
