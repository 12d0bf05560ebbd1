#include "unit/column/column_support.h"

#include <stdio.h>

static const char *const fruit[] = {"fig", "", "kiwi", MISSING, "plum", "apple"};

static void count_release(void *owner)
{
    ++*(int *)owner;
}

/* Proves that a buffer goes with its last reference, and a foreign one through its release. */
static void test_buffers(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct buffer *own = buffer_new(memory, 100);
    buffer_unref(buffer_ref(own));
    memset(own->data, 1, 100);
    buffer_unref(own);
    buffer_unref(NULL);
    int released = 0;
    struct buffer *foreign = buffer_wrap(memory, "bytes", 5, count_release, &released);
    assert_string_equal(foreign->data, "bytes");
    buffer_unref(buffer_ref(foreign));
    assert_int_equal(released, 0);
    buffer_unref(foreign);
    assert_int_equal(released, 1);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status make_buffers(struct memory *memory)
{
    int released = 0;
    struct buffer *foreign = buffer_wrap(memory, "bytes", 5, count_release, &released);
    struct buffer *own = foreign ? buffer_new(memory, 64) : NULL;
    bool made = foreign && own;
    buffer_unref(foreign);
    buffer_unref(own);
    assert_int_equal(released, 1);
    return made ? DK_OK : DK_ENOMEM;
}

/* Proves that what a buffer constructor takes is given back when it fails. */
static void test_buffers_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_buffers);
}

