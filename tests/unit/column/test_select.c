/* Choosing rows by a mask and taking them, against the plainest loop. */
#include "elementwise_support.h"

/* The positions of the true rows come out in order, missing ones left out, whatever the offset and
 * the length. */
static void test_filter_against_reference(void **state)
{
    (void)state;
    static const int64_t lengths[] = {0, 1, 7, 8, 9, 64, 1023, 1025, 3000};
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 21;
    for (int k = 0; k < 200; k++) {
        struct column *mask = random_column(memory, DK_BOOL, lengths[k % 9], k & 1, &seed);
        int64_t nrows = mask->view.nrows, count = 0;
        int32_t *rows = malloc((size_t)(nrows + 1) * sizeof *rows);
        rows[nrows] = -77;
        int64_t got = filter_rows(&mask->view, rows);
        for (int64_t i = 0; i < nrows; i++)
            if (((const uint8_t *)mask->view.data)[i] && !view_is_null(&mask->view, i))
                assert_int_equal(rows[count++], i);
        assert_int_equal(got, count);
        assert_int_equal(rows[nrows], -77);
        free(rows);
        column_unref(mask);
    }
    close_memory(memory);
}

/* Runs of rows that are all true or all false take their own path and give the same. */
static void test_filter_runs(void **state)
{
    (void)state;
    uint8_t values[40];
    int32_t rows[40];
    for (int i = 0; i < 40; i++)
        values[i] = i < 17 || i == 39;
    struct view mask = {.type = DK_BOOL, .nrows = 40, .data = values};
    assert_int_equal(filter_rows(&mask, rows), 18);
    for (int i = 0; i < 17; i++)
        assert_int_equal(rows[i], i);
    assert_int_equal(rows[17], 39);
}

/* Taken rows have the values, nulls and words of the rows they were taken from, for every type. */
static void test_take_against_reference(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 4;
    for (int type = DK_BOOL; type <= DK_TEXT; type++)
        for (int k = 0; k < 6; k++) {
            struct column *in = random_column(memory, (dk_type)type, 200, k & 1, &seed);
            int32_t rows[300];
            int64_t n = k / 2 * 150;
            for (int64_t i = 0; i < n; i++)
                rows[i] = (int32_t)(next_random(&seed) % 200);
            struct vec out;
            vec_init(&out, memory, (dk_type)type);
            assert_int_equal(take_rows(&in->view, rows, n, &out), DK_OK);
            assert_int_equal(out.nrows, n);
            struct view view = vec_view(&out);
            for (int64_t i = 0; i < n; i++) {
                struct view one = view_slice(&in->view, rows[i], 1), got = view_slice(&view, i, 1);
                assert_true(same_value(&got, &one, 0, 0));
            }
            vec_deinit(&out);
            column_unref(in);
        }
    close_memory(memory);
}

/* A category keeps its dictionary, also when the vec was filled from another one before. */
static void test_take_category(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct column *first = column_of(memory, DK_CATEGORY, "x y");
    struct column *second = column_of(memory, DK_CATEGORY, "b NA a");
    struct vec out, words;
    int32_t rows[] = {2, 1, 0};
    vec_init(&out, memory, DK_CATEGORY);
    vec_init(&words, memory, DK_TEXT);
    assert_int_equal(take_rows(&first->view, rows + 1, 2, &out), DK_OK);
    assert_int_equal(take_rows(&second->view, rows, 3, &out), DK_OK);
    struct view view = vec_view(&out);
    assert_int_equal(cast_apply(&view, &words, NULL), DK_OK);
    assert_values(&words, "a NA b", 0, "taken category");
    vec_deinit(&out);
    vec_deinit(&words);
    column_unref(first);
    column_unref(second);
    close_memory(memory);
}

/* Failed allocations are reported, for fixed width and for text. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct memory *inputs = new_memory(NULL);
    uint64_t seed = 8;
    for (int type = DK_INT64; type <= DK_TEXT; type += DK_TEXT - DK_INT64) {
        struct column *in = random_column(inputs, (dk_type)type, 50, true, &seed);
        int32_t rows[] = {3, 1, 4, 1, 5};
        dk_status status = DK_ENOMEM;
        for (int64_t n = 0; status != DK_OK; n++) {
            struct failing failing = {.left = -1};
            struct memory *memory = new_memory(&failing);
            struct vec out;
            vec_init(&out, memory, (dk_type)type);
            failing.left = n;
            status = take_rows(&in->view, rows, 5, &out);
            assert_true(status == DK_OK || (status == DK_ENOMEM && n < 10));
            vec_deinit(&out);
            close_memory(memory);
        }
        column_unref(in);
    }
    close_memory(inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_against_reference),
        cmocka_unit_test(test_filter_runs),
        cmocka_unit_test(test_take_against_reference),
        cmocka_unit_test(test_take_category),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
