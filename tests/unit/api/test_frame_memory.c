/* What expressions take of the ledger, and when they give it back. */
#include "api_support.h"

static int64_t bytes_of(const dk_context *dk)
{
    return dk_context_memory(dk).current;
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

/* A context whose ledger has taken what it takes once for all frames. */
static dk_context *open_context(void)
{
    dk_context *dk = dk_open(NULL);
    assert_non_null(dk);
    assert_int_equal(dk_register(dk, "same", same, NULL, NULL), DK_OK);
    dk_forget(dk_int(dk, 0));
    return dk;
}

/* Frames that are forgotten together. */
struct kept {
    dk_frame frames[200];
    size_t count;
};

static dk_frame keep(struct kept *kept, dk_frame frame)
{
    assert_true(kept->count < 200);
    kept->frames[kept->count++] = frame;
    return frame;
}

static void forget_all(struct kept *kept)
{
    while (kept->count)
        dk_forget(kept->frames[--kept->count]);
}

static dk_frame keep_col(struct kept *kept, dk_frame frame, const char *name)
{
    return keep(kept, dk_col(frame, name));
}

static dk_table *compute(dk_frame frame)
{
    dk_error err = {0};
    dk_table *table = NULL;
    if (dk_compute(frame, &(dk_compute_options){.error = &err}, &table) != DK_OK)
        fail_msg("%s", err.message);
    return table;
}

static void assert_spread(dk_table *table)
{
    assert_int_equal(dk_table_nrows(table), 4);
    assert_true(dk_table_float(table, 0, 0) == 0.875);
    dk_table_unref(table);
}

/* The notebook's spread, of which only the result is not forgotten. */
static dk_frame spread_alone(dk_frame df)
{
    struct kept kept = {.count = 0};
    dk_frame day = keep(&kept, dk_dt_round(keep_col(&kept, df, "timestamp"), "1d"));
    dk_frame groupby = keep(&kept, dk_groupby(df, day));
    dk_frame high = keep(&kept, dk_max(keep_col(&kept, groupby, "high")));
    dk_frame low = keep(&kept, dk_min(keep_col(&kept, groupby, "low")));
    dk_frame spread = dk_sub(high, low);
    forget_all(&kept);
    return spread;
}

static const char *const aggregates[] = {"sum",   "min",  "max", "mean", "count",  "size",
                                         "first", "last", "std", "var",  "nunique"};

static void build_operators(struct kept *kept, dk_frame df)
{
    static dk_frame (*const binary[])(dk_frame, dk_frame) = {
        dk_add, dk_sub, dk_mul, dk_div, dk_floordiv, dk_mod, dk_pow, dk_eq,
        dk_ne,  dk_lt,  dk_le,  dk_gt,  dk_ge,       dk_and, dk_or,  dk_xor};
    static dk_frame (*const unary[])(dk_frame) = {dk_neg, dk_abs, dk_not, dk_isna, dk_notna};
    dk_frame high = keep_col(kept, df, "high");
    dk_frame low = keep_col(kept, df, "low");
    dk_frame both = keep(kept, dk_select(df, DK_NAMES("high", "low")));
    dk_frame one = keep(kept, dk_select(df, DK_NAMES("high")));
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        keep(kept, binary[i](high, low));
        keep(kept, binary[i](both, one));
    }
    for (size_t i = 0; i < sizeof(unary) / sizeof(unary[0]); i++)
        keep(kept, unary[i](high));
    keep(kept, dk_astype(high, DK_FLOAT64));
    keep(kept, dk_astype(both, DK_TEXT));
    keep(kept, dk_rename(high, "x"));
}

static void build_times(struct kept *kept, dk_frame df)
{
    dk_context *dk = df.dk;
    dk_frame time = keep_col(kept, df, "timestamp");
    keep(kept, dk_dt_round(time, "1d"));
    keep(kept, dk_dt_floor(time, "1h"));
    keep(kept, dk_dt_ceil(time, "90min"));
    keep(kept, dk_dt(time, "hour"));
    keep(kept, dk_eq(time, keep(kept, dk_text(dk, "no time at all"))));
    keep(kept, dk_lt(time, keep(kept, dk_text(dk, "2015-05-02"))));
}

