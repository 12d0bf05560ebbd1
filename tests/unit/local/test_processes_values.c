/* What passes between processes: objects that can and cannot, tables by shared memory, large and
 * many messages. */
#include "unit/local/processes_support.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "column/table.h"
#include "support/boxes.h"

static void free_nothing(void *object)
{
    (void)object;
}

static const dk_object_type gadget_type = {.name = "gadget", .free = free_nothing};

static dk_status make_object(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)err;
    return dk_value_object(dk_task_context(task), &gadget_type, notes, result);
}

static dk_status use_object(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)err;
    *result = dk_value_bool(nargs == 1 && dk_value_as_object(args[0], &gadget_type) == notes);
    return DK_OK;
}

/* Proves that objects pass inside a process, as arguments and along a chain, and that one that
 * would have to leave is refused with the task and the type. */
static void test_objects(void **state)
{
    (void)state;
    add_function("make", make_object);
    add_function("use", use_object);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id made = tasks_add(graph, "make", 0, "make", NULL, 0);
    dk_value arg = dk_value_task(made);
    dk_task_id used = tasks_add(graph, "use", 0, "use", &arg, 1);
    dk_value object = dk_value_null();
    assert_int_equal(dk_value_object(&dk, &gadget_type, notes, &object), DK_OK);
    dk_task_id given = tasks_add(graph, "use", 1, "use", &object, 1);
    dk_value results[2];
    dk_error err = {0};
    assert_int_equal(get(graph, (dk_task_id[]){used, given}, 2, results, &err), DK_OK);
    assert_true(results[0].as.boolean && results[1].as.boolean);
    assert_int_equal(get(graph, &made, 1, results, &err), DK_ENOTSUP);
    assert_string_equal(err.key, "('make', 0)");
    assert_non_null(strstr(err.message, "'gadget'"));
    dk_graph_free(graph);
}

/* The bytes of all boxes among the arguments, which begin with their places. */
static dk_status count_bytes(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    (void)task;
    int64_t count = 0;
    for (size_t i = 0; i < nargs; i++) {
        const struct box *box = dk_value_as_object(args[i], &box_type);
        if (!box || box->first != i % 200)
            return error_set(err, DK_ETYPE, "argument %zu is no such box", i);
        count += (int64_t)box->nbytes;
    }
    *result = dk_value_int(count);
    return DK_OK;
}

/* Never ends. */
static dk_status never_end(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                           dk_error *err)
{
    (void)task, (void)args, (void)nargs, (void)result, (void)err;
    while (pause() == -1) {
    }
    return DK_EIO;
}

static void watch_boxes(void)
{
    boxes_watched = getpid();
    boxes_npacked = boxes_nunpacked = 0;
    add_function("make_box", boxes_make);
    add_function("count_bytes", count_bytes);
    add_function("wait", never_end);
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
}

/* Proves that objects reach the processes that use them, small ones and more large ones than may
 * be open, and that the calling process unpacks what it wants and nothing else. */
static void test_boxes(void **state)
{
    (void)state;
    enum { NBOXES = 330 };
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    watch_boxes();
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[NBOXES];
    dk_value results[3];
    int64_t expected = 0;
    for (int64_t i = 0; i < NBOXES; i++) {
        int64_t nbytes = i % 3 ? 70000 + i : i;
        dk_value box[] = {dk_value_int(nbytes), dk_value_int(i % 200)};
        args[i] = dk_value_task(tasks_add(graph, "box", i, "make_box", box, 2));
        expected += nbytes;
    }
    /* Two users, so both processes need what the other made. */
    dk_task_id keys[] = {tasks_add(graph, "count", 0, "count_bytes", args, NBOXES),
                         tasks_add(graph, "count", 1, "count_bytes", args, NBOXES),
                         {args[7].as.task}};
    static const rlim_t limits[] = {1024, 300};
    for (int i = 0; i < 2; i++) {
        dk_error err = {0};
        struct rlimit fewer = {limits[i] < before.rlim_max ? limits[i] : before.rlim_max,
                               before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &fewer), 0);
        boxes_nunpacked = 0;
        dk_status status = get(graph, keys, 3, results, &err);
        setrlimit(RLIMIT_NOFILE, &before);
        if (status != DK_OK)
            fail_msg("limit %d: %s", (int)limits[i], err.message);
        assert_int_equal(results[0].as.integer, expected);
        assert_int_equal(results[1].as.integer, expected);
        assert_int_equal(((struct box *)dk_value_as_object(results[2], &box_type))->nbytes, 70007);
        assert_int_equal(boxes_nunpacked, 1);
        assert_int_equal(boxes_npacked, 0);
        dk_value_unref(results[2]);
    }
    dk_graph_free(graph);
}

/* Proves that failing to pack or unpack is told as the failure of the task whose result it is,
 * whether another process or the caller wanted it. */
