/* Binary operations against pandas, and the dense loops against a scalar reference. */
#include "elementwise_support.h"

struct example {
    enum binary_op op;
    dk_type left_type;
    bool left_literal;
    const char *left;
    dk_type right_type;
    bool right_literal;
    const char *right;
    dk_type type; /* DK_TYPE_COUNT: refused with the status `expected` */
    const char *expected;
};

static const struct example examples[] = {
#include "binary_cases.inc.h"
};

/* What the header settles where pandas has no type for it: integers with missing values, divisors
 * that are 0. */
static const struct example missing_examples[] = {
    {OP_ADD, DK_INT8, false, "1 NA 3", DK_INT8, false, "NA 2 4", DK_INT8, "NA NA 7"},
    {OP_ADD, DK_INT64, false, "1 NA 3", DK_INT64, true, "4", DK_INT64, "5 NA 7"},
    {OP_ADD, DK_INT64, false, "1 NA 3", DK_INT64, true, "NA", DK_INT64, "NA NA NA"},
    {OP_DIV, DK_INT64, false, "1 NA 3", DK_INT64, false, "2 2 0", DK_FLOAT64, "0.5 nan inf"},
    {OP_ADD, DK_INT64, false, "1 NA 3", DK_FLOAT64, true, "0.5", DK_FLOAT64, "1.5 nan 3.5"},
    {OP_MUL, DK_BOOL, false, "1 NA 0", DK_FLOAT32, false, "2 2 2", DK_FLOAT32, "2 nan 0"},
    {OP_FLOORDIV, DK_INT64, false, "7 -7 0 NA", DK_INT64, false, "0 2 0 1", DK_INT64,
     "NA -4 NA NA"},
    {OP_FLOORDIV, DK_INT8, false, "7 -7", DK_INT64, true, "0", DK_INT8, "NA NA"},
    {OP_FLOORDIV, DK_INT64, false, "-9223372036854775808", DK_INT64, false, "-1", DK_INT64,
     "-9223372036854775808"},
    {OP_MOD, DK_INT64, false, "-9223372036854775808 5", DK_INT64, false, "-1 -3", DK_INT64, "0 -1"},
    {OP_MOD, DK_UINT64, false, "7 7", DK_UINT64, false, "0 4", DK_UINT64, "NA 3"},
    {OP_MOD, DK_BOOL, false, "1 0", DK_BOOL, false, "1 0", DK_INT8, "0 NA"},
    {OP_FLOORDIV, DK_FLOAT32, false, "1 -1 0", DK_FLOAT32, false, "0 0 0", DK_FLOAT32,
     "inf -inf nan"},
    {OP_FLOORDIV, DK_DURATION, false, "-19 7 NA 5", DK_DURATION, false, "2 0 1 -2", DK_INT64,
     "-10 NA NA -3"},
    {OP_FLOORDIV, DK_DURATION, false, "-19 7", DK_INT64, true, "2", DK_DURATION, "-10 3"},
    {OP_FLOORDIV, DK_DURATION, false, "-19 7", DK_INT64, true, "0", DK_DURATION, "NA NA"},
    {OP_MOD, DK_DURATION, false, "-19 7", DK_INT64, true, "2", DK_DURATION, "1 1"},
    {OP_MOD, DK_DURATION, false, "-19 7", DK_FLOAT64, true, "2.0", DK_DURATION, "1 1"},
    {OP_FLOORDIV, DK_DURATION, false, "-19 7 NA 5", DK_FLOAT64, false, "2 0 1 -2", DK_DURATION,
     "-10 NA NA -3"},
    {OP_MOD, DK_DURATION, false, "-19 19 -19", DK_FLOAT32, false, "2.5 -2.5 -2.5", DK_DURATION,
     "1 -1 -2"},
    {OP_DIV, DK_DURATION, false, "-19 7", DK_FLOAT64, true, "0", DK_DURATION, "NA NA"},
    {OP_MUL, DK_DURATION, false, "5 1 NA", DK_UINT64, false, "2 NA 18446744073709551615",
     DK_DURATION, "10 NA NA"},
    {OP_MUL, DK_DURATION, false, "5", DK_UINT64, false, "18446744073709551615", DK_TYPE_COUNT,
     "DK_EOVERFLOW"},
    {OP_MUL, DK_DURATION, false, "5 6", DK_FLOAT64, true, "1e300", DK_TYPE_COUNT, "DK_EOVERFLOW"},
    {OP_MUL, DK_INT64, false, "3 4611686018427387904", DK_DURATION, true, "2", DK_TYPE_COUNT,
     "DK_EOVERFLOW"},
    {OP_ADD, DK_TIMESTAMP, false, "9223372036854775807 1", DK_DURATION, true, "1", DK_TYPE_COUNT,
     "DK_EOVERFLOW"},
    {OP_SUB, DK_TIMESTAMP, false, "-9223372036854775807 NA", DK_DURATION, false, "2 1",
     DK_TYPE_COUNT, "DK_EOVERFLOW"},
    {OP_EQ, DK_INT64, false, "1 NA 3", DK_INT64, true, "3", DK_BOOL, "0 0 1"},
    {OP_NE, DK_INT64, false, "1 NA 3", DK_INT64, true, "3", DK_BOOL, "1 1 0"},
    {OP_NE, DK_INT64, false, "1 NA 3", DK_INT64, true, "NA", DK_BOOL, "1 1 1"},
    {OP_LE, DK_INT64, false, "1 NA NA", DK_FLOAT64, false, "1 1 nan", DK_BOOL, "1 0 0"},
    {OP_AND, DK_BOOL, false, "1 NA 1 0", DK_BOOL, false, "1 1 NA NA", DK_BOOL, "1 0 0 0"},
    {OP_OR, DK_BOOL, false, "1 NA 1 0", DK_BOOL, false, "1 1 NA NA", DK_BOOL, "1 1 1 0"},
    {OP_XOR, DK_BOOL, false, "1 NA 1 0", DK_BOOL, true, "NA", DK_BOOL, "1 0 1 0"},
    {OP_AND, DK_INT16, false, "6 NA 5", DK_INT16, false, "3 1 NA", DK_INT16, "2 NA NA"},
    {OP_AND, DK_BOOL, false, "1 1 NA", DK_INT64, false, "6 NA 5", DK_BOOL, "0 0 0"},
    {OP_OR, DK_INT8, false, "6 NA 5", DK_INT64, false, "46656", DK_INT64, "46662 NA 46661"},
    {OP_EQ, DK_FLOAT32, false, "0.1 0.5", DK_FLOAT64, false, "0.1", DK_BOOL, "0 0"},
    {OP_EQ, DK_FLOAT32, false, "0.1 0.5", DK_FLOAT64, true, "0.1", DK_BOOL, "1 0"},
    {OP_OR, DK_BOOL, false, "0 1 NA", DK_INT64, false, "6 NA 5", DK_BOOL, "1 1 1"},
    {OP_POW, DK_INT64, false, "2 NA 3", DK_INT64, false, "3 -1 NA", DK_INT64, "8 NA NA"},
    {OP_POW, DK_INT64, false, "2 1", DK_INT64, false, "3 -1", DK_TYPE_COUNT, "DK_EINVAL"},
    {OP_POW, DK_INT64, false, "NA NA", DK_INT64, true, "-3", DK_INT64, "NA NA"},
    {OP_POW, DK_INT64, false, "NA 1", DK_INT64, true, "-3", DK_TYPE_COUNT, "DK_EINVAL"},
    {OP_POW, DK_FLOAT64, false, "4 -0.0 9", DK_FLOAT64, true, "0.5", DK_FLOAT64, "2 -0.0 3"},
    {OP_POW, DK_FLOAT64, false, "4 0.0 -8", DK_FLOAT64, true, "-1", DK_FLOAT64, "0.25 inf -0.125"},
    {OP_EQ, DK_CATEGORY, false, "a b NA", DK_CATEGORY, false, "b b NA", DK_BOOL, "0 1 0"},
    {OP_NE, DK_CATEGORY, false, "a b NA", DK_CATEGORY, false, "b b NA", DK_BOOL, "1 0 1"},
    {OP_EQ, DK_TEXT, true, "b", DK_CATEGORY, false, "a b NA", DK_BOOL, "0 1 0"},
    {OP_EQ, DK_TIMESTAMP, false, "1 2", DK_TEXT, true, "1970", DK_TYPE_COUNT, "DK_ETYPE"},
    {OP_LT, DK_TEXT, false, "a b", DK_DURATION, true, "5", DK_TYPE_COUNT, "DK_ETYPE"},
    {OP_AND, DK_INT64, false, "1 2", DK_UINT64, false, "1 2", DK_TYPE_COUNT, "DK_ETYPE"},
    {OP_ADD, DK_FLOAT32, false, "1 2", DK_FLOAT64, true, "1e300", DK_FLOAT32, "inf inf"},
    {OP_ADD, DK_TEXT, false, "a '' NA", DK_TEXT, true, "x", DK_TEXT, "ax x NA"},
    {OP_ADD, DK_TEXT, false, "a '' NA", DK_TEXT, false, "NA '' b", DK_TEXT, "NA '' NA"},
};

