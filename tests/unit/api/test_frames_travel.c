/* Frames computed by another process that knows nothing but the bytes of their tasks: this program
 * started anew, with a context of its own, in another working directory. */
#include "api_support.h"

#include <sys/wait.h>

#include "../payload/payload_support.h"
#include "graph/context.h"
#include "graph/graph.h"
#include "graph/task.h"
#include "payload/task.h"
#include "payload/value.h"

/* ---- the other process: tasks come in, their results stay until they are asked for ---- */

enum { TASK = 'T', RESULT = 'R', USE = 'U' };

static bool read_all(void *to, size_t nbytes)
{
    return fread(to, 1, nbytes, stdin) == nbytes;
}

static void write_bytes(FILE *to, const void *bytes, size_t nbytes)
{
    uint64_t count = nbytes;
    if (fwrite(&count, sizeof(count), 1, to) != 1 || fwrite(bytes, 1, nbytes, to) != nbytes)
        abort();
}

static struct wire_bytes read_bytes(FILE *from)
{
    uint64_t count = 0;
    if (fread(&count, sizeof(count), 1, from) != 1)
        abort();
    char *bytes = malloc(count + 1);
    if (fread(bytes, 1, count, from) != count)
        abort();
    return (struct wire_bytes){bytes, count};
}

struct done {
    struct wire_bytes key;
    dk_value value;
};

static struct done all_done[4096];
static size_t ndone;

static dk_value result_of(struct wire_bytes key)
{
    for (size_t i = 0; i < ndone; i++) {
        if (all_done[i].key.nbytes == key.nbytes &&
            memcmp(all_done[i].key.data, key.data, key.nbytes) == 0)
            return all_done[i].value;
    }
    abort();
}

static void stop(const dk_error *err)
{
    fprintf(stderr, "%s\n", err->message);
    exit(1);
}

/* Runs a task on what it has got, and lets go of it. */
static dk_value run_task(dk_context *dk, struct wire_bytes payload)
{
    struct payload_task task;
    dk_value result = dk_value_null();
    dk_error err = {0};
    if (payload_unpack_task(dk, payload, &task, &err) != DK_OK)
        stop(&err);
    for (uint32_t i = 0; i < task.nargs; i++) {
        if (task.args[i].kind == DK_KIND_TASK)
            task.args[i] = dk_value_ref(result_of(task.keys[task.args[i].as.task]));
    }
    struct dk_task running = {.context = dk, .function = task.function};
    if (task.function->call(&running, task.args, task.nargs, &result, &err) != DK_OK)
        stop(&err);
    payload_task_deinit(&task);
    return result;
}

static void send_result(dk_context *dk, dk_value value)
{
    struct payload_value packed;
    dk_error err = {0};
    if (payload_pack_value(dk, value, &packed, &err) != DK_OK)
        stop(&err);
    write_bytes(stdout, packed.payload.header.data, packed.payload.header.nbytes);
    uint64_t nframes = packed.payload.nframes;
    fwrite(&nframes, sizeof(nframes), 1, stdout);
    for (size_t i = 0; i < nframes; i++)
        write_bytes(stdout, packed.payload.frames[i].data, packed.payload.frames[i].nbytes);
    fflush(stdout);
    payload_value_deinit(&packed);
}

static dk_status add_rows(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    (void)task, (void)err;
    int64_t nrows = 0;
    for (size_t i = 0; i < nargs; i++)
        nrows +=
            args[i].kind == DK_KIND_TABLE ? dk_table_nrows(args[i].as.table) : args[i].as.integer;
    *result = dk_value_int(nrows);
    return DK_OK;
}

