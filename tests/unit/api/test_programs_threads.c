/* Programs that come from another process, many times over. */
#include "api_support.h"

#include <pthread.h>

#include "../column/column_support.h"
#include "frame/program.h"
#include "graph/context.h"
#include "graph/graph.h"
#include "graph/object_codec.h"
#include "graph/value.h"

/* The program of a pass over a table, as its tasks carry it; the graph is freed. */
static dk_value packed_program(dk_context *dk)
{
    dk_graph *graph = NULL;
    dk_task_id key;
    dk_table *table = NULL;
    dk_value bytes = dk_value_null();
    struct column *column = make_ints(dk->memory, (const int64_t[]){1, 2, 3}, 3, NULL);
    const char *name = "n";
    assert_int_equal(table_new(dk->memory, 3, 1, &name, &column, NULL, NULL, false, &table), DK_OK);
    column_unref(column);
    dk_frame sum = dk_sum(dk_add(dk_col(dk_from_table(dk, table, 1), "n"), dk_float(dk, 1.5)));
    assert_int_equal(dk_frame_graph(&sum, 1, &graph, &key, NULL), DK_OK);
    for (uint32_t i = 0; i < dk_graph_ntasks(graph) && bytes.kind == DK_KIND_NULL; i++) {
        const struct task *task = graph_task(graph, i);
        const dk_value *args = graph_args(graph, task);
        if (task->nargs && dk_value_as_object(args[0], &program_object))
            assert_int_equal(object_pack(dk, args[0], &bytes, NULL), DK_OK);
    }
    dk_graph_free(graph);
    dk_table_unref(table);
    assert_int_equal(bytes.kind, DK_KIND_BYTES);
    return bytes;
}

static dk_value unpack(dk_context *dk, dk_value bytes)
{
    size_t nbytes = 0;
    const char *data = dk_value_data(bytes, &nbytes);
    dk_value object = dk_value_null();
    assert_int_equal(object_unpack(dk, "frame.program", data, nbytes, &object, NULL), DK_OK);
    return object;
}

/* Proves that equal bytes are one program as long as somebody uses it, and then nothing is left. */
static void test_one_program(void **state)
{
    (void)state;
    dk_context *dk = dk_open(NULL);
    dk_context *other = dk_open(NULL);
    dk_value bytes = packed_program(dk);
    dk_value_unref(unpack(other, bytes)); /* the names of its kernels stay */
    int64_t before = dk_context_memory(other).blocks;
    dk_value first = unpack(other, bytes);
    int64_t one = dk_context_memory(other).blocks - before;
    dk_value second = unpack(other, bytes);
    assert_ptr_equal(first.as.block->object, second.as.block->object);
    assert_int_equal(dk_context_memory(other).blocks, before + one + 1); /* the value's own */
    dk_value_unref(first);
    dk_value third = unpack(other, bytes);
    assert_ptr_equal(third.as.block->object, second.as.block->object);
    dk_value_unref(second);
    dk_value_unref(third);
    assert_int_equal(dk_context_memory(other).blocks, before);
    dk_value_unref(bytes);
    dk_close(other);
    dk_close(dk);
}

/* Proves that a program that came is written as it was. */
static void test_bytes_stay(void **state)
{
    (void)state;
    dk_context *dk = dk_open(NULL);
    dk_context *other = dk_open(NULL);
    dk_value bytes = packed_program(dk);
    dk_value object = unpack(other, bytes);
    dk_value again = dk_value_null();
    assert_int_equal(object_pack(other, object, &again, NULL), DK_OK);
    size_t n = 0;
    size_t m = 0;
    const char *data = dk_value_data(bytes, &n);
    assert_memory_equal(dk_value_data(again, &m), data, n);
    assert_int_equal(n, m);
    dk_value_unref(again);
    dk_value_unref(object);
    dk_value_unref(bytes);
    dk_close(other);
    dk_close(dk);
}

