/* Every allocation fails once of reading files and of computing. */
#include "out_of_memory.h"

static dk_status spread(dk_context *dk, struct trial *trial, const char *scheduler)
{
    dk_error err = {0};
    dk_table *table = NULL;
    char *text = NULL;
    dk_compute_options options = {.scheduler = scheduler, .error = &err};
    dk_status status = dk_compute(days_spread(days_read(dk, &trial->days)), &options, &table);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        status = dk_table_format(table, NULL, &text, &err);
    if (status == DK_OK)
        assert_non_null(strstr(text, "2015-05-02"));
    dk_text_free(text);
    dk_table_unref(table);
    return status;
}

static dk_status spread_sync(dk_context *dk, struct trial *trial)
{
    return spread(dk, trial, "sync");
}

static dk_status spread_threads(dk_context *dk, struct trial *trial)
{
    return spread(dk, trial, "threads");
}

/* All the options that need memory. */
static dk_status reading(dk_context *dk, struct trial *trial)
{
    static const dk_column_type types[] = {{"low", DK_TEXT}, {"close", DK_CATEGORY}};
    const char *paths[] = {trial->days.glob};
    dk_csv_options options = {
        .parse_dates = DK_NAMES("timestamp"),
        .dtype = types,
        .ndtype = 2,
        .usecols = DK_NAMES("timestamp", "close", "low", "high"),
        .na_values = DK_NAMES("1.0000", "none"),
        .blocksize = 200,
        .include_path_column = "path",
        .infer_all = true,
    };
    dk_frame df = dk_read_csv_list(dk, (dk_names){paths, 1}, &options);
    return compute_rows(df, 24);
}

static dk_status renaming(dk_context *dk, struct trial *trial)
{
    dk_csv_options options = {.names = DK_NAMES("a", "b", "c", "d", "e"),
                              .header = true,
                              .assume_missing = true,
                              .sample = 100};
    return compute_rows(dk_read_csv(dk, trial->days.glob, &options), 24);
}

static dk_status reading_badly(dk_context *dk, struct trial *trial)
{
    dk_csv_options options = {.parse_dates = DK_NAMES("date")};
    DK_TRY(refused(built(dk_read_csv(dk, "/nowhere/*.csv", NULL)), DK_ENOFILE));
    DK_TRY(refused(built(dk_read_csv(dk, trial->days.glob, &options)), DK_ECOLUMN));
    options = (dk_csv_options){.dtype = &(dk_column_type){"high", DK_INT64}, .ndtype = 1};
    dk_table *table = NULL;
    return refused(compute(dk_read_csv(dk, trial->days.glob, &options), &table), DK_EPARSE);
}

/* Some of them share their work. */
static dk_status many(dk_context *dk, struct trial *trial)
{
    dk_error err = {0};
    dk_table *tables[3] = {NULL, NULL, NULL};
    dk_frame df = days_read(dk, &trial->days);
    dk_frame wanted[3] = {dk_col(df, "high"), days_spread(df), dk_nunique(dk_col(df, "low"))};
    dk_compute_options options = {.get = dk_get_sync, .error = &err};
    dk_status status = dk_compute_many(wanted, 3, &options, tables);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        assert_int_equal(dk_table_nrows(tables[1]), 4);
    for (size_t i = 0; i < 3; i++)
        dk_table_unref(tables[i]);
    return status;
}

/* Numbers, times, texts and tables as values. */
static dk_status values(dk_context *dk, struct trial *trial)
{
    dk_error err = {0};
    dk_value results[4];
    dk_frame df = days_read(dk, &trial->days);
    dk_frame time = dk_col(df, "timestamp");
    dk_frame wanted[4] = {dk_sum(dk_col(df, "open")), dk_min(time),
                          dk_max(dk_astype(time, DK_TEXT)), time};
    dk_compute_options options = {.scheduler = "sync", .error = &err};
    dk_status status = dk_compute_values(wanted, 4, &options, results);
    assert_int_equal(err.status, status);
    if (status != DK_OK)
        return status;
    assert_true(results[0].as.real > 0);
    assert_string_equal(dk_value_data(results[2], NULL), "2015-05-03 16:30:00");
    assert_int_equal(dk_table_nrows(results[3].as.table), 24);
    for (size_t i = 0; i < 4; i++)
        dk_value_unref(results[i]);
    return DK_OK;
}

static dk_status head(dk_context *dk, struct trial *trial)
{
    dk_table *table = NULL;
    dk_frame df = days_read(dk, &trial->days);
    dk_status status = dk_head(df, 2, &(dk_compute_options){.scheduler = "sync"}, &table);
    if (status == DK_OK)
        assert_int_equal(dk_table_nrows(table), 2);
    dk_table_unref(table);
    return status;
}

