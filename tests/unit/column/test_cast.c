/* Casts: pandas' astype where cdask follows it, refusals where a value would be lost. */
#include "elementwise_support.h"

/* Made by pandas 3.1.1: Series(doubles).astype(str). */
static const char doubles[] =
    "0x1.999999999999ap-4 0x1.999999999999ap-3 0x1.3333333333334p-2 0x1.5555555555555p-2 "
    "0x1.5555555555555p-1 0x1.1c37937e08000p+53 0x1.1c37937e07fffp+53 "
    "0x1.c6bf526340000p+49 0x1.d6f34547df3b6p+26 0x1.099eb851eb852p+9 "
    "0x1.a36e2eb1c432dp-14 0x1.4f8b588e368f1p-17 0x0.0000000000001p-1022 "
    "0x1.fffffffffffffp+1023 0x1.0000000000000p-1022 0x1.0f0cf064dd592p+73 "
    "0x1.52d02c7e14af6p+76 -0x0.0p+0 0x0.0p+0 0x1.9000000000000p+6 -0x1.4000000000000p+1 "
    "0x1.1666666666666p+2 0x1.1eb851eb851ecp-4 0x1.d87247702c0d0p-24 "
    "0x1.0000000000000p+53 0x1.b333333333333p+0 0x1.3a92a30553262p-12 inf -inf "
    "0x1.0000000000000p-44 0x1.376b6736befe4p+24 -0x1.3f7547efc0274p+11 "
    "0x1.5eba0b2d3e9a0p-15 -0x1.e7b5db55168f2p-25 -0x1.0dccccf91abddp+32 "
    "-0x1.4143ca753e807p+34";
static const char double_texts[] =
    "0.1 0.2 0.30000000000000004 0.3333333333333333 0.6666666666666666 1e+16 "
    "9999999999999998.0 1000000000000000.0 123456789.123 531.24 0.0001 1e-05 5e-324 "
    "1.7976931348623157e+308 2.2250738585072014e-308 1e+22 1e+23 -0.0 0.0 100.0 -2.5 4.35 "
    "0.07 1.1e-07 9007199254740992.0 1.7 0.00030000000000000003 inf -inf "
    "5.684341886080802e-14 20409191.213851824 -2555.6650313141818 4.180988467257789e-05 "
    "-5.677696061279298e-08 -4526492921.104459 -21559716308.97659";
static const char floats[] =
    "0x1.99999a0000000p-4 0x1.5555560000000p-2 0x1.0000000000000p+24 "
    "0x1.2a05f20000000p+33 0x1.e240000000000p+16 0x1.e847f00000000p+19 "
    "0x1.2d68700000000p+20 0x1.0624de0000000p-10 0x1.a36e2e0000000p-14 "
    "0x1.4f8b580000000p-17 0x1.ff933c0000000p+127 0x1.0000000000000p-149 "
    "0x1.099eb80000000p+9 0x1.1eb8520000000p-4 -0x0.0p+0 0x1.4000000000000p+1 "
    "0x1.e848000000000p+19 0x1.869ffe0000000p+16";
static const char float_texts[] =
    "0.1 0.33333334 1.6777216e+07 1e+10 123456.0 999999.5 1.234567e+06 0.001 1e-04 1e-05 "
    "3.4e+38 1e-45 531.24 0.07 -0.0 2.5 1e+06 99999.99";

struct example {
    dk_type from;
    const char *in;
    dk_type to;
    const char *out;
};

