/* Every allocation fails once of making graphs, ordering and drawing them, and of running them
 * under each scheduler. */
#include "out_of_memory.h"

/* The sum of the arguments and of `user`, which it looks up in the task's context. */
static dk_status add(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    (void)err;
    int64_t sum = *(const int64_t *)dk_task_user(task);
    assert_non_null(dk_task_context(task));
    for (size_t i = 0; i < nargs && !dk_task_is_cancelled(task); i++)
        sum += args[i].as.integer;
    *result = dk_value_int(sum);
    return DK_OK;
}

/* A text, so that there is something to give back. */
static dk_status spell(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)args;
    (void)nargs;
    (void)err;
    return dk_value_text(dk_task_context(task), "seven", 5, result);
}

static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    return DK_ETASK;
}

static int64_t one = 1;

static dk_status registering(dk_context *dk, struct trial *trial)
{
    (void)trial;
    char name[128];
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = 0;
    for (size_t i = 0; i < 100; i++) {
        name[0] = (char)('0' + i);
        DK_TRY(dk_register(dk, name, add, &one, NULL));
    }
    DK_TRY(dk_register(dk, name, add, &one, NULL));
    return refused(dk_register(dk, name, refuse, NULL, NULL), DK_EINVAL);
}

enum { NPARTS = 6 };

/* total = add(('part', 0), ...), said before its parts are; keys[1] is a text. */
static dk_status make_graph(dk_context *dk, dk_graph **graph, dk_task_id keys[2])
{
    dk_error err = {0};
    dk_value parts[NPARTS];
    DK_TRY(dk_register(dk, "add", add, &one, &err));
    DK_TRY(dk_register(dk, "spell", spell, NULL, &err));
    DK_TRY(dk_graph_new(dk, graph));
    for (int64_t i = 0; i < NPARTS; i++) {
        dk_task_id part;
        DK_TRY(dk_graph_task(*graph, dk_key_at("part", i), &part));
        parts[i] = dk_value_task(part);
    }
    DK_TRY(dk_graph_add(*graph, dk_key_text("total"), "add", parts, NPARTS, &keys[0], &err));
    for (int64_t i = 0; i < NPARTS; i++) {
        dk_value number = dk_value_int(i);
        DK_TRY(dk_graph_add(*graph, dk_key_at("part", i), "add", &number, 1, NULL, &err));
    }
    DK_TRY(dk_graph_add(*graph, dk_key_text("word"), "spell", NULL, 0, &keys[1], &err));
    assert_int_equal(dk_graph_ntasks(*graph), NPARTS + 2);
    return DK_OK;
}

static void check_results(const dk_value results[2])
{
    assert_int_equal(results[0].as.integer, 15 + NPARTS + 1);
    assert_string_equal(dk_value_data(results[1], NULL), "seven");
    dk_value_unref(results[0]);
    dk_value_unref(results[1]);
}

static dk_status run_sync(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    dk_value results[2];
    dk_error err = {0};
    dk_status status = make_graph(dk, &graph, keys);
    if (status == DK_OK) {
        status = dk_get_sync(dk, graph, keys, 2, NULL, results, &err);
        assert_int_equal(err.status, status);
    }
    if (status == DK_OK)
        check_results(results);
    dk_graph_free(graph);
    return status;
}

static dk_status run_threads(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    dk_value results[2];
    dk_get_options options = {.num_workers = 3, .no_fuse = true};
    dk_status status = make_graph(dk, &graph, keys);
    if (status == DK_OK)
        status = dk_get_threads(dk, graph, keys, 2, &options, results, NULL);
    if (status == DK_OK)
        check_results(results);
    dk_graph_free(graph);
    return status;
}

enum { NLEAVES = 100 };

/* One that all others wait for; their sum waits for them and, last, for one that waits for more. */
static dk_status make_wide_graph(dk_context *dk, dk_graph **graph, dk_task_id *top)
{
    dk_value leaves[NLEAVES + 1];
    dk_task_id task;
    DK_TRY(dk_register(dk, "add", add, &one, NULL));
    DK_TRY(dk_graph_new(dk, graph));
    DK_TRY(dk_graph_add(*graph, dk_key_text("first"), "add", NULL, 0, &task, NULL));
    dk_value first = dk_value_task(task);
    for (int64_t i = 0; i < NLEAVES; i++) {
        DK_TRY(dk_graph_add(*graph, dk_key_at("leaf", i), "add", &first, 1, &task, NULL));
        leaves[i] = dk_value_task(task);
    }
    DK_TRY(dk_graph_add(*graph, dk_key_text("last"), "add", leaves, 3, &task, NULL));
    leaves[NLEAVES] = dk_value_task(task);
    return dk_graph_add(*graph, dk_key_text("sum"), "add", leaves, NLEAVES + 1, top, NULL);
}