static dk_status same(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    (void)task, (void)nargs, (void)err;
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

static dk_context *open_context(void)
{
    dk_context *dk = dk_open(NULL);
    if (dk_register(dk, "add_rows", add_rows, NULL, NULL) != DK_OK ||
        dk_register(dk, "same", same, NULL, NULL) != DK_OK)
        abort();
    return dk;
}

/* Returns the bytes left on the ledger, but for those of the context. */
static int serve(void)
{
    dk_context *dk = open_context();
    int64_t before = dk_context_memory(dk).current;
    char what = 0;
    while (read_all(&what, 1)) {
        struct wire_bytes key = read_bytes(stdin);
        if (what == TASK) {
            struct wire_bytes payload = read_bytes(stdin);
            all_done[ndone++] = (struct done){key, run_task(dk, payload)};
            free((void *)(uintptr_t)payload.data);
            continue;
        }
        send_result(dk, result_of(key));
        free((void *)(uintptr_t)key.data);
    }
    for (size_t i = 0; i < ndone; i++) {
        dk_value_unref(all_done[i].value);
        free((void *)(uintptr_t)all_done[i].key.data);
    }
    int leaked = dk_context_memory(dk).current > before + 4096;
    dk_close(dk);
    return leaked ? 3 : 0;
}

/* ---- this process: a `get` that has every task run there ---- */

struct server {
    pid_t pid;
    FILE *to;
    FILE *from;
};

static struct server start(void)
{
    int in[2];
    int out[2];
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    struct server server = {.pid = fork()};
    if (server.pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int i = 0; i < 2; i++) {
            close(in[i]);
            close(out[i]);
        }
        execl("/proc/self/exe", "server", "serve", (char *)NULL);
        _exit(2);
    }
    close(in[0]);
    close(out[1]);
    server.to = fdopen(in[1], "w");
    server.from = fdopen(out[0], "r");
    return server;
}

static void stop_server(struct server *server)
{
    int status = 0;
    fclose(server->to);
    fclose(server->from);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    assert_int_equal(status, 0);
}

static struct wire_bytes *make_keys(const dk_graph *graph, struct vector *bytes)
{
    size_t ntasks = dk_graph_ntasks(graph);
    struct wire_bytes *keys = calloc(ntasks + 1, sizeof(*keys));
    for (uint32_t i = 0; i < ntasks; i++) {
        const struct task *task = graph_task(graph, i);
        dk_key key = {graph_name(graph, task), task->index};
        vector_init(&bytes[i], graph->context->memory, 1);
        assert_int_equal(payload_pack_key(key, &bytes[i]), DK_OK);
        keys[i] = (struct wire_bytes){bytes[i].data, bytes[i].count};
    }
    return keys;
}

static size_t nbytes_sent;

static void send_tasks(const dk_graph *graph, const dk_task_id *wanted, size_t nwanted,
                       const struct wire_bytes *keys, struct server *server)
{
    size_t count = 0;
    struct vector payload;
    dk_error err = {0};
    dk_task_id *order = calloc(dk_graph_ntasks(graph) + 1, sizeof(*order));
    vector_init(&payload, graph->context->memory, 1);
    assert_int_equal(dk_graph_order(graph, wanted, nwanted, order, &count, &err), DK_OK);
    for (size_t i = 0; i < count; i++) {
        if (payload_pack_graph_task(graph, order[i], keys, &payload, &err) != DK_OK)
            fail_msg("%s", err.message);
        fputc(TASK, server->to);
        write_bytes(server->to, keys[order[i].id].data, keys[order[i].id].nbytes);
        write_bytes(server->to, payload.data, payload.count);
        nbytes_sent += payload.count;
    }
    vector_deinit(&payload);
    free(order);
}

static dk_value fetch(dk_context *dk, struct wire_bytes key, struct server *server)
{
    fputc(RESULT, server->to);
    write_bytes(server->to, key.data, key.nbytes);
    fflush(server->to);
    dk_value value = dk_value_null();
    dk_error err = {0};
    uint64_t nframes = 0;
    struct wire_bytes header = read_bytes(server->from);
    assert_int_equal(fread(&nframes, sizeof(nframes), 1, server->from), 1);
    struct wire_bytes *frames = calloc(nframes, sizeof(*frames));
    for (size_t i = 0; i < nframes; i++)
        frames[i] = read_bytes(server->from);
    struct wire_payload payload = {header, frames, nframes};
    struct wire_value wire = {.kind = WIRE_SERIALIZED, .as.payload = &payload};
    if (payload_unpack_value(dk, &wire, NULL, &value, &err) != DK_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < nframes; i++)
        free((void *)(uintptr_t)frames[i].data);
    free(frames);
    free((void *)(uintptr_t)header.data);
    return value;
}