static const char *describe(const struct example *example)
{
    static char text[400];
    snprintf(text, sizeof text, "%s [%s]%s %s %s [%s]%s", dk_type_name(example->left_type),
             example->left, example->left_literal ? " literal" : "", binary_op_symbol(example->op),
             dk_type_name(example->right_type), example->right,
             example->right_literal ? " literal" : "");
    return text;
}

/* `literal` as it is beside a column of `type`; takes it. */
static dk_status adapt(enum binary_op op, dk_type type, struct column **literal, dk_error *err)
{
    struct vec vec;
    struct column *adapted = NULL;
    vec_init(&vec, (*literal)->memory, (*literal)->view.type);
    dk_status status = binary_adapt_literal(op, type, &(*literal)->view, &vec, err);
    if (status == DK_OK)
        status = vec_freeze(&vec, &adapted);
    vec_deinit(&vec);
    if (status == DK_OK) {
        column_unref(*literal);
        *literal = adapted;
    }
    return status;
}

static void check_example(struct memory *memory, const struct example *example)
{
    struct column *left = column_of(memory, example->left_type, example->left);
    struct column *right = column_of(memory, example->right_type, example->right);
    struct operand_type a = {example->left_type, example->left_literal};
    struct operand_type b = {example->right_type, example->right_literal};
    struct vec out;
    dk_error err = {0};
    dk_type type = DK_BOOL;
    dk_status status = binary_type(example->op, a, b, &type, &err);
    vec_init(&out, memory, type);
    if (status == DK_OK) {
        if (example->type != DK_TYPE_COUNT && type != example->type)
            fail_msg("%s: type %s", describe(example), dk_type_name(type));
        if (example->left_literal)
            status = adapt(example->op, example->right_type, &left, &err);
        if (status == DK_OK && example->right_literal)
            status = adapt(example->op, example->left_type, &right, &err);
        if (status == DK_OK)
            status = binary_apply(example->op, &left->view, &right->view, &out, &err);
    }
    if (example->type == DK_TYPE_COUNT) {
        if (strcmp(dk_status_name(status), example->expected) != 0 || !err.message[0])
            fail_msg("%s: %s, expected %s", describe(example), dk_status_name(status),
                     example->expected);
    } else {
        if (status != DK_OK)
            fail_msg("%s: %s", describe(example), err.message);
        assert_values(&out, example->expected, example->op == OP_POW ? 2 : 0, describe(example));
    }
    vec_deinit(&out);
    column_unref(left);
    column_unref(right);
}