/* Threads find more that is ready than they have room for at first. */
static dk_status run_wide(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id top;
    dk_value result = dk_value_null();
    dk_status status = make_wide_graph(dk, &graph, &top);
    if (status == DK_OK)
        status = dk_get_threads(dk, graph, &top, 1, NULL, &result, NULL);
    if (status == DK_OK)
        assert_int_equal(result.as.integer, NLEAVES * 2 + 7 + 1);
    dk_graph_free(graph);
    return status;
}

static dk_status run_processes(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    dk_value results[2];
    dk_status status = make_graph(dk, &graph, keys);
    if (status == DK_OK)
        status = dk_get_processes(dk, graph, keys, 2, NULL, results, NULL);
    if (status == DK_OK)
        check_results(results);
    dk_graph_free(graph);
    return status;
}

static dk_status ordering(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    dk_task_id order[NPARTS + 2];
    size_t count = 0;
    char key[DK_ERROR_KEY_MAX];
    dk_status status = make_graph(dk, &graph, keys);
    if (status == DK_OK)
        status = dk_graph_order(graph, keys, 1, order, &count, NULL);
    if (status == DK_OK) {
        assert_int_equal(count, NPARTS + 1);
        dk_graph_key_text(graph, order[NPARTS], key);
        assert_string_equal(key, "total");
    }
    dk_graph_free(graph);
    return status;
}

static dk_status drawing(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    char *dot = NULL;
    char *colored = NULL;
    dk_status status = DK_OK;
    DK_TRY_OUT(make_graph(dk, &graph, keys));
    DK_TRY_OUT(dk_graph_to_dot(graph, NULL, 0, &dot, NULL));
    DK_TRY_OUT(
        dk_graph_draw(graph, keys, 2, &(dk_draw_options){.color = "function"}, &colored, NULL));
    assert_non_null(strstr(dot, "label=\"spell\""));
    assert_non_null(strstr(colored, "label=\"spell\""));
    status = refused(dk_draw_dot(dot, "graph.bmp", NULL), DK_EINVAL);
out:
    dk_text_free(colored);
    dk_text_free(dot);
    dk_graph_free(graph);
    return status;
}

/* Two tasks that need each other, one that fails, one without a function and one never defined. */
static dk_status make_bad_graph(dk_context *dk, dk_graph **graph, dk_task_id keys[3])
{
    DK_TRY(dk_register(dk, "refuse", refuse, NULL, NULL));
    DK_TRY(dk_graph_new(dk, graph));
    DK_TRY(dk_graph_task(*graph, dk_key_text("there"), &keys[0]));
    dk_value need = dk_value_task(keys[0]);
    DK_TRY(dk_graph_add(*graph, dk_key_text("back"), "refuse", &need, 1, &keys[1], NULL));
    need = dk_value_task(keys[1]);
    DK_TRY(dk_graph_add(*graph, dk_key_text("there"), "refuse", &need, 1, NULL, NULL));
    DK_TRY(dk_graph_add(*graph, dk_key_text("no"), "refuse", NULL, 0, &keys[1], NULL));
    dk_value text = dk_value_null();
    DK_TRY(dk_value_text(dk, "taken", 5, &text));
    DK_TRY(refused(dk_graph_add(*graph, dk_key_text("x"), "none", &text, 1, NULL, NULL), DK_EKEY));
    return dk_graph_task(*graph, dk_key_text("never"), &keys[2]);
}

static dk_status run_bad_graph(dk_context *dk, const char *scheduler)
{
    static const dk_status wanted[3] = {DK_ECYCLE, DK_ETASK, DK_EKEY};
    dk_graph *graph = NULL;
    dk_task_id keys[3];
    dk_value result = dk_value_null();
    dk_get get = NULL;
    DK_TRY(dk_find_scheduler(scheduler, &get, NULL));
    dk_status status = make_bad_graph(dk, &graph, keys);
    for (size_t i = 0; i < 3 && status == DK_OK; i++) {
        dk_error err = {0};
        status = get(dk, graph, &keys[i], 1, NULL, &result, &err);
        assert_int_equal(err.status, status);
        status = refused(status, wanted[i]);
    }
    dk_graph_free(graph);
    return status;
}

static dk_status failing_sync(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return run_bad_graph(dk, "sync");
}

static dk_status failing_threads(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return run_bad_graph(dk, "threads");
}

static dk_status failing_processes(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return run_bad_graph(dk, "processes");
}

static const struct scenario scenarios[] = {
    {"registering", registering},
    {"run_sync", run_sync},
    {"run_threads", run_threads},
    {"run_processes", run_processes},
    {"run_wide", run_wide},
    {"ordering", ordering},
    {"drawing", drawing},
    {"failing_sync", failing_sync},
    {"failing_threads", failing_threads},
    {"failing_processes", failing_processes},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