/* As pandas 3.1.1 casts; integers with missing values as the header says. "NA" marks them. */
static const struct example examples[] = {
    {DK_INT64, "1 NA 300", DK_FLOAT64, "1 nan 300"},
    {DK_INT64, "1 -128 NA", DK_INT8, "1 -128 NA"},
    {DK_INT64, "9007199254740993", DK_FLOAT64, "9007199254740992"},
    {DK_INT8, "-1 5", DK_INT64, "-1 5"},
    {DK_UINT64, "9223372036854775807", DK_INT64, "9223372036854775807"},
    {DK_FLOAT64, "1.9 -1.9 -0.5", DK_INT64, "1 -1 0"},
    {DK_FLOAT64, "127.9 -128.9", DK_INT8, "127 -128"},
    {DK_FLOAT64, "-0.5 18446744073709549568", DK_UINT64, "0 18446744073709549568"},
    {DK_FLOAT64, "-9223372036854775808", DK_INT64, "-9223372036854775808"},
    {DK_FLOAT64, "1e300 0.1", DK_FLOAT32, "inf 0.1"},
    {DK_FLOAT32, "0.5 nan", DK_FLOAT64, "0.5 nan"},
    {DK_FLOAT64, "0 2 nan", DK_BOOL, "0 1 1"},
    {DK_INT32, "0 2 NA", DK_BOOL, "0 1 NA"},
    {DK_BOOL, "1 0 NA", DK_INT16, "1 0 NA"},
    {DK_BOOL, "1 0 NA", DK_FLOAT32, "1 0 nan"},
    {DK_INT64, "5 NA -9223372036854775808", DK_TIMESTAMP, "5 NA NA"},
    {DK_FLOAT64, "1.5 nan", DK_DURATION, "1 NA"},
    {DK_TIMESTAMP, "5 NA", DK_INT64, "5 NA"},
    {DK_BOOL, "1 0 NA", DK_TEXT, "True False NA"},
    {DK_INT64, "1 -2 NA -9223372036854775808", DK_TEXT, "1 -2 NA -9223372036854775808"},
    {DK_UINT64, "18446744073709551615", DK_TEXT, "18446744073709551615"},
    {DK_FLOAT64, "nan 1", DK_TEXT, "NA 1.0"},
    {DK_TEXT, "1.5 1_000 inf -Infinity NaN 1e5 .5 5. +1 NA 0.1 123456789.123456789123", DK_FLOAT64,
     "1.5 1000 inf -inf nan 1e5 0.5 5 1 nan 0.1 123456789.123456789123"},
    {DK_TEXT, "1e400 4.35e-320 1e-400", DK_FLOAT64, "inf 4.35e-320 0"},
    {DK_TEXT, "1.5 NA", DK_FLOAT32, "1.5 nan"},
    {DK_TEXT, "+5 -3 1_0 NA 007", DK_INT64, "5 -3 10 NA 7"},
    {DK_TEXT, "127 -128", DK_INT8, "127 -128"},
    {DK_TEXT, "18446744073709551615 -0", DK_UINT64, "18446744073709551615 0"},
    {DK_TEXT, "9223372036854775807 -9223372036854775808", DK_INT64,
     "9223372036854775807 -9223372036854775808"},
    {DK_TEXT, "a '' False NA", DK_BOOL, "1 0 1 NA"},
    {DK_TEXT, "2015-01-01 '' NA 2015-01-02T10:00", DK_TIMESTAMP,
     "1420070400000000000 NA NA 1420192800000000000"},
    {DK_CATEGORY, "b a NA b", DK_TEXT, "b a NA b"},
    {DK_CATEGORY, "2 1 NA", DK_FLOAT64, "2 1 nan"},
    {DK_CATEGORY, "2015-01-01 NA", DK_TIMESTAMP, "1420070400000000000 NA"},
    {DK_TEXT, "a '' NA", DK_TEXT, "a '' NA"},
    {DK_INT16, "1 NA", DK_INT16, "1 NA"},
    {DK_FLOAT64, "1 nan", DK_FLOAT64, "1 nan"},
};

static dk_status cast_text(struct memory *memory, dk_type from, const char *in, struct vec *out,
                           dk_error *err)
{
    struct column *column = column_of(memory, from, in);
    dk_status status = cast_apply(&column->view, out, err);
    column_unref(column);
    return status;
}

