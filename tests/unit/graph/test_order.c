#include "support/failing_allocator.h"

#include <stdlib.h>
#include <string.h>

#include "graph/order.h"
#include "support/tasks.h"

/* The order of one wanted key as text: indexes with spaces between. */
static void assert_order(const dk_graph *graph, dk_task_id wanted, const char *expected)
{
    dk_task_id order[64];
    size_t count = 0;
    char shown[256] = "";
    assert_int_equal(dk_graph_order(graph, &wanted, 1, order, &count, NULL), DK_OK);
    for (size_t i = 0; i < count; i++) {
        char one[32];
        snprintf(one, sizeof(one), "%s%d", i ? " " : "",
                 (int)graph_task(graph, order[i].id)->index);
        strcat(shown, one);
    }
    assert_string_equal(shown, expected);
}

static dk_task_id add(dk_graph *graph, int64_t index, const dk_task_id *needed, size_t n)
{
    dk_value args[16];
    for (size_t i = 0; i < n; i++)
        args[i] = dk_value_task(needed[i]);
    return tasks_add(graph, "t", index, "mix", args, n);
}

/* Proves that the order is depth first in the order of the arguments, and leaves out what is not
 * needed. */
static void test_depth_first(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id leaf[4];
    for (int i = 0; i < 4; i++)
        leaf[i] = add(graph, i, NULL, 0);
    add(graph, 9, leaf, 4);
    dk_task_id left = add(graph, 10, (dk_task_id[]){leaf[0], leaf[1]}, 2);
    dk_task_id right = add(graph, 11, (dk_task_id[]){leaf[2], leaf[1]}, 2);
    dk_task_id top = add(graph, 12, (dk_task_id[]){right, left}, 2);
    assert_order(graph, top, "2 1 11 0 10 12");
    assert_order(graph, leaf[3], "3");
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that the argument that needs more at once is computed first: while it is, nothing else is
 * held. */
static void test_heavy_first(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id leaf[4];
    for (int i = 0; i < 4; i++)
        leaf[i] = add(graph, i, NULL, 0);
    dk_task_id heavy = add(graph, 10, (dk_task_id[]){leaf[1], leaf[2], leaf[3]}, 3);
    dk_task_id top = add(graph, 11, (dk_task_id[]){leaf[0], heavy}, 2);
    assert_order(graph, top, "1 2 3 10 0 11");
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves for random graphs that dependencies come before dependents, and every needed task once. */
static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct dk_context dk;
        dk_task_id ids[TASKS_RANDOM_MAX];
        dk_task_id order[TASKS_RANDOM_MAX];
        bool seen[TASKS_RANDOM_MAX] = {false};
        size_t count = 0;
        assert_true(context_open(&dk, NULL));
        tasks_register(&dk);
        dk_graph *graph = tasks_graph(&dk);
        size_t n = tasks_random_graph(graph, seed, ids);
        dk_task_id wanted[] = {ids[n - 1], ids[n / 2], ids[n - 1]};
        assert_int_equal(dk_graph_order(graph, wanted, 3, order, &count, NULL), DK_OK);
        for (size_t i = 0; i < count; i++) {
            const struct task *task = graph_task(graph, order[i].id);
            const dk_value *args = graph_args(graph, task);
            assert_false(seen[order[i].id]);
            seen[order[i].id] = true;
            for (uint32_t k = 0; k < task->nargs; k++) {
                if (args[k].kind == DK_KIND_TASK)
                    assert_true(seen[args[k].as.task]);
            }
        }
        assert_true(seen[ids[n - 1].id] && seen[ids[n / 2].id]);
        dk_graph_free(graph);
        assert_int_equal(context_close(&dk), 0);
    }
}