/* Proves that every cut and every changed bit is refused or makes some program. */
static void test_damage(void **state)
{
    (void)state;
    dk_context *dk = dk_open(NULL);
    dk_value bytes = packed_program(dk);
    size_t nbytes = 0;
    const char *data = dk_value_data(bytes, &nbytes);
    char *copy = malloc(nbytes);
    memcpy(copy, data, nbytes);
    for (size_t i = 0; i < nbytes; i++) {
        struct program *program = NULL;
        assert_int_equal(program_get(dk, copy, i, &program, NULL), DK_EPARSE);
        for (int bit = 0; bit < 8; bit++) {
            copy[i] = (char)(copy[i] ^ (1 << bit));
            if (program_get(dk, copy, nbytes, &program, NULL) == DK_OK)
                program_unref(program);
            copy[i] = (char)(copy[i] ^ (1 << bit));
        }
    }
    free(copy);
    dk_value_unref(bytes);
    dk_close(dk);
}

/* The program of a pass over two files, with a column of their paths and a filter. */
static dk_value packed_files(dk_context *dk, const struct days *days)
{
    dk_graph *graph = NULL;
    dk_task_id key;
    dk_value bytes = dk_value_null();
    dk_csv_options options = {.include_path_column = "path", .na_values = DK_NAMES("none")};
    options.dtype = (dk_column_type[]){{"low", DK_FLOAT32}};
    options.ndtype = 1;
    dk_frame df = dk_read_csv(dk, days->glob, &options);
    dk_frame rows = dk_filter(df, dk_gt(dk_col(df, "high"), dk_float(dk, 1)));
    assert_int_equal(dk_frame_graph(&rows, 1, &graph, &key, NULL), DK_OK);
    const dk_value *args = graph_args(graph, graph_task(graph, 0));
    assert_int_equal(object_pack(dk, args[0], &bytes, NULL), DK_OK);
    dk_graph_free(graph);
    return bytes;
}

/* Unpacks and packs again in a context of which the n-th allocation fails; true when one did. */
static bool fail_allocation(dk_value bytes, int64_t n)
{
    struct failing failing = {.left = -1};
    dk_allocator allocator = {failing_resize, &failing};
    dk_context *dk = dk_open(&(dk_options){.allocator = &allocator});
    assert_non_null(dk);
    size_t nbytes = 0;
    const char *data = dk_value_data(bytes, &nbytes);
    dk_value object = dk_value_null();
    dk_value again = dk_value_null();
    int64_t before = dk_context_memory(dk).blocks;
    failing.left = n;
    dk_status status = object_unpack(dk, "frame.program", data, nbytes, &object, NULL);
    if (status == DK_OK)
        status = object_pack(dk, object, &again, NULL);
    failing.left = -1;
    assert_int_equal(status, failing.failed ? DK_ENOMEM : DK_OK);
    if (status == DK_OK)
        assert_memory_equal(dk_value_data(again, NULL), data, nbytes);
    dk_value_unref(again);
    dk_value_unref(object);
    /* Names of kernels stay with the context. */
    assert_true(dk_context_memory(dk).blocks <= before + 16);
    dk_close(dk);
    return failing.failed;
}

/* Proves that any allocation may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct days days;
    dk_context *dk = dk_open(NULL);
    days_make(&days, 2);
    dk_value all[] = {packed_program(dk), packed_files(dk, &days)};
    for (size_t i = 0; i < 2; i++) {
        for (int64_t n = 0; fail_allocation(all[i], n); n++)
            assert_true(n < 10000);
        dk_value_unref(all[i]);
    }
    days_remove(&days);
    dk_close(dk);
}

struct user {
    dk_context *dk;
    dk_value bytes;
};

static void *unpack_often(void *self)
{
    const struct user *user = self;
    size_t nbytes = 0;
    const char *data = dk_value_data(user->bytes, &nbytes);
    for (int i = 0; i < 500; i++) {
        dk_value object = dk_value_null();
        if (object_unpack(user->dk, "frame.program", data, nbytes, &object, NULL) != DK_OK)
            return self;
        dk_value_unref(object);
    }
    return NULL;
}

/* Proves that threads may take and leave the same program at once. */
static void test_threads(void **state)
{
    (void)state;
    enum { N = 4 };
    dk_context *dk = dk_open(NULL);
    struct user user = {dk, packed_program(dk)};
    dk_value_unref(unpack(dk, user.bytes));
    int64_t before = dk_context_memory(dk).blocks;
    pthread_t threads[N];
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, unpack_often, &user), 0);
    for (int i = 0; i < N; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(dk_context_memory(dk).blocks, before);
    dk_value_unref(user.bytes);
    dk_close(dk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_program), cmocka_unit_test(test_bytes_stay),
        cmocka_unit_test(test_damage),      cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