/* The result types and values are those of pandas, for every operation. */
static void test_pandas_examples(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        check_example(memory, &examples[i]);
    close_memory(memory);
}

/* Missing values and rows without a result come out as the header says. */
static void test_missing_examples(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    for (size_t i = 0; i < sizeof missing_examples / sizeof missing_examples[0]; i++)
        check_example(memory, &missing_examples[i]);
    close_memory(memory);
}

__extension__ typedef __int128 wide;

static wide integer_at(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_BOOL:
        return ((const uint8_t *)view->data)[row];
    case DK_INT8:
        return ((const int8_t *)view->data)[row];
    case DK_INT16:
        return ((const int16_t *)view->data)[row];
    case DK_INT32:
        return ((const int32_t *)view->data)[row];
    case DK_UINT64:
        return ((const uint64_t *)view->data)[row];
    default:
        return ((const int64_t *)view->data)[row];
    }
}

/* One row of integer arithmetic, without any of the kernel's code; false when it has no value. */
static bool reference_integer(enum binary_op op, wide a, wide b, wide *out)
{
    __extension__ typedef unsigned __int128 unsigned_wide;
    wide quotient;
    switch (op) {
    case OP_ADD:
        *out = a + b;
        return true;
    case OP_SUB:
        *out = a - b;
        return true;
    case OP_MUL: /* the low 64 bits are the same, signed or not */
        *out = (wide)((unsigned_wide)a * (unsigned_wide)b);
        return true;
    default:
        if (b == 0)
            return false;
        quotient = a / b;
        if (quotient * b != a && (a < 0) != (b < 0))
            quotient--;
        *out = op == OP_MOD ? a - quotient * b : quotient;
        return true;
    }
}