/* Proves that cycles, of one task and of many, are reported with a key of theirs. */
static void test_cycle(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    dk_task_id order[8];
    size_t count = 0;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id self = {0};
    assert_int_equal(dk_graph_task(graph, dk_key_text("self"), &self), DK_OK);
    dk_value arg = dk_value_task(self);
    assert_int_equal(dk_graph_add(graph, dk_key_text("self"), "mix", &arg, 1, NULL, &err), DK_OK);
    assert_int_equal(dk_graph_order(graph, &self, 1, order, &count, &err), DK_ECYCLE);
    assert_non_null(strstr(err.message, "self"));

    dk_task_id last = {0};
    assert_int_equal(dk_graph_task(graph, dk_key_at("t", 3), &last), DK_OK);
    dk_task_id a = add(graph, 1, &last, 1);
    dk_task_id b = add(graph, 2, &a, 1);
    add(graph, 3, &b, 1);
    assert_int_equal(dk_graph_order(graph, &b, 1, order, &count, &err), DK_ECYCLE);
    assert_non_null(strstr(err.message, "('t', "));
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a needed task nobody defined is named, and one that is not needed does no harm. */
static void test_undefined(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    dk_task_id order[8];
    size_t count = 0;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id missing = {0};
    assert_int_equal(dk_graph_task(graph, dk_key_text("missing"), &missing), DK_OK);
    dk_task_id user = add(graph, 1, &missing, 1);
    dk_task_id fine = add(graph, 2, NULL, 0);
    assert_int_equal(dk_graph_order(graph, &user, 1, order, &count, &err), DK_EKEY);
    assert_non_null(strstr(err.message, "missing"));
    assert_int_equal(dk_graph_order(graph, &fine, 1, order, &count, &err), DK_OK);
    dk_task_id foreign = {77};
    assert_int_equal(dk_graph_order(graph, &foreign, 1, order, &count, &err), DK_EKEY);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that depth costs no stack: a chain of half a million tasks. */
static void test_deep(void **state)
{
    (void)state;
    struct dk_context dk;
    size_t n = 500000;
    size_t count = 0;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id last = add(graph, 0, NULL, 0);
    for (size_t i = 1; i < n; i++)
        last = add(graph, (int64_t)i, &last, 1);
    dk_task_id *order = malloc(n * sizeof(*order));
    assert_int_equal(dk_graph_order(graph, &last, 1, order, &count, NULL), DK_OK);
    assert_int_equal(count, n);
    assert_int_equal(order[0].id, 0);
    assert_int_equal(order[n - 1].id, last.id);
    free(order);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a task with very many arguments of mixed weight is ordered stably, and not in the
 * square of their number: the heavy ones first, each kind in the order of the arguments. */
static void test_wide(void **state)
{
    (void)state;
    struct dk_context dk;
    size_t n = 200000;
    size_t count = 0;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_value *args = malloc(n * sizeof(*args));
    for (size_t i = 0; i < n; i++) {
        int64_t index = (int64_t)i * 4;
        dk_task_id leaf[2] = {add(graph, index + 1, NULL, 0)};
        if (i % 2)
            leaf[1] = add(graph, index + 2, NULL, 0);
        args[i] = dk_value_task(i % 2 ? add(graph, index, leaf, 2) : leaf[0]);
    }
    dk_task_id top = tasks_add(graph, "top", 0, "mix", args, n);
    dk_task_id *order = malloc(dk_graph_ntasks(graph) * sizeof(*order));
    assert_int_equal(dk_graph_order(graph, &top, 1, order, &count, NULL), DK_OK);
    assert_int_equal(count, dk_graph_ntasks(graph));
    for (size_t i = 0; i < n / 2; i++) {
        assert_int_equal(order[i * 3 + 2].id, args[2 * i + 1].as.task);
        assert_int_equal(order[n / 2 * 3 + i].id, args[2 * i].as.task);
    }
    free(order);
    free(args);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status order_a_graph(struct dk_context *dk)
{
    dk_graph *graph = NULL;
    dk_task_id order[64];
    dk_task_id id = {0};
    size_t count = 0;
    DK_TRY(dk_register(dk, "mix", tasks_mix, NULL, NULL));
    DK_TRY(dk_graph_new(dk, &graph));
    dk_status status = DK_OK;
    for (int64_t i = 0; i < 64 && status == DK_OK; i++) {
        dk_value arg = dk_value_task(id);
        status = dk_graph_add(graph, dk_key_at("t", i), "mix", &arg, i > 0, &id, NULL);
    }
    if (status == DK_OK)
        status = dk_graph_order(graph, &id, 1, order, &count, NULL);
    dk_graph_free(graph);
    return status;
}

/* Proves that running out of memory is reported, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(order_a_graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth_first), cmocka_unit_test(test_heavy_first),
        cmocka_unit_test(test_random),      cmocka_unit_test(test_cycle),
        cmocka_unit_test(test_undefined),   cmocka_unit_test(test_deep),
        cmocka_unit_test(test_wide),        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
