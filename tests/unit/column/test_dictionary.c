#include "unit/column/column_support.h"

#include <stdio.h>

#include "column/dictionary.h"

static struct column *make(struct memory *memory, const char *const *words, int64_t nwords,
                           const int32_t *codes, int64_t n)
{
    struct column *dictionary = make_text(memory, words, nwords);
    struct column *column = dictionary ? make_category(memory, dictionary, codes, n) : NULL;
    column_unref(dictionary);
    return column;
}

/* Proves that dictionaries in order give one in order, with the words no row uses too. */
static void test_sorted_union(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *parts[] = {
        make(memory, (const char *const[]){"b", "d"}, 2, (int32_t[]){1, -1, 0}, 3),
        make(memory, (const char *const[]){"a", "b", "c"}, 3, (int32_t[]){0, 1}, 2),
        make(memory, (const char *const[]){"e"}, 1, NULL, 0),
    };
    struct column *joined;
    assert_int_equal(column_concat(memory, parts, 3, &joined, NULL), DK_OK);
    assert_rows(&joined->view, "d - b a b");
    assert_rows(&joined->dictionary->view, "a b c d e");
    column_unref(joined);
    for (int i = 0; i < 3; i++)
        column_unref(parts[i]);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that one dictionary out of order leaves the words in the order they appear in. */
static void test_union_in_order_of_appearance(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *parts[] = {
        make(memory, (const char *const[]){"z", "b"}, 2, (int32_t[]){0, 1}, 2),
        make(memory, (const char *const[]){"a", "b"}, 2, (int32_t[]){1, 0}, 2),
    };
    struct column *joined;
    assert_int_equal(column_concat(memory, parts, 2, &joined, NULL), DK_OK);
    assert_rows(&joined->view, "z b b a");
    assert_rows(&joined->dictionary->view, "z b a");
    column_unref(joined);
    for (int i = 0; i < 2; i++)
        column_unref(parts[i]);
    memory_close(memory);
}

/* Proves that equal dictionaries are shared, not copied. */
static void test_equal_dictionaries(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    const char *const words[] = {"x", "y"};
    struct column *parts[] = {
        make(memory, words, 2, (int32_t[]){0}, 1),
        make(memory, words, 2, (int32_t[]){1}, 1),
    };
    struct column *joined;
    assert_int_equal(column_concat(memory, parts, 2, &joined, NULL), DK_OK);
    assert_ptr_equal(joined->dictionary, parts[0]->dictionary);
    assert_rows(&joined->view, "x y");
    column_unref(joined);
    for (int i = 0; i < 2; i++)
        column_unref(parts[i]);
    memory_close(memory);
}

/* Proves that morsels of different dictionaries can follow one another in a vec. */
static void test_append_codes(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *one = make(memory, (const char *const[]){"m", "k"}, 2, (int32_t[]){0, 1}, 2);
    struct column *two =
        make(memory, (const char *const[]){"k", "", "q"}, 3, (int32_t[]){1, 0, -1, 2}, 4);
    struct vec vec;
    vec_init(&vec, memory, DK_CATEGORY);
    assert_int_equal(vec_append_null(&vec), DK_OK);
    assert_int_equal(vec_append_view(&vec, &one->view), DK_OK);
    assert_int_equal(vec_append_view(&vec, &two->view), DK_OK);
    assert_int_equal(vec_append_view(&vec, &one->view), DK_OK);
    struct view view = vec_view(&vec);
    assert_rows(&view, "- m k  k - q m k");
    assert_rows(&vec.dictionary->view, "m k  q");
    vec_deinit(&vec);
    column_unref(one);
    column_unref(two);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that thousands of words are told apart and keep their numbers while the set grows. */
static void test_many_words(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct word_set set;
    word_set_init(&set, memory);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            char bytes[16];
            const char *const word[] = {bytes};
            snprintf(bytes, sizeof(bytes), "%d", i);
            struct column *column = make_text(memory, word, 1);
            int32_t number = -1;
            assert_int_equal(word_set_add(&set, &column->view, &number), DK_OK);
            assert_int_equal(number, i);
            column_unref(column);
        }
    }
    assert_int_equal(set.words.nrows, 3000);
    word_set_deinit(&set);
    memory_close(memory);
}

static dk_status join(struct memory *memory)
{
    struct column *parts[] = {
        make(memory, (const char *const[]){"b", "d"}, 2, (int32_t[]){1, -1, 0}, 3),
        make(memory, (const char *const[]){"a", "b", "c"}, 3, (int32_t[]){0, 1}, 2),
    };
    struct column *joined = NULL;
    struct vec vec;
    vec_init(&vec, memory, DK_CATEGORY);
    dk_status status = DK_ENOMEM;
    if (parts[0] && parts[1])
        status = column_concat(memory, parts, 2, &joined, NULL);
    if (status == DK_OK)
        assert_rows(&joined->view, "d - b a b");
    for (int i = 0; i < 2 && status == DK_OK; i++)
        status = vec_append_view(&vec, &parts[i]->view);
    vec_deinit(&vec);
    column_unref(joined);
    column_unref(parts[0]);
    column_unref(parts[1]);
    return status;
}

/* Proves that no failed allocation leaks a dictionary. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(join);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sorted_union),
        cmocka_unit_test(test_union_in_order_of_appearance),
        cmocka_unit_test(test_equal_dictionaries),
        cmocka_unit_test(test_append_codes),
        cmocka_unit_test(test_many_words),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