static bool reference_order(enum binary_op op, bool less, bool equal)
{
    switch (op) {
    case OP_EQ:
        return equal;
    case OP_NE:
        return !equal;
    case OP_LT:
        return less;
    case OP_LE:
        return less || equal;
    case OP_GT:
        return !less && !equal;
    default:
        return !less;
    }
}

static void check_integer_row(enum binary_op op, const struct view *a, int64_t at_a,
                              const struct view *b, int64_t at_b, const struct view *out, int64_t i)
{
    bool missing = view_is_null(a, at_a) || view_is_null(b, at_b);
    wide x = integer_at(a, at_a), y = integer_at(b, at_b), expected = 0;
    if (op >= OP_EQ) {
        bool holds = missing ? op == OP_NE : reference_order(op, x < y, x == y);
        assert_false(view_is_null(out, i));
        assert_int_equal(integer_at(out, i), holds);
        return;
    }
    bool valid = !missing && reference_integer(op, x, y, &expected);
    assert_int_equal(view_is_null(out, i), !valid);
    if (!valid)
        return;
    uint64_t mask = UINT64_MAX >> (64 - 8 * type_nbytes(out->type));
    assert_int_equal((uint64_t)integer_at(out, i) & mask, (uint64_t)expected & mask);
}

/* The dense integer loops give what a row by row reference gives, for slices at any offset, with
 * and without nulls, for lengths around the block size, and with either side a literal. */
static void test_integers_against_reference(void **state)
{
    (void)state;
    static const int64_t lengths[] = {0, 2, 7, 64, 1023, 1024, 1025, 2100};
    static const dk_type types[] = {DK_INT8, DK_INT16, DK_INT32, DK_INT64, DK_UINT64};
    static const enum binary_op ops[] = {OP_ADD, OP_SUB, OP_MUL, OP_FLOORDIV, OP_MOD, OP_EQ,
                                         OP_NE,  OP_LT,  OP_LE,  OP_GT,       OP_GE};
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 42;
    for (size_t k = 0; k < 5 * 11 * 8 * 3; k++) {
        dk_type type = types[k % 5];
        enum binary_op op = ops[k / 5 % 11];
        int64_t nrows = lengths[k / 55 % 8], shape = (int64_t)(k / 440);
        int64_t na = shape == 1 ? 1 : nrows, nb = shape == 2 ? 1 : nrows;
        struct column *a = random_column(memory, type, na, next_random(&seed) & 1, &seed);
        struct column *b = random_column(memory, type, nb, next_random(&seed) & 1, &seed);
        struct vec out;
        vec_init(&out, memory, op >= OP_EQ ? DK_BOOL : type);
        assert_int_equal(binary_apply(op, &a->view, &b->view, &out, NULL), DK_OK);
        assert_int_equal(out.nrows, nrows);
        struct view view = vec_view(&out);
        for (int64_t i = 0; i < nrows; i++)
            check_integer_row(op, &a->view, na == 1 ? 0 : i, &b->view, nb == 1 ? 0 : i, &view, i);
        vec_deinit(&out);
        column_unref(a);
        column_unref(b);
    }
    close_memory(memory);
}

static double reference_float(enum binary_op op, double a, double b)
{
    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_SUB:
        return a - b;
    case OP_MUL:
        return a * b;
    default:
        return a / b;
    }
}