/* Results from there, which are those from here. */
static dk_status travel(dk_context *dk, const dk_graph *graph, const dk_task_id *wanted,
                        size_t nwanted, const dk_get_options *options, dk_value *results,
                        dk_error *err)
{
    size_t ntasks = dk_graph_ntasks(graph);
    struct vector *bytes = calloc(ntasks + 1, sizeof(*bytes));
    dk_value *expected = calloc(nwanted + 1, sizeof(*expected));
    struct wire_bytes *keys = make_keys(graph, bytes);
    struct server server = start();
    send_tasks(graph, wanted, nwanted, keys, &server);
    dk_status status = dk_get_sync(dk, graph, wanted, nwanted, options, expected, err);
    assert_int_equal(status, DK_OK);
    for (size_t i = 0; i < nwanted; i++) {
        results[i] = fetch(dk, keys[wanted[i].id], &server);
        assert_true(values_equal(results[i], expected[i]));
        dk_value_unref(expected[i]);
    }
    stop_server(&server);
    for (size_t i = 0; i < ntasks; i++)
        vector_deinit(&bytes[i]);
    free(keys);
    free(expected);
    free(bytes);
    return DK_OK;
}

static void check_all(dk_frame *frames, size_t nframes)
{
    dk_error err = {0};
    dk_value *values = calloc(nframes, sizeof(*values));
    const dk_compute_options options = {.get = travel, .error = &err};
    if (dk_compute_values(frames, nframes, &options, values) != DK_OK)
        fail_msg("%s", err.message);
    for (size_t i = 0; i < nframes; i++)
        dk_value_unref(values[i]);
    free(values);
}

/* One by one, so that each has the graph that it would have alone, and all at once. */
static void check_each(dk_frame *frames, size_t nframes)
{
    for (size_t i = 0; i < nframes; i++)
        check_all(&frames[i], 1);
    check_all(frames, nframes);
}

#define CHECK(...)                                                                                 \
    check_each((dk_frame[]){__VA_ARGS__}, sizeof((dk_frame[]){__VA_ARGS__}) / sizeof(dk_frame))

/* ---- data ---- */

/* A day a file; the folder is also the working directory, so that paths can be relative. */
static void with_days(void (*check)(dk_context *dk, const struct days *days))
{
    struct days days;
    char before[4096];
    dk_context *dk = open_context();
    days_make(&days, 20); /* more than are combined at once */
    assert_non_null(getcwd(before, sizeof(before)));
    check(dk, &days);
    assert_int_equal(chdir(before), 0);
    days_remove(&days);
    dk_close(dk);
}

/* Texts, missing values, and small partitions of one file. */
static dk_frame read_mixed(dk_context *dk, const char *folder, char path[128])
{
    char text[16384] = "word,n,x,when,flag\n";
    for (int i = 0; i < 200; i++) {
        size_t length = strlen(text);
        snprintf(text + length, sizeof(text) - length, "%s,%d,%s%d.25,2020-01-%02d,%s\n",
                 i % 7 ? "a b" : "\"c,\n d\"", i * 3 % 11, i % 5 ? "" : "-", i, i % 28 + 1,
                 i % 3 ? "True" : "False");
    }
    snprintf(path, 128, "%s/mixed.txt", folder);
    write_file(path, text);
    dk_csv_options options = {.parse_dates = DK_NAMES("when"), .blocksize = 700};
    options.include_path_column = "path";
    options.dtype = (dk_column_type[]){{"word", DK_CATEGORY}};
    options.ndtype = 1;
    return dk_read_csv(dk, path, &options);
}

static dk_frame from_table(dk_context *dk, const struct days *days, bool with_index, int32_t n)
{
    dk_table *table = NULL;
    dk_frame df = days_read(dk, days);
    if (with_index)
        df = days_spread(df);
    assert_int_equal(dk_compute(df, NULL, &table), DK_OK);
    dk_frame frame = dk_from_table(dk, table, n);
    dk_table_unref(table);
    return frame;
}

/* ---- tests ---- */

