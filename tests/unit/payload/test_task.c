#include "payload_support.h"

#include "payload/task.h"
#include "support/boxes.h"
#include "support/failing_allocator.h"

static struct wire_bytes bytes_of(const struct vector *vector)
{
    return (struct wire_bytes){vector->data, vector->count};
}

/* Packs f(args...) and unpacks it in `to`. */
static dk_status send_task(struct dk_context *from, struct dk_context *to, const dk_value *args,
                           size_t nargs, const struct wire_bytes *keys, struct payload_task *out,
                           dk_error *err)
{
    struct vector bytes;
    vector_init(&bytes, from->memory, 1);
    dk_status status = payload_pack_task(from, "f", args, nargs, keys, &bytes, err);
    if (status == DK_OK)
        status = payload_unpack_task(to, bytes_of(&bytes), out, err);
    vector_deinit(&bytes);
    return status;
}

static dk_status open_sums(struct dk_context *dk)
{
    dk_status status = dk_register(dk, "f", tasks_sum, NULL, NULL);
    return status == DK_OK ? dk_register_type(dk, &box_type, NULL) : status;
}

static dk_table *make_table(struct memory *memory)
{
    static const char *const names[] = {"word", "number"};
    dk_table *table = NULL;
    struct column *columns[2] = {
        make_text(memory, (const char *const[]){"a", MISSING, "cc", "", "e"}, 5),
        make_ints(memory, (const int64_t[]){1, 2, 3, 4, 5}, 5, "..x.."),
    };
    struct column *index = make_ints(memory, (const int64_t[]){7, 8, 9, 10, 11}, 5, NULL);
    if (columns[0] && columns[1] && index &&
        table_new(memory, 5, 2, names, columns, "row", index, false, &table) != DK_OK)
        table = NULL;
    column_unref(columns[0]);
    column_unref(columns[1]);
    column_unref(index);
    return table;
}

/* A list of every kind but objects and tasks; null when out of memory. */
static dk_value make_all(struct memory *memory)
{
    dk_value items[9] = {dk_value_null(), dk_value_bool(true), dk_value_int(-1 - INT64_MAX),
                         dk_value_float(-0.0)};
    dk_value pair[2] = {dk_value_null(), dk_value_null()};
    dk_value list = dk_value_null();
    dk_table *table = make_table(memory);
    if (!table)
        return list;
    items[8] = dk_value_table(table);
    dk_status status = value_text(memory, "grüße", 7, &items[4]);
    if (status == DK_OK)
        status = value_bytes(memory, "\0\xff", 2, &items[5]);
    if (status == DK_OK)
        status = value_list(memory, NULL, 0, &items[6]);
    if (status == DK_OK)
        status = value_text(memory, "k", 1, &pair[0]);
    if (status == DK_OK) {
        pair[1] = dk_value_ref(items[8]);
        status = value_map(memory, pair, 2, &items[7]);
    }
    if (status == DK_OK)
        return value_list(memory, items, 9, &list) == DK_OK ? list : dk_value_null();
    for (size_t i = 0; i < 9; i++)
        dk_value_unref(items[i]);
    return dk_value_null();
}

