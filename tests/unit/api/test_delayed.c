/* Delayed calls of a program's own functions, mixed with frames. */
#include "api_support.h"

static dk_status add(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                     dk_error *err)
{
    (void)task;
    (void)err;
    int64_t sum = 0;
    for (size_t i = 0; i < nargs; i++)
        sum += args[i].as.integer;
    *result = dk_value_int(sum);
    return DK_OK;
}

static dk_status count_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    *result = dk_value_int(dk_table_nrows(args[0].as.table));
    return DK_OK;
}

static dk_status count_items(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                             dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    size_t count = 0;
    dk_value_items(args[0], &count);
    *result = dk_value_int((int64_t)count);
    return DK_OK;
}

static dk_status refuse(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    if (err)
        snprintf(err->message, sizeof(err->message), "no such stock");
    return DK_ETASK;
}

static dk_status all_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    if (dk_table_nrows(args[0].as.table) != 24)
        return DK_ETASK;
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

static dk_context *open_context(void)
{
    dk_context *dk = dk_open(NULL);
    assert_non_null(dk);
    assert_int_equal(dk_register(dk, "add", add, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "count_rows", count_rows, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "refuse", refuse, NULL, NULL), DK_OK);
    return dk;
}

/* Calls depend on calls, and the three schedulers agree. */
static void test_calls_of_calls(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    dk_frame three = dk_delayed(dk, "add", (dk_value[]){dk_value_int(1), dk_value_int(2)}, 2);
    dk_frame total = dk_delayed(dk, "add", (dk_value[]){dk_lazy(three), dk_lazy(three)}, 2);
    const dk_get gets[] = {dk_get_sync, dk_get_threads, dk_get_processes};
    for (size_t i = 0; i < 3; i++) {
        dk_value value;
        dk_compute_options options = {.get = gets[i]};
        assert_int_equal(dk_compute_values(&total, 1, &options, &value), DK_OK);
        assert_int_equal(value.as.integer, 6);
    }
    dk_close(dk);
}

/* A frame arrives in a call as its computed table. */
static void test_frames_as_arguments(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    dk_frame rows = dk_delayed(dk, "count_rows", (dk_value[]){dk_lazy(df)}, 1);
    dk_frame groups = dk_delayed(dk, "count_rows", (dk_value[]){dk_lazy(days_spread(df))}, 1);
    dk_frame both = dk_delayed(dk, "add", (dk_value[]){dk_lazy(rows), dk_lazy(groups)}, 2);
    dk_value value;
    assert_int_equal(dk_compute_values(&both, 1, NULL, &value), DK_OK);
    assert_int_equal(value.as.integer, 24 + 4);
    dk_close(dk);
    days_remove(&days);
}

/* A failure names the key and the function, and says what the function said. */
static void test_errors_name_key_and_function(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    dk_frame bad = dk_delayed(dk, "refuse", NULL, 0);
    static const char *const schedulers[] = {"sync", "threads", "processes"};
    for (size_t i = 0; i < 3; i++) {
        dk_error err = {0};
        dk_value value;
        dk_compute_options options = {.scheduler = schedulers[i], .error = &err};
        assert_int_equal(dk_compute_values(&bad, 1, &options, &value), DK_ETASK);
        assert_non_null(strstr(err.message, "function refuse"));
        assert_non_null(strstr(err.message, "no such stock"));
        assert_true(strlen(err.key) > 0);
    }
    assert_int_equal(dk_frame_error(dk_delayed(dk, "nothing", NULL, 0))->status, DK_EKEY);
    dk_close(dk);
}

/* An unknown scheduler is refused with the list of the known ones. */
static void test_unknown_scheduler(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    dk_frame call = dk_delayed(dk, "add", NULL, 0);
    dk_error err = {0};
    dk_value value;
    dk_compute_options options = {.scheduler = "dask", .error = &err};
    assert_int_equal(dk_compute_values(&call, 1, &options, &value), DK_EINVAL);
    assert_non_null(strstr(err.message, "'dask'"));
    assert_non_null(strstr(err.message, "processes"));
    dk_close(dk);
}

