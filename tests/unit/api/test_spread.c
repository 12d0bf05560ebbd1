/* The notebook's computation through the public functions. */
#include "api_support.h"

static const char *const schedulers[] = {"sync", "threads", "processes"};

static void assert_same_table(const dk_table *a, const dk_table *b)
{
    assert_int_equal(dk_table_nrows(a), dk_table_nrows(b));
    assert_int_equal(dk_table_ncolumns(a), dk_table_ncolumns(b));
    for (int64_t row = 0; row < dk_table_nrows(a); row++) {
        for (int32_t column = -1; column < dk_table_ncolumns(a); column++) {
            double left = dk_table_float(a, column, row);
            double right = dk_table_float(b, column, row);
            assert_memory_equal(&left, &right, sizeof(left));
        }
    }
}

static dk_table *compute(dk_frame frame, const char *scheduler, int workers)
{
    dk_error err = {0};
    dk_table *table = NULL;
    dk_compute_options options = {.scheduler = scheduler, .error = &err};
    options.run.num_workers = workers;
    if (dk_compute(frame, &options, &table) != DK_OK)
        fail_msg("%s", err.message);
    return table;
}

/* Rows after noon count for the next day, and noon of an odd day does too: values and labels are
 * those that pandas gives for these files. */
static void test_groups_follow_half_even_rounding(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_table *table = compute(days_spread(days_read(dk, &days)), "sync", 1);
    const double expected[] = {0.875, 1.6875, 1.6875, 1.0};
    assert_int_equal(dk_table_nrows(table), 4);
    assert_string_equal(dk_table_index_name(table), "timestamp");
    assert_null(dk_table_column_name(table, 0));
    for (int64_t row = 0; row < 4; row++) {
        assert_int_equal(dk_table_int(table, -1, row), (16556 + row) * INT64_C(86400000000000));
        assert_true(dk_table_float(table, 0, row) == expected[row]);
    }
    dk_table_unref(table);
    dk_close(dk);
    days_remove(&days);
}

/* The result is the same bit for bit under every scheduler, number of workers and block size. */
static void test_results_do_not_depend_on_how(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 20);
    dk_context *dk = dk_open(NULL);
    dk_table *expected = compute(days_spread(days_read(dk, &days)), "sync", 1);
    static const int64_t blocksizes[] = {-1, 64, 100, 333};
    for (size_t b = 0; b < 4; b++) {
        dk_csv_options options = {.parse_dates = DK_NAMES("timestamp"), .blocksize = blocksizes[b]};
        dk_frame spread = days_spread(dk_read_csv(dk, days.glob, &options));
        for (size_t s = 0; s < 3; s++) {
            for (int workers = 1; workers <= 8; workers += 7) {
                dk_table *table = compute(spread, schedulers[s], workers);
                assert_same_table(expected, table);
                dk_table_unref(table);
            }
        }
    }
    dk_table_unref(expected);
    dk_close(dk);
    days_remove(&days);
}

/* Two frames computed at once parse each file once: together they need hardly more tasks than one
 * alone. */
static void test_siblings_share_their_pass(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 10);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame day = dk_dt_round(dk_col(df, "timestamp"), "1d");
    dk_frame both[] = {dk_max(dk_col(dk_groupby(df, day), "high")),
                       dk_min(dk_col(dk_groupby(df, day), "low"))};
    dk_graph *graph = NULL;
    dk_task_id keys[2];
    dk_error err = {0};
    assert_int_equal(dk_frame_graph(both, 1, &graph, keys, &err), DK_OK);
    size_t alone = dk_graph_ntasks(graph);
    dk_graph_free(graph);
    assert_int_equal(dk_frame_graph(both, 2, &graph, keys, &err), DK_OK);
    assert_true(dk_graph_ntasks(graph) <= alone + 1);
    dk_graph_free(graph);
    dk_close(dk);
    days_remove(&days);
}

/* The plan names the three columns that are parsed and not the other two. */
static void test_explain_shows_projection(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_frame spread = days_spread(days_read(dk, &days));
    char *text = NULL;
    dk_error err = {0};
    assert_int_equal(dk_explain(&spread, 1, &text, &err), DK_OK);
    assert_non_null(
        strstr(text, "parses 3 of 5 columns: timestamp datetime64[ns], high float64, low float64"));
    dk_text_free(text);
    dk_close(dk);
    days_remove(&days);
}

/* The plan tells what is parsed in every row from what only rows that pass need. */
static void test_explain_shows_filters(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    df = dk_filter(df, dk_gt(dk_col(df, "close"), dk_float(dk, 1)));
    df = dk_filter(df, dk_lt(dk_col(df, "low"), dk_float(dk, 2)));
    dk_frame some = dk_select(df, DK_NAMES("close", "high", "open"));
    char *text = NULL;
    dk_error err = {0};
    assert_int_equal(dk_explain(&some, 1, &text, &err), DK_OK);
    const char *plan = "      parses 4 of 5 columns: close float64\n"
                       "        where (close > 1): low float64\n"
                       "        where (close > 1) and (low < 2): high float64, open float64\n"
                       "      compute (close > 1)\n"
                       "      keep rows where (close > 1)\n"
                       "      compute (low < 2)\n"
                       "      keep rows where (low < 2)\n"
                       "      collect 3 columns\n";
    if (!strstr(text, plan))
        fail_msg("%s", text);
    dk_text_free(text);
    dk_close(dk);
    days_remove(&days);
}

