/* Frames made from the results of other frames: groups, joins and reductions, counted, cut off and
 * shared. */
#include "api_support.h"

static dk_table *compute(dk_frame frame)
{
    dk_error err = {0};
    dk_table *table = NULL;
    if (dk_compute(frame, &(dk_compute_options){.error = &err}, &table) != DK_OK)
        fail_msg("%s", err.message);
    return table;
}

static int64_t compute_int(dk_frame scalar)
{
    dk_table *table = compute(scalar);
    int64_t value = dk_table_int(table, 0, 0);
    dk_table_unref(table);
    return value;
}

static dk_frame by_day(dk_frame df)
{
    return dk_groupby(df, dk_dt_floor(dk_col(df, "timestamp"), "1d"));
}

/* Rows of groups and of joined frames can be counted though no column of theirs is wanted. */
static void test_rows_of_results_are_counted(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 5);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame high = dk_max(dk_col(by_day(df), "high"));
    assert_int_equal(compute_int(dk_size(high)), 5);
    dk_frame ones = dk_assign(dk_count(by_day(df)), "one", dk_int(dk, 1));
    assert_int_equal(compute_int(dk_sum(dk_col(ones, "one"))), 5);

    dk_frame late = dk_filter(high, dk_gt(high, dk_float(dk, 3)));
    assert_int_equal(compute_int(dk_size(dk_sub(late, dk_neg(high)))), 5);
    dk_close(dk);
    days_remove(&days);
}

/* Groups without a column to aggregate have a size all the same. */
static void test_groups_without_columns_have_a_size(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_frame df = dk_select(days_read(dk, &days), DK_NAMES("open"));
    dk_table *sizes = compute(dk_size(dk_groupby_column(df, "open")));
    assert_int_equal(dk_table_nrows(sizes), 16);
    assert_int_equal(dk_table_int(sizes, 0, 0), 1);
    dk_table_unref(sizes);
    dk_close(dk);
    days_remove(&days);
}

static void assert_head_is_like_all(dk_frame frame, int64_t n)
{
    dk_error err = {0};
    dk_table *all = compute(frame);
    dk_table *head = NULL;
    assert_int_equal(dk_head(frame, n, &(dk_compute_options){.error = &err}, &head), DK_OK);
    assert_int_equal(dk_table_nrows(head), n);
    for (int64_t row = 0; row < n; row++) {
        assert_int_equal(dk_table_int(head, -1, row), dk_table_int(all, -1, row));
        assert_true(dk_table_float(head, 0, row) == dk_table_float(all, 0, row));
    }
    dk_table_unref(head);
    dk_table_unref(all);
}

/* The head of what is computed from groups or scalars comes from all rows of the files below. */
static void test_head_of_results(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 6);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    assert_head_is_like_all(days_spread(df), 5);
    assert_head_is_like_all(dk_sub(dk_col(df, "high"), dk_mean(dk_col(df, "high"))), 3);
    dk_frame cheap = dk_filter(df, dk_lt(dk_col(df, "low"), dk_mean(dk_col(df, "low"))));
    assert_head_is_like_all(dk_col(cheap, "low"), 4);
    dk_close(dk);
    days_remove(&days);
}

/* What an expression uses twice is looked at once, however often that repeats. */
static void test_shared_parts_are_planned_once(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 1);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame doubled = dk_col(df, "open");
    for (int i = 0; i < 60; i++)
        doubled = dk_add(doubled, doubled);
    dk_frame filtered = df;
    for (int i = 0; i < 30; i++)
        filtered = dk_filter(filtered, dk_gt(dk_col(filtered, "open"), dk_int(dk, -i)));
    assert_int_equal(compute_int(dk_size(doubled)), 8);
    assert_int_equal(compute_int(dk_size(dk_col(filtered, "open"))), 8);
    char *plan = NULL;
    assert_int_equal(dk_explain(&doubled, 1, &plan, NULL), DK_OK);
    dk_text_free(plan);
    dk_close(dk);
    days_remove(&days);
}

static size_t count_tasks(const dk_frame *frames, size_t nframes, dk_task_id *keys)
{
    dk_graph *graph = NULL;
    assert_int_equal(dk_frame_graph(frames, nframes, &graph, keys, NULL), DK_OK);
    size_t ntasks = dk_graph_ntasks(graph);
    dk_graph_free(graph);
    return ntasks;
}

