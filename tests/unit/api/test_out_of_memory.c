/* Every allocation of the public functions fails once: the answer is DK_ENOMEM or a right result,
 * and nothing leaks. */
#include "api_support.h"

#include "support/failing_allocator.h"

/* `scenario` gets an open context and gives the status of what it did. */
static void fail_each(dk_status (*scenario)(dk_context *dk, const struct days *days))
{
    struct days days;
    days_make(&days, 3);
    struct failing_allocator *failing =
        mmap(NULL, sizeof(*failing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(failing, MAP_FAILED);
    bool has_failed = true;
    for (long long n = 1; has_failed && n < 20000; n++) {
        atomic_store(&failing->left, n);
        dk_options options = {.allocator = &(dk_allocator){failing_allocator_resize, failing}};
        dk_context *dk = NULL;
        dk_error err = {0};
        dk_status status = dk_open_with(&options, &dk, &err);
        if (status == DK_OK) {
            status = scenario(dk, &days);
            dk_close(dk);
        }
        has_failed = atomic_load(&failing->left) == 0;
        if (status != DK_OK && !(status == DK_ENOMEM && has_failed))
            fail_msg("allocation %lld: %s", n, dk_status_name(status));
    }
    assert_false(has_failed);
    munmap(failing, sizeof(*failing));
    days_remove(&days);
}

static dk_status compute(dk_frame frame, const char *scheduler)
{
    dk_error err = {0};
    dk_table *table = NULL;
    dk_compute_options options = {.scheduler = scheduler, .error = &err};
    options.run.num_workers = 2;
    dk_status status = dk_compute(frame, &options, &table);
    if (status != DK_OK)
        return status;
    char *text = NULL;
    status = dk_table_format(table, NULL, &text, &err);
    dk_text_free(text);
    dk_table_unref(table);
    return status;
}

static dk_status spread_sync(dk_context *dk, const struct days *days)
{
    return compute(days_spread(days_read(dk, days)), "sync");
}

static dk_status spread_threads(dk_context *dk, const struct days *days)
{
    return compute(days_spread(days_read(dk, days)), "threads");
}

static dk_status spread_processes(dk_context *dk, const struct days *days)
{
    return compute(days_spread(days_read(dk, days)), "processes");
}

/* Columns of every kind of expression, collected behind a filter. */
static dk_status columns(dk_context *dk, const struct days *days)
{
    dk_frame df = days_read(dk, days);
    dk_frame high = dk_col(df, "high");
    dk_frame time = dk_col(df, "timestamp");
    df = dk_assign(df, "hour", dk_dt(time, "hour"));
    df = dk_assign(df, "mean", dk_mean(high));
    df = dk_assign(df, "label", dk_text(dk, "x"));
    df = dk_assign(df, "text", dk_astype(high, DK_TEXT));
    df = dk_filter(df, dk_and(dk_gt(high, dk_float(dk, 1)), dk_not(dk_isna(high))));
    return compute(df, "sync");
}

static dk_status groups(dk_context *dk, const struct days *days)
{
    dk_frame df = days_read(dk, days);
    dk_frame groupby = dk_groupby(df, dk_dt(dk_col(df, "timestamp"), "day"));
    static const char *const names[] = {"sum", "mean", "std", "count", "size", "first", "nunique"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        dk_status status = compute(dk_aggregate(dk_col(groupby, "close"), names[i]), "sync");
        if (status != DK_OK)
            return status;
    }
    dk_frame aligned =
        dk_add(dk_sum(dk_col(groupby, "close")),
               dk_sum(dk_col(dk_groupby(df, dk_dt(dk_col(df, "timestamp"), "hour")), "low")));
    return compute(aligned, "sync");
}

/* Results that are only counted, and heads of them. */
static dk_status results(dk_context *dk, const struct days *days)
{
    dk_frame df = days_read(dk, days);
    dk_frame spread = days_spread(df);
    dk_frame low = dk_min(dk_groupby(df, dk_dt(dk_col(df, "timestamp"), "hour")));
    dk_frame joined = dk_add(dk_col(low, "low"), dk_col(low, "high"));
    joined = dk_add(joined, dk_filter(joined, dk_gt(joined, dk_float(dk, 0))));
    dk_status status = compute(dk_size(joined), "sync");
    if (status == DK_OK)
        status = compute(dk_size(spread), "sync");
    dk_table *head = NULL;
    if (status == DK_OK)
        status = dk_head(spread, 2, &(dk_compute_options){.scheduler = "sync"}, &head);
    dk_table_unref(head);
    return status;
}

static dk_status count_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)err;
    int64_t nrows = 0;
    for (size_t i = 0; i < nargs; i++) {
        assert_int_equal(args[i].kind, DK_KIND_TABLE);
        nrows += dk_table_nrows(args[i].as.table);
    }
    *result = dk_value_int(nrows);
    return DK_OK;
}

static dk_status delayed(dk_context *dk, const struct days *days)
{
    dk_status status = dk_register(dk, "count_rows", count_rows, NULL, NULL);
    if (status != DK_OK)
        return status;
    dk_frame df = days_read(dk, days);
    dk_value args[3] = {dk_lazy(df), dk_lazy(dk_col(df, "low")), dk_lazy(days_spread(df))};
    dk_frame count = dk_delayed(dk, "count_rows", args, 3);
    dk_value value = dk_value_null();
    status = dk_compute_values(&count, 1, &(dk_compute_options){.scheduler = "sync"}, &value);
    if (status == DK_OK)
        assert_int_equal(value.as.integer, 24 + 24 + 4);
    return status;
}

