#include "column/kernels/align.h"
#include "kernels_support.h"

#define ROWS_MAX    40
#define PRODUCT_MAX (ROWS_MAX * ROWS_MAX + 2 * ROWS_MAX)

/* The labels of one side, as numbers for make_column(). */
struct labels {
    int64_t n;
    int64_t numbers[ROWS_MAX];
    bool missing[ROWS_MAX];
};

/* One row of the join. */
struct match {
    int64_t left, right;
};

static bool same_label(const struct labels *a, int64_t i, const struct labels *b, int64_t j)
{
    return a->missing[i] == b->missing[j] && (a->missing[i] || a->numbers[i] == b->numbers[j]);
}

static bool same_labels(const struct labels *a, const struct labels *b)
{
    for (int64_t i = 0; a->n == b->n && i < a->n; i++)
        if (!same_label(a, i, b, i))
            return false;
    return a->n == b->n;
}

/* The rows of one label (`missing`: of missing ones), left by right; a side that has none gives -1
 * once. */
static int64_t join_label(const struct labels *left, const struct labels *right, int64_t number,
                          bool missing, struct match *out)
{
    struct labels one = {1, {number}, {missing}};
    bool found = false;
    int64_t n = 0;
    for (int64_t i = 0; i < left->n; i++) {
        if (!same_label(left, i, &one, 0))
            continue;
        bool met = false;
        for (int64_t j = 0; j < right->n; j++)
            if (same_label(right, j, &one, 0)) {
                out[n++] = (struct match){i, j};
                met = true;
            }
        if (!met)
            out[n++] = (struct match){i, -1};
        found = true;
    }
    for (int64_t j = 0; !found && j < right->n; j++)
        if (same_label(right, j, &one, 0))
            out[n++] = (struct match){-1, j};
    return n;
}

static int64_t join_simply(const struct labels *left, const struct labels *right, struct match *out)
{
    int64_t n = 0;
    for (int64_t number = -100; number <= 100; number++)
        n += join_label(left, right, number, false, out + n);
    return n + join_label(left, right, 0, true, out + n);
}

static void check_labels(struct memory *memory, const struct labels *left,
                         const struct labels *right, const struct match *matches,
                         const struct alignment *found)
{
    dk_table *table;
    assert_int_equal(
        table_new(memory, found->nrows, 0, NULL, NULL, NULL, found->labels, false, &table), DK_OK);
    for (int64_t i = 0; i < found->nrows; i++) {
        bool from_left = matches[i].left >= 0;
        int64_t row = from_left ? matches[i].left : matches[i].right;
        const struct labels *side = from_left ? left : right;
        if (side->missing[row])
            assert_true(dk_table_is_missing(table, -1, i));
        else
            check_value(table, -1, i, side->numbers[row]);
    }
    dk_table_unref(table);
}