static void check_files(dk_context *dk, const struct days *days)
{
    char path[128];
    dk_frame df = days_read(dk, days);
    dk_frame high = dk_col(df, "high");
    CHECK(df, days_spread(df), dk_filter(df, dk_gt(high, dk_float(dk, 3))));
    CHECK(dk_mean(high), dk_size(df), dk_sum(dk_select(df, DK_NAMES("high", "low"))));
    CHECK(dk_sub(high, dk_mean(high)), dk_assign(df, "c", dk_mul(high, dk_int(dk, 2))));
    assert_int_equal(chdir(days->folder), 0);
    dk_csv_options options = {.usecols = DK_NAMES("high"), .include_path_column = "path"};
    dk_frame relative = dk_read_csv(dk, "*.csv", &options);
    dk_frame list = dk_read_csv_list(dk, DK_NAMES("2015-05-01.csv", "2015-05-03.csv"), &options);
    CHECK(relative, dk_size(list), dk_nunique(dk_col(list, "path")));
    dk_frame mixed = read_mixed(dk, days->folder, path);
    CHECK(mixed, dk_sum(dk_col(mixed, "x")));
    CHECK(dk_count(dk_groupby_column(mixed, "n")), dk_first(dk_groupby_column(mixed, "word")));
    CHECK(dk_filter(dk_filter(mixed, dk_col(mixed, "flag")),
                    dk_gt(dk_col(dk_filter(mixed, dk_col(mixed, "flag")), "x"), dk_int(dk, 20))));
    unlink(path);
}

/* Proves that frames of files come out bit by bit as here: relative paths, small blocks, filters,
 * path columns. */
static void test_files(void **state)
{
    (void)state;
    with_days(check_files);
}

static void check_operators(dk_context *dk, const struct days *days)
{
    static dk_frame (*const binary[])(dk_frame, dk_frame) = {
        dk_add, dk_sub, dk_mul, dk_div, dk_floordiv, dk_mod, dk_pow,
        dk_eq,  dk_ne,  dk_lt,  dk_le,  dk_gt,       dk_ge};
    static dk_frame (*const logic[])(dk_frame, dk_frame) = {dk_and, dk_or, dk_xor};
    dk_frame frames[64];
    size_t n = 0;
    dk_frame df = days_read(dk, days);
    dk_frame high = dk_col(df, "high");
    dk_frame low = dk_col(df, "low");
    dk_frame up = dk_gt(high, low);
    dk_frame time = dk_col(df, "timestamp");
    for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++) {
        frames[n++] = binary[i](high, low);
        frames[n++] = binary[i](high, dk_float(dk, 2.5));
        frames[n++] = binary[i](dk_mean(high), dk_mean(low));
    }
    for (size_t i = 0; i < 3; i++)
        frames[n++] = logic[i](up, dk_bool(dk, i == 1));
    check_all(frames, n);
    CHECK(dk_neg(high), dk_abs(low), dk_not(up), dk_isna(high), dk_notna(high), dk_rename(low, "l"),
          dk_astype(high, DK_INT32), dk_astype(low, DK_TEXT),
          dk_eq(dk_astype(low, DK_TEXT), dk_text(dk, "1")));
    CHECK(dk_dt_round(time, "90min"), dk_dt_floor(time, "1d"), dk_dt_ceil(time, "1h"),
          dk_dt(time, "dayofweek"), dk_dt(time, "is_month_end"));
    CHECK(dk_gt(time, dk_text(dk, "2015-05-03")), dk_sub(time, dk_timestamp(dk, 86400000000000)),
          dk_add(time, dk_duration(dk, 3600000000000)), dk_sub(time, time));
    CHECK(dk_add(dk_select(df, DK_NAMES("high", "low")), dk_select(df, DK_NAMES("low", "open"))));
}

/* Proves it for every operator, cast, rounding and field. */
static void test_operators(void **state)
{
    (void)state;
    with_days(check_operators);
}