static void test_failing_boxes(void **state)
{
    (void)state;
    watch_boxes();
    dk_graph *graph = tasks_graph(&dk);
    dk_value shut[] = {dk_value_int(10), dk_value_int(BOX_SHUT)};
    dk_value sealed[] = {dk_value_int(100000), dk_value_int(BOX_SEALED)};
    dk_task_id keys[] = {tasks_add(graph, "box", BOX_SHUT, "make_box", shut, 2),
                         tasks_add(graph, "box", BOX_SEALED, "make_box", sealed, 2)};
    dk_value arg = dk_value_task(keys[1]);
    /* Two users: one waits where the box was made, so the other comes to the second process. */
    dk_task_id users[] = {tasks_add(graph, "wait", 0, "wait", &arg, 1),
                          tasks_add(graph, "wait", 1, "wait", &arg, 1)};
    dk_value results[2];
    dk_error err = {0};
    assert_int_equal(get(graph, &keys[0], 1, results, &err), DK_ETASK);
    assert_string_equal(err.key, "('box', 251)");
    assert_string_equal(err.message, "task ('box', 251), function make_box: cannot pack an object "
                                     "of type 'box': it is shut");
    for (int i = 0; i < 2; i++) {
        const dk_task_id *wanted = i ? users : &keys[1];
        assert_int_equal(get(graph, wanted, i ? 2 : 1, results, &err), DK_ETASK);
        assert_string_equal(err.key, "('box', 252)");
        assert_string_equal(err.message, "task ('box', 252), function make_box: cannot unpack an "
                                         "object of type 'box': task failed");
    }
    dk_graph_free(graph);
}

/* A table of args[0] rows that count from args[1], with a text column; the index counts too. */
static dk_status make_table(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)nargs;
    static const char *const names[] = {"n"};
    struct memory *memory = dk_task_context(task)->memory;
    struct column *column = column_range(memory, args[1].as.integer, args[0].as.integer);
    if (!column)
        return error_nomem(err);
    dk_table *table = NULL;
    dk_status status =
        table_new(memory, args[0].as.integer, 1, names, &column, "id", column, false, &table);
    column_unref(column);
    if (status != DK_OK)
        return error_nomem(err);
    *result = dk_value_table(table);
    return DK_OK;
}

/* The sum of the column and the index of every table among the arguments. */
static dk_status sum_tables(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)err;
    int64_t sum = 0;
    for (size_t i = 0; i < nargs; i++) {
        const int64_t *values = args[i].as.table->columns[0]->view.data;
        const int64_t *labels = args[i].as.table->index->view.data;
        for (int64_t row = 0; row < args[i].as.table->nrows; row++)
            sum += values[row] + labels[row];
    }
    *result = dk_value_int(sum);
    return DK_OK;
}

static dk_task_id add_table(dk_graph *graph, int64_t i, int64_t nrows)
{
    dk_value args[] = {dk_value_int(nrows), dk_value_int(i)};
    return tasks_add(graph, "table", i, "make_table", args, 2);
}

static int64_t expected_sum(int64_t first, int64_t nrows)
{
    return 2 * (first * nrows + nrows * (nrows - 1) / 2);
}

/* Proves that large tables come back whole, through shared memory that is not on the ledger, and
 * outlive the graph. */
static void test_large_tables(void **state)
{
    (void)state;
    int64_t nrows = 3200000; /* 51 MB with the index */
    add_function("make_table", make_table);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id keys[] = {add_table(graph, 0, nrows), add_table(graph, 1, nrows)};
    dk_value results[2];
    dk_error err = {0};
    int64_t before = memory_use(dk.memory).current;
    assert_int_equal(get(graph, keys, 2, results, &err), DK_OK);
    assert_true(memory_use(dk.memory).current - before < 100000);
    dk_graph_free(graph);
    for (int64_t i = 0; i < 2; i++) {
        dk_value sum = dk_value_null();
        assert_int_equal(dk_table_nrows(results[i].as.table), nrows);
        assert_string_equal(dk_table_index_name(results[i].as.table), "id");
        assert_int_equal(sum_tables(NULL, &results[i], 1, &sum, &err), DK_OK);
        assert_int_equal(sum.as.integer, expected_sum(i, nrows));
        dk_value_unref(results[i]);
    }
}

/* Proves that shared tables reach other processes, more of them than one message can carry
 * descriptors, and that few open files are enough. */
static void test_many_tables(void **state)
{
    (void)state;
    enum { NTABLES = 400 };
    int64_t nrows = 5000; /* 40 kB a column: shared */
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    add_function("make_table", make_table);
    add_function("sum_tables", sum_tables);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[NTABLES];
    dk_value results[NTABLES + 2];
    dk_task_id keys[NTABLES + 2];
    int64_t expected = 0;
    for (int64_t i = 0; i < NTABLES; i++) {
        keys[i] = add_table(graph, i, nrows);
        args[i] = dk_value_task(keys[i]);
        expected += expected_sum(i, nrows);
    }
    /* Two users, so both processes need what the other made. */
    keys[NTABLES] = tasks_add(graph, "sum", 0, "sum_tables", args, NTABLES);
    keys[NTABLES + 1] = tasks_add(graph, "sum", 1, "sum_tables", args, NTABLES);
    static const rlim_t limits[] = {4096, 300};
    for (int i = 0; i < 2; i++) {
        dk_error err = {0};
        struct rlimit fewer = {limits[i] < before.rlim_max ? limits[i] : before.rlim_max,
                               before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &fewer), 0);
        dk_status status = get(graph, keys, NTABLES + 2, results, &err);
        setrlimit(RLIMIT_NOFILE, &before);
        if (status != DK_OK)
            fail_msg("limit %d: %s", (int)limits[i], err.message);
        assert_int_equal(results[NTABLES].as.integer, expected);
        assert_int_equal(results[NTABLES + 1].as.integer, expected);
        for (int k = 0; k < NTABLES; k++)
            dk_value_unref(results[k]);
    }
    dk_graph_free(graph);
}