/* The same for floats, where missing integers on one side become NaN. */
static void test_floats_against_reference(void **state)
{
    (void)state;
    static const int64_t lengths[] = {0, 3, 65, 1024, 1030};
    static const enum binary_op ops[] = {OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_EQ,
                                         OP_NE,  OP_LT,  OP_LE,  OP_GT,  OP_GE};
    static const dk_type types[] = {DK_FLOAT64, DK_INT32, DK_INT64, DK_BOOL};
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 7;
    for (size_t k = 0; k < 10 * 5 * 4; k++) {
        enum binary_op op = ops[k % 10];
        int64_t nrows = lengths[k / 10 % 5];
        dk_type type = types[k / 50];
        struct column *a = random_column(memory, DK_FLOAT64, nrows, false, &seed);
        struct column *b = random_column(memory, type, nrows, true, &seed);
        struct vec out;
        vec_init(&out, memory, op >= OP_EQ ? DK_BOOL : DK_FLOAT64);
        assert_int_equal(binary_apply(op, &a->view, &b->view, &out, NULL), DK_OK);
        struct view view = vec_view(&out);
        for (int64_t i = 0; i < nrows; i++) {
            double x = double_at(&a->view, i), y = NAN;
            if (type == DK_FLOAT64)
                y = double_at(&b->view, i);
            else if (!view_is_null(&b->view, i))
                y = (double)integer_at(&b->view, i);
            if (op >= OP_EQ) {
                bool unordered = isnan(x) || isnan(y);
                bool holds = unordered ? op == OP_NE : reference_order(op, x < y, x == y);
                assert_int_equal(integer_at(&view, i), holds);
            } else {
                assert_int_equal(ulps(double_at(&view, i), reference_float(op, x, y)), 0);
            }
        }
        vec_deinit(&out);
        column_unref(a);
        column_unref(b);
    }
    close_memory(memory);
}

/* & | ^ treat a missing bool as false, and integers keep their nulls, whatever stands behind them.
 */
static void test_logic_against_reference(void **state)
{
    (void)state;
    static const dk_type types[] = {DK_BOOL, DK_INT8, DK_INT64};
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 12;
    for (int k = 0; k < 27; k++) {
        enum binary_op op = (enum binary_op)(OP_AND + k % 3);
        dk_type type = types[k / 3 % 3], other = k / 9 == 0 ? type : types[k / 9];
        struct operand_type pair[2] = {{type, false}, {other, false}};
        struct column *a = random_column(memory, type, 1300, k % 4 != 0, &seed);
        struct column *b = random_column(memory, other, 1300, k % 5 != 0, &seed);
        struct vec out;
        dk_type result;
        assert_int_equal(binary_type(op, pair[0], pair[1], &result, NULL), DK_OK);
        vec_init(&out, memory, result);
        assert_int_equal(binary_apply(op, &a->view, &b->view, &out, NULL), DK_OK);
        struct view view = vec_view(&out);
        for (int64_t i = 0; i < view.nrows; i++) {
            bool missing_a = view_is_null(&a->view, i), missing_b = view_is_null(&b->view, i);
            int64_t x = missing_a ? 0 : (int64_t)integer_at(&a->view, i);
            int64_t y = missing_b ? 0 : (int64_t)integer_at(&b->view, i);
            int64_t z = op == OP_AND ? x & y : op == OP_OR ? x | y : x ^ y;
            assert_int_equal(view_is_null(&view, i), result != DK_BOOL && (missing_a || missing_b));
            if (!view_is_null(&view, i))
                assert_int_equal(integer_at(&view, i), result == DK_BOOL ? z != 0 : z);
        }
        vec_deinit(&out);
        column_unref(a);
        column_unref(b);
    }
    close_memory(memory);
}

/* What stands behind a null cannot overflow, and a bitmap without nulls in the window leaves none
 * behind, so that rows appended later are valid. */
static void test_values_behind_nulls(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    int64_t values[] = {INT64_MAX, 1, 2}, ones[] = {1, 1, 1};
    uint8_t validity = 6;
    struct view a = {.type = DK_TIMESTAMP, .nrows = 3, .data = values, .validity = &validity};
    struct view b = {.type = DK_DURATION, .nrows = 3, .data = ones};
    struct vec out;
    vec_init(&out, memory, DK_TIMESTAMP);
    assert_int_equal(binary_apply(OP_ADD, &a, &b, &out, NULL), DK_OK);
    assert_values(&out, "NA 2 3", 0, "null that would overflow");
    struct view slice = view_slice(&a, 1, 2), one = view_slice(&b, 0, 2);
    assert_int_equal(binary_apply(OP_ADD, &slice, &one, &out, NULL), DK_OK);
    assert_false(out.has_nulls);
    assert_int_equal(binary_apply(OP_ADD, &a, &b, &out, NULL), DK_OK);
    assert_int_equal(vec_append_view(&out, &slice), DK_OK);
    assert_values(&out, "NA 2 3 1 2", 0, "appended rows");
    vec_deinit(&out);
    close_memory(memory);
}