static dk_status graph(dk_context *dk, struct trial *trial)
{
    dk_error err = {0};
    dk_graph *graph = NULL;
    dk_task_id key;
    dk_frame spread = days_spread(days_read(dk, &trial->days));
    dk_status status = dk_frame_graph(&spread, 1, &graph, &key, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        assert_true(dk_graph_ntasks(graph) > 3);
    dk_graph_free(graph);
    return status;
}

static dk_status count_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)err;
    int64_t nrows = 0;
    for (size_t i = 0; i < nargs; i++)
        nrows += args[i].kind == DK_KIND_TABLE ? dk_table_nrows(args[i].as.table) : 1;
    *result = dk_value_int(nrows);
    return DK_OK;
}

/* A call of a value alone, as the first thing that the context has to keep. */
static dk_status delayed_value(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_value value = dk_value_int(7);
    dk_value result = dk_value_null();
    DK_TRY(dk_register(dk, "count_rows", count_rows, NULL, NULL));
    dk_frame count = dk_delayed(dk, "count_rows", &value, 1);
    DK_TRY(dk_compute_values(&count, 1, &(dk_compute_options){.scheduler = "sync"}, &result));
    assert_int_equal(result.as.integer, 1);
    return DK_OK;
}

/* A call of frames and a value, and a call of that. */
static dk_status delayed(dk_context *dk, struct trial *trial)
{
    dk_value value = dk_value_null();
    DK_TRY(dk_register(dk, "count_rows", count_rows, NULL, NULL));
    dk_frame df = days_read(dk, &trial->days);
    dk_value args[4] = {dk_lazy(df), dk_lazy(dk_col(df, "low")), dk_lazy(days_spread(df))};
    dk_status status = dk_value_text(dk, "text", 4, &args[3]);
    if (status != DK_OK)
        args[3] = dk_value_null();
    dk_frame count = dk_delayed(dk, "count_rows", args, 4);
    DK_TRY(status);
    dk_value again[] = {dk_lazy(count), dk_lazy(count)};
    dk_frame wanted[] = {count, dk_delayed(dk, "count_rows", again, 2)};
    dk_value results[2];
    DK_TRY(dk_compute_values(wanted, 2, &(dk_compute_options){.scheduler = "sync"}, results));
    assert_int_equal(results[0].as.integer, 24 + 24 + 4 + 1);
    assert_int_equal(results[1].as.integer, 2);
    return refused(built(dk_delayed(dk, "unheard_of", &value, 1)), DK_EKEY);
}

/* A frame, a scalar and a call are kept, and computed from. */
static dk_status persisted(dk_context *dk, struct trial *trial)
{
    dk_value args[] = {dk_value_int(7)}, results[3];
    dk_compute_options options = {.scheduler = "sync"};
    DK_TRY(dk_register(dk, "count_rows", count_rows, NULL, NULL));
    dk_frame df = days_read(dk, &trial->days);
    dk_frame wanted[] = {df, dk_max(dk_col(df, "high")), dk_delayed(dk, "count_rows", args, 1)};
    dk_frame kept[3];
    DK_TRY(dk_persist(wanted, 3, &options, kept));
    dk_frame wishes[] = {days_spread(kept[0]), kept[1], kept[2]};
    DK_TRY(dk_compute_values(wishes, 3, &options, results));
    assert_int_equal(dk_table_nrows(results[0].as.table), 4);
    assert_true(results[1].as.real > 0);
    assert_int_equal(results[2].as.integer, 1);
    dk_value_unref(results[0]);
    return DK_OK;
}

/* Forgets `old`, which has gone into `made`. */
static dk_frame instead(dk_frame made, dk_frame old)
{
    dk_forget(old);
    return made;
}

/* A frame, a graph and a call of it, all forgotten as soon as can be: nothing stays, whatever
 * failed. */
static dk_status forgotten(dk_context *dk, struct trial *trial)
{
    dk_forget(dk_int(dk, 0));
    int64_t nblocks = dk_context_memory(dk).blocks;
    dk_frame df = days_read(dk, &trial->days);
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
        status = compute_rows(df, 24);
    dk_value_unref(value);
    dk_forget(df);
    int64_t nleft = dk_context_memory(dk).blocks - nblocks;
    assert_in_range(nleft, 0, 1); /* the table of nodes */
    return status;
}

static const struct scenario scenarios[] = {
    {"spread_sync", spread_sync},
    {"spread_threads", spread_threads},
    {"reading", reading},
    {"renaming", renaming},
    {"reading_badly", reading_badly},
    {"many", many},
    {"values", values},
    {"head", head},
    {"graph", graph},
    {"delayed_value", delayed_value},
    {"delayed", delayed},
    {"persisted", persisted},
    {"forgotten", forgotten},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
