#include "support/failing_allocator.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "graph/value.h"

static dk_value text(struct dk_context *dk, const char *string)
{
    dk_value value = dk_value_null();
    assert_int_equal(dk_value_text(dk, string, strlen(string), &value), DK_OK);
    return value;
}

/* Proves that texts and bytes are copied, may contain zeros, and are terminated. */
static void test_text_and_bytes(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    char bytes[] = {'a', 0, 'b'};
    dk_value value = dk_value_null();
    assert_int_equal(dk_value_bytes(&dk, bytes, sizeof(bytes), &value), DK_OK);
    bytes[0] = 'x';
    size_t n = 0;
    const char *data = dk_value_data(value, &n);
    assert_int_equal(n, 3);
    assert_memory_equal(data, "a\0b\0", 4);
    dk_value_unref(value);

    assert_int_equal(dk_value_text(&dk, NULL, 0, &value), DK_OK);
    assert_string_equal(dk_value_data(value, &n), "");
    assert_int_equal(n, 0);
    dk_value_unref(value);
    assert_null(dk_value_data(dk_value_int(3), &n));
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a list owns its items, and that nothing is freed before the last reference goes. */
static void test_references(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    int64_t before = memory_use(dk.memory).current;
    dk_value items[] = {text(&dk, "one"), dk_value_int(2), dk_value_float(0.5)};
    dk_value list = dk_value_null();
    assert_int_equal(dk_value_list(&dk, items, 3, &list), DK_OK);
    assert_int_equal(dk_value_nbytes(list), memory_use(dk.memory).current - before);

    dk_value first = dk_value_ref(items[0]);
    dk_value again = dk_value_ref(list);
    dk_value_unref(list);
    size_t count = 0;
    const dk_value *held = dk_value_items(again, &count);
    assert_int_equal(count, 3);
    assert_int_equal(held[1].as.integer, 2);
    dk_value_unref(again);
    assert_string_equal(dk_value_data(first, NULL), "one");
    dk_value_unref(first);
    assert_int_equal(memory_use(dk.memory).current, before);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that maps find by key, answer null for what they lack, and refuse keys that are no text.
 */
static void test_map(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_value items[] = {text(&dk, "a"), dk_value_int(1), text(&dk, "b"), text(&dk, "two")};
    dk_value map = dk_value_null();
    assert_int_equal(dk_value_map(&dk, items, 4, &map), DK_OK);
    assert_int_equal(dk_value_find(map, "a").as.integer, 1);
    assert_string_equal(dk_value_data(dk_value_find(map, "b"), NULL), "two");
    assert_int_equal(dk_value_find(map, "c").kind, DK_KIND_NULL);
    assert_int_equal(dk_value_find(dk_value_int(1), "a").kind, DK_KIND_NULL);
    dk_value_unref(map);

    dk_value wrong[] = {dk_value_int(1), text(&dk, "is lost")};
    assert_int_equal(dk_value_map(&dk, wrong, 2, &map), DK_EINVAL);
    dk_value odd[] = {text(&dk, "key without a value")};
    assert_int_equal(dk_value_map(&dk, odd, 1, &map), DK_EINVAL);
    assert_int_equal(context_close(&dk), 0);
}

static void count_free(void *object)
{
    ++*(int *)object;
}

static const dk_object_type counted_type = {.name = "counted", .free = count_free};
static const dk_object_type other_type = {.name = "other", .free = count_free};

/* Proves that an object is freed once, with its last reference, and is only seen as what it is. */
static void test_object(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    int nfreed = 0;
    dk_value value = dk_value_null();
    assert_int_equal(dk_value_object(&dk, &counted_type, &nfreed, &value), DK_OK);
    assert_ptr_equal(dk_value_as_object(value, &counted_type), &nfreed);
    assert_null(dk_value_as_object(value, &other_type));
    assert_null(dk_value_as_object(dk_value_null(), &counted_type));
    dk_value_unref(dk_value_ref(value));
    assert_int_equal(nfreed, 0);
    dk_value_unref(value);
    assert_int_equal(nfreed, 1);
    assert_int_equal(context_close(&dk), 0);
}

static int nfreed_in_scenario;

/* What is taken is taken on failure too: the object is freed however far it gets. */
static dk_status build(struct dk_context *dk)
{
    dk_value object = dk_value_null();
    nfreed_in_scenario = 0;
    DK_TRY(dk_value_object(dk, &counted_type, &nfreed_in_scenario, &object));
    dk_value key = dk_value_null();
    dk_status status = dk_value_text(dk, "key", 3, &key);
    if (status != DK_OK) {
        dk_value_unref(object);
        return status;
    }
    dk_value items[] = {key, object};
    dk_value map = dk_value_null();
    DK_TRY(dk_value_map(dk, items, 2, &map));
    dk_value list = dk_value_null();
    DK_TRY(dk_value_list(dk, &map, 1, &list));
    dk_value_unref(list);
    return DK_OK;
}

static dk_status build_and_count(struct dk_context *dk)
{
    dk_status status = build(dk);
    assert_int_equal(nfreed_in_scenario, 1);
    return status;
}

/* Proves that values take what they are given also when memory runs out, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(build_and_count);
}

/* Proves that every kind has a name, and that numbers outside have one too. */
static void test_kind_names(void **state)
{
    (void)state;
    assert_string_equal(dk_kind_name(DK_KIND_NULL), "null");
    assert_string_equal(dk_kind_name(DK_KIND_TABLE), "table");
    assert_string_equal(dk_kind_name(DK_KIND_TASK), "task");
    assert_string_equal(dk_kind_name((dk_kind)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_and_bytes),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_object),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_kind_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