/* Casts give pandas' values and keep what is missing. */
static void test_pandas_examples(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        struct vec out;
        dk_error err = {0};
        vec_init(&out, memory, example->to);
        assert_true(cast_is_possible(example->from, example->to));
        if (cast_text(memory, example->from, example->in, &out, &err) != DK_OK)
            fail_msg("%s: %s", example->in, err.message);
        assert_values(&out, example->out, 0, example->in);
        vec_deinit(&out);
    }
    close_memory(memory);
}

/* Floats print as the shortest text that reads back, laid out as Python's repr and numpy's float32.
 */
static void test_floats_print_as_python(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct vec out;
    vec_init(&out, memory, DK_TEXT);
    assert_int_equal(cast_text(memory, DK_FLOAT64, doubles, &out, NULL), DK_OK);
    assert_values(&out, double_texts, 0, "float64 to text");
    assert_int_equal(cast_text(memory, DK_FLOAT32, floats, &out, NULL), DK_OK);
    assert_values(&out, float_texts, 0, "float32 to text");
    vec_deinit(&out);
    close_memory(memory);
}

/* Any float survives the way to text and back. */
static void test_floats_round_trip(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 77;
    for (int type = DK_FLOAT32; type <= DK_FLOAT64; type++) {
        struct column *in = random_column(memory, (dk_type)type, 4000, false, &seed);
        struct vec text, back;
        vec_init(&text, memory, DK_TEXT);
        vec_init(&back, memory, (dk_type)type);
        assert_int_equal(cast_apply(&in->view, &text, NULL), DK_OK);
        struct view words = vec_view(&text);
        assert_int_equal(cast_apply(&words, &back, NULL), DK_OK);
        struct view view = vec_view(&back);
        for (int64_t i = 0; i < view.nrows; i++)
            assert_true(same_value(&view, &in->view, i, 0));
        vec_deinit(&text);
        vec_deinit(&back);
        column_unref(in);
    }
    close_memory(memory);
}

static void assert_text(const struct view *view, int64_t i, const char *expected)
{
    size_t n = (size_t)(view->offsets[i + 1] - view->offsets[i]);
    const char *bytes = (const char *)view->data + view->offsets[i];
    if (n != strlen(expected) || memcmp(bytes, expected, n) != 0)
        fail_msg("'%.*s', expected '%s'", (int)n, bytes, expected);
}

/* Timestamps and durations print as str() of the single pandas value. */
static void test_times_print_as_pandas(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct vec out;
    vec_init(&out, memory, DK_TEXT);
    assert_int_equal(cast_text(memory, DK_TIMESTAMP,
                               "1420070400000000000 1451649600123000000 1451649600123456789 -1",
                               &out, NULL),
                     DK_OK);
    struct view view = vec_view(&out);
    assert_text(&view, 0, "2015-01-01 00:00:00");
    assert_text(&view, 1, "2016-01-01 12:00:00.123000");
    assert_text(&view, 2, "2016-01-01 12:00:00.123456789");
    assert_text(&view, 3, "1969-12-31 23:59:59.999999999");
    assert_int_equal(cast_text(memory, DK_DURATION,
                               "7000000000 -7000000000 1500000000 -1 864000000000000000 "
                               "9223372036854775807",
                               &out, NULL),
                     DK_OK);
    view = vec_view(&out);
    assert_text(&view, 0, "0 days 00:00:07");
    assert_text(&view, 1, "-1 days +23:59:53");
    assert_text(&view, 2, "0 days 00:00:01.500000");
    assert_text(&view, 3, "-1 days +23:59:59.999999999");
    assert_text(&view, 4, "10000 days 00:00:00");
    assert_text(&view, 5, "106751 days 23:47:16.854775807");
    vec_deinit(&out);
    close_memory(memory);
}

/* A category's words are distinct and sorted, its codes point at the rows' words, and nulls stay.
 */
