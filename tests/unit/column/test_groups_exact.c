/* Group-by where bits, limits and mistakes matter. */
#include "column/kernels/groups.h"
#include "kernels_support.h"

static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

static const struct agg_spec moments[] = {{AGG_SUM, 0}, {AGG_MEAN, 0}, {AGG_STD, 0},
                                          {AGG_VAR, 0}, {AGG_MIN, 0},  {AGG_MAX, 0}};

static struct groups *new_groups(struct memory *memory, bool has_key, dk_type type,
                                 const struct agg_spec *specs, int32_t nspecs)
{
    struct groups *groups;
    assert_int_equal(groups_new(memory, has_key, DK_INT64, &type, 1, specs, nspecs, &groups, NULL),
                     DK_OK);
    return groups;
}

static dk_table *finish(struct groups *groups)
{
    dk_table *table;
    assert_int_equal(groups_result(groups, names, NULL, false, &table, NULL), DK_OK);
    groups_free(groups);
    return table;
}

/* One reduction of `n` values of `type` at `data`. */
static dk_table *reduce(struct memory *memory, dk_type type, const void *data, int64_t n,
                        const struct agg_spec *specs, int32_t nspecs)
{
    struct groups *groups = new_groups(memory, false, type, specs, nspecs);
    struct view view = {.type = type, .nrows = n, .data = data};
    assert_int_equal(groups_update(groups, NULL, &view, n, NULL), DK_OK);
    return finish(groups);
}

struct row {
    int64_t key;
    double value;
};

static void shuffle(struct row *rows, int64_t n, uint64_t *seed)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t other = random_below(seed, i + 1);
        struct row row = rows[i];
        rows[i] = rows[other];
        rows[other] = row;
    }
}

static void feed(struct groups *groups, const struct row *rows, int64_t n)
{
    int64_t keys[600];
    double values[600];
    for (int64_t i = 0; i < n; i++) {
        keys[i] = rows[i].key;
        values[i] = rows[i].value;
    }
    struct view key = {.type = DK_INT64, .nrows = n, .data = keys};
    struct view view = {.type = DK_FLOAT64, .nrows = n, .data = values};
    assert_int_equal(groups_update(groups, &key, &view, n, NULL), DK_OK);
}

/* Merges `part` into `total` and frees it. */
static void merge_and_free(struct groups *total, struct groups *part)
{
    dk_table *table;
    assert_int_equal(groups_npartials(part), 1);
    assert_int_equal(groups_partial(part, &table, NULL), DK_OK);
    assert_int_equal(groups_merge(total, &table, NULL), DK_OK);
    dk_table_unref(table);
    groups_free(part);
}

static dk_table *run_in_any_way(struct memory *memory, const struct row *rows, int64_t n,
                                uint64_t *seed)
{
    struct groups *parts[8];
    for (int i = 0; i < 8; i++)
        parts[i] = new_groups(memory, true, DK_FLOAT64, moments, 6);
    for (int64_t start = 0, length; start < n; start += length) {
        length = 1 + random_below(seed, n - start);
        feed(parts[random_below(seed, 8)], rows + start, length);
    }
    /* A random tree of merges. */
    for (int left = 8; left > 1; left--) {
        int from = (int)random_below(seed, left), into;
        struct groups *part = parts[from];
        parts[from] = parts[left - 1];
        into = (int)random_below(seed, left - 1);
        merge_and_free(parts[into], part);
    }
    return finish(parts[0]);
}

static void check_same_bits(const dk_table *a, const dk_table *b)
{
    assert_int_equal(a->nrows, b->nrows);
    for (int32_t i = 0; i < a->ncolumns; i++)
        assert_memory_equal(a->columns[i]->view.data, b->columns[i]->view.data,
                            (size_t)a->nrows * sizeof(double));
}

/* Proves that no bit of sum, mean, std, var, min or max depends on the order of rows, on where
 * partitions are cut or on how they are merged, for values near each other and values so far apart
 * that partials take several rows. */
static void results_do_not_depend_on_order(void **state)
{
    static const int spreads[] = {1, 10, 40, 140};
    struct memory *memory = memory_new(NULL, 0);
    struct row rows[600];
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 60; round++) {
        int spread = spreads[round % 4];
        int64_t n = 1 + random_below(&seed, 600);
        dk_table *expected = NULL;
        for (int64_t i = 0; i < n; i++) {
            double fraction = (double)(random_u64(&seed) >> 11) * 0x1p-53 - 0.3;
            int exponent = (int)(random_below(&seed, 2 * spread + 1) - spread);
            rows[i] = (struct row){random_below(&seed, 5), ldexp(fraction, exponent)};
            if (random_below(&seed, 10) == 0)
                rows[i].value = i % 2 ? 0.0 : -0.0;
        }
        for (int again = 0; again < 5; again++) {
            dk_table *table = run_in_any_way(memory, rows, n, &seed);
            if (expected)
                check_same_bits(table, expected);
            dk_table_unref(expected);
            expected = table;
            shuffle(rows, n, &seed);
        }
        dk_table_unref(expected);
    }
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves that a partial carries a sum whose bits fill more than one row: what is left when another
 * partition cancels the rest is still there. */
