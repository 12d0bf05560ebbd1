#include "unit/column/column_support.h"

#include <math.h>

/* Proves that text, empty text and nulls come back as appended, over many growths. */
static void test_append_text(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vec vec;
    vec_init(&vec, memory, DK_TEXT);
    char word[32];
    for (int i = 0; i < 1000; i++) {
        int nbytes = snprintf(word, sizeof(word), "%*d", i % 20, i);
        assert_int_equal(i % 7 == 0 ? vec_append_null(&vec)
                                    : vec_append_text(&vec, word, (size_t)nbytes),
                         DK_OK);
    }
    struct view view = vec_view(&vec);
    assert_int_equal(view.nrows, 1000);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(view_is_null(&view, i), i % 7 == 0);
        int nbytes = snprintf(word, sizeof(word), "%*d", i % 20, i);
        char shown[64];
        if (i % 7)
            assert_string_equal(show(&view, i, shown), word);
        if (i % 7)
            assert_int_equal(view.offsets[i + 1] - view.offsets[i], nbytes);
    }
    vec_deinit(&vec);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a missing float is NaN without a bitmap, and anything else a cleared bit. */
static void test_set_null(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (dk_type type = 0; type < DK_TEXT; type++) {
        struct vec vec;
        vec_init(&vec, memory, type);
        assert_int_equal(vec_reset(&vec, 100), DK_OK);
        memset(vec.data, 0, 100 * type_nbytes(type));
        vec_set_null(&vec, 3);
        vec_set_null(&vec, 99);
        struct view view = vec_view(&vec);
        assert_int_equal(view.validity == NULL, type_is_float(type));
        assert_int_equal(view_count_missing(&view), 2);
        assert_false(view_is_valid(&view, 99));
        assert_true(view_is_valid(&view, 98));
        vec_deinit(&vec);
    }
    memory_close(memory);
}

/* Proves that a reset forgets nulls and text of the morsel before and keeps the storage. */
static void test_reset(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vec vec;
    vec_init(&vec, memory, DK_INT64);
    assert_int_equal(vec_reset(&vec, 500), DK_OK);
    vec_set_null(&vec, 1);
    const void *data = vec.data;
    assert_int_equal(vec_reset(&vec, 400), DK_OK);
    assert_ptr_equal(vec.data, data);
    assert_int_equal(vec.nrows, 400);
    assert_null(vec_view(&vec).validity);
    vec_set_null(&vec, 2); /* the bit of row 1 must not come back */
    struct view view = vec_view(&vec);
    assert_false(view_is_null(&view, 1));
    assert_true(view_is_null(&view, 2));
    vec_deinit(&vec);

    vec_init(&vec, memory, DK_TEXT);
    assert_int_equal(vec_append_text(&vec, "old", 3), DK_OK);
    assert_int_equal(vec_reset(&vec, 10), DK_OK);
    assert_int_equal(vec.nrows, 0); /* text is appended */
    assert_int_equal(vec_append_text(&vec, "new", 3), DK_OK);
    view = vec_view(&vec);
    assert_rows(&view, "new");
    vec_deinit(&vec);
    memory_close(memory);
}

/* Proves that views with and without nulls, sliced at odd bits, append in every order. */
static void test_append_views(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    const int64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    struct column *dense = make_ints(memory, values, 12, NULL);
    struct column *holes = make_ints(memory, values, 12, "..x.....x..x");
    struct vec vec;
    vec_init(&vec, memory, DK_INT64);
    struct view part = view_slice(&dense->view, 10, 2);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    part = view_slice(&holes->view, 3, 3);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    assert_false(vec.has_nulls); /* the window has none */
    part = view_slice(&holes->view, 1, 8);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    part = view_slice(&dense->view, 0, 2);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    part = view_slice(&holes->view, 11, 1);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    part = view_slice(&holes->view, 5, 0);
    assert_int_equal(vec_append_view(&vec, &part), DK_OK);
    struct view view = vec_view(&vec);
    assert_rows(&view, "10 11 3 4 5 1 - 3 4 5 6 7 - 0 1 -");
    vec_deinit(&vec);
    column_unref(dense);
    column_unref(holes);
    memory_close(memory);
}