/* A frame that is wanted twice is collected once, and so is a scalar that two passes use. */
static void test_wanted_twice_is_collected_once(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame spread = days_spread(df);
    dk_frame lowest = dk_min(dk_col(df, "low"));
    const dk_frame wanted[] = {spread, df, spread, days_spread(df)};
    const dk_frame by_two[] = {dk_sub(spread, lowest), dk_sub(dk_col(df, "low"), lowest)};
    dk_task_id keys[4];
    assert_int_equal(count_tasks(wanted, 4, keys), count_tasks(wanted, 2, keys));
    assert_int_equal(count_tasks(wanted, 4, keys), 3 + 1 + 1 + 1 + 1);
    assert_int_equal(keys[0].id, keys[2].id);
    assert_int_equal(keys[0].id, keys[3].id);
    /* Three files, their groups and minimum; the minimum, each difference. */
    assert_int_equal(count_tasks(by_two, 2, keys), (3 + 1 + 1) + (1 + 1) + (1 + 1) + (3 + 1));
    dk_close(dk);
    days_remove(&days);
}

static void key_of(dk_frame frame, char key[DK_ERROR_KEY_MAX])
{
    dk_graph *graph = NULL;
    dk_task_id task;
    assert_int_equal(dk_frame_graph(&frame, 1, &graph, &task, NULL), DK_OK);
    dk_graph_key_text(graph, task, key);
    dk_graph_free(graph);
}

/* Equal work has equal keys; results that differ, if only by a name, have not. */
static void test_keys_tell_results_apart(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 1);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame high = dk_col(df, "high");
    const dk_frame frames[] = {
        high,
        dk_select(df, DK_NAMES("high")),
        dk_rename(high, "low"),
        dk_col(df, "low"),
        dk_filter(high, dk_gt(high, dk_int(dk, 0))),
        dk_filter(high, dk_gt(high, dk_int(dk, 1))),
    };
    enum { N = sizeof(frames) / sizeof(frames[0]) };
    char keys[N][DK_ERROR_KEY_MAX];
    for (size_t i = 0; i < N; i++) {
        char again[DK_ERROR_KEY_MAX];
        key_of(frames[i], keys[i]);
        key_of(frames[i], again);
        assert_string_equal(again, keys[i]);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(keys[i], keys[j]);
    }
    dk_close(dk);
    days_remove(&days);
}

/* An expression that is nested too deep to plan is refused, not run into the end of the stack. */
static void test_depth_has_a_limit(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 1);
    dk_context *dk = dk_open(NULL);
    dk_frame open = dk_col(days_read(dk, &days), "open");
    dk_frame nested = open;
    for (int i = 0; i < 1900; i++)
        nested = dk_add(nested, dk_int(dk, 1));
    dk_table *table = compute(dk_sub(nested, open));
    assert_true(dk_table_float(table, 0, 0) == 1900);
    dk_table_unref(table);
    for (int i = 0; i < 200; i++)
        nested = dk_add(nested, dk_int(dk, 1));
    assert_non_null(dk_frame_error(nested));
    assert_int_equal(dk_frame_error(nested)->status, DK_ENOTSUP);
    dk_close(dk);
    days_remove(&days);
}

/* What cannot be computed is no plan to explain either; a literal of literals shows its type. */
static void test_groupbys_and_literals_have_no_plan(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 1);
    dk_context *dk = dk_open(NULL);
    dk_frame groupby = by_day(days_read(dk, &days));
    dk_frame three = dk_add(dk_int(dk, 1), dk_int(dk, 2));
    char *text = NULL;
    assert_int_equal(dk_explain(&groupby, 1, &text, NULL), DK_EINVAL);
    assert_int_equal(dk_explain(&three, 1, &text, NULL), DK_EINVAL);
    assert_int_equal(dk_frame_format(three, &text, NULL), DK_OK);
    assert_string_equal(text, "<literal int64>\n");
    dk_text_free(text);
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_results_are_counted),
        cmocka_unit_test(test_groups_without_columns_have_a_size),
        cmocka_unit_test(test_head_of_results),
        cmocka_unit_test(test_shared_parts_are_planned_once),
        cmocka_unit_test(test_wanted_twice_is_collected_once),
        cmocka_unit_test(test_keys_tell_results_apart),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_groupbys_and_literals_have_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