/* Proves that a slice of a slice shows the right rows and outlives the whole. */
static void test_slices(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *whole = make_text(memory, fruit, 6);
    struct column *slice = column_slice(whole, 1, 5);
    struct column *inner = column_slice(slice, 2, 2);
    column_unref(whole);
    assert_rows(&slice->view, " kiwi - plum apple");
    assert_rows(&inner->view, "- plum");
    assert_int_equal(view_count_missing(&inner->view), 1);
    column_unref(slice);
    column_unref(inner);
    column_unref(NULL);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that parts of every kind join in order: sliced, empty, with and without nulls. */
static void test_concat(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *text = make_text(memory, fruit, 6);
    struct column *parts[] = {column_slice(text, 4, 2), column_slice(text, 2, 0),
                              column_slice(text, 0, 4)};
    struct column *joined;
    assert_int_equal(column_concat(memory, parts, 3, &joined, NULL), DK_OK);
    assert_rows(&joined->view, "plum apple fig  kiwi -");
    column_unref(joined);
    struct column *range = column_range(memory, 5, 3);
    struct column *numbers[] = {range, range};
    assert_int_equal(column_concat(memory, numbers, 2, &joined, NULL), DK_OK);
    assert_rows(&joined->view, "5 6 7 5 6 7");
    column_unref(joined);
    column_unref(range);
    for (int i = 0; i < 3; i++)
        column_unref(parts[i]);
    column_unref(text);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static void check_take(struct memory *memory, const struct view *view, const int64_t *rows,
                       int64_t nrows, const char *expected)
{
    struct column *taken;
    assert_int_equal(column_take(memory, view, rows, nrows, &taken, NULL), DK_OK);
    assert_rows(&taken->view, expected);
    column_unref(taken);
}

/* Proves that rows are taken in any order, repeated, and -1 gives a missing value in every type. */
static void test_take(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    const int64_t values[] = {10, 11, 12, 13};
    struct column *dense = make_ints(memory, values, 4, NULL);
    struct column *holes = make_ints(memory, values, 4, ".x..");
    struct column *text = make_text(memory, fruit, 6);
    check_take(memory, &dense->view, (int64_t[]){3, 0, 3}, 3, "13 10 13");
    check_take(memory, &dense->view, (int64_t[]){-1, 2}, 2, "- 12");
    check_take(memory, &holes->view, (int64_t[]){1, 2, -1}, 3, "- 12 -");
    check_take(memory, &text->view, (int64_t[]){5, 3, -1, 0, 0}, 5, "apple - - fig fig");
    check_take(memory, &text->view, NULL, 0, "");
    struct view window = view_slice(&text->view, 2, 3);
    check_take(memory, &window, (int64_t[]){2, 1, 0}, 3, "plum - kiwi");
    column_unref(dense);
    column_unref(holes);
    column_unref(text);
    memory_close(memory);
}

/* Proves that every type can be taken from with holes, and that dense rows get no bitmap. */
static void test_take_every_type(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    const int64_t rows[] = {1, -1, 0};
    for (dk_type type = 0; type < DK_TYPE_COUNT; type++) {
        struct vec vec;
        struct column *column;
        struct column *taken;
        vec_init(&vec, memory, type);
        assert_int_equal(vec_append_null(&vec), DK_OK);
        assert_int_equal(vec_append_null(&vec), DK_OK);
        assert_int_equal(vec_freeze(&vec, &column), DK_OK);
        assert_int_equal(column_take(memory, &column->view, rows, 3, &taken, NULL), DK_OK);
        assert_int_equal(view_count_missing(&taken->view), 3);
        assert_int_equal(taken->view.type, type);
        column_unref(taken);
        column_unref(column);
    }
    struct column *range = column_range(memory, 0, 4);
    struct column *taken;
    assert_int_equal(column_take(memory, &range->view, (int64_t[]){2, 1}, 2, &taken, NULL), DK_OK);
    assert_null(taken->view.validity);
    column_unref(taken);
    column_unref(range);
    memory_close(memory);
}

/* Proves that a copy has its own bytes and only those of the window. */
static void test_copy(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *text = make_text(memory, fruit, 6);
    struct view window = view_slice(&text->view, 2, 3);
    struct column *copy;
    assert_int_equal(column_copy(memory, &window, &copy, NULL), DK_OK);
    column_unref(text);
    assert_rows(&copy->view, "kiwi - plum");
    assert_int_equal(copy->view.offsets[3], 8);
    column_unref(copy);
    memory_close(memory);
}

static dk_status build(struct memory *memory)
{
    dk_status status = DK_ENOMEM;
    struct column *joined = NULL;
    struct column *taken = NULL;
    struct column *copy = NULL;
    struct column *text = make_text(memory, fruit, 6);
    struct column *slice = text ? column_slice(text, 1, 4) : NULL;
    struct column *range = slice ? column_range(memory, 0, 100) : NULL;
    struct column *parts[] = {text, slice};
    const int64_t rows[] = {3, -1, 0};
    dk_error err = {0};
    if (range)
        status = column_concat(memory, parts, 2, &joined, &err);
    if (status == DK_OK)
        status = column_take(memory, &joined->view, rows, 3, &taken, &err);
    if (status == DK_OK)
        status = column_copy(memory, &taken->view, &copy, &err);
    if (range && status != DK_OK)
        assert_string_equal(err.message, "out of memory");
    column_unref(text);
    column_unref(slice);
    column_unref(range);
    column_unref(joined);
    column_unref(taken);
    column_unref(copy);
    return status;
}

/* Proves that every constructor reports a failed allocation and leaks nothing. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(build);
}

/* Proves that the types' names and widths are those of the list, and that the groups are right. */
static void test_types(void **state)
{
    (void)state;
    assert_string_equal(dk_type_name(DK_TIMESTAMP), "datetime64[ns]");
    assert_string_equal(dk_type_name((dk_type)99), "unknown");
    assert_int_equal(type_nbytes(DK_CATEGORY), 4);
    assert_int_equal(type_nbytes(DK_TEXT), 0);
    assert_true(type_is_integer(DK_UINT64));
    assert_false(type_is_integer(DK_BOOL));
    assert_false(type_is_number(DK_TIMESTAMP));
    assert_true(type_is_number(DK_FLOAT32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffers), cmocka_unit_test(test_buffers_out_of_memory),
        cmocka_unit_test(test_slices),  cmocka_unit_test(test_concat),
        cmocka_unit_test(test_take),    cmocka_unit_test(test_take_every_type),
        cmocka_unit_test(test_copy),    cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