/* Proves that rows appended over nulls that were given up are not missing. */
static void test_append_over_given_up_rows(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *dense = column_range(memory, 7, 20);
    struct vec vec;
    vec_init(&vec, memory, DK_INT64);
    assert_int_equal(vec_reset(&vec, 20), DK_OK);
    for (int64_t i = 1; i < 20; i++)
        vec_set_null(&vec, i);
    vec.nrows = 2;
    assert_int_equal(vec_append_view(&vec, &dense->view), DK_OK);
    struct view view = vec_view(&vec);
    assert_int_equal(view_count_missing(&view), 1);
    vec_deinit(&vec);
    column_unref(dense);
    memory_close(memory);
}

/* Proves that a frozen column has the rows, that the vec is empty after, and can be filled again.
 */
static void test_freeze(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vec vec;
    struct column *first;
    struct column *second;
    vec_init(&vec, memory, DK_TEXT);
    assert_int_equal(vec_append_text(&vec, "a", 1), DK_OK);
    assert_int_equal(vec_append_null(&vec), DK_OK);
    assert_int_equal(vec_freeze(&vec, &first), DK_OK);
    assert_int_equal(vec.nrows, 0);
    assert_int_equal(vec_append_text(&vec, "b", 1), DK_OK);
    assert_int_equal(vec_freeze(&vec, &second), DK_OK);
    assert_rows(&first->view, "a -");
    assert_rows(&second->view, "b");
    column_unref(first);
    column_unref(second);
    vec_deinit(&vec);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that columns of no rows are whole: offsets for text, a dictionary for category. */
static void test_freeze_empty(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (dk_type type = 0; type < DK_TYPE_COUNT; type++) {
        struct vec vec;
        struct column *column;
        vec_init(&vec, memory, type);
        assert_int_equal(vec_freeze(&vec, &column), DK_OK);
        assert_int_equal(column->view.nrows, 0);
        assert_non_null(column->view.data);
        if (type == DK_TEXT)
            assert_int_equal(column->view.offsets[0], 0);
        if (type == DK_CATEGORY)
            assert_int_equal(column->view.dictionary->view.nrows, 0);
        column_unref(column);
    }
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that freezing gives back storage that was reserved and not used. */
static void test_freeze_trims(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vec vec;
    struct column *column;
    vec_init(&vec, memory, DK_FLOAT64);
    assert_int_equal(vec_reserve(&vec, 100000), DK_OK);
    assert_int_equal(vec_append_null(&vec), DK_OK);
    assert_int_equal(vec_freeze(&vec, &column), DK_OK);
    assert_true(memory_use(memory).current < 4096);
    column_unref(column);
    memory_close(memory);
}

static dk_status fill_and_freeze(struct memory *memory)
{
    for (dk_type type = 0; type < DK_TYPE_COUNT; type++) {
        struct vec vec;
        struct column *column = NULL;
        vec_init(&vec, memory, type);
        dk_status status = vec_append_null(&vec);
        if (status == DK_OK)
            status = vec_reserve(&vec, 200);
        if (status == DK_OK && type == DK_TEXT)
            status = vec_append_text(&vec, "some text", 9);
        if (status == DK_OK)
            status = vec_freeze(&vec, &column);
        assert_int_equal(column != NULL, status == DK_OK);
        if (column)
            assert_false(view_is_valid(&column->view, 0));
        column_unref(column);
        vec_deinit(&vec);
        if (status != DK_OK)
            return status;
    }
    return DK_OK;
}

/* Proves that no failed allocation leaks or spoils a vec. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(fill_and_freeze);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_text),
        cmocka_unit_test(test_set_null),
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_append_views),
        cmocka_unit_test(test_append_over_given_up_rows),
        cmocka_unit_test(test_freeze),
        cmocka_unit_test(test_freeze_empty),
        cmocka_unit_test(test_freeze_trims),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
