/* Keys: equal names get one number, numbers are given again, and names are shown and split as in
 * Dask. */
#include <string.h>

#include "support/failing.h"

#include "core/keys.h"

static void pack(struct memory *memory, struct wire_value value, struct vector *out)
{
    vector_init(out, memory, 1);
    assert_int_equal(key_pack(&value, out, NULL), DK_OK);
}

static struct wire_bytes bytes_of(const struct vector *vector)
{
    return (struct wire_bytes){vector->data, vector->count};
}

static struct wire_value tuple(struct wire_value *parts, const char *name, int64_t index)
{
    parts[0] = wire_text(name);
    parts[1] = wire_int(index);
    return wire_array(parts, 2);
}

/* Proves that 1, 1.0 and True are one key, as they are in Python, and 1.5 is another. */
static void test_equal_numbers_are_one_key(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    (void)state;
    struct vector one, same, also, other;
    pack(memory, wire_int(1), &one);
    pack(memory, wire_float(1.0), &same);
    pack(memory, wire_bool(true), &also);
    pack(memory, wire_float(1.5), &other);
    assert_int_equal(one.count, same.count);
    assert_memory_equal(one.data, same.data, one.count);
    assert_memory_equal(one.data, also.data, one.count);
    assert_int_not_equal(one.count, other.count);
    vector_deinit(&one);
    vector_deinit(&same);
    vector_deinit(&also);
    vector_deinit(&other);
    memory_close(memory);
}

/* Proves that what is no key is refused with a reason. */
static void test_refused(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    (void)state;
    struct vector out;
    dk_error err = {0};
    vector_init(&out, memory, 1);
    struct wire_value nil = wire_nil();
    assert_int_equal(key_pack(&nil, &out, &err), DK_EPARSE);
    assert_non_null(strstr(err.message, "nil is no key"));
    struct wire_value nested[10];
    nested[9] = wire_int(1);
    for (int i = 8; i >= 0; i--)
        nested[i] = wire_array(&nested[i + 1], 1);
    assert_int_equal(key_pack(&nested[0], &out, &err), DK_EPARSE);
    vector_deinit(&out);
    memory_close(memory);
}

/* Proves against a plain array that numbers stay with their keys while thousands come and go. */
static void add_and_remove(struct memory *memory)
{
    enum { COUNT = 3000 };
    static uint32_t numbers[COUNT];
    struct keys keys;
    struct vector packed;
    uint64_t random = 7;
    keys_init(&keys, memory);
    for (int i = 0; i < COUNT; i++)
        numbers[i] = KEY_NONE;
    for (int round = 0; round < 20000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        int which = (int)(random >> 33) % COUNT;
        struct wire_value parts[2];
        pack(memory, tuple(parts, "x", which), &packed);
        assert_int_equal(keys_find(&keys, bytes_of(&packed)), numbers[which]);
        if (numbers[which] != KEY_NONE) {
            keys_remove(&keys, numbers[which]);
            numbers[which] = KEY_NONE;
        } else {
            bool is_new;
            assert_int_equal(keys_add(&keys, bytes_of(&packed), &numbers[which], &is_new), DK_OK);
            assert_true(is_new);
            assert_true(numbers[which] < COUNT);
        }
        vector_deinit(&packed);
    }
    keys_deinit(&keys);
}

static void test_add_and_remove(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    add_and_remove(memory);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status add_some(struct memory *memory)
{
    struct keys keys;
    dk_status status = DK_OK;
    keys_init(&keys, memory);
    for (char i = 0; i < 100 && status == DK_OK; i++) {
        uint32_t id;
        bool is_new;
        status = keys_add(&keys, (struct wire_bytes){&i, 1}, &id, &is_new);
    }
    keys_deinit(&keys);
    return status;
}

/* Proves that no allocation that fails is missed, and nothing is lost by it. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(add_some);
}

/* Proves the examples of dask.utils.key_split and distributed.utils.key_split_group. */
static void test_split(void **state)
{
    (void)state;
    static const struct {
        const char *key, *prefix, *group;
    } cases[] = {
        {"x", "x", "x"},
        {"x-1", "x", "x"},
        {"x-1-2-3", "x", "x"},
        {"('x-2', 1)", "x", "x-2"},
        {"('x', 1)", "x", "x"},
        {"hello-world-1", "hello-world", "hello-world"},
        {"ae05086432ca935f6eba409a8ecd4896", "data", "data"},
        {"<module.submodule.myclass object at 0xdaf372", "myclass", "myclass"},
        {"x-abcdefab", "x", "x"},
        {"_(x)", "x", "x"},
        {"", "Other", "Other"},
    };
    struct memory *memory = memory_new(NULL, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char prefix[64], group[64];
        struct vector packed;
        pack(memory, wire_text(cases[i].key), &packed);
        key_prefix(bytes_of(&packed), prefix, sizeof(prefix));
        key_group(bytes_of(&packed), group, sizeof(group));
        assert_string_equal(prefix, cases[i].prefix);
        assert_string_equal(group, cases[i].group);
        vector_deinit(&packed);
    }
    memory_close(memory);
}

/* Proves how keys are shown, and that what does not fit is cut. */
static void test_text(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct wire_value parts[2];
    struct vector packed;
    char text[64], prefix[64], group[64];
    pack(memory, tuple(parts, "x-2", -170000), &packed);
    key_text(bytes_of(&packed), text, sizeof(text));
    assert_string_equal(text, "('x-2', -170000)");
    key_text(bytes_of(&packed), text, 6);
    assert_string_equal(text, "('x-2");
    key_prefix(bytes_of(&packed), prefix, sizeof(prefix));
    key_group(bytes_of(&packed), group, sizeof(group));
    assert_string_equal(prefix, "x");
    assert_string_equal(group, "x-2");
    vector_deinit(&packed);
    pack(memory, wire_float(0.5), &packed);
    key_text(bytes_of(&packed), text, sizeof(text));
    assert_string_equal(text, "0.5");
    vector_deinit(&packed);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_numbers_are_one_key),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_add_and_remove),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_split),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
