#include "column/kernels/exact_sum.h"
#include "kernels_support.h"

#define VALUES_MAX 10

/* Sums whose nearest double Python's math.fsum found. */
static const struct {
    double values[VALUES_MAX];
    int n;
    double sum;
} cases[] = {
#include "exact_sum_cases.inc.h"
};

static void check_same(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static double sum_of(struct memory *memory, const double *values, int64_t n)
{
    struct exact_sum sum;
    exact_sum_init(&sum);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(exact_sum_add(&sum, values[i], memory), DK_OK);
    double result = exact_sum_round(&sum);
    exact_sum_deinit(&sum, memory);
    return result;
}

/* Proves that sums are rounded correctly where cancellation, carries, ties and subnormals make it
 * hard. */
static void agrees_with_fsum(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_same(sum_of(memory, cases[i].values, cases[i].n), cases[i].sum);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

static void shuffle(double *values, int64_t n, uint64_t *seed)
{
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t other = random_below(seed, i + 1);
        double value = values[i];
        values[i] = values[other];
        values[other] = value;
    }
}

/* Numbers of one size, of many, or with an exponent from the whole range. */
static void draw(double *values, int64_t n, int64_t spread, uint64_t *seed)
{
    for (int64_t i = 0; i < n; i++) {
        double fraction = (double)(random_u64(seed) >> 11) * 0x1p-53 - 0.5;
        values[i] = ldexp(fraction, (int)(random_below(seed, 2 * spread + 1) - spread));
    }
}

static void add_slice(struct exact_sum *sum, const double *values, int64_t n, bool one_by_one,
                      struct memory *memory)
{
    int64_t added;
    if (!one_by_one) {
        assert_int_equal(exact_sum_add_many(sum, values, n, false, &added, memory), DK_OK);
        assert_int_equal(added, n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(exact_sum_add(sum, values[i], memory), DK_OK);
}

/* Adds slices to sums of their own and these to `total`, by merging or by way of their parts. */
static void add_in_pieces(struct exact_sum *total, const double *values, int64_t n, uint64_t *seed,
                          struct memory *memory)
{
    double parts[EXACT_SUM_MAX_PARTS];
    for (int64_t start = 0, length; start < n; start += length) {
        struct exact_sum piece;
        length = 1 + random_below(seed, n - start);
        exact_sum_init(&piece);
        add_slice(&piece, values + start, length, random_below(seed, 2), memory);
        if (random_below(seed, 2)) {
            assert_int_equal(exact_sum_merge(total, &piece, memory), DK_OK);
        } else {
            int nparts = exact_sum_parts(&piece, parts);
            assert_in_range(nparts, 1, EXACT_SUM_MAX_PARTS);
            shuffle(parts, nparts, seed);
            add_slice(total, parts, nparts, true, memory);
        }
        exact_sum_deinit(&piece, memory);
    }
}

/* Proves that order, cuts, batches, merges and transport as parts never change a bit of the result.
 */
static void does_not_depend_on_order(void **state)
{
    (void)state;
    static const int64_t spreads[] = {0, 4, 30, 60, 200, 1020};
    struct memory *memory = memory_new(NULL, 0);
    uint64_t seed = 1;
    double values[1500];
    for (int round = 0; round < 300; round++) {
        int64_t n = 1 + random_below(&seed, round % 3 ? 40 : 1500);
        draw(values, n, spreads[round % 6], &seed);
        double expected = sum_of(memory, values, n);
        for (int again = 0; again < 4; again++) {
            struct exact_sum sum;
            exact_sum_init(&sum);
            shuffle(values, n, &seed);
            add_in_pieces(&sum, values, n, &seed, memory);
            check_same(exact_sum_round(&sum), expected);
            exact_sum_deinit(&sum, memory);
        }
    }
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves that batches skip NaNs and count what they added, wherever the NaNs and the ends of
 * vectors fall. */
static void batches_skip_nan(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    uint64_t seed = 2;
    double values[700];
    for (int round = 0; round < 400; round++) {
        int64_t n = random_below(&seed, 700), added, expected = 0;
        struct exact_sum sum, reference;
        exact_sum_init(&sum);
        exact_sum_init(&reference);
        draw(values, n, round % 50, &seed);
        for (int64_t i = 0; i < n; i++) {
            if (random_below(&seed, 5) == 0)
                values[i] = NAN;
            if (isnan(values[i]))
                continue;
            expected++;
            assert_int_equal(exact_sum_add(&reference, values[i], memory), DK_OK);
        }
        assert_int_equal(exact_sum_add_many(&sum, values, n, true, &added, memory), DK_OK);
        assert_int_equal(added, expected);
        check_same(exact_sum_round(&sum), exact_sum_round(&reference));
        exact_sum_deinit(&sum, memory);
        exact_sum_deinit(&reference, memory);
    }
    memory_close(memory);
}

/* Proves that a batch notices what its two cuts do not hold, even when nothing else is left of the
 * sum. */
static void batches_lose_nothing(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (int exponent = -1000; exponent < -40; exponent += 31) {
        double values[100] = {1, 2, 3};
        struct exact_sum sum;
        int64_t added;
        values[40] = ldexp(1, exponent);
        values[50] = -2;
        values[98] = -4;
        exact_sum_init(&sum);
        assert_int_equal(exact_sum_add_many(&sum, values, 100, true, &added, memory), DK_OK);
        check_same(exact_sum_round(&sum), values[40]);
        exact_sum_deinit(&sum, memory);
    }
    memory_close(memory);
}

/* Proves that infinities and NaN behave as in ordinary addition, also inside batches. */
static void keeps_special_values(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    double values[100] = {1, 2, 3}, both[] = {INFINITY, 1, -INFINITY}, parts[EXACT_SUM_MAX_PARTS];
    struct exact_sum sum;
    int64_t added;
    values[60] = -INFINITY;
    exact_sum_init(&sum);
    assert_int_equal(exact_sum_add_many(&sum, values, 100, false, &added, memory), DK_OK);
    check_same(exact_sum_round(&sum), -INFINITY);
    assert_int_equal(exact_sum_parts(&sum, parts), 1);
    check_same(parts[0], -INFINITY);
    exact_sum_deinit(&sum, memory);
    assert_true(isnan(sum_of(memory, both, 3)));
    values[60] = NAN;
    assert_int_equal(exact_sum_add_many(&sum, values, 100, false, &added, memory), DK_OK);
    assert_true(isnan(exact_sum_round(&sum)));
    assert_true(isnan(exact_sum_round_float(&sum)));
    exact_sum_deinit(&sum, memory);
    memory_close(memory);
}

/* Proves that a sum may leave the range of doubles and come back, and is infinite while outside. */
static void leaves_the_range_and_returns(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    double big = 0x1.fffffffffffffp1023, parts[EXACT_SUM_MAX_PARTS];
    struct exact_sum sum, other;
    exact_sum_init(&sum);
    exact_sum_init(&other);
    for (int i = 0; i < 5; i++)
        assert_int_equal(exact_sum_add(&sum, big, memory), DK_OK);
    assert_int_equal(exact_sum_add(&sum, 0x1p-1074, memory), DK_OK);
    check_same(exact_sum_round(&sum), INFINITY);
    int nparts = exact_sum_parts(&sum, parts);
    add_slice(&other, parts, nparts, true, memory);
    for (int i = 0; i < 5; i++)
        assert_int_equal(exact_sum_add(&other, -big, memory), DK_OK);
    check_same(exact_sum_round(&other), 0x1p-1074);
    exact_sum_deinit(&sum, memory);
    exact_sum_deinit(&other, memory);
    memory_close(memory);
}

/* Proves that a float is rounded once: by way of the double these would go to the even neighbour.
 */
static void rounds_to_float_once(void **state)
{
    (void)state;
    static const struct {
        double values[3];
        float nearest;
    } ties[] = {
        {{1, 0x1p-24, 0x1p-90}, 0x1.000002p0f},
        {{1, 0x1p-24, -0x1p-90}, 1.0f},
        {{1, 0x1p-24, 0}, 1.0f},
        {{-1, -0x1p-24, -0x1p-90}, -0x1.000002p0f},
        {{0x1.000002p0, 0x1p-24, -0x1p-90}, 0x1.000002p0f},
        {{0x1.000002p0, 0x1p-24, 0}, 0x1.000004p0f},
    };
    struct memory *memory = memory_new(NULL, 0);
    for (size_t i = 0; i < sizeof ties / sizeof *ties; i++) {
        struct exact_sum sum;
        exact_sum_init(&sum);
        add_slice(&sum, ties[i].values, 3, true, memory);
        assert_true(exact_sum_round_float(&sum) == ties[i].nearest);
        exact_sum_deinit(&sum, memory);
    }
    memory_close(memory);
}

/* Proves that integers and products enter without rounding. */
static void adds_integers_and_products(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct exact_sum sum;
    exact_sum_init(&sum);
    assert_int_equal(exact_sum_add_int(&sum, INT64_MAX, memory), DK_OK);
    assert_int_equal(exact_sum_add_int(&sum, INT64_MIN, memory), DK_OK);
    check_same(exact_sum_round(&sum), -1);
    assert_int_equal(exact_sum_add_product(&sum, 0x1.0000001p0, 0x1.0000001p0, memory), DK_OK);
    assert_int_equal(exact_sum_add(&sum, -0x1.0000002p0, memory), DK_OK);
    assert_int_equal(exact_sum_add_int(&sum, 1, memory), DK_OK);
    check_same(exact_sum_round(&sum), 0x1p-56);
    assert_int_equal(exact_sum_add_product(&sum, 1e200, -1e200, memory), DK_OK);
    check_same(exact_sum_round(&sum), -INFINITY);
    exact_sum_deinit(&sum, memory);
    memory_close(memory);
}

static dk_status add_wide(struct memory *memory, void *context)
{
    static const double values[] = {1, 0x1p-300, 0x1p300, -1, 0x1p900};
    struct exact_sum sum, other;
    dk_status status = DK_OK;
    (void)context;
    exact_sum_init(&sum);
    exact_sum_init(&other);
    for (int i = 0; status == DK_OK && i < 5; i++)
        status = exact_sum_add(&sum, values[i], memory);
    if (status == DK_OK)
        status = exact_sum_merge(&other, &sum, memory);
    if (status == DK_OK)
        check_same(exact_sum_round(&other), 0x1p900);
    exact_sum_deinit(&sum, memory);
    exact_sum_deinit(&other, memory);
    return status;
}

/* Proves that running out of memory is reported and leaks nothing. */
static void survives_failed_allocations(void **state)
{
    (void)state;
    fail_every_allocation(add_wide, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_fsum),
        cmocka_unit_test(does_not_depend_on_order),
        cmocka_unit_test(batches_skip_nan),
        cmocka_unit_test(batches_lose_nothing),
        cmocka_unit_test(keeps_special_values),
        cmocka_unit_test(leaves_the_range_and_returns),
        cmocka_unit_test(rounds_to_float_once),
        cmocka_unit_test(adds_integers_and_products),
        cmocka_unit_test(survives_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