static void test_text_to_category(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct vec out;
    vec_init(&out, memory, DK_CATEGORY);
    assert_int_equal(cast_text(memory, DK_TEXT, "old", &out, NULL), DK_OK);
    assert_int_equal(cast_text(memory, DK_TEXT, "b a NA b '' ab", &out, NULL), DK_OK);
    const int32_t codes[] = {3, 1, 0, 3, 0, 2};
    for (int i = 0; i < 6; i++)
        assert_true(i == 2 || ((int32_t *)out.data)[i] == codes[i]);
    assert_true(out.has_nulls && !bit_get(out.validity, 2));
    assert_int_equal(out.dictionary->view.nrows, 4);
    assert_text(&out.dictionary->view, 0, "");
    assert_text(&out.dictionary->view, 3, "b");
    vec_deinit(&out);
    close_memory(memory);
}

/* Many rows of few words, and of all different ones, come back as they were. */
static void test_category_round_trip(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 6;
    for (int k = 0; k < 4; k++) {
        struct column *in = random_column(memory, DK_TEXT, k * 500, k & 1, &seed);
        struct vec codes, back;
        vec_init(&codes, memory, DK_CATEGORY);
        vec_init(&back, memory, DK_TEXT);
        assert_int_equal(cast_apply(&in->view, &codes, NULL), DK_OK);
        struct view category = vec_view(&codes);
        assert_int_equal(cast_apply(&category, &back, NULL), DK_OK);
        struct view view = vec_view(&back);
        assert_int_equal(view.nrows, in->view.nrows);
        for (int64_t i = 0; i < view.nrows; i++)
            assert_true(same_value(&view, &in->view, i, 0));
        vec_deinit(&codes);
        vec_deinit(&back);
        column_unref(in);
    }
    close_memory(memory);
}

struct refusal {
    dk_type from;
    const char *in;
    dk_type to;
    dk_status status;
    const char *message;
};

/* A value that the target cannot hold is never replaced by another one: the error names it. */
static void test_refusals(void **state)
{
    (void)state;
    static const struct refusal refusals[] = {
        {DK_FLOAT64, "1 nan", DK_INT64, DK_ETYPE,
         "cannot convert non-finite values (NA or inf) to int64; fill or drop them first"},
        {DK_FLOAT64, "inf", DK_INT8, DK_ETYPE,
         "cannot convert non-finite values (NA or inf) to int8; fill or drop them first"},
        {DK_FLOAT64, "300", DK_INT8, DK_ETYPE, "cannot convert 300 to int8: it is out of range"},
        {DK_FLOAT64, "9223372036854775808", DK_INT64, DK_ETYPE,
         "cannot convert 9.2233720368547758e+18 to int64: it is out of range"},
        {DK_FLOAT64, "-1", DK_UINT64, DK_ETYPE, "cannot convert -1 to uint64: it is out of range"},
        {DK_INT64, "1 300", DK_INT8, DK_ETYPE, "cannot convert 300 to int8: it is out of range"},
        {DK_INT64, "-1", DK_UINT64, DK_ETYPE, "cannot convert -1 to uint64: it is out of range"},
        {DK_UINT64, "18446744073709551615", DK_INT8, DK_ETYPE,
         "cannot convert 18446744073709551615 to int8: it is out of range"},
        {DK_UINT64, "9223372036854775808", DK_TIMESTAMP, DK_ETYPE,
         "cannot convert 9223372036854775808 to datetime64[ns]: it is out of range"},
        {DK_TEXT, "1.0", DK_INT64, DK_EPARSE, "cannot convert '1.0' to int64"},
        {DK_TEXT, "300", DK_INT8, DK_EPARSE, "cannot convert '300' to int8: it is out of range"},
        {DK_TEXT, "-1", DK_UINT64, DK_EPARSE, "cannot convert '-1' to uint64: it is out of range"},
        {DK_TEXT, "9223372036854775808", DK_INT64, DK_EPARSE,
         "cannot convert '9223372036854775808' to int64: it is out of range"},
        {DK_TEXT, "99999999999999999999", DK_UINT64, DK_EPARSE,
         "cannot convert '99999999999999999999' to uint64"},
        {DK_TEXT, "0x10", DK_FLOAT64, DK_EPARSE, "cannot convert '0x10' to float64"},
        {DK_TEXT, "nan(1)", DK_FLOAT64, DK_EPARSE, "cannot convert 'nan(1)' to float64"},
        {DK_TEXT, "''", DK_FLOAT64, DK_EPARSE, "cannot convert '' to float64"},
        {DK_TEXT, "1__0", DK_FLOAT64, DK_EPARSE, "cannot convert '1__0' to float64"},
        {DK_TEXT, "1e", DK_FLOAT32, DK_EPARSE, "cannot convert '1e' to float32"},
        {DK_TEXT, "abc", DK_TIMESTAMP, DK_EPARSE,
         "cannot convert 'abc' to datetime64[ns]: write it as 2015-05-05 12:00:00"},
        {DK_TIMESTAMP, "5", DK_INT32, DK_ETYPE, "cannot convert datetime64[ns] to int32"},
        {DK_INT64, "5", DK_CATEGORY, DK_ETYPE, "cannot convert int64 to category"},
    };
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct vec out;
        dk_error err = {0};
        vec_init(&out, memory, refusals[i].to);
        assert_int_equal(cast_text(memory, refusals[i].from, refusals[i].in, &out, &err),
                         refusals[i].status);
        assert_string_equal(err.message, refusals[i].message);
        vec_deinit(&out);
    }
    close_memory(memory);
}

