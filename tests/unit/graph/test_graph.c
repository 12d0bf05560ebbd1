#include "support/failing_allocator.h"

#include <string.h>

#include "graph/graph.h"
#include "support/tasks.h"

static dk_task_id find(dk_graph *graph, dk_key key)
{
    dk_task_id id = {0};
    assert_int_equal(dk_graph_task(graph, key, &id), DK_OK);
    return id;
}

/* Proves that a key is one task, whatever pointer its name comes by, and that index and name both
 * count. */
static void test_keys(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_graph *graph = tasks_graph(&dk);
    char name[] = "load";
    dk_task_id load = find(graph, dk_key_text(name));
    dk_task_id load0 = find(graph, dk_key_at(name, 0));
    assert_int_not_equal(load.id, load0.id);
    assert_int_equal(find(graph, dk_key_text("load")).id, load.id);
    /* The same pointer with another text. */
    memcpy(name, "save", 4);
    assert_int_not_equal(find(graph, dk_key_text(name)).id, load.id);
    assert_int_equal(find(graph, dk_key_at("load", 0)).id, load0.id);
    assert_int_equal(dk_graph_ntasks(graph), 3);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that every key of many layers, indexes of all signs and sizes, is found again after the
 * tables have grown. */
static void test_many_keys(void **state)
{
    (void)state;
    struct dk_context dk;
    uint32_t first_ids[20][500];
    assert_true(context_open(&dk, NULL));
    dk_graph *graph = tasks_graph(&dk);
    for (int round = 0; round < 2; round++) {
        for (int layer = 0; layer < 20; layer++) {
            char name[32];
            snprintf(name, sizeof(name), "layer-%d", layer);
            for (int64_t i = 0; i < 500; i++) {
                int64_t index = i % 3 == 0 ? i : i % 3 == 1 ? -i : i << 40;
                uint32_t id = find(graph, dk_key_at(name, index)).id;
                if (round == 0)
                    first_ids[layer][i] = id;
                assert_int_equal(id, first_ids[layer][i]);
            }
        }
    }
    assert_int_equal(dk_graph_ntasks(graph), 20 * 500);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a task may be mentioned before it is defined, and is defined once. */
static void test_define(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id b = find(graph, dk_key_text("b"));
    dk_value needs_b = dk_value_task(b);
    dk_task_id a = tasks_add(graph, "a", 1, "sum", &needs_b, 1);
    assert_int_equal(dk_graph_add(graph, dk_key_text("b"), "sum", NULL, 0, NULL, &err), DK_OK);
    assert_int_equal(dk_graph_add(graph, dk_key_at("a", 1), "mix", NULL, 0, NULL, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "('a', 1)"));
    assert_string_equal(graph_task(graph, a.id)->function->name, "sum");
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that an unknown function and an argument of another graph are refused by key and name, and
 * that the arguments are taken all the same. */
static void test_refused(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_value text = dk_value_null();
    assert_int_equal(dk_value_text(&dk, "argument", 8, &text), DK_OK);
    assert_int_equal(dk_graph_add(graph, dk_key_at("a", 3), "nope", &text, 1, NULL, &err), DK_EKEY);
    assert_non_null(strstr(err.message, "('a', 3)"));
    assert_non_null(strstr(err.message, "'nope'"));

    assert_int_equal(dk_value_text(&dk, "argument", 8, &text), DK_OK);
    dk_value args[] = {text, dk_value_task((dk_task_id){1000})};
    assert_int_equal(dk_graph_add(graph, dk_key_text("b"), "sum", args, 2, NULL, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "argument 2"));
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a task inside a list or map is refused, however deep, since nobody would fill its
 * result in, and that other lists are not. */
static void test_hidden_tasks(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_value hidden = dk_value_task(tasks_add(graph, "a", 0, "sum", NULL, 0));
    for (int depth = 1; depth < 4; depth++) {
        dk_value value = hidden;
        for (int i = 0; i < depth; i++) {
            dk_value items[] = {dk_value_null(), value};
            assert_int_equal(dk_value_text(&dk, "key", 3, &items[0]), DK_OK);
            dk_status status =
                i % 2 ? dk_value_map(&dk, items, 2, &value) : dk_value_list(&dk, items, 2, &value);
            assert_int_equal(status, DK_OK);
        }
        dk_value args[] = {dk_value_int(1), value};
        dk_status status = dk_graph_add(graph, dk_key_text("b"), "mix", args, 2, NULL, &err);
        assert_int_equal(status, DK_EINVAL);
        assert_non_null(strstr(err.message, depth % 2 ? "task b: argument 2 is a list with a task"
                                                      : "task b: argument 2 is a map with a task"));
        assert_non_null(strstr(err.message, "pass tasks as arguments of their own"));
    }
    dk_value numbers[] = {dk_value_int(1), dk_value_int(2)};
    dk_value list = dk_value_null();
    assert_int_equal(dk_value_list(&dk, numbers, 2, &list), DK_OK);
    assert_int_equal(dk_graph_add(graph, dk_key_text("b"), "mix", &list, 1, NULL, &err), DK_OK);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that keys are shown as Dask shows them, and are cut when they are long. */
static void test_key_text(void **state)
{
    (void)state;
    struct dk_context dk;
    char shown[DK_ERROR_KEY_MAX];
    char name[300];
    assert_true(context_open(&dk, NULL));
    dk_graph *graph = tasks_graph(&dk);
    dk_graph_key_text(graph, find(graph, dk_key_text("total")), shown);
    assert_string_equal(shown, "total");
    dk_graph_key_text(graph, find(graph, dk_key_at("read-csv", -17)), shown);
    assert_string_equal(shown, "('read-csv', -17)");
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = 0;
    dk_graph_key_text(graph, find(graph, dk_key_at(name, INT64_MAX)), shown);
    assert_non_null(strstr(shown, "', 9223372036854775807)"));
    dk_graph_key_text(graph, find(graph, dk_key_text(name)), shown);
    assert_int_equal(strlen(shown), DK_ERROR_KEY_MAX - 1);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status build(struct dk_context *dk, dk_graph *graph)
{
    for (int64_t i = 0; i < 100; i++) {
        dk_value args[2] = {dk_value_int(i), dk_value_null()};
        char name[32];
        snprintf(name, sizeof(name), "layer-%d", (int)(i / 5));
        DK_TRY(dk_value_text(dk, "argument", 8, &args[1]));
        DK_TRY(dk_graph_add(graph, dk_key_at(name, i), "sum", args, 2, NULL, NULL));
    }
    return DK_OK;
}

static dk_status build_and_free(struct dk_context *dk)
{
    dk_graph *graph = NULL;
    DK_TRY(dk_register(dk, "sum", tasks_sum, NULL, NULL));
    DK_TRY(dk_graph_new(dk, &graph));
    dk_status status = build(dk, graph);
    dk_graph_free(graph);
    return status;
}

/* Proves that building reports running out of memory at every allocation and loses nothing. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(build_and_free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),         cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_define),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hidden_tasks), cmocka_unit_test(test_key_text),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
