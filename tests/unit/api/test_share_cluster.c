/* Large results that the workers of one machine hand to each other through shared memory. */
#include <signal.h>

#include <cdask/arrow.h>
#include <cdask/distributed.h>

#include "api_support.h"

#define NROWS 100000

/* ---- tasks ---- */

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

/* table(n) -> rows n, n + 1 ...; two columns of them */
static dk_status make_table(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    static int64_t numbers[NROWS];
    (void)nargs;
    for (int64_t i = 0; i < NROWS; i++)
        numbers[i] = args[0].as.integer + i;
    const void *buffers[] = {NULL, numbers}, *none[] = {NULL};
    struct ArrowSchema names[2] = {{.format = "l", .name = "a"}, {.format = "l", .name = "b"}};
    struct ArrowSchema *fields[] = {&names[0], &names[1]};
    struct ArrowArray columns[2] = {{.length = NROWS, .n_buffers = 2, .buffers = buffers},
                                    {.length = NROWS, .n_buffers = 2, .buffers = buffers}};
    struct ArrowArray *children[] = {&columns[0], &columns[1]};
    struct ArrowSchema schema = {
        .format = "+s", .n_children = 2, .children = fields, .release = release_schema};
    struct ArrowArray array = {.length = NROWS,
                               .n_buffers = 1,
                               .buffers = none,
                               .n_children = 2,
                               .children = children,
                               .release = release_array};
    dk_table *view = NULL, *table = NULL;
    dk_status status =
        dk_table_from_arrow(dk_task_context(task), &schema, &array, NULL, &view, err);
    if (status != DK_OK)
        return status;
    /* A copy that does not lie in this function's array: what astype() gives. */
    dk_frame frame = dk_from_table(dk_task_context(task), view, 1);
    dk_compute_options options = {.scheduler = "sync", .error = err};
    status = dk_compute(dk_add(frame, dk_int(dk_task_context(task), 0)), &options, &table);
    dk_table_unref(view);
    if (status == DK_OK)
        *result = dk_value_table(table);
    return status;
}

static dk_status make_bytes(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    size_t nbytes = (size_t)args[0].as.integer;
    char *bytes = malloc(nbytes);
    (void)nargs;
    (void)err;
    assert_non_null(bytes);
    memset(bytes, 'b', nbytes);
    dk_status status = dk_value_bytes(dk_task_context(task), bytes, nbytes, result);
    free(bytes);
    return status;
}

/* Segments of other processes' results that are mapped into this one. */
static int64_t count_mapped(void)
{
    char line[512];
    int64_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps))
        count += strstr(line, "memfd:cdask-result") != NULL;
    fclose(maps);
    return count;
}

/* look(thing) -> [its sum, segments that are mapped] */
static dk_status look(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                      dk_error *err)
{
    int64_t sum = 0;
    size_t nbytes = 0;
    (void)nargs;
    (void)err;
    if (args[0].kind == DK_KIND_TABLE)
        for (int64_t row = 0; row < dk_table_nrows(args[0].as.table); row++)
            sum += dk_table_int(args[0].as.table, 1, row);
    else if (dk_value_data(args[0], &nbytes))
        sum = (int64_t)nbytes;
    dk_value items[] = {dk_value_int(sum), dk_value_int(count_mapped())};
    return dk_value_list(dk_task_context(task), items, 2, result);
}

/* ---- a cluster of two ---- */

struct fixture {
    dk_context *dk;
    dk_cluster *cluster;
    dk_client *client;
};

static void begin(struct fixture *fixture)
{
    dk_cluster_options options = {.nworkers = 2, .nthreads = 1};
    fixture->dk = dk_open(NULL);
    assert_int_equal(dk_register(fixture->dk, "table", make_table, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(fixture->dk, "bytes", make_bytes, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(fixture->dk, "look", look, NULL, NULL), DK_OK);
    assert_int_equal(dk_cluster_open(fixture->dk, &options, &fixture->cluster, NULL), DK_OK);
    dk_client_options client = {.address = dk_cluster_address(fixture->cluster)};
    assert_int_equal(dk_client_open(fixture->dk, &client, &fixture->client, NULL), DK_OK);
}

static void end(struct fixture *fixture)
{
    dk_client_close(fixture->client);
    dk_cluster_close(fixture->cluster);
    dk_close(fixture->dk);
}

static dk_future *submit(struct fixture *fixture, const char *function, dk_value arg,
                         dk_future *future, const char *worker)
{
    dk_error err = {0};
    dk_future *out = NULL;
    dk_submit_options options = {.workers = &worker, .nworkers = 1};
    if (future)
        arg = dk_value_task((dk_task_id){0});
    if (dk_client_submit(fixture->client, function, &arg, 1, &future, future != NULL, &options,
                         &out, &err) != DK_OK)
        fail_msg("%s", err.message);
    return out;
}

/* What worker 1 sees of what worker 0 has made. */
static void see(struct fixture *fixture, const char *function, int64_t number, int64_t seen[2])
{
    dk_error err = {0};
    dk_value result;
    dk_future *thing = submit(fixture, function, dk_value_int(number), NULL, "0");
    dk_future *look = submit(fixture, "look", dk_value_null(), thing, "1");
    if (dk_future_result(look, &result, &err) != DK_OK)
        fail_msg("%s", err.message);
    size_t count = 0;
    const dk_value *items = dk_value_items(result, &count);
    assert_int_equal(count, 2);
    seen[0] = items[0].as.integer;
    seen[1] = items[1].as.integer;
    dk_value_unref(result);
    dk_future_free(look);
    dk_future_free(thing);
}

/* Proves that a table comes in shared memory, whole, and that this goes with it. */
static void test_tables(void **state)
{
    (void)state;
    struct fixture fixture;
    int64_t seen[2];
    begin(&fixture);
    for (int64_t i = 0; i < 20; i++) {
        see(&fixture, "table", i, seen);
        assert_int_equal(seen[0], (int64_t)NROWS * (NROWS - 1) / 2 + i * NROWS);
        assert_in_range(seen[1], 1, 8); /* tables that were let go of may still be on their way */
    }
    end(&fixture);
}

/* Proves that other large results come so, too, and that small ones come in the answer. */
static void test_bytes(void **state)
{
    (void)state;
    struct fixture fixture;
    int64_t seen[2];
    begin(&fixture);
    see(&fixture, "bytes", 1000, seen);
    assert_int_equal(seen[0], 1000);
    assert_int_equal(seen[1], 0);
    see(&fixture, "bytes", 10000000, seen);
    assert_int_equal(seen[0], 10000000);
    end(&fixture);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