/* Chains and fans of thousands of calls, shared ones too, need no stack and no patience. */
static void test_many_calls(void **state)
{
    (void)state;
    enum { N = 30000 };
    dk_context *dk = open_context();
    dk_frame chain = dk_delayed(dk, "add", (dk_value[]){dk_value_int(0)}, 1);
    static dk_value links[N];
    for (int i = 0; i < N; i++) {
        dk_value args[2] = {dk_lazy(chain), dk_value_int(1)};
        chain = dk_delayed(dk, "add", args, 2);
        links[i] = dk_lazy(chain);
    }
    dk_frame both[2] = {dk_delayed(dk, "add", links, N), chain};
    dk_value values[2];
    assert_int_equal(dk_compute_values(both, 2, NULL, values), DK_OK);
    assert_int_equal(values[0].as.integer, (int64_t)N * (N + 1) / 2);
    assert_int_equal(values[1].as.integer, N);
    dk_close(dk);
}

/* The head of a call is cut from what the function gave, which saw all rows of its arguments. */
static void test_head_of_a_call(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    assert_int_equal(dk_register(dk, "all_rows", all_rows, NULL, NULL), DK_OK);
    dk_value rows = dk_lazy(days_read(dk, &days));
    dk_table *head = NULL;
    assert_int_equal(dk_head(dk_delayed(dk, "all_rows", &rows, 1), 2, NULL, &head), DK_OK);
    assert_int_equal(dk_table_nrows(head), 2);
    dk_table_unref(head);
    dk_close(dk);
    days_remove(&days);
}

/* The number of a task means nothing outside its graph. */
static void test_tasks_are_no_arguments(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    dk_value task = dk_value_task((dk_task_id){7});
    dk_frame call = dk_delayed(dk, "add", &task, 1);
    assert_non_null(dk_frame_error(call));
    assert_int_equal(dk_frame_error(call)->status, DK_EINVAL);
    dk_close(dk);
}

/* A list of `value`. */
static dk_value list_of(dk_context *dk, dk_value value)
{
    dk_value list = dk_value_null();
    assert_int_equal(dk_value_list(dk, &value, 1, &list), DK_OK);
    return list;
}

static void assert_hides(dk_frame call)
{
    assert_non_null(dk_frame_error(call));
    assert_int_equal(dk_frame_error(call)->status, DK_EINVAL);
    assert_non_null(
        strstr(dk_frame_error(call)->message, "pass lazy values as arguments of their own"));
}

/* Lazy values and tasks are found inside lists and maps, where nobody would compute them; lists
 * without any are arguments like others. */
static void test_lists_hide_nothing(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    dk_value one = dk_value_int(1);
    dk_frame call = dk_delayed(dk, "add", &one, 1);
    dk_value arg = list_of(dk, dk_lazy(call));
    assert_hides(dk_delayed(dk, "add", &arg, 1));
    arg = list_of(dk, list_of(dk, dk_value_task((dk_task_id){0})));
    assert_hides(dk_delayed(dk, "add", &arg, 1));
    dk_value pair[] = {dk_value_null(), list_of(dk, dk_lazy(call))};
    assert_int_equal(dk_value_text(dk, "x", 1, &pair[0]), DK_OK);
    assert_int_equal(dk_value_map(dk, pair, 2, &arg), DK_OK);
    dk_value args[] = {dk_lazy(call), arg};
    assert_hides(dk_delayed(dk, "add", args, 2));

    dk_value value = dk_value_null();
    arg = list_of(dk, list_of(dk, one));
    assert_int_equal(dk_register(dk, "count_items", count_items, NULL, NULL), DK_OK);
    call = dk_delayed(dk, "count_items", &arg, 1);
    assert_int_equal(dk_compute_values(&call, 1, NULL, &value), DK_OK);
    assert_int_equal(value.as.integer, 1);
    dk_close(dk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_hide_nothing),
        cmocka_unit_test(test_calls_of_calls),
        cmocka_unit_test(test_frames_as_arguments),
        cmocka_unit_test(test_errors_name_key_and_function),
        cmocka_unit_test(test_unknown_scheduler),
        cmocka_unit_test(test_many_calls),
        cmocka_unit_test(test_tasks_are_no_arguments),
        cmocka_unit_test(test_head_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