/* Signed and unsigned 64-bit integers compare by value, also where no common type holds both. */
static void test_mixed_signs_compare_exactly(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 99;
    struct column *a = random_column(memory, DK_INT64, 1500, true, &seed);
    struct column *b = random_column(memory, DK_UINT64, 1500, true, &seed);
    for (int op = OP_EQ; op <= OP_GE; op++)
        for (int swap = 0; swap < 2; swap++) {
            const struct view *x = swap ? &b->view : &a->view, *y = swap ? &a->view : &b->view;
            struct vec out;
            vec_init(&out, memory, DK_BOOL);
            assert_int_equal(binary_apply((enum binary_op)op, x, y, &out, NULL), DK_OK);
            struct view view = vec_view(&out);
            for (int64_t i = 0; i < 1500; i++)
                check_integer_row((enum binary_op)op, x, i, y, i, &view, i);
            vec_deinit(&out);
        }
    column_unref(a);
    column_unref(b);
    close_memory(memory);
}

static int sign_of_words(const struct view *a, const struct view *b, int64_t i)
{
    char x[8] = {0}, y[8] = {0};
    memcpy(x, (const char *)a->data + a->offsets[i], (size_t)(a->offsets[i + 1] - a->offsets[i]));
    memcpy(y, (const char *)b->data + b->offsets[i], (size_t)(b->offsets[i + 1] - b->offsets[i]));
    return strcmp(x, y);
}

/* Text compares in byte order, as slices and as categories made of the same words. */
static void test_words_against_reference(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    uint64_t seed = 5;
    struct column *a = random_column(memory, DK_TEXT, 700, true, &seed);
    struct column *b = random_column(memory, DK_TEXT, 700, true, &seed);
    struct vec codes;
    vec_init(&codes, memory, DK_CATEGORY);
    assert_int_equal(cast_apply(&a->view, &codes, NULL), DK_OK);
    struct view category = vec_view(&codes);
    for (int op = OP_EQ; op <= OP_GE; op++)
        for (int as_category = 0; as_category < (op <= OP_NE ? 2 : 1); as_category++) {
            struct vec out;
            vec_init(&out, memory, DK_BOOL);
            assert_int_equal(binary_apply((enum binary_op)op, as_category ? &category : &a->view,
                                          &b->view, &out, NULL),
                             DK_OK);
            for (int64_t i = 0; i < 700; i++) {
                int sign = sign_of_words(&a->view, &b->view, i);
                bool missing = view_is_null(&a->view, i) || view_is_null(&b->view, i);
                bool holds = missing ? op == OP_NE
                                     : reference_order((enum binary_op)op, sign < 0, sign == 0);
                assert_int_equal(((uint8_t *)out.data)[i], holds);
            }
            vec_deinit(&out);
        }
    vec_deinit(&codes);
    column_unref(a);
    column_unref(b);
    close_memory(memory);
}

/* A literal prepared for a float32 column compares as one also when the column has a single row. */
static void test_adapted_literal_is_the_same_for_one_row(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct column *column = column_of(memory, DK_FLOAT32, "0.1");
    struct column *literal = column_of(memory, DK_FLOAT64, "0.1");
    struct vec adapted, out;
    vec_init(&adapted, memory, DK_FLOAT64);
    vec_init(&out, memory, DK_BOOL);
    assert_int_equal(binary_adapt_literal(OP_EQ, DK_FLOAT32, &literal->view, &adapted, NULL),
                     DK_OK);
    assert_int_equal(adapted.type, DK_FLOAT32);
    struct view view = vec_view(&adapted);
    assert_int_equal(binary_apply(OP_EQ, &column->view, &view, &out, NULL), DK_OK);
    assert_int_equal(*(uint8_t *)out.data, 1);
    assert_int_equal(binary_apply(OP_EQ, &column->view, &literal->view, &out, NULL), DK_OK);
    assert_int_equal(*(uint8_t *)out.data, 0);
    vec_deinit(&adapted);
    vec_deinit(&out);
    column_unref(column);
    column_unref(literal);
    close_memory(memory);
}

/* Adapting an integer literal narrows it where it must fit, keeps it for comparisons and division,
 * and names what does not fit. */
