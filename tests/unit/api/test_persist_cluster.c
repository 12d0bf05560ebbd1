/* Frames that keep their results on a cluster. */
#include <signal.h>

#include <cdask/distributed.h>

#include "api_support.h"

struct fixture {
    struct days days;
    dk_context *dk;
    dk_cluster *cluster;
    dk_client *client;
};

/* So many calls as there are bytes in the file, whatever process makes them. */
static const char *calls_path;

static dk_status slow(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)task;
    (void)nargs;
    (void)err;
    FILE *file = fopen(calls_path, "a");
    assert_non_null(file);
    assert_true(fputs("x", file) >= 0);
    assert_int_equal(fclose(file), 0);
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

static long ncalls(void)
{
    FILE *file = fopen(calls_path, "r");
    if (!file)
        return 0;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long count = ftell(file);
    fclose(file);
    return count;
}

static void begin(struct fixture *fixture)
{
    dk_cluster_options options = {.nworkers = 2, .nthreads = 1};
    days_make(&fixture->days, 6);
    static char path[128];
    snprintf(path, sizeof(path), "%s/calls", fixture->days.folder);
    calls_path = path;
    fixture->dk = dk_open(NULL);
    assert_int_equal(dk_register(fixture->dk, "slow", slow, NULL, NULL), DK_OK);
    assert_int_equal(dk_cluster_open(fixture->dk, &options, &fixture->cluster, NULL), DK_OK);
    dk_client_options client = {.address = dk_cluster_address(fixture->cluster)};
    assert_int_equal(dk_client_open(fixture->dk, &client, &fixture->client, NULL), DK_OK);
}

static void end(struct fixture *fixture)
{
    dk_client_close(fixture->client);
    dk_cluster_close(fixture->cluster);
    dk_close(fixture->dk);
    unlink(calls_path);
    days_remove(&fixture->days);
}

static dk_frame persist(dk_frame frame)
{
    dk_error err = {0};
    dk_frame kept;
    if (dk_persist(&frame, 1, &(dk_compute_options){.error = &err}, &kept) != DK_OK)
        fail_msg("%s", err.message);
    return kept;
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

static void assert_same(dk_frame frame, dk_frame want)
{
    char *got = shown(frame, "distributed"), *text = shown(want, "sync");
    assert_string_equal(got, text);
    dk_text_free(got);
    dk_text_free(text);
}

/* Of a frame. */
static size_t futures_of(dk_frame frame, dk_future **out)
{
    dk_graph *graph = NULL;
    dk_task_id key;
    size_t count = 0;
    assert_int_equal(dk_frame_graph(&frame, 1, &graph, &key, NULL), DK_OK);
    assert_int_equal(dk_graph_futures(graph, out, &count), DK_OK);
    dk_graph_free(graph);
    return count;
}

static void free_all(dk_future **futures, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_future_free(futures[i]);
}

static dk_frame slowly(const struct fixture *fixture, dk_frame df)
{
    dk_table *meta = NULL;
    assert_int_equal(dk_head(df, 1, &(dk_compute_options){.scheduler = "sync"}, &meta), DK_OK);
    dk_frame mapped = dk_map_partitions(df, "slow", NULL, 0, meta);
    dk_table_unref(meta);
    (void)fixture;
    return mapped;
}

/* The notebook's exercise. */
static void test_computed_once(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_frame df = days_read(fixture.dk, &fixture.days);
    dk_frame kept = persist(slowly(&fixture, df));
    assert_int_equal(dk_frame_npartitions(kept), 6);
    assert_same(dk_max(dk_col(kept, "high")), dk_max(dk_col(df, "high")));
    assert_same(days_spread(kept), days_spread(df));
    assert_same(kept, df);
    assert_int_equal(ncalls(), 6);
    dk_future *futures[64];
    size_t count = futures_of(dk_sum(dk_col(kept, "low")), futures);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dk_future_state(futures[i]), DK_FUTURE_FINISHED);
    free_all(futures, count);
    end(&fixture);
}

/* By whoever persists an equal frame, of whatever else. */
static void test_found_again(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_frame df = slowly(&fixture, days_read(fixture.dk, &fixture.days));
    dk_frame kept = persist(df);
    char *text = shown(kept, NULL);
    dk_frame both[2] = {df, dk_col(df, "low")}, again[2];
    assert_int_equal(dk_persist(both, 2, NULL, again), DK_OK);
    char *same = shown(again[0], NULL);
    assert_string_equal(same, text);
    dk_text_free(same);
    dk_text_free(shown(again[1], NULL)); /* it is computed meanwhile */
    assert_int_equal(ncalls(), 12);      /* for the column, which is another frame */
    dk_forget(kept);
    same = shown(again[0], NULL);
    assert_string_equal(same, text);
    assert_int_equal(ncalls(), 12);
    dk_text_free(same);
    dk_text_free(text);
    end(&fixture);
}