static void check(dk_type left_type, dk_type right_type, const struct labels *left,
                  const struct labels *right)
{
    static struct match matches[PRODUCT_MAX];
    struct memory *memory = memory_new(NULL, 0);
    struct column *a = make_column(memory, left_type, left->numbers, left->missing, left->n);
    struct column *b = make_column(memory, right_type, right->numbers, right->missing, right->n);
    struct alignment found;
    dk_type type;
    dk_error err = {0};
    assert_int_equal(align_type(left_type, right_type, &type, &err), DK_OK);
    assert_int_equal(align_outer(memory, a, b, &found, &err), DK_OK);
    assert_int_equal(found.labels->view.type, type);
    assert_int_equal(found.identical, same_labels(left, right));
    if (found.identical) {
        assert_int_equal(found.nrows, left->n);
        if (type == left_type)
            assert_ptr_equal(found.labels, a);
    } else {
        assert_int_equal(found.nrows, join_simply(left, right, matches));
        for (int64_t i = 0; i < found.nrows; i++) {
            assert_int_equal(found.left[i], matches[i].left);
            assert_int_equal(found.right[i], matches[i].right);
        }
        check_labels(memory, left, right, matches, &found);
    }
    alignment_deinit(&found);
    column_unref(a);
    column_unref(b);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Labels in [0, range), sorted, sorted and unique, or as they come; a seventh missing when `nulls`.
 */
static void draw(struct labels *out, dk_type type, int64_t range, bool nulls, uint64_t *seed)
{
    int64_t order = random_below(seed, 3), last = 0;
    out->n = random_below(seed, ROWS_MAX);
    for (int64_t i = 0; i < out->n; i++) {
        int64_t step = random_below(seed, 3) + (order == 1);
        out->numbers[i] = order == 2 ? random_below(seed, range) : last + step;
        if (out->numbers[i] > 100)
            out->numbers[i] = 100;
        if (type == DK_BOOL)
            out->numbers[i] &= 1;
        out->missing[i] = nulls && random_below(seed, 7) == 0;
        last = out->numbers[i];
    }
}

/* Proves the join right for every type: unique, repeated, sorted, unsorted and missing labels,
 * against matching every row with every row. */
static void joins_every_type(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (dk_type type = 0; type < DK_TYPE_COUNT; type++) {
        for (int round = 0; round < 40; round++) {
            struct labels left, right;
            int64_t range = round % 2 ? 4 : 100;
            draw(&left, type, range, round % 3 == 0, &seed);
            draw(&right, type, range, round % 5 == 0, &seed);
            check(type, type, &left, round % 8 ? &right : &left);
        }
    }
}

/* Proves that labels of different types meet by value: integers of all widths, and categories their
 * words. */
static void joins_across_types(void **state)
{
    static const dk_type pairs[][2] = {{DK_INT8, DK_INT64},
                                       {DK_INT32, DK_INT16},
                                       {DK_TEXT, DK_CATEGORY},
                                       {DK_CATEGORY, DK_CATEGORY}};
    uint64_t seed = 9;
    (void)state;
    for (int round = 0; round < 40; round++) {
        struct labels left, right;
        draw(&left, pairs[round % 4][0], 30, round % 3 == 0, &seed);
        draw(&right, pairs[round % 4][1], 30, round % 3 == 0, &seed);
        check(pairs[round % 4][0], pairs[round % 4][1], &left, &right);
    }
}

static void check_rows(const int64_t *rows, const int64_t *expected, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(rows[i], expected[i]);
}

/* Proves a case as pandas prints it: int64 labels meet float64 ones, the union is sorted, repeated
 * labels give their product and the missing label comes last. */
static void integers_meet_floats(void **state)
{
    static const int64_t integers[] = {3, 1, 1};
    static const double floats[] = {1.0, 2.5, NAN, 1.0}, labels[] = {1, 1, 1, 1, 2.5, 3};
    static const int64_t left[] = {1, 1, 2, 2, -1, 0, -1}, right[] = {0, 3, 0, 3, 1, -1, 2};
    struct memory *memory = memory_new(NULL, 0);
    struct column *a = make_column(memory, DK_INT64, integers, NULL, 3);
    struct column *b = double_column(memory, floats, 4);
    struct alignment found;
    (void)state;
    assert_int_equal(align_outer(memory, a, b, &found, NULL), DK_OK);
    assert_int_equal(found.nrows, 7);
    check_rows(found.left, left, 7);
    check_rows(found.right, right, 7);
    assert_int_equal(found.labels->view.type, DK_FLOAT64);
    assert_memory_equal(found.labels->view.data, labels, sizeof labels);
    assert_true(isnan(((const double *)found.labels->view.data)[6]));
    alignment_deinit(&found);
    column_unref(a);
    column_unref(b);
    memory_close(memory);
}

/* Proves that labels which do not compare are refused with both types named. */
static void refuses_incomparable_labels(void **state)
{
    static const int64_t numbers[] = {1, 2};
    struct memory *memory = memory_new(NULL, 0);
    struct column *a = make_column(memory, DK_TIMESTAMP, numbers, NULL, 2);
    struct column *b = make_column(memory, DK_TEXT, numbers, NULL, 2);
    struct alignment found;
    dk_error err = {0};
    (void)state;
    assert_int_equal(align_outer(memory, a, b, &found, &err), DK_EALIGN);
    assert_non_null(strstr(err.message, "datetime64[ns]"));
    assert_non_null(strstr(err.message, "str"));
    alignment_deinit(&found);
    column_unref(a);
    column_unref(b);
    memory_close(memory);
}

static dk_status join_columns(struct memory *memory, void *context)
{
    struct column **columns = context;
    struct alignment found;
    dk_status status = align_outer(memory, columns[0], columns[1], &found, NULL);
    alignment_deinit(&found);
    return status;
}

/* Proves that running out of memory is reported and leaks nothing. */
static void survives_failed_allocations(void **state)
{
    static const dk_type pairs[][2] = {
        {DK_INT32, DK_FLOAT64}, {DK_TEXT, DK_CATEGORY}, {DK_INT64, DK_INT64}};
    static const int64_t left[] = {5, 3, 3, 8}, right[] = {3, 9, 5, 5};
    struct memory *memory = memory_new(NULL, 0);
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct column *columns[] = {make_column(memory, pairs[i][0], left, NULL, 4),
                                    make_column(memory, pairs[i][1], right, NULL, 4)};
        fail_every_allocation(join_columns, columns);
        column_unref(columns[0]);
        column_unref(columns[1]);
    }
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_every_type),
        cmocka_unit_test(joins_across_types),
        cmocka_unit_test(integers_meet_floats),
        cmocka_unit_test(refuses_incomparable_labels),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