static void build_rows(struct kept *kept, dk_frame df)
{
    dk_context *dk = df.dk;
    dk_frame high = keep_col(kept, df, "high");
    dk_frame mask = keep(kept, dk_gt(high, keep(kept, dk_float(dk, 1.5))));
    dk_frame filtered = keep(kept, dk_filter(df, mask));
    keep(kept, dk_assign(filtered, "mean", keep(kept, dk_mean(high))));
    keep(kept, dk_assign(df, "yes", keep(kept, dk_bool(dk, true))));
    dk_frame groupby = keep(kept, dk_groupby_column(df, "low"));
    dk_frame column = keep_col(kept, groupby, "open");
    dk_frame columns = keep(kept, dk_select(groupby, DK_NAMES("open", "close")));
    for (size_t i = 0; i < sizeof(aggregates) / sizeof(aggregates[0]); i++) {
        keep(kept, dk_aggregate(column, aggregates[i]));
        keep(kept, dk_aggregate(columns, aggregates[i]));
        keep(kept, dk_aggregate(high, aggregates[i]));
    }
    dk_frame sums = keep(kept, dk_sum(column));
    keep(kept, dk_sub(sums, keep(kept, dk_filter(sums, keep(kept, dk_notna(sums))))));
}

static void build_errors(struct kept *kept, dk_frame df)
{
    dk_context *dk = df.dk;
    dk_frame bad = keep_col(kept, df, "hihg");
    assert_int_equal(dk_frame_error(bad)->status, DK_ECOLUMN);
    keep(kept, dk_add(bad, df));
    keep(kept, dk_add(df, bad));
    keep(kept, dk_neg(bad));
    keep(kept, dk_mean(bad));
    keep(kept, dk_filter(df, bad));
    keep(kept, dk_assign(df, "x", bad));
    keep(kept, dk_groupby(df, bad));
    keep(kept, dk_groupby_column(df, "hihg"));
    keep(kept, dk_dt_round(keep_col(kept, df, "timestamp"), "1 fortnight"));
    keep(kept, dk_dt(keep_col(kept, df, "timestamp"), "fortnight"));
    keep(kept, dk_aggregate(df, "mode"));
    keep(kept, dk_read_csv(dk, "/no/such/file.csv", NULL));
    keep(kept, dk_delayed(dk, "nothing", (dk_value[]){dk_lazy(bad), dk_lazy(df)}, 2));
    keep(kept, dk_delayed(dk, "frame.concat", (dk_value[]){dk_lazy(bad)}, 1));
    dk_value list;
    assert_int_equal(dk_value_list(dk, (dk_value[]){dk_lazy(df)}, 1, &list), DK_OK);
    keep(kept, dk_delayed(dk, "frame.concat", &list, 1));
    keep(kept, dk_map_partitions(bad, "same", (dk_value[]){dk_lazy(df)}, 1, NULL));
    keep(kept, dk_map_partitions(df, "same", (dk_value[]){dk_lazy(df)}, 1, NULL));
}

static dk_frame map_same(dk_frame df)
{
    dk_table *meta = NULL;
    assert_int_equal(dk_head(df, 1, NULL, &meta), DK_OK);
    dk_value text;
    assert_int_equal(dk_value_text(df.dk, "x", 1, &text), DK_OK);
    dk_frame mapped = dk_map_partitions(df, "same", &text, 1, meta);
    dk_table_unref(meta);
    return mapped;
}

/* A frame from every public function that gives one. */
static void build_everything(struct kept *kept, dk_frame df)
{
    build_operators(kept, df);
    build_times(kept, df);
    build_rows(kept, df);
    build_errors(kept, df);
    dk_value args[] = {dk_value_int(-1), dk_lazy(df), dk_lazy(df)};
    keep(kept, dk_delayed(df.dk, "frame.concat", args, 3));
    keep(kept, map_same(df));
}