/* Every operator on columns, element by element. */
static dk_status operators(dk_context *dk, const struct days *days)
{
    const char *paths[] = {days->glob};
    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv_list(dk, (dk_names){paths, 1}, &options);
    dk_frame a = dk_col(df, "high");
    dk_frame b = dk_rename(dk_col(df, "low"), "b");
    dk_frame day = dk_dt(dk_dt_ceil(dk_col(df, "timestamp"), "1h"), "day");
    const dk_frame made[] = {
        dk_mul(a, b),
        dk_div(a, b),
        dk_floordiv(a, dk_float(dk, 2)),
        dk_mod(a, b),
        dk_pow(a, b),
        dk_eq(a, b),
        dk_ne(a, b),
        dk_le(a, b),
        dk_ge(day, dk_int(dk, 2)),
        dk_abs(dk_neg(a)),
        dk_or(dk_notna(a), dk_bool(dk, true)),
        dk_xor(dk_isna(a), dk_lt(a, b)),
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        char name[16];
        snprintf(name, sizeof(name), "column%zu", i);
        df = dk_assign(df, name, made[i]);
    }
    return compute(df, "sync");
}

/* A table goes out by Arrow and comes back, is cut into partitions, and several results are taken
 * at once. */
static dk_status tables(dk_context *dk, const struct days *days)
{
    dk_error err = {0};
    dk_compute_options how = {.scheduler = "sync", .error = &err};
    dk_table *table = NULL;
    dk_table *again = NULL;
    dk_table *both[2] = {NULL, NULL};
    struct ArrowSchema schema;
    struct ArrowArray array;
    dk_status status =
        dk_head(dk_select(days_read(dk, days), DK_NAMES("high", "low")), 6, &how, &table);
    if (status == DK_OK)
        status = dk_table_to_csv(table, "/dev/null", NULL, &err);
    if (status == DK_OK)
        status = dk_table_to_arrow(table, &schema, &array, &err);
    if (status == DK_OK)
        status = dk_table_from_arrow(dk, &schema, &array, NULL, &again, &err);
    if (status == DK_OK) {
        dk_frame frame = dk_from_table(dk, again, 3);
        dk_frame wanted[] = {dk_col(frame, "high"), dk_nunique(dk_col(frame, "low"))};
        status = dk_compute_many(wanted, 2, &how, both);
    }
    if (status == DK_OK)
        assert_int_equal(dk_table_nrows(both[0]), 6);
    dk_table_unref(both[0]);
    dk_table_unref(both[1]);
    dk_table_unref(again);
    dk_table_unref(table);
    return status;
}

static dk_status describing(dk_context *dk, const struct days *days)
{
    dk_frame spread = days_spread(days_read(dk, days));
    char *text = NULL;
    dk_error err = {0};
    dk_status status = dk_frame_format(spread, &text, &err);
    if (status != DK_OK)
        return status;
    dk_text_free(text);
    status = dk_explain(&spread, 1, &text, &err);
    if (status == DK_OK)
        dk_text_free(text);
    return status;
}

/* Forgets `old`, which has gone into `made`. */
static dk_frame instead(dk_frame made, dk_frame old)
{
    dk_forget(old);
    return made;
}

/* A frame, a graph and a call of it, all forgotten as soon as can be: nothing stays, whatever
 * failed. */
static dk_status forgotten(dk_context *dk, const struct days *days)
{
    dk_forget(dk_int(dk, 0));
    int64_t nblocks = dk_context_memory(dk).blocks;
    dk_frame df = days_read(dk, days);
    dk_frame mask = dk_col(df, "high");
    mask = instead(dk_notna(mask), mask);
    df = instead(dk_filter(df, mask), df);
    dk_forget(mask);
    df = instead(dk_groupby_column(df, "timestamp"), df);
    df = instead(dk_max(df), df);
    dk_task_id key;
    dk_graph *graph = NULL;
    dk_status status = dk_frame_graph(&df, 1, &graph, &key, NULL);
    dk_value args[] = {dk_value_int(-1), dk_lazy(df)};
    df = instead(dk_delayed(dk, "frame.concat", args, 2), df);
    dk_value value = dk_value_null();
    if (status == DK_OK)
        status = dk_get_sync(dk, graph, &key, 1, NULL, &value, NULL);
    dk_graph_free(graph);
    if (status == DK_OK)
        status = compute(df, "sync");
    dk_value_unref(value);
    dk_forget(df);
    int64_t nleft = dk_context_memory(dk).blocks - nblocks;
    assert_in_range(nleft, 0, 1); /* the table of nodes */
    return status;
}

static void test_spread_sync(void **state)
{
    (void)state;
    fail_each(spread_sync);
}

static void test_spread_threads(void **state)
{
    (void)state;
    fail_each(spread_threads);
}

static void test_spread_processes(void **state)
{
    (void)state;
    fail_each(spread_processes);
}

static void test_columns(void **state)
{
    (void)state;
    fail_each(columns);
}

static void test_groups(void **state)
{
    (void)state;
    fail_each(groups);
}

static void test_results(void **state)
{
    (void)state;
    fail_each(results);
}

static void test_delayed(void **state)
{
    (void)state;
    fail_each(delayed);
}

static void test_operators(void **state)
{
    (void)state;
    fail_each(operators);
}

static void test_tables(void **state)
{
    (void)state;
    fail_each(tables);
}

static void test_forgotten(void **state)
{
    (void)state;
    fail_each(forgotten);
}

static void test_describing(void **state)
{
    (void)state;
    fail_each(describing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spread_sync),      cmocka_unit_test(test_spread_threads),
        cmocka_unit_test(test_spread_processes), cmocka_unit_test(test_columns),
        cmocka_unit_test(test_groups),           cmocka_unit_test(test_results),
        cmocka_unit_test(test_delayed),          cmocka_unit_test(test_operators),
        cmocka_unit_test(test_tables),           cmocka_unit_test(test_describing),
        cmocka_unit_test(test_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