/* What stands behind a null does not count: it may be out of range. */
static void test_nulls_are_not_checked(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    int64_t values[] = {1, 5000};
    uint8_t validity = 1;
    struct view in = {.type = DK_INT64, .nrows = 2, .data = values, .validity = &validity};
    struct vec out;
    vec_init(&out, memory, DK_INT8);
    assert_int_equal(cast_apply(&in, &out, NULL), DK_OK);
    assert_values(&out, "1 NA", 0, "null out of range");
    vec_deinit(&out);
    close_memory(memory);
}

/* Every failed allocation is reported and leaks nothing, the dictionary's included. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const dk_type runs[][2] = {{DK_TEXT, DK_CATEGORY}, {DK_FLOAT64, DK_TEXT},
                                      {DK_TEXT, DK_TEXT},     {DK_TEXT, DK_BOOL},
                                      {DK_INT64, DK_FLOAT32}, {DK_INT64, DK_INT64}};
    uint64_t seed = 31;
    for (size_t k = 0; k < sizeof runs / sizeof runs[0]; k++) {
        struct memory *inputs = new_memory(NULL);
        struct column *in = random_column(inputs, runs[k][0], 60, true, &seed);
        dk_status status = DK_ENOMEM;
        for (int64_t n = 0; status != DK_OK; n++) {
            struct failing failing = {.left = -1};
            struct memory *memory = new_memory(&failing);
            struct vec out;
            failing.left = n;
            vec_init(&out, memory, runs[k][1]);
            status = cast_apply(&in->view, &out, NULL);
            assert_true(status == DK_OK || (status == DK_ENOMEM && n < 40));
            vec_deinit(&out);
            close_memory(memory);
        }
        column_unref(in);
        close_memory(inputs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pandas_examples),   cmocka_unit_test(test_floats_print_as_python),
        cmocka_unit_test(test_floats_round_trip), cmocka_unit_test(test_times_print_as_pandas),
        cmocka_unit_test(test_text_to_category),  cmocka_unit_test(test_category_round_trip),
        cmocka_unit_test(test_refusals),          cmocka_unit_test(test_nulls_are_not_checked),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