/* Building the same expression again finds it: not a byte is added to the ledger. */
static void test_building_again_takes_nothing(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = open_context();
    dk_frame df = days_read(dk, &days);
    struct kept kept = {.count = 0};
    build_operators(&kept, df);
    build_times(&kept, df);
    build_rows(&kept, df);
    int64_t before = bytes_of(dk);
    for (int i = 0; i < 3; i++) {
        struct kept again = {.count = 0};
        build_operators(&again, df);
        build_times(&again, df);
        build_rows(&again, df);
        assert_memory_equal(again.frames, kept.frames, sizeof(again.frames));
    }
    assert_ptr_equal(days_read(dk, &days).expression, df.expression);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* What is forgotten is off the ledger to the byte, whatever was built. */
static void test_rounds_leave_nothing(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = open_context();
    int64_t empty = bytes_of(dk);
    dk_frame df = days_read(dk, &days);
    int64_t before = bytes_of(dk);
    for (int i = 0; i < 100; i++) {
        struct kept kept = {.count = 0};
        build_everything(&kept, df);
        dk_frame spread = spread_alone(df);
        assert_true(bytes_of(dk) > before);
        forget_all(&kept);
        dk_forget(spread);
        assert_int_equal(bytes_of(dk), before);
    }
    dk_forget(df);
    assert_int_equal(bytes_of(dk), empty);
    dk_forget((dk_frame){0});
    dk_close(dk);
    days_remove(&days);
}

/* The parts of an expression that is held stay, though each was forgotten by itself. */
static void test_parts_stay_with_the_whole(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    dk_frame df = days_read(dk, &days);
    dk_frame spread = spread_alone(df);
    dk_forget(df);
    assert_spread(compute(spread));
    dk_frame twice = dk_add(spread, spread);
    dk_forget(spread);
    dk_table_unref(compute(twice));
    dk_forget(twice);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* Two who built the same have it until both have forgotten it. */
static void test_holders_are_counted(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    dk_frame df = days_read(dk, &days);
    dk_frame mine = spread_alone(df);
    dk_frame yours = spread_alone(df);
    assert_ptr_equal(mine.expression, yours.expression);
    dk_forget(df);
    dk_forget(mine);
    assert_spread(compute(yours));
    dk_frame same = dk_astype(yours, DK_FLOAT64);
    assert_ptr_equal(same.expression, yours.expression);
    dk_forget(yours);
    assert_spread(compute(same));
    dk_forget(same);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* A table goes with the last frame that reads it, at once. */
static void test_tables_go_with_their_frames(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    dk_frame df = days_read(dk, &days);
    for (int i = 0; i < 50; i++) {
        dk_table *table = compute(df);
        int64_t ntable = dk_table_nbytes(table);
        dk_frame from = dk_from_table(dk, table, 1 + i % 4);
        dk_frame again = dk_from_table(dk, table, 1 + i % 4);
        assert_ptr_equal(from.expression, again.expression);
        dk_table_unref(table);
        dk_forget(from);
        dk_frame low = dk_col(again, "low");
        dk_forget(again);
        dk_frame sum = dk_sum(low);
        dk_forget(low);
        int64_t held = bytes_of(dk);
        dk_table_unref(compute(sum));
        assert_int_equal(bytes_of(dk), held);
        dk_forget(sum);
        assert_true(bytes_of(dk) <= held - ntable);
    }
    dk_forget(df);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* A graph of filters, groups, joins, scalars, literals and mapped partitions, of which nothing else
 * is left. */
static dk_graph *graph_alone(dk_frame df, dk_task_id keys[2])
{
    dk_context *dk = df.dk;
    struct kept kept = {.count = 0};
    keep(&kept, df);
    dk_frame low = keep_col(&kept, df, "low");
    dk_frame dear = keep(&kept, dk_ge(low, keep(&kept, dk_float(dk, 1.0))));
    dk_frame rows = keep(&kept, dk_filter(df, dear));
    dk_frame scaled = keep(&kept, dk_sub(keep_col(&kept, rows, "low"), keep(&kept, dk_max(low))));
    dk_frame spread = keep(&kept, spread_alone(rows));
    dk_frame known = keep(&kept, dk_filter(spread, keep(&kept, dk_notna(spread))));
    dk_frame groupby = keep(&kept, dk_groupby_column(df, "timestamp"));
    dk_frame joined = keep(&kept, dk_add(known, keep(&kept, dk_size(groupby))));
    const dk_frame frames[2] = {joined, keep(&kept, dk_mul(scaled, keep(&kept, dk_int(dk, 2))))};
    dk_graph *graph = NULL;
    assert_int_equal(dk_frame_graph(frames, 2, &graph, keys, NULL), DK_OK);
    forget_all(&kept);
    return graph;
}

/* A graph keeps what its tasks read and compute; it can be run when all its frames are forgotten.
 */
static void run_graph_alone(dk_frame df, dk_get get)
{
    dk_context *dk = df.dk;
    dk_task_id keys[2];
    dk_value values[2];
    dk_graph *graph = graph_alone(df, keys);
    assert_int_equal(get(dk, graph, keys, 2, NULL, values, NULL), DK_OK);
    dk_graph_free(graph);
    assert_true(dk_table_nrows(values[0].as.table) > 24);
    assert_int_equal(dk_table_nrows(values[1].as.table), 24);
    assert_true(dk_table_float(values[1].as.table, 0, 23) == 0);
    dk_value_unref(values[0]);
    dk_value_unref(values[1]);
}

static void test_graphs_outlive_their_frames(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 4);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    static const dk_get gets[] = {dk_get_sync, dk_get_threads, dk_get_processes};
    for (size_t i = 0; i < 3; i++) {
        run_graph_alone(days_read(dk, &days), gets[i]);
        dk_frame df = days_read(dk, &days);
        dk_frame mapped = map_same(df);
        dk_forget(df);
        run_graph_alone(mapped, gets[i]);
        assert_int_equal(bytes_of(dk), before);
    }
    dk_close(dk);
    days_remove(&days);
}

static void forget_at_start(void *self, const dk_graph *graph, size_t ntasks)
{
    (void)graph;
    (void)ntasks;
    forget_all(self);
}

/* Frames may be forgotten while they are computed, scalars and calls too. */
static void test_frames_are_forgotten_while_they_are_computed(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    struct kept kept = {.count = 0};
    dk_frame df = keep(&kept, days_read(dk, &days));
    dk_frame most = keep(&kept, dk_max(keep_col(&kept, df, "open")));
    dk_frame spread = keep(&kept, spread_alone(df));
    dk_value args[] = {dk_value_int(-1), dk_lazy(spread), dk_lazy(spread)};
    dk_frame twice = keep(&kept, dk_delayed(dk, "frame.concat", args, 3));
    const dk_frame frames[] = {most, spread, twice};
    dk_value values[3];
    dk_callbacks forgetful = {.start = forget_at_start, .self = &kept};
    dk_compute_options options = {.run = {.callbacks = &forgetful, .ncallbacks = 1}};
    assert_int_equal(dk_compute_values(frames, 3, &options, values), DK_OK);
    assert_int_equal(kept.count, 0);
    assert_int_equal(values[0].kind, DK_KIND_FLOAT);
    assert_true(values[0].as.real == 3.0);
    assert_int_equal(dk_table_nrows(values[2].as.table), 8);
    for (size_t i = 0; i < 3; i++)
        dk_value_unref(values[i]);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* Calls and lazy values hold the frames they were given, calls of calls too, to any length. */
static void test_calls_hold_their_arguments(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 3);
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    dk_frame df = days_read(dk, &days);
    dk_value unused = dk_lazy(df);
    dk_frame chain = spread_alone(df);
    dk_forget(df);
    for (int i = 0; i < 20000; i++) {
        dk_value args[] = {dk_value_int(-1), dk_lazy(chain)};
        dk_forget(chain);
        chain = dk_delayed(dk, "frame.concat", args, 2);
    }
    dk_table *table = NULL;
    assert_int_equal(dk_compute(chain, &(dk_compute_options){.scheduler = "sync"}, &table), DK_OK);
    assert_spread(table);
    dk_forget(chain);
    assert_true(bytes_of(dk) > before);
    dk_value_unref(unused);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

/* An object of the program's own, whose end is the end of a frame as well. */
struct owner {
    dk_frame frame;
    int *nfreed;
};

static void free_owner(void *object)
{
    const struct owner *owner = object;
    dk_forget(owner->frame);
    ++*owner->nfreed;
}

static const dk_object_type owner_type = {.name = "owner", .free = free_owner};

/* A call of one object, and of a list with the other in it. */
static dk_frame call_with_objects(dk_context *dk, struct owner owners[2])
{
    dk_value objects[2];
    dk_value list;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(dk_value_object(dk, &owner_type, &owners[i], &objects[i]), DK_OK);
    assert_int_equal(dk_value_list(dk, &objects[1], 1, &list), DK_OK);
    return dk_delayed(dk, "frame.concat", (dk_value[]){objects[0], list}, 2);
}

/* What goes with a call may forget frames itself, when it is forgotten or the context closed. */
static void test_arguments_may_forget(void **state)
{
    (void)state;
    dk_context *dk = open_context();
    int64_t before = bytes_of(dk);
    int nfreed = 0;
    struct owner first[2] = {{dk_text(dk, "a"), &nfreed}, {dk_text(dk, "b"), &nfreed}};
    dk_forget(call_with_objects(dk, first));
    assert_int_equal(nfreed, 2);
    assert_int_equal(bytes_of(dk), before);
    struct owner second[2] = {{dk_text(dk, "a"), &nfreed}, {dk_text(dk, "b"), &nfreed}};
    assert_null(dk_frame_error(call_with_objects(dk, second)));
    assert_int_equal(nfreed, 2);
    dk_close(dk);
    assert_int_equal(nfreed, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building_again_takes_nothing),
        cmocka_unit_test(test_rounds_leave_nothing),
        cmocka_unit_test(test_parts_stay_with_the_whole),
        cmocka_unit_test(test_holders_are_counted),
        cmocka_unit_test(test_tables_go_with_their_frames),
        cmocka_unit_test(test_graphs_outlive_their_frames),
        cmocka_unit_test(test_frames_are_forgotten_while_they_are_computed),
        cmocka_unit_test(test_calls_hold_their_arguments),
        cmocka_unit_test(test_arguments_may_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
