/* Frames that keep their results, under the local schedulers. */
#include "api_support.h"

static const char *const schedulers[] = {"sync", "threads", "processes"};

static void persist(const dk_frame *frames, size_t nframes, const char *scheduler, dk_frame *out)
{
    dk_error err = {0};
    dk_compute_options options = {.scheduler = scheduler, .error = &err};
    if (dk_persist(frames, nframes, &options, out) != DK_OK)
        fail_msg("%s", err.message);
}

static char *shown(dk_frame frame, const char *scheduler)
{
    dk_error err = {0};
    dk_table *table = NULL;
    char *text = NULL;
    if (dk_compute(frame, &(dk_compute_options){.scheduler = scheduler, .error = &err}, &table))
        fail_msg("%s", err.message);
    assert_int_equal(dk_table_format(table, NULL, &text, NULL), DK_OK);
    dk_table_unref(table);
    return text;
}

static void assert_equal(dk_frame frame, const char *want, const char *scheduler)
{
    char *got = shown(frame, scheduler);
    assert_string_equal(got, want);
    dk_text_free(got);
}

/* The files are gone, and all is there. */
static void test_nothing_is_read_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct days days;
        days_make(&days, 5);
        dk_context *dk = dk_open(NULL);
        dk_frame df = days_read(dk, &days);
        char *all = shown(df, "sync"), *spread = shown(days_spread(df), "sync");
        dk_frame kept;
        persist(&df, 1, schedulers[i], &kept);
        days_remove(&days);
        assert_int_equal(dk_frame_npartitions(kept), 5);
        for (size_t j = 0; j < 3; j++) {
            assert_equal(kept, all, schedulers[j]);
            assert_equal(days_spread(kept), spread, schedulers[j]);
        }
        dk_text_free(spread);
        dk_text_free(all);
        dk_close(dk);
    }
}

/* What is mixed of kept ones is as if nothing were kept. */
static void test_shapes(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 4);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    dk_frame high = dk_col(df, "high");
    dk_frame late = dk_filter(df, dk_gt(high, dk_float(dk, 1.5)));
    dk_frame frames[] = {high, dk_mean(high), late, days_spread(df), dk_max(late), high};
    dk_frame kept[6];
    persist(frames, 6, "threads", kept);
    for (size_t i = 0; i < 6; i++) {
        char *want = shown(frames[i], "sync");
        assert_int_equal(dk_frame_npartitions(kept[i]), dk_frame_npartitions(frames[i]));
        assert_equal(kept[i], want, "sync");
        dk_text_free(want);
    }
    char *want = shown(dk_sub(high, dk_mean(high)), "sync");
    assert_equal(dk_sub(kept[0], kept[1]), want, "sync");
    dk_text_free(want);
    want = shown(dk_sum(dk_col(late, "low")), "sync");
    assert_equal(dk_sum(dk_col(kept[2], "low")), want, "processes");
    dk_text_free(want);
    dk_value value;
    assert_int_equal(dk_compute_values(&kept[1], 1, NULL, &value), DK_OK);
    assert_int_equal(value.kind, DK_KIND_FLOAT);
    dk_close(dk);
    days_remove(&days);
}

/* Cut as it was, with the labels and divisions it had. */
static void test_labels(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_table *table = NULL, *divisions = NULL, *want = NULL;
    assert_int_equal(dk_compute(days_read(dk, &days), NULL, &table), DK_OK);
    dk_frame df = dk_from_table(dk, table, 5), kept;
    persist(&df, 1, "threads", &kept);
    assert_int_equal(dk_frame_npartitions(kept), 5);
    char *text = shown(df, "sync");
    assert_equal(kept, text, "sync");
    assert_int_equal(dk_frame_divisions(kept, &divisions, NULL), DK_OK);
    assert_int_equal(dk_frame_divisions(df, &want, NULL), DK_OK);
    assert_true(divisions == NULL && want == NULL);
    dk_frame sorted = dk_max(dk_col(dk_groupby_column(df, "timestamp"), "high"));
    assert_int_equal(dk_compute(sorted, NULL, &want), DK_OK);
    sorted = dk_from_table(dk, want, 3);
    persist(&sorted, 1, "sync", &kept);
    assert_int_equal(dk_frame_divisions(kept, &divisions, NULL), DK_OK);
    assert_int_equal(dk_table_nrows(divisions), 4);
    dk_table_unref(divisions);
    dk_table_unref(want);
    dk_text_free(text);
    dk_table_unref(table);
    dk_close(dk);
    days_remove(&days);
}

static dk_status count(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)nargs;
    (void)err;
    ++*(int *)dk_task_user(task);
    *result = dk_value_int(args[0].as.integer + 1);
    return DK_OK;
}

static void test_a_call_is_made_once(void **state)
{
    (void)state;
    int ncalls = 0;
    dk_context *dk = dk_open(NULL);
    assert_int_equal(dk_register(dk, "count", count, &ncalls, NULL), DK_OK);
    dk_value one = dk_value_int(1), result;
    dk_frame call = dk_delayed(dk, "count", &one, 1), kept;
    persist(&call, 1, "sync", &kept);
    dk_value lazy = dk_lazy(kept);
    dk_frame next = dk_delayed(dk, "count", &lazy, 1);
    assert_int_equal(dk_compute_values(&next, 1, NULL, &result), DK_OK);
    assert_int_equal(result.as.integer, 3);
    assert_int_equal(dk_compute_values(&kept, 1, NULL, &result), DK_OK);
    assert_int_equal(result.as.integer, 2);
    assert_int_equal(ncalls, 2);
    dk_close(dk);
}

/* The memory goes with the frame. */
static void test_forgetting(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 5);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days), kept;
    int64_t before = dk_context_memory(dk).current;
    persist(&df, 1, "threads", &kept);
    assert_true(dk_context_memory(dk).current > before + 5 * 8 * 5 * 8);
    dk_forget(kept);
    assert_int_equal(dk_context_memory(dk).current, before);
    dk_close(dk);
    days_remove(&days);
}

/* The results may be put where the frames are. */
static void test_in_place(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = dk_open(NULL);
    dk_frame frames[] = {days_read(dk, &days), days_spread(days_read(dk, &days))};
    char *all = shown(frames[0], "sync"), *spread = shown(frames[1], "sync");
    persist(frames, 2, "threads", frames);
    days_remove(&days);
    assert_equal(frames[0], all, "sync");
    assert_equal(frames[1], spread, "sync");
    dk_text_free(spread);
    dk_text_free(all);
    dk_forget(frames[0]);
    dk_forget(frames[1]);
    dk_close(dk);
}

static void test_refusals(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_error err = {0};
    dk_compute_options options = {.error = &err};
    dk_frame df = days_read(dk, &days), kept;
    assert_int_equal(dk_persist(&df, 0, &options, &kept), DK_EINVAL);
    dk_frame groups = dk_groupby_column(df, "high");
    assert_int_equal(dk_persist(&groups, 1, &options, &kept), DK_EINVAL);
    assert_non_null(strstr(err.message, "aggregate it first"));
    dk_frame wrong = dk_col(df, "nothing");
    assert_int_equal(dk_persist(&wrong, 1, &options, &kept), DK_ECOLUMN);
    options.scheduler = "distributed";
    assert_int_equal(dk_persist(&df, 1, &options, &kept), DK_EINVAL);
    assert_non_null(strstr(err.message, "no client"));
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_read_again),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_a_call_is_made_once),
        cmocka_unit_test(test_forgetting),
        cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