static void check_groups(dk_context *dk, const struct days *days)
{
    static const char *const names[] = {"sum",   "min",  "max", "mean", "count",  "size",
                                        "first", "last", "std", "var",  "nunique"};
    char path[128];
    dk_frame frames[64];
    size_t n = 0;
    dk_frame df = days_read(dk, days);
    dk_frame mixed = read_mixed(dk, days->folder, path);
    dk_frame by_day = dk_groupby(df, dk_dt_round(dk_col(df, "timestamp"), "1d"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        frames[n++] = dk_aggregate(dk_col(by_day, "high"), names[i]);
        frames[n++] = dk_aggregate(dk_col(dk_groupby_column(mixed, "word"), "x"), names[i]);
        frames[n++] = dk_aggregate(dk_col(df, "low"), names[i]);
    }
    for (size_t i = 0; i < n; i++)
        check_all(&frames[i], 1);
    check_all(frames, n);
    dk_frame wide = dk_max(dk_select(by_day, DK_NAMES("high", "low")));
    CHECK(wide, dk_std(dk_col(wide, "high")), dk_sum(wide));
    unlink(path);
}

/* Proves it for every aggregate, of groups and of all rows, of categories, and of aggregates. */
static void test_groups(void **state)
{
    (void)state;
    with_days(check_groups);
}

static void check_tables(dk_context *dk, const struct days *days)
{
    dk_frame numbered = from_table(dk, days, false, 7);
    dk_frame labelled = from_table(dk, days, true, 3);
    dk_frame whole = from_table(dk, days, false, 1);
    CHECK(numbered, whole, labelled, dk_col(numbered, "high"), dk_add(labelled, labelled));
    CHECK(dk_filter(numbered, dk_lt(dk_col(numbered, "low"), dk_float(dk, 4))),
          dk_add(dk_col(numbered, "high"), dk_col(whole, "low")),
          dk_sub(labelled, dk_min(labelled)), days_spread(numbered));
    dk_frame other = from_table(dk, days, true, 2);
    CHECK(dk_mul(labelled, dk_filter(other, dk_gt(other, dk_float(dk, 0.8)))));
}

/* Proves it for tables that a frame holds, whatever their labels, and for joined ones. */
static void test_tables(void **state)
{
    (void)state;
    with_days(check_tables);
}

static void check_calls(dk_context *dk, const struct days *days)
{
    dk_table *meta = NULL;
    dk_frame df = days_read(dk, days);
    dk_frame high = dk_col(df, "high");
    assert_int_equal(dk_head(df, 1, NULL, &meta), DK_OK);
    dk_frame mapped = dk_map_partitions(df, "same", NULL, 0, meta);
    dk_table_unref(meta);
    CHECK(mapped, dk_sum(dk_col(mapped, "low")), days_spread(mapped));
    dk_value more = dk_value_int(1);
    assert_int_equal(dk_head(high, 1, NULL, &meta), DK_OK);
    CHECK(dk_map_partitions(high, "same", NULL, 0, meta));
    dk_table_unref(meta);
    dk_value args[] = {dk_lazy(df), more, dk_lazy(days_spread(df))};
    dk_frame rows = dk_delayed(dk, "add_rows", args, 3);
    CHECK(rows, dk_delayed(dk, "add_rows", (dk_value[]){dk_lazy(rows), dk_lazy(rows)}, 2));
    const dk_compute_options options = {.get = travel};
    assert_int_equal(dk_head(dk_filter(df, dk_gt(high, dk_float(dk, 0.9))), 2, &options, &meta),
                     DK_OK);
    assert_int_equal(dk_table_nrows(meta), 2);
    dk_table_unref(meta);
}

/* Proves it for functions of the program's own, and for the first rows. */
static void test_calls(void **state)
{
    (void)state;
    with_days(check_calls);
}

/* Proves that a task of a table carries its rows only, and not the table. */
static void test_rows_only(void **state)
{
    (void)state;
    enum { N = 100000, NPARTITIONS = 50 };
    static int64_t numbers[N];
    static const char *const name = "n";
    dk_context *dk = open_context();
    dk_table *table = NULL;
    struct column *column = make_ints(dk->memory, numbers, N, NULL);
    assert_int_equal(table_new(dk->memory, N, 1, &name, &column, NULL, NULL, false, &table), DK_OK);
    dk_frame sum = dk_sum(dk_col(dk_from_table(dk, table, NPARTITIONS), "n"));
    nbytes_sent = 0;
    CHECK(sum);
    assert_in_range(nbytes_sent, 2 * sizeof(numbers), 2 * sizeof(numbers) + 200 * 1000);
    column_unref(column);
    dk_table_unref(table);
    dk_close(dk);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),  cmocka_unit_test(test_operators),
        cmocka_unit_test(test_groups), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_calls),  cmocka_unit_test(test_rows_only),
    };
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        return chdir("/") == 0 ? serve() : 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