/* head() reads the first partition only: a broken later file does not matter. */
static void test_head_reads_no_more_than_it_needs(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    char path[128];
    days_path(&days, 2, path);
    unlink(path);
    dk_table *table = NULL;
    dk_error err = {0};
    dk_compute_options options = {.error = &err};
    assert_int_equal(dk_head(df, 5, &options, &table), DK_OK);
    assert_int_equal(dk_table_nrows(table), 5);
    assert_int_equal(dk_table_ncolumns(table), 5);
    dk_table_unref(table);
    assert_int_equal(dk_compute(df, &options, &table), DK_ENOFILE);
    assert_non_null(strstr(err.message, path));
    dk_close(dk);
    days_remove(&days);
}

/* A reduction broadcasts against the rows it came from, which takes a second pass. */
static void test_scalars_broadcast(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 4);
    dk_context *dk = dk_open(NULL);
    dk_frame close = dk_col(days_read(dk, &days), "close");
    dk_frame above = dk_sum(dk_astype(dk_gt(close, dk_mean(close)), DK_INT64));
    for (size_t s = 0; s < 3; s++) {
        dk_error err = {0};
        dk_value value;
        dk_compute_options options = {.scheduler = schedulers[s], .error = &err};
        if (dk_compute_values(&above, 1, &options, &value) != DK_OK)
            fail_msg("%s", err.message);
        assert_int_equal(value.kind, DK_KIND_INT);
        assert_int_equal(value.as.integer, 16);
    }
    dk_close(dk);
    days_remove(&days);
}

/* Frames of different rows meet by label when each is one partition, and are refused otherwise. */
static void test_alignment(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 4);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame first_days = dk_filter(df, dk_lt(dk_col(df, "timestamp"), dk_text(dk, "2015-05-03")));
    dk_frame all = days_spread(df);
    dk_frame some = days_spread(first_days);
    dk_table *table = compute(dk_sub(all, some), "threads", 2);
    assert_int_equal(dk_table_nrows(table), 5);
    assert_true(dk_table_float(table, 0, 0) == 0);
    assert_true(dk_table_is_missing(table, 0, 4));
    dk_table_unref(table);

    dk_frame bad = dk_add(dk_col(df, "high"), dk_col(first_days, "high"));
    assert_int_equal(dk_frame_error(bad)->status, DK_EALIGN);
    dk_close(dk);
    days_remove(&days);
}

/* A table's sorted index gives the bounds of its partitions; files have none that are known. */
static void test_divisions(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_table *divisions = NULL;
    dk_error err = {0};
    assert_int_equal(dk_frame_divisions(df, &divisions, &err), DK_OK);
    assert_null(divisions);
    dk_table *spread = compute(days_spread(df), "sync", 1);
    dk_frame frame = dk_from_table(dk, spread, 2);
    assert_int_equal(dk_frame_npartitions(frame), 2);
    assert_int_equal(dk_frame_divisions(frame, &divisions, &err), DK_OK);
    assert_int_equal(dk_table_nrows(divisions), 3);
    const int64_t expected[] = {16556, 16558, 16559};
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(dk_table_int(divisions, 0, i), expected[i] * INT64_C(86400000000000));
    dk_table *again = compute(frame, "threads", 2);
    assert_same_table(spread, again);
    dk_table_unref(again);
    dk_table_unref(divisions);
    dk_table_unref(spread);
    dk_close(dk);
    days_remove(&days);
}

static volatile int cancel;

static void cancel_finish(void *self, const dk_task_event *event)
{
    (void)self;
    if (strcmp(event->function, "frame.finish") == 0)
        cancel = 1;
}

static void note_status(void *self, const dk_task_event *event)
{
    if (strcmp(event->function, "frame.finish") == 0)
        *(dk_status *)self = event->status;
}

/* The task that finishes groups stops in the middle when it is cancelled, as it may have millions
 * of groups to merge. */
static void test_finishing_is_cancelled(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_status finished = DK_OK;
    dk_callbacks callbacks = {.pretask = cancel_finish, .posttask = note_status, .self = &finished};
    dk_error err = {0};
    dk_table *table = NULL;
    dk_compute_options options = {.scheduler = "sync", .error = &err};
    options.run = (dk_get_options){.cancel = &cancel, .callbacks = &callbacks, .ncallbacks = 1};
    assert_int_equal(dk_compute(days_spread(days_read(dk, &days)), &options, &table), DK_ECANCELED);
    assert_int_equal(finished, DK_ECANCELED);
    assert_string_equal(err.message, "the computation was cancelled");
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_follow_half_even_rounding),
        cmocka_unit_test(test_results_do_not_depend_on_how),
        cmocka_unit_test(test_siblings_share_their_pass),
        cmocka_unit_test(test_explain_shows_projection),
        cmocka_unit_test(test_explain_shows_filters),
        cmocka_unit_test(test_head_reads_no_more_than_it_needs),
        cmocka_unit_test(test_scalars_broadcast),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_divisions),
        cmocka_unit_test(test_finishing_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
