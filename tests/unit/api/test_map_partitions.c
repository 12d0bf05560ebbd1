/* Functions of a program's own over every partition, mixed with other operations. */
#include "api_support.h"

static dk_status count_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)err;
    int64_t count = dk_table_nrows(args[0].as.table);
    *result = dk_value_int(nargs > 1 ? count * args[1].as.integer : count);
    return DK_OK;
}

static dk_status same(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

static dk_status nothing(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                         dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)err;
    *result = dk_value_null();
    return DK_OK;
}

static dk_context *open_context(void)
{
    dk_context *dk = dk_open(NULL);
    assert_non_null(dk);
    assert_int_equal(dk_register(dk, "count_rows", count_rows, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "same", same, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "nothing", nothing, NULL, NULL), DK_OK);
    return dk;
}

static dk_table *compute(dk_frame frame, const char *scheduler)
{
    dk_error err = {0};
    dk_table *table = NULL;
    if (dk_compute(frame, &(dk_compute_options){.scheduler = scheduler, .error = &err}, &table))
        fail_msg("%s", err.message);
    return table;
}

/* A table to take names and types from. */
static dk_table *meta_of(dk_frame frame)
{
    dk_table *table = NULL;
    assert_int_equal(dk_head(frame, 1, NULL, &table), DK_OK);
    return table;
}

/* One row a partition, in their order, under every scheduler, whatever else is computed. */
static void test_scalars_become_rows(void **state)
{
    (void)state;
    static const char *const schedulers[] = {"sync", "threads", "processes"};
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    dk_frame late = dk_filter(df, dk_gt(dk_col(df, "high"), dk_float(dk, 1)));
    dk_value twice = dk_value_int(2);
    dk_table *meta = meta_of(dk_astype(dk_dt(dk_col(df, "timestamp"), "year"), DK_INT64));
    dk_frame counts = dk_map_partitions(late, "count_rows", &twice, 1, meta);
    assert_int_equal(dk_frame_npartitions(counts), 3);
    for (size_t i = 0; i < 3; i++) {
        dk_table *table = compute(counts, schedulers[i]);
        assert_int_equal(dk_table_nrows(table), 3);
        assert_int_equal(dk_table_int(table, -1, 2), 0);
        int64_t total = 0;
        for (int64_t row = 0; row < 3; row++)
            total += dk_table_int(table, 0, row);
        dk_table *size = compute(dk_size(late), schedulers[i]);
        assert_int_equal(total, 2 * dk_table_int(size, 0, 0));
        dk_table_unref(size);
        dk_table_unref(table);
    }
    dk_table_unref(meta);
    dk_close(dk);
    days_remove(&days);
}

/* What comes out can be grouped, mapped again and headed like any frame. */
static void test_mapped_frames_are_frames(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 4);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    dk_table *meta = meta_of(df);
    dk_frame mapped = dk_map_partitions(df, "same", NULL, 0, meta);
    mapped = dk_map_partitions(dk_filter(mapped, dk_gt(dk_col(mapped, "high"), dk_float(dk, 0))),
                               "same", NULL, 0, meta);
    dk_table *want = compute(days_spread(df), "sync");
    dk_table *got = compute(days_spread(mapped), "threads");
    assert_int_equal(dk_table_nrows(got), dk_table_nrows(want));
    for (int64_t row = 0; row < dk_table_nrows(want); row++)
        assert_true(dk_table_float(got, 0, row) == dk_table_float(want, 0, row));
    dk_table *head = NULL;
    assert_int_equal(dk_head(mapped, 3, NULL, &head), DK_OK);
    assert_int_equal(dk_table_nrows(head), 3);
    dk_table_unref(head);
    dk_table_unref(got);
    dk_table_unref(want);
    dk_table_unref(meta);
    dk_close(dk);
    days_remove(&days);
}

/* Whole numbers widen to the floats that were promised. */
static void test_integers_widen(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    dk_table *meta = meta_of(dk_rename(dk_col(df, "high"), NULL));
    dk_table *table = compute(dk_map_partitions(df, "count_rows", NULL, 0, meta), "sync");
    assert_int_equal(dk_table_column_type(table, 0), DK_FLOAT64);
    assert_true(dk_table_float(table, 0, 1) == 8.0);
    dk_table_unref(table);
    dk_table_unref(meta);
    dk_close(dk);
    days_remove(&days);
}

static void assert_fails(dk_frame frame, dk_status status, const char *text)
{
    dk_error err = {0};
    dk_table *table = NULL;
    assert_int_equal(dk_compute(frame, &(dk_compute_options){.error = &err}, &table), status);
    if (!strstr(err.message, text))
        fail_msg("'%s' is not in: %s", text, err.message);
}

static void test_what_does_not_conform(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    dk_table *frame = meta_of(df);
    dk_table *two = meta_of(dk_select(df, DK_NAMES("high", "low")));
    dk_table *text = meta_of(dk_astype(dk_col(df, "high"), DK_TEXT));
    dk_frame swapped = dk_select(df, DK_NAMES("low", "high"));
    assert_fails(dk_map_partitions(df, "same", NULL, 0, two), DK_ETYPE, "5 columns");
    assert_fails(dk_map_partitions(swapped, "same", NULL, 0, two), DK_ETYPE, "meta says 'high'");
    assert_fails(dk_map_partitions(df, "count_rows", NULL, 0, text), DK_ETYPE, "meta says str");
    assert_fails(dk_map_partitions(df, "nothing", NULL, 0, text), DK_ETYPE, "kind null");
    assert_fails(dk_map_partitions(df, "none", NULL, 0, text), DK_EKEY, "none");
    assert_fails(dk_map_partitions(dk_max(dk_col(df, "high")), "same", NULL, 0, text), DK_EINVAL,
                 "frames and series");
    dk_value lazy = dk_lazy(df);
    assert_fails(dk_map_partitions(df, "same", &lazy, 1, frame), DK_EINVAL, "is lazy");
    dk_value inside = dk_lazy(df);
    assert_int_equal(dk_value_list(dk, &inside, 1, &lazy), DK_OK);
    assert_fails(dk_map_partitions(df, "same", &lazy, 1, frame), DK_EINVAL, "is lazy");
    dk_table_unref(text);
    dk_table_unref(two);
    dk_table_unref(frame);
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_become_rows),
        cmocka_unit_test(test_mapped_frames_are_frames),
        cmocka_unit_test(test_integers_widen),
        cmocka_unit_test(test_what_does_not_conform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