/* Proves that arguments of every kind arrive as they were, tables without their whole. */
static void test_arguments(void **state)
{
    (void)state;
    struct dk_context dk;
    struct dk_context other;
    struct payload_task task;
    assert_true(context_open(&dk, NULL));
    assert_true(context_open(&other, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    assert_int_equal(open_sums(&other), DK_OK);
    dk_value list = make_all(dk.memory);
    size_t n = 0;
    const dk_value *args = dk_value_items(list, &n);
    assert_int_equal(send_task(&dk, &other, args, n, NULL, &task, NULL), DK_OK);
    assert_int_equal(task.nargs, n);
    assert_int_equal(task.nkeys, 0);
    assert_string_equal(task.function->name, "f");
    for (size_t i = 0; i < n; i++)
        assert_true(values_equal(args[i], task.args[i]));
    payload_task_deinit(&task);
    assert_int_equal(send_task(&dk, &other, &list, 1, NULL, &task, NULL), DK_OK);
    assert_true(values_equal(list, task.args[0]));
    payload_task_deinit(&task);
    dk_value_unref(list);
    assert_int_equal(context_close(&other), 0);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that results are named by their keys, each once, in order of first mention. */
static void test_results(void **state)
{
    (void)state;
    struct dk_context dk;
    struct payload_task task;
    struct vector keys[2];
    assert_true(context_open(&dk, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    for (int i = 0; i < 2; i++)
        vector_init(&keys[i], dk.memory, 1);
    assert_int_equal(payload_pack_key(dk_key_text("x"), &keys[0]), DK_OK);
    assert_int_equal(payload_pack_key(dk_key_at("y", 300), &keys[1]), DK_OK);
    const struct wire_bytes all[] = {bytes_of(&keys[0]), bytes_of(&keys[1])};
    const dk_value args[] = {dk_value_task((dk_task_id){1}), dk_value_int(5),
                             dk_value_task((dk_task_id){0}), dk_value_task((dk_task_id){1})};
    assert_int_equal(send_task(&dk, &dk, args, 4, all, &task, NULL), DK_OK);
    assert_int_equal(task.nkeys, 2);
    assert_int_equal(task.keys[0].nbytes, 6);
    assert_memory_equal(task.keys[0].data, "\x92\xa1y\xcd\x01\x2c", 6);
    assert_int_equal(task.keys[1].nbytes, 2);
    assert_memory_equal(task.keys[1].data, "\xa1x", 2);
    static const uint32_t expected[] = {0, 0, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(task.args[i].kind, i == 1 ? DK_KIND_INT : DK_KIND_TASK);
        if (i != 1)
            assert_int_equal(task.args[i].as.task, expected[i]);
    }
    payload_task_deinit(&task);
    for (int i = 0; i < 2; i++)
        vector_deinit(&keys[i]);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that many results keep apart: their numbers are found by hash. */
static void test_many_results(void **state)
{
    (void)state;
    enum { N = 5000 };
    static char names[N][3];
    static struct wire_bytes keys[N];
    static dk_value args[2 * N];
    struct dk_context dk;
    struct payload_task task;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    for (uint32_t i = 0; i < N; i++) {
        names[i][0] = (char)0xcd;
        names[i][1] = (char)(i >> 8);
        names[i][2] = (char)i;
        keys[i] = (struct wire_bytes){names[i], 3};
        args[i] = args[2 * N - 1 - i] = dk_value_task((dk_task_id){i});
    }
    assert_int_equal(send_task(&dk, &dk, args, 2 * N, keys, &task, NULL), DK_OK);
    assert_int_equal(task.nkeys, N);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(task.args[i].as.task, i);
        assert_int_equal(task.args[2 * N - 1 - i].as.task, i);
        assert_memory_equal(task.keys[i].data, names[i], 3);
    }
    payload_task_deinit(&task);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that what is missing here is named: a function, an object's type. */
static void test_missing(void **state)
{
    (void)state;
    struct dk_context dk;
    struct dk_context other;
    struct payload_task task;
    dk_value box = dk_value_null();
    dk_error err = {0};
    assert_true(context_open(&dk, NULL));
    assert_true(context_open(&other, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    assert_int_equal(send_task(&dk, &other, NULL, 0, NULL, &task, &err), DK_EKEY);
    assert_string_equal(err.message, "no function 'f' is registered here");
    assert_int_equal(box_value(&dk, 3, 1, &box), DK_OK);
    assert_int_equal(send_task(&dk, &other, &box, 1, NULL, &task, &err), DK_ENOTSUP);
    assert_non_null(strstr(err.message, "an object of type 'box'"));
    assert_int_equal(send_task(&dk, &dk, &box, 1, NULL, &task, &err), DK_OK);
    const struct box *sent = dk_value_as_object(task.args[0], &box_type);
    assert_non_null(sent);
    assert_int_equal(sent->nbytes, 3);
    payload_task_deinit(&task);
    dk_value_unref(box);
    assert_int_equal(context_close(&other), 0);
    assert_int_equal(context_close(&dk), 0);
}

static void assert_no_task(struct dk_context *dk, const char *bytes, size_t nbytes,
                           const char *message)
{
    struct payload_task task;
    dk_error err = {0};
    assert_int_equal(payload_unpack_task(dk, (struct wire_bytes){bytes, nbytes}, &task, &err),
                     DK_EPARSE);
    assert_string_equal(err.message, message);
}

#define ASSERT_NO_TASK(bytes, message) assert_no_task(&dk, bytes, sizeof(bytes) - 1, message)
#define HEAD                                                                                       \
    "\x94\xa5"                                                                                     \
    "cdask\xa1"                                                                                    \
    "f"

/* Proves that bytes that are no task are refused, with the reason. */
static void test_damage(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    static const char shape[] =
        "no native task: it is not [\"cdask\", function, [key, ...], [argument, ...]]";
    ASSERT_NO_TASK("", "no native task: it does not begin as one");
    ASSERT_NO_TASK("\x93\xa5"
                   "cdask",
                   "no native task: it does not begin as one");
    ASSERT_NO_TASK(HEAD, "no native task: it ends in the middle of a value");
    ASSERT_NO_TASK(HEAD "\xc0\x90", shape);
    ASSERT_NO_TASK(HEAD "\x90\x90\x90", "no native task: 1 bytes after the end of its value");
    ASSERT_NO_TASK(HEAD "\x91\xa1k\x90", "no native task: a key that is no bytes");
    ASSERT_NO_TASK(HEAD "\x90\x91\x81\x00\x00",
                   "no native task: an argument that is the result of nothing");
    ASSERT_NO_TASK(HEAD "\x91\xc4\x01k\x91\x91\x81\x00\x00",
                   "the result of a task inside a value is damaged");
    ASSERT_NO_TASK(HEAD "\x90\x91\x81\x01\xc4\x01k", "the schema of a table is damaged");
    ASSERT_NO_TASK(HEAD "\x90\x91\x81\x01\xc0", "a table is damaged");
    ASSERT_NO_TASK(HEAD "\x90\x91\x81\x02\xa3"
                        "box",
                   "an object is damaged");
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that every cut and every changed byte of a task is refused or makes some task. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    struct dk_context dk;
    struct vector bytes;
    struct payload_task task;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(open_sums(&dk), DK_OK);
    vector_init(&bytes, dk.memory, 1);
    dk_value list = make_all(dk.memory);
    assert_int_equal(payload_pack_task(&dk, "f", &list, 1, NULL, &bytes, NULL), DK_OK);
    char *data = bytes.data;
    for (size_t i = 0; i < bytes.count; i++) {
        assert_int_equal(payload_unpack_task(&dk, (struct wire_bytes){data, i}, &task, NULL),
                         DK_EPARSE);
        for (int bit = 0; bit < 8; bit++) {
            data[i] = (char)(data[i] ^ (1 << bit));
            if (payload_unpack_task(&dk, bytes_of(&bytes), &task, NULL) == DK_OK)
                payload_task_deinit(&task);
            data[i] = (char)(data[i] ^ (1 << bit));
        }
    }
    vector_deinit(&bytes);
    dk_value_unref(list);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status send_all(struct dk_context *dk)
{
    struct payload_task task;
    dk_value args[3] = {make_all(dk->memory), dk_value_null(), dk_value_task((dk_task_id){0})};
    struct wire_bytes key = {"\x01", 1};
    dk_status status = args[0].kind == DK_KIND_NULL ? DK_ENOMEM : open_sums(dk);
    if (status == DK_OK)
        status = box_value(dk, 100, 1, &args[1]);
    if (status == DK_OK)
        status = send_task(dk, dk, args, 3, &key, &task, NULL);
    if (status == DK_OK)
        payload_task_deinit(&task);
    dk_value_unref(args[0]);
    dk_value_unref(args[1]);
    return status;
}

/* Proves that any allocation may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(send_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),     cmocka_unit_test(test_results),
        cmocka_unit_test(test_many_results),  cmocka_unit_test(test_missing),
        cmocka_unit_test(test_damage),        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