/* With the last who uses them. */
static void test_released(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_frame df = slowly(&fixture, days_read(fixture.dk, &fixture.days));
    dk_frame kept = persist(df);
    dk_text_free(shown(kept, NULL));
    dk_frame low = dk_col(kept, "low"), sum = dk_sum(low);
    dk_forget(kept);
    dk_forget(low);
    dk_text_free(shown(sum, NULL));
    assert_int_equal(ncalls(), 6);
    dk_forget(sum);
    dk_text_free(shown(persist(df), NULL));
    assert_int_equal(ncalls(), 12);
    end(&fixture);
}

/* What a client that is closed has kept can be forgotten, not computed. */
static void test_after_the_client(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_error err = {0};
    dk_table *table = NULL;
    dk_frame df = days_read(fixture.dk, &fixture.days);
    dk_frame kept = persist(df), other = persist(dk_col(df, "high"));
    dk_compute_options options = {.scheduler = "threads", .error = &err};
    assert_int_equal(dk_compute(kept, &options, &table), DK_EINVAL);
    assert_non_null(strstr(err.message, "is kept on the cluster at tcp://127.0.0.1:"));
    dk_client_options client = {.address = dk_cluster_address(fixture.cluster)};
    dk_client_close(fixture.client);
    assert_int_equal(dk_compute(kept, &options, &table), DK_EINVAL);
    dk_forget(other);
    assert_int_equal(dk_client_open(fixture.dk, &client, &fixture.client, NULL), DK_OK);
    options.scheduler = "distributed";
    assert_int_equal(dk_compute(kept, &options, &table), DK_EINVAL);
    assert_non_null(strstr(err.message, "was persisted by a client"));
    end(&fixture);
}

/* A call that is kept is the argument of others. */
static void test_delayed(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_value three = dk_value_int(3), result;
    dk_frame kept = persist(dk_delayed(fixture.dk, "slow", &three, 1));
    dk_value lazy = dk_lazy(kept);
    dk_frame next = dk_delayed(fixture.dk, "slow", &lazy, 1);
    dk_frame both[2] = {kept, next};
    dk_value results[2];
    assert_int_equal(dk_compute_values(both, 2, NULL, results), DK_OK);
    assert_int_equal(results[0].as.integer + results[1].as.integer, 6);
    assert_int_equal(dk_compute_values(&kept, 1, NULL, &result), DK_OK);
    assert_int_equal(ncalls(), 2);
    end(&fixture);
}

/* Not by dk_persist(), which does not wait. */
static void test_failures_are_told(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_error err = {0};
    dk_table *table = NULL;
    dk_compute_options options = {.error = &err};
    char path[128];
    dk_frame df = days_read(fixture.dk, &fixture.days);
    days_path(&fixture.days, 3, path);
    write_file(path, "timestamp,close,high,low,open\n2015-05-04 09:30:00,1,x,1,1\n");
    dk_frame kept = persist(df);
    assert_int_equal(dk_compute(dk_max(dk_col(kept, "high")), &options, &table), DK_ETASK);
    assert_non_null(strstr(err.message, "2015-05-04.csv"));
    end(&fixture);
}

/* It stays so for whoever looks again, until it is persisted anew. */
static void test_cancelled(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_frame df = days_read(fixture.dk, &fixture.days), kept = persist(df);
    dk_future *futures[64];
    dk_error err = {0};
    dk_table *table = NULL;
    size_t count = futures_of(kept, futures);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dk_future_cancel(futures[i], NULL, NULL), DK_OK);
    free_all(futures, count);
    count = futures_of(kept, futures);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dk_future_state(futures[i]), DK_FUTURE_CANCELLED);
    free_all(futures, count);
    dk_compute_options options = {.scheduler = "distributed", .error = &err};
    assert_int_equal(dk_compute(dk_max(dk_col(kept, "low")), &options, &table), DK_ECANCELED);
    assert_same(persist(df), df);
    end(&fixture);
}