static void wide_sums_travel_whole(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    struct row here[] = {{1, 0x1p300}, {1, 0x1p150}, {1, 1}, {1, 0x1p-150}, {1, 0x1p-300}, {2, 5}};
    struct row there[] = {{1, -0x1p300}, {1, -0x1p150}, {1, -1}, {1, -0x1p-150}};
    struct groups *total = new_groups(memory, true, DK_FLOAT64, moments, 6);
    struct groups *part = new_groups(memory, true, DK_FLOAT64, moments, 6);
    (void)state;
    feed(total, there, 4);
    feed(part, here, 6);
    merge_and_free(total, part);
    dk_table *table = finish(total);
    assert_true(dk_table_float(table, 0, 0) == 0x1p-300);
    assert_true(dk_table_float(table, 1, 0) == 0x1p-300 / 9);
    assert_true(dk_table_float(table, 0, 1) == 5);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that the extremes of zeros of both signs do not tell which came first. */
static void extremes_of_zeros_have_no_sign(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    double zeros[] = {-0.0, 0.0, -0.0};
    (void)state;
    for (int64_t n = 1; n <= 3; n++) {
        dk_table *table = reduce(memory, DK_FLOAT64, zeros, n, moments, 6);
        assert_false(signbit(dk_table_float(table, 4, 0)));
        assert_false(signbit(dk_table_float(table, 5, 0)));
        dk_table_unref(table);
    }
    memory_close(memory);
}

/* Proves that variance survives values that are far from zero and close together, where the sum of
 * squares minus the square of the sum has no correct digit in doubles. */
static void variance_of_close_values_is_right(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    double ulp = 0x1p-26, values[] = {1e8, 1e8 + ulp, 1e8 + 2 * ulp, 1e8 + 3 * ulp},
           same[] = {0.1, 0.1, 0.1};
    dk_table *table = reduce(memory, DK_FLOAT64, values, 4, moments, 4);
    (void)state;
    assert_true(fabs(dk_table_float(table, 3, 0) / (ulp * ulp * 5 / 3) - 1) < 1e-15);
    dk_table_unref(table);
    table = reduce(memory, DK_FLOAT64, same, 3, moments, 4);
    assert_true(dk_table_float(table, 2, 0) == 0);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves pandas' answers for infinities, NaN and squares beyond the range. */
static void special_values_follow_pandas(void **state)
{
    struct memory *memory = memory_new(NULL, 0);
    double infinite[] = {1, INFINITY, NAN}, large[] = {1e200, 2e200}, nothing[] = {NAN, NAN};
    dk_table *table = reduce(memory, DK_FLOAT64, infinite, 3, moments, 6);
    (void)state;
    assert_true(isinf(dk_table_float(table, 0, 0)) && isinf(dk_table_float(table, 1, 0)));
    assert_true(isnan(dk_table_float(table, 2, 0)) && isnan(dk_table_float(table, 3, 0)));
    assert_true(dk_table_float(table, 4, 0) == 1 && isinf(dk_table_float(table, 5, 0)));
    dk_table_unref(table);
    table = reduce(memory, DK_FLOAT64, large, 2, moments, 6);
    assert_true(dk_table_float(table, 1, 0) == 1.5e200 && isinf(dk_table_float(table, 2, 0)));
    dk_table_unref(table);
    table = reduce(memory, DK_FLOAT64, nothing, 2, moments, 6);
    assert_true(dk_table_float(table, 0, 0) == 0);
    for (int32_t i = 1; i < 6; i++)
        assert_true(dk_table_is_missing(table, i, 0));
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that integer sums wrap as numpy's do while means of the same integers are exact. */
static void integers_wrap_and_average_exactly(void **state)
{
    static const struct agg_spec specs[] = {{AGG_SUM, 0}, {AGG_MEAN, 0}, {AGG_STD, 0}};
    struct memory *memory = memory_new(NULL, 0);
    int64_t large[] = {INT64_MAX, INT64_MAX, INT64_MAX - 2};
    uint64_t larger[] = {UINT64_MAX, UINT64_MAX};
    dk_table *table = reduce(memory, DK_INT64, large, 3, specs, 3);
    (void)state;
    assert_int_equal(dk_table_int(table, 0, 0), INT64_MAX - 4);
    assert_true(dk_table_float(table, 1, 0) == 0x1p63);
    assert_true(fabs(dk_table_float(table, 2, 0) - sqrt(4.0 / 3)) < 1e-15);
    dk_table_unref(table);
    table = reduce(memory, DK_UINT64, larger, 2, specs, 3);
    assert_int_equal(dk_table_column_type(table, 0), DK_UINT64);
    assert_true(((const uint64_t *)table->columns[0]->view.data)[0] == UINT64_MAX - 1);
    assert_true(dk_table_float(table, 1, 0) == 0x1p64 && dk_table_float(table, 2, 0) == 0);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that means of times are exact to the nanosecond, where a double no longer counts them. */
static void means_of_times_are_exact(void **state)
{
    static const struct agg_spec specs[] = {{AGG_MEAN, 0}, {AGG_STD, 0}};
    struct memory *memory = memory_new(NULL, 0);
    int64_t times[] = {INT64_C(1431648000000000001), INT64_C(1431648000000000003),
                       INT64_C(1431648000000000008)};
    dk_table *table = reduce(memory, DK_TIMESTAMP, times, 3, specs, 2);
    (void)state;
    assert_int_equal(dk_table_column_type(table, 0), DK_TIMESTAMP);
    assert_int_equal(dk_table_int(table, 0, 0), INT64_C(1431648000000000004));
    assert_int_equal(dk_table_column_type(table, 1), DK_DURATION);
    assert_int_equal(dk_table_int(table, 1, 0), 3);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that sums of durations are exact, over partial results too, and refused beyond 64 bits. */
static void sums_of_durations_do_not_wrap(void **state)
{
    static const struct agg_spec specs[] = {{AGG_SUM, 0}};
    struct memory *memory = memory_new(NULL, 0);
    int64_t back[] = {INT64_MAX, INT64_MAX, -INT64_MAX, 1 - INT64_MAX, 7};
    int64_t beyond[] = {INT64_MAX, 1};
    struct view view = {.type = DK_DURATION, .nrows = 2, .data = beyond};
    dk_error err = {0};
    dk_table *table = reduce(memory, DK_DURATION, back, 5, specs, 1);
    (void)state;
    assert_int_equal(dk_table_column_type(table, 0), DK_DURATION);
    assert_int_equal(dk_table_int(table, 0, 0), 8);
    dk_table_unref(table);
    struct groups *groups = new_groups(memory, false, DK_DURATION, specs, 1);
    assert_int_equal(groups_update(groups, NULL, &view, 2, NULL), DK_OK);
    const char *name = "v";
    assert_int_equal(groups_result(groups, &name, NULL, false, &table, &err), DK_EOVERFLOW);
    assert_non_null(strstr(err.message, "durations"));
    groups_free(groups);
    memory_close(memory);
}

/* Proves that zeros of both signs are one key and one distinct value, and NaN is no key at all. */
static void float_keys_compare_by_value(void **state)
{
    static const struct agg_spec specs[] = {{AGG_SIZE, 0}, {AGG_NUNIQUE, 0}};
    struct memory *memory = memory_new(NULL, 0);
    double keys[] = {-0.0, 0.0, NAN, 1.5, -0.0}, values[] = {0.0, -0.0, 1, NAN, 2};
    struct view key = {.type = DK_FLOAT64, .nrows = 5, .data = keys};
    struct view view = {.type = DK_FLOAT64, .nrows = 5, .data = values};
    dk_type type = DK_FLOAT64;
    struct groups *groups;
    (void)state;
    assert_int_equal(groups_new(memory, true, DK_FLOAT64, &type, 1, specs, 2, &groups, NULL),
                     DK_OK);
    assert_int_equal(groups_update(groups, &key, &view, 5, NULL), DK_OK);
    dk_table *table = finish(groups);
    assert_int_equal(dk_table_nrows(table), 2);
    assert_true(dk_table_float(table, -1, 0) == 0 && dk_table_float(table, -1, 1) == 1.5);
    assert_int_equal(dk_table_int(table, 0, 0), 3);
    assert_int_equal(dk_table_int(table, 1, 0), 2);
    assert_int_equal(dk_table_int(table, 1, 1), 0);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that no rows give no groups with a key, and one row of neutral values without. */
static void empty_input_has_a_result(void **state)
{
    static const struct agg_spec specs[] = {
        {AGG_SUM, 0}, {AGG_COUNT, 0}, {AGG_MIN, 0}, {AGG_MEAN, 0}};
    struct memory *memory = memory_new(NULL, 0);
    struct groups *total = new_groups(memory, true, DK_INT32, specs, 4);
    (void)state;
    merge_and_free(total, new_groups(memory, true, DK_INT32, specs, 4));
    dk_table *table = finish(total);
    assert_int_equal(dk_table_nrows(table), 0);
    assert_int_equal(dk_table_index_type(table), DK_INT64);
    dk_table_unref(table);
    total = new_groups(memory, false, DK_INT32, specs, 4);
    merge_and_free(total, new_groups(memory, false, DK_INT32, specs, 4));
    table = finish(total);
    assert_int_equal(dk_table_nrows(table), 1);
    assert_int_equal(dk_table_int(table, 0, 0), 0);
    assert_int_equal(dk_table_int(table, 1, 0), 0);
    assert_true(dk_table_is_missing(table, 2, 0) && dk_table_is_missing(table, 3, 0));
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that functions a type does not have are refused in pandas' words. */
static void impossible_functions_are_refused(void **state)
{
    static const struct {
        enum agg agg;
        dk_type type;
        const char *message;
    } refusals[] = {
        {AGG_SUM, DK_TIMESTAMP, "dtype 'datetime64[ns]' does not support operation 'sum'"},
        {AGG_VAR, DK_DURATION, "dtype 'timedelta64[ns]' does not support operation 'var'"},
        {AGG_MEAN, DK_TEXT, "dtype 'str' does not support operation 'mean'"},
        {AGG_MIN, DK_CATEGORY, "Cannot perform min with non-ordered Categorical"},
    };
    struct memory *memory = memory_new(NULL, 0);
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct agg_spec spec = {refusals[i].agg, 0};
        struct groups *groups;
        dk_error err = {0};
        assert_int_equal(
            groups_new(memory, false, DK_INT64, &refusals[i].type, 1, &spec, 1, &groups, &err),
            DK_ETYPE);
        assert_string_equal(err.message, refusals[i].message);
        assert_null(groups);
    }
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves that views and partial tables of another shape are turned away before they do harm. */
static void mismatched_input_is_refused(void **state)
{
    static const struct agg_spec sum[] = {{AGG_SUM, 0}}, size[] = {{AGG_SIZE, 0}},
                                 stray[] = {{AGG_SUM, 3}};
    struct memory *memory = memory_new(NULL, 0);
    struct groups *groups = new_groups(memory, true, DK_FLOAT64, sum, 1), *none;
    struct groups *other = new_groups(memory, true, DK_FLOAT64, size, 1);
    double values[2] = {0};
    struct view key = {.type = DK_INT64, .nrows = 2, .data = values};
    struct view view = {.type = DK_FLOAT64, .nrows = 2, .data = values};
    dk_type type = DK_FLOAT64;
    dk_error err = {0};
    dk_table *table;
    (void)state;
    assert_int_equal(groups_update(groups, NULL, &view, 2, &err), DK_EINVAL);
    assert_int_equal(groups_update(groups, &view, &view, 2, &err), DK_ETYPE);
    assert_string_equal(err.message, "groupby: key 0 has type float64, expected int64");
    assert_int_equal(groups_update(groups, &key, &key, 2, &err), DK_ETYPE);
    assert_int_equal(groups_update(groups, &key, &view, 3, &err), DK_EINVAL);
    assert_int_equal(groups_partial(other, &table, &err), DK_OK);
    assert_int_equal(groups_merge(groups, &table, &err), DK_EINVAL);
    assert_int_equal(groups_new(memory, false, DK_INT64, &type, 1, stray, 1, &none, &err),
                     DK_EINVAL);
    dk_table_unref(table);
    groups_free(groups);
    groups_free(other);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_do_not_depend_on_order),
        cmocka_unit_test(wide_sums_travel_whole),
        cmocka_unit_test(extremes_of_zeros_have_no_sign),
        cmocka_unit_test(variance_of_close_values_is_right),
        cmocka_unit_test(special_values_follow_pandas),
        cmocka_unit_test(integers_wrap_and_average_exactly),
        cmocka_unit_test(means_of_times_are_exact),
        cmocka_unit_test(sums_of_durations_do_not_wrap),
        cmocka_unit_test(float_keys_compare_by_value),
        cmocka_unit_test(empty_input_has_a_result),
        cmocka_unit_test(impossible_functions_are_refused),
        cmocka_unit_test(mismatched_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