static void test_adapted_integers(void **state)
{
    (void)state;
    struct memory *memory = new_memory(NULL);
    struct column *small = column_of(memory, DK_INT64, "5");
    struct column *large = column_of(memory, DK_INT64, "1000");
    struct column *text = column_of(memory, DK_TEXT, "abc");
    struct vec out;
    dk_error err = {0};
    vec_init(&out, memory, DK_BOOL);
    assert_int_equal(binary_adapt_literal(OP_ADD, DK_INT8, &small->view, &out, &err), DK_OK);
    assert_int_equal(out.type, DK_INT8);
    assert_int_equal(*(int8_t *)out.data, 5);
    assert_int_equal(binary_adapt_literal(OP_ADD, DK_INT8, &large->view, &out, &err), DK_EOVERFLOW);
    assert_string_equal(err.message, "the integer 1000 is out of bounds for int8");
    assert_int_equal(binary_adapt_literal(OP_LT, DK_INT8, &large->view, &out, &err), DK_OK);
    assert_int_equal(out.type, DK_INT64);
    assert_int_equal(binary_adapt_literal(OP_DIV, DK_INT8, &large->view, &out, &err), DK_OK);
    assert_int_equal(out.type, DK_INT64);
    assert_int_equal(binary_adapt_literal(OP_EQ, DK_TEXT, &text->view, &out, &err), DK_OK);
    assert_values(&out, "abc", 0, "text literal");
    vec_deinit(&out);
    column_unref(small);
    column_unref(large);
    column_unref(text);
    close_memory(memory);
}

/* Refusals name the operation and both types. */
static void test_refusals_name_both_types(void **state)
{
    (void)state;
    dk_error err = {0};
    dk_type type;
    struct operand_type text = {DK_TEXT, false}, number = {DK_FLOAT64, false};
    assert_int_equal(binary_type(OP_ADD, text, number, &type, &err), DK_ETYPE);
    assert_string_equal(err.message, "cannot apply + to str and float64");
    struct operand_type truth = {DK_BOOL, false};
    assert_int_equal(binary_type(OP_SUB, truth, truth, &type, &err), DK_ETYPE);
    assert_string_equal(err.message, "cannot apply - to bool and bool; use ^");
}

/* Every failed allocation is reported and leaks nothing. */
static void test_out_of_memory(void **state)
{
    (void)state;
    static const struct {
        enum binary_op op;
        dk_type in;
        dk_type out;
    } runs[] = {
        {OP_ADD, DK_INT64, DK_INT64},        {OP_LT, DK_FLOAT64, DK_BOOL},
        {OP_AND, DK_BOOL, DK_BOOL},          {OP_EQ, DK_TEXT, DK_BOOL},
        {OP_SUB, DK_TIMESTAMP, DK_DURATION}, {OP_ADD, DK_TEXT, DK_TEXT},
        {OP_DIV, DK_DURATION, DK_FLOAT64},
    };
    uint64_t seed = 3;
    for (size_t k = 0; k < sizeof runs / sizeof runs[0]; k++) {
        struct memory *inputs = new_memory(NULL);
        struct column *a = random_column(inputs, runs[k].in, 20, false, &seed);
        dk_status status = DK_ENOMEM;
        for (int64_t n = 0; status != DK_OK; n++) {
            struct failing failing = {.left = -1};
            struct memory *memory = new_memory(&failing);
            struct vec out;
            failing.left = n;
            vec_init(&out, memory, runs[k].out);
            status = binary_apply(runs[k].op, &a->view, &a->view, &out, NULL);
            assert_true(status == DK_OK || (status == DK_ENOMEM && n < 10));
            vec_deinit(&out);
            failing.left = -1;
            close_memory(memory);
        }
        column_unref(a);
        close_memory(inputs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pandas_examples),
        cmocka_unit_test(test_missing_examples),
        cmocka_unit_test(test_integers_against_reference),
        cmocka_unit_test(test_floats_against_reference),
        cmocka_unit_test(test_logic_against_reference),
        cmocka_unit_test(test_values_behind_nulls),
        cmocka_unit_test(test_mixed_signs_compare_exactly),
        cmocka_unit_test(test_words_against_reference),
        cmocka_unit_test(test_adapted_literal_is_the_same_for_one_row),
        cmocka_unit_test(test_adapted_integers),
        cmocka_unit_test(test_refusals_name_both_types),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