/* Also by one that is no default. */
static void test_by_a_chosen_client(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_error err = {0};
    dk_client *other = NULL;
    dk_client_options client = {.address = dk_cluster_address(fixture.cluster), .no_default = true};
    assert_int_equal(dk_client_open(fixture.dk, &client, &other, NULL), DK_OK);
    dk_frame df = days_read(fixture.dk, &fixture.days), kept;
    dk_compute_options options = {.scheduler = "distributed", .error = &err, .run.client = other};
    if (dk_persist(&df, 1, &options, &kept) != DK_OK)
        fail_msg("%s", err.message);
    dk_future *futures[64];
    size_t count = futures_of(kept, futures);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(dk_future_client(futures[i]), other);
    free_all(futures, count);
    dk_table *table = NULL;
    assert_int_equal(dk_compute(dk_max(dk_col(kept, "low")), &options, &table), DK_OK);
    dk_table_unref(table);
    options.run.client = NULL; /* that of another client of the scheduler */
    assert_int_equal(dk_compute(dk_max(dk_col(kept, "low")), &options, &table), DK_OK);
    dk_table_unref(table);
    dk_client_close(other);
    assert_int_equal(dk_compute(dk_max(dk_col(kept, "low")), &options, &table), DK_EINVAL);
    assert_non_null(strstr(err.message, "was persisted by a client"));
    end(&fixture);
}

/* As another process would, of what it was told. */
static dk_frame adopt(const struct fixture *fixture, dk_frame kept)
{
    dk_future *futures[64];
    dk_value results[64], description;
    dk_table *divisions = NULL;
    dk_error err = {0};
    size_t count = futures_of(kept, futures);
    if (dk_frame_description(kept, &description, &err) != DK_OK)
        fail_msg("%s", err.message);
    assert_int_equal(dk_frame_divisions(kept, &divisions, NULL), DK_OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(dk_future_kept(futures[i], &results[i]), DK_OK);
    dk_frame adopted = dk_adopt(fixture->dk, description, divisions, results, count);
    assert_null(dk_frame_error(adopted));
    for (size_t i = 0; i < count; i++)
        dk_value_unref(results[i]);
    dk_value_unref(description);
    dk_table_unref(divisions);
    free_all(futures, count);
    return adopted;
}

/* Proves that what was persisted is the same where it is adopted: rows, a series, a scalar. */
static void test_adopted(void **state)
{
    (void)state;
    struct fixture fixture;
    begin(&fixture);
    dk_frame df = days_read(fixture.dk, &fixture.days);
    dk_frame of_rows = adopt(&fixture, persist(df));
    assert_int_equal(dk_frame_npartitions(of_rows), 6);
    assert_same(of_rows, df);
    assert_same(days_spread(of_rows), days_spread(df));
    assert_same(adopt(&fixture, persist(dk_col(df, "high"))), dk_col(df, "high"));
    assert_same(adopt(&fixture, persist(dk_max(dk_col(df, "high")))), dk_max(dk_col(df, "high")));
    assert_same(adopt(&fixture, persist(days_spread(df))), days_spread(df));
    end(&fixture);
}

static void check_refused(dk_context *dk, dk_value description, size_t nresults)
{
    dk_value results[3] = {dk_value_int(1), dk_value_int(2), dk_value_int(3)};
    dk_frame frame = dk_adopt(dk, description, NULL, results, nresults);
    assert_non_null(dk_frame_error(frame));
    assert_int_equal(dk_frame_error(frame)->status, DK_EINVAL);
    assert_non_null(strstr(dk_frame_error(frame)->message, "does not describe"));
    dk_forget(frame);
}

/* Proves that a description with anything else in it, or nothing, is refused. */
static void test_no_description(void **state)
{
    (void)state;
    struct fixture fixture;
    size_t count = 0;
    dk_value description, items[32];
    begin(&fixture);
    dk_frame kept = persist(days_read(fixture.dk, &fixture.days));
    assert_int_equal(dk_frame_description(kept, &description, NULL), DK_OK);
    const dk_value *entries = dk_value_items(description, &count);
    check_refused(fixture.dk, description, 0);
    check_refused(fixture.dk, dk_value_null(), 1);
    for (size_t wrong = 1; wrong < count; wrong += 2) {
        dk_value changed;
        for (size_t i = 0; i < count; i++)
            items[i] = i == wrong ? dk_value_float(0.5) : dk_value_ref(entries[i]);
        assert_int_equal(dk_value_map(fixture.dk, items, count, &changed), DK_OK);
        check_refused(fixture.dk, changed, 3);
        dk_value_unref(changed);
    }
    dk_value_unref(description);
    dk_frame group = dk_groupby_column(kept, "high");
    assert_int_equal(dk_frame_description(group, &description, NULL), DK_EINVAL);
    end(&fixture);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_computed_once), cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_released),      cmocka_unit_test(test_after_the_client),
        cmocka_unit_test(test_delayed),       cmocka_unit_test(test_failures_are_told),
        cmocka_unit_test(test_cancelled),     cmocka_unit_test(test_by_a_chosen_client),
        cmocka_unit_test(test_adopted),       cmocka_unit_test(test_no_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