/* A megabyte or so that depends on the argument. */
static dk_status make_bytes(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)nargs;
    size_t nbytes = 1000000;
    struct memory *memory = dk_task_context(task)->memory;
    char *bytes = memory_alloc(memory, nbytes);
    if (!bytes)
        return error_nomem(err);
    int64_t seed = args[0].kind == DK_KIND_INT ? args[0].as.integer : tasks_digest(args[0]);
    for (size_t i = 0; i < nbytes; i++)
        bytes[i] = (char)((uint64_t)seed + i);
    dk_status status = dk_value_bytes(dk_task_context(task), bytes, nbytes, result);
    memory_free(memory, bytes, nbytes);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

/* Proves that messages much larger than what a socket holds pass in both directions at once. */
static void test_large_messages(void **state)
{
    (void)state;
    enum { N = 12 };
    add_function("make_bytes", make_bytes);
    dk_graph *graph = tasks_graph(&dk);
    dk_value args[N];
    dk_task_id keys[N];
    dk_value results[N];
    dk_error err = {0};
    for (int64_t i = 0; i < N; i++) {
        dk_value seed = dk_value_int(i);
        args[i] = dk_value_task(tasks_add(graph, "bytes", i, "make_bytes", &seed, 1));
    }
    for (int64_t i = 0; i < N; i++)
        keys[i] = tasks_add(graph, "all", i, "mix", args, N);
    if (get(graph, keys, N, results, &err) != DK_OK)
        fail_msg("%s", err.message);
    dk_value expected = dk_value_null();
    assert_int_equal(dk_get_sync(&dk, graph, keys, 1, NULL, &expected, &err), DK_OK);
    for (int i = 0; i < N; i++)
        assert_int_equal(results[i].as.integer, expected.as.integer);
    dk_graph_free(graph);
}

/* Proves that results are let go in every process once their last user is done: a long pipeline of
 * megabytes, every stage used twice, runs within a few. */
static void test_drops(void **state)
{
    (void)state;
    add_function("make_bytes", make_bytes);
    dk_graph *graph = tasks_graph(&dk);
    dk_value seed = dk_value_int(1);
    dk_task_id last = tasks_add(graph, "bytes", 0, "make_bytes", &seed, 1);
    dk_value sums[60];
    for (int64_t i = 1; i <= 60; i++) {
        dk_value arg = dk_value_task(last);
        sums[i - 1] = dk_value_task(tasks_add(graph, "sum", i, "mix", &arg, 1));
        last = tasks_add(graph, "bytes", i, "make_bytes", &arg, 1);
    }
    dk_task_id top = tasks_add(graph, "top", 0, "mix", sums, 60);
    dk_value results[2];
    dk_error err = {0};
    dk.memory->limit = memory_use(dk.memory).current + 20000000;
    dk_task_id keys[] = {top, last};
    dk_status status = get(graph, keys, 2, results, &err);
    dk.memory->limit = 0;
    if (status != DK_OK)
        fail_msg("%s", err.message);
    dk_value_unref(results[1]);
    dk_graph_free(graph);
}

/* Proves that a hundred thousand trivial tasks, alone and in chains, give what they should. */
static void test_tiny_tasks(void **state)
{
    (void)state;
    size_t n = 50000;
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id *keys = malloc(n * sizeof(*keys));
    dk_value *results = malloc(n * sizeof(*results));
    dk_error err = {0};
    for (size_t i = 0; i < n; i++) {
        dk_value args[] = {dk_value_int((int64_t)i), dk_value_null()};
        args[1] = dk_value_task(tasks_add(graph, "first", (int64_t)i, "sum", args, 1));
        keys[i] = tasks_add(graph, "second", (int64_t)i, "sum", args, 2);
    }
    for (int no_fuse = 0; no_fuse < 2; no_fuse++) {
        dk_get_options options = {.num_workers = 3, .no_fuse = no_fuse};
        dk_status status = dk_get_processes(&dk, graph, keys, n, &options, results, &err);
        if (status != DK_OK)
            fail_msg("%s", err.message);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(results[i].as.integer, 2 * (int64_t)i);
    }
    free(results);
    free(keys);
    dk_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_objects, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_boxes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_failing_boxes, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_large_tables, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_many_tables, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_large_messages, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_drops, open_context, close_context),
        cmocka_unit_test_setup_teardown(test_tiny_tasks, open_context, close_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
