#include "support/failing.h"

#include <string.h>

#include "base/error.h"
#include "wire/pickle.h"
#include "wire/unpickle.h"

static struct memory *memory;

static int open_memory(void **state)
{
    (void)state;
    memory = memory_new(NULL, 0);
    return memory ? 0 : -1;
}

static int close_memory(void **state)
{
    (void)state;
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
    return 0;
}

static struct wire_bytes bytes_of(const struct vector *vector)
{
    return (struct wire_bytes){vector->data, vector->count};
}

/* What a pickle is refused with. */
static void assert_refused(const char *bytes, size_t nbytes, dk_status expected,
                           const char *message)
{
    struct arena arena;
    struct wire_value value;
    dk_error err = {0};
    arena_init(&arena, memory);
    assert_int_equal(pickle_unpack(&arena, (struct wire_bytes){bytes, nbytes}, &value, &err),
                     expected);
    assert_string_equal(err.message, message);
    arena_deinit(&arena);
}

#define ASSERT_REFUSED(bytes, status, message)                                                     \
    assert_refused(bytes, sizeof(bytes) - 1, status, message)

/* Proves that what is no pickle of plain values is refused, with the reason. */
static void test_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED("", DK_EPARSE, "no pickle: it does not begin as one");
    ASSERT_REFUSED("N.", DK_EPARSE, "no pickle: it does not begin as one");
    ASSERT_REFUSED("\x80\x01N.", DK_EPARSE, "no pickle: of a protocol other than 2 to 5");
    ASSERT_REFUSED("\x80\x05N", DK_EPARSE, "no pickle: it is cut off, or has an unknown opcode");
    ASSERT_REFUSED("\x80\x05.", DK_EPARSE, "no pickle: it ends with more or less than one value");
    ASSERT_REFUSED("\x80\x05]K\x01K\x01s.", DK_EPARSE, "no pickle: items for another container");
    ASSERT_REFUSED("\x80\x05(\x91\x10", DK_EPARSE,
                   "no pickle: it is cut off, or has an unknown opcode");
    ASSERT_REFUSED("\x80\x05h\x07.", DK_EPARSE, "no pickle: it remembers what it has not seen");
    ASSERT_REFUSED("\x80\x05Nr\xff\xff\xff\x7f.", DK_EPARSE, "no pickle: a memo of nothing");
    ASSERT_REFUSED("\x80\x02"
                   "cos\nsystem\nX\x02\0\0\0ls\x85R.",
                   DK_ENOTSUP, "os.system cannot be read without Python");
    ASSERT_REFUSED("\x80\x05)\x81.", DK_ENOTSUP,
                   "a pickle with opcode 0x81 cannot be read without Python");
    ASSERT_REFUSED("\x80\x05]\x94h\x00"
                   "a.",
                   DK_ENOTSUP, "a container that is inside itself");
    ASSERT_REFUSED("\x80\x05\x8a\x09\0\0\0\0\0\0\0\0\1.", DK_EOVERFLOW,
                   "an integer beyond 64 bits");
}

/* Each list is inside the next twice. */
static void assert_doubled(int depth, dk_status expected)
{
    struct vector pickle;
    struct arena arena;
    struct wire_value value;
    vector_init(&pickle, memory, 1);
    arena_init(&arena, memory);
    assert_int_equal(vector_append(&pickle, "\x80\x05]", 3), DK_OK);
    for (int i = 0; i < depth; i++)
        assert_int_equal(vector_append(&pickle, "2\x86", 2), DK_OK);
    assert_int_equal(vector_append(&pickle, ".", 1), DK_OK);
    assert_int_equal(pickle_unpack(&arena, bytes_of(&pickle), &value, NULL), expected);
    assert_true(memory_use(memory).current < 1 << 20);
    arena_deinit(&arena);
    vector_deinit(&pickle);
}

/* Proves that what is shared takes no memory twice, and is refused when written out it would be too
 * much for whoever gets it. */
static void test_sharing(void **state)
{
    (void)state;
    assert_doubled(18, DK_OK);
    assert_doubled(60, DK_EPARSE);
    assert_doubled(400, DK_EPARSE);
}

/* A map of a list, a set, a text, bytes and numbers. */
static struct wire_value make_value(struct wire_value items[4], struct wire_entry entries[2])
{
    items[0] = wire_int(-70000);
    items[1] = wire_float(0.5);
    items[2] = wire_text("grüße");
    items[3] = (struct wire_value){.kind = WIRE_UINT, .as.natural = UINT64_MAX};
    entries[0] = (struct wire_entry){wire_int(1), wire_array(items, 4)};
    entries[1] = (struct wire_entry){wire_text("set"), wire_array(items, 2)};
    entries[1].value.kind = WIRE_SET;
    return wire_map(entries, 2);
}

static dk_status there_and_back(struct memory *ledger)
{
    struct wire_value items[4];
    struct wire_entry entries[2];
    struct wire_value value = make_value(items, entries);
    struct wire_value found;
    struct vector pickle;
    struct arena arena;
    vector_init(&pickle, ledger, 1);
    arena_init(&arena, ledger);
    dk_status status = pickle_pack(&pickle, &value, NULL);
    if (status == DK_OK)
        status = pickle_unpack(&arena, bytes_of(&pickle), &found, NULL);
    if (status == DK_OK) {
        assert_int_equal(found.kind, WIRE_MAP);
        assert_int_equal(found.count, 2);
        assert_int_equal(found.as.entries[0].key.as.integer, 1);
        assert_int_equal(found.as.entries[0].value.as.items[0].as.integer, -70000);
        assert_true(found.as.entries[0].value.as.items[3].as.natural == UINT64_MAX);
        assert_int_equal(found.as.entries[1].value.kind, WIRE_SET);
    }
    arena_deinit(&arena);
    vector_deinit(&pickle);
    return status;
}

static dk_status make_templates(struct memory *ledger)
{
    struct vector out;
    struct wire_value parts[2] = {wire_text("x"), wire_int(1)};
    struct wire_value key = wire_array(parts, 2);
    struct wire_bytes text = {"text", 4};
    vector_init(&out, ledger, 1);
    dk_status status = pickle_exception(&out, "builtins", "KeyError", text);
    if (status == DK_OK)
        status = pickle_killed_worker(&out, &key, "tcp://a", 3, NULL);
    if (status == DK_OK)
        status = pickle_task_exception(&out, "builtins", "KeyError", &key, parts, 2, NULL);
    if (status == DK_OK)
        status = pickle_expr_begin(&out);
    if (status == DK_OK)
        status = pickle_expr_task(&out, &key, text, &parts[0], 1, NULL);
    if (status == DK_OK)
        status = pickle_expr_end(&out, "token");
    vector_deinit(&out);
    return status;
}

/* Proves that values come back, and that any allocation may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(there_and_back(memory), DK_OK);
    fail_each_allocation(there_and_back);
    fail_each_allocation(make_templates);
}

/* Proves that what is no key does not become one. */
static void test_keys(void **state)
{
    (void)state;
    struct vector out;
    struct wire_value nil = wire_nil();
    struct wire_value pair = wire_array(&nil, 1);
    dk_error err = {0};
    vector_init(&out, memory, 1);
    assert_int_equal(pickle_killed_worker(&out, &pair, "tcp://a", 3, &err), DK_EINVAL);
    assert_string_equal(err.message, "nil is no key");
    vector_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_sharing, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_keys, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_out_of_memory, open_memory, close_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
