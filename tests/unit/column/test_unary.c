/* Unary operations against pandas, and against a scalar reference on random slices. */
#include "elementwise_support.h"

struct example {
    enum unary_op op;
    dk_type type;
    const char *in;
    dk_type out_type;
    const char *out;
};

/* Values as pandas 3.1.1 gives them; missing integers as the header says. */
static const struct example examples[] = {
    {OP_NEG, DK_INT8, "7 -7 -128 NA", DK_INT8, "-7 7 -128 NA"},
    {OP_NEG, DK_INT64, "-9223372036854775808 1", DK_INT64, "-9223372036854775808 -1"},
    {OP_NEG, DK_UINT64, "0 1 2", DK_UINT64, "0 18446744073709551615 18446744073709551614"},
    {OP_NEG, DK_FLOAT64, "0.0 -1.5 nan", DK_FLOAT64, "-0.0 1.5 nan"},
    {OP_NEG, DK_FLOAT32, "0.5 inf", DK_FLOAT32, "-0.5 -inf"},
    {OP_NEG, DK_BOOL, "1 0 NA", DK_BOOL, "0 1 NA"},
    {OP_NEG, DK_DURATION, "7 -7 NA", DK_DURATION, "-7 7 NA"},
    {OP_ABS, DK_INT8, "100 -100 -128", DK_INT8, "100 100 -128"},
    {OP_ABS, DK_INT32, "-5 5 NA", DK_INT32, "5 5 NA"},
    {OP_ABS, DK_UINT64, "5", DK_UINT64, "5"},
    {OP_ABS, DK_FLOAT64, "-0.0 -2.5 nan", DK_FLOAT64, "0.0 2.5 nan"},
    {OP_ABS, DK_BOOL, "1 0", DK_BOOL, "1 0"},
    {OP_ABS, DK_DURATION, "-7000000000 NA", DK_DURATION, "7000000000 NA"},
    {OP_NOT, DK_BOOL, "1 0 NA", DK_BOOL, "0 1 NA"},
    {OP_NOT, DK_INT16, "7 -7 0", DK_INT16, "-8 6 -1"},
    {OP_NOT, DK_UINT64, "1 2", DK_UINT64, "18446744073709551614 18446744073709551613"},
    {OP_ISNA, DK_INT64, "1 NA", DK_BOOL, "0 1"},
    {OP_ISNA, DK_FLOAT32, "1 nan", DK_BOOL, "0 1"},
    {OP_NOTNA, DK_FLOAT64, "inf nan", DK_BOOL, "1 0"},
    {OP_NOTNA, DK_TEXT, "a NA ''", DK_BOOL, "1 0 1"},
    {OP_ISNA, DK_CATEGORY, "a NA", DK_BOOL, "0 1"},
    {OP_ISNA, DK_TIMESTAMP, "0 NA", DK_BOOL, "0 1"},
};

/* Types and values are those of pandas. */
static void test_pandas_examples(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        struct column *in = column_of(memory, example->type, example->in);
        struct vec out;
        dk_type type;
        assert_int_equal(unary_type(example->op, example->type, &type, NULL), DK_OK);
        assert_int_equal(type, example->out_type);
        vec_init(&out, memory, type);
        assert_int_equal(unary_apply(example->op, &in->view, &out, NULL), DK_OK);
        assert_values(&out, example->out, 0, example->in);
        vec_deinit(&out);
        column_unref(in);
    }
    close_memory(memory);
}

/* What pandas refuses is refused, naming operation and type. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        enum unary_op op;
        dk_type type;
        const char *message;
    } refused[] = {
        {OP_NEG, DK_TEXT, "cannot apply - to str"},
        {OP_NEG, DK_TIMESTAMP, "cannot apply - to datetime64[ns]"},
        {OP_ABS, DK_CATEGORY, "cannot apply abs to category"},
        {OP_NOT, DK_FLOAT64, "cannot apply ~ to float64"},
        {OP_NOT, DK_DURATION, "cannot apply ~ to timedelta64[ns]"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        dk_error err = {0};
        dk_type type;
        assert_int_equal(unary_type(refused[i].op, refused[i].type, &type, &err), DK_ETYPE);
        assert_string_equal(err.message, refused[i].message);
    }
}

/* Nulls and NaN are found in slices that start at any bit, and the validity of results is that of
 * the input. */
static void test_random_slices(void **state)
{
    (void)state;
    static const int64_t lengths[] = {0, 1, 7, 8, 65, 1000};
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 11;
    for (int k = 0; k < 300; k++) {
        dk_type type = k % 2 ? DK_INT32 : DK_FLOAT64;
        struct column *in = random_column(memory, type, lengths[k / 2 % 6], k % 3 != 0, &seed);
        struct vec isna, notna, negative;
        vec_init(&isna, memory, DK_BOOL);
        vec_init(&notna, memory, DK_BOOL);
        vec_init(&negative, memory, type);
        assert_int_equal(unary_apply(OP_ISNA, &in->view, &isna, NULL), DK_OK);
        assert_int_equal(unary_apply(OP_NOTNA, &in->view, &notna, NULL), DK_OK);
        assert_int_equal(unary_apply(OP_NEG, &in->view, &negative, NULL), DK_OK);
        struct view view = vec_view(&negative);
        for (int64_t i = 0; i < in->view.nrows; i++) {
            bool valid = view_is_valid(&in->view, i);
            assert_int_equal(((uint8_t *)isna.data)[i], !valid);
            assert_int_equal(((uint8_t *)notna.data)[i], valid);
            assert_int_equal(view_is_valid(&view, i), valid);
            if (valid && type == DK_INT32)
                assert_int_equal(((int32_t *)negative.data)[i],
                                 (int32_t)(0 - (uint32_t)((const int32_t *)in->view.data)[i]));
        }
        vec_deinit(&isna);
        vec_deinit(&notna);
        vec_deinit(&negative);
        column_unref(in);
    }
    close_memory(memory);
}

/* A failed allocation is reported as such. */
static void test_out_of_memory(void **state)
{
    (void)state;
    struct failing failing = {.left = -1};
    struct memory *memory = new_memory(&failing);
    struct column *in = column_of(memory, DK_INT64, "1 NA");
    struct vec out;
    vec_init(&out, memory, DK_INT64);
    failing.left = 0;
    assert_int_equal(unary_apply(OP_NEG, &in->view, &out, NULL), DK_ENOMEM);
    failing.left = -1;
    vec_deinit(&out);
    column_unref(in);
    close_memory(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pandas_examples),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_random_slices),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
