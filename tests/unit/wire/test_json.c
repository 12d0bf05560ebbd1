/* Values as JSON: every kind, and what JSON has no form for. */
#include "support/failing.h"

#include <math.h>
#include <string.h>

#include "wire/json.h"

static void check(const struct wire_value *value, const char *expected)
{
    struct memory *memory = memory_new(NULL, 0);
    struct text out;
    text_init(&out, memory);
    wire_write_json(&out, value);
    assert_string_equal(out.data, expected);
    text_deinit(&out);
    memory_close(memory);
}

static void check_text(const char *text, const char *expected)
{
    struct wire_value value = wire_text(text);
    check(&value, expected);
}

/* Proves that each kind is written as Python's json reads it. */
static void test_kinds(void **state)
{
    (void)state;
    struct wire_value bin = wire_bin((struct wire_bytes){"ab", 2});
    struct wire_value items[] = {wire_nil(),
                                 wire_bool(true),
                                 wire_bool(false),
                                 wire_int(-7),
                                 wire_float(0.5),
                                 wire_float(NAN),
                                 wire_float(-INFINITY),
                                 bin,
                                 {.kind = WIRE_UINT, .as.natural = UINT64_MAX}};
    struct wire_value array = wire_array(items, 9);
    check(&array, "[null, true, false, -7, 0.5, null, null, null, 18446744073709551615]");
    array = wire_array(NULL, 0);
    check(&array, "[]");
}

/* Proves that keys of any kind become texts. */
static void test_keys(void **state)
{
    (void)state;
    struct wire_value pair[] = {wire_text("x\""), wire_int(1)};
    struct wire_entry entries[] = {{wire_text("a"), wire_map(NULL, 0)},
                                   {wire_int(3), wire_nil()},
                                   {wire_array(pair, 2), wire_int(2)}};
    struct wire_value map = wire_map(entries, 3);
    check(&map, "{\"a\": {}, \"3\": null, \"[\\\"x\\\\\\\"\\\", 1]\": 2}");
}

/* Proves that text is escaped, and that bytes that are no UTF-8 do not spoil the rest. */
static void test_texts(void **state)
{
    (void)state;
    check_text("", "\"\"");
    check_text("a\"b\\c\n\x01", "\"a\\\"b\\\\c\\u000a\\u0001\"");
    check_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    check_text("a\xff\xc3", "\"a??\"");
}

static dk_status write_nested(struct memory *memory)
{
    struct wire_value key = wire_text("a longer text than others");
    struct wire_value list = wire_array(&key, 1);
    struct wire_entry entry = {list, list};
    struct wire_value map = wire_map(&entry, 1);
    struct text out;
    text_init(&out, memory);
    wire_write_json(&out, &map);
    dk_status status = text_status(&out);
    text_deinit(&out);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(write_nested);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
