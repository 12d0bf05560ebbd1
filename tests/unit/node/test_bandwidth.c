/* What a worker knows of the bandwidth of its peers. */
#include "support/failing.h"

#include <string.h>

#include "node/worker/bandwidth.h"

#define SECOND ((uint64_t)1000000000)

static struct wire_bytes text(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

static void check(const struct wire_value *pair, double sum, int64_t count)
{
    double number;
    assert_non_null(pair);
    assert_int_equal(pair->count, 2);
    assert_true(wire_read_float(&pair->as.items[0], &number));
    assert_float_equal(number, sum, 1e-6);
    assert_true(wire_read_float(&pair->as.items[1], &number));
    assert_float_equal(number, (double)count, 0);
}

/* Proves that transfers count by the twentieth, that peers are told until they are known, and that
 * small ones are not counted. */
static void test_learn(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct bandwidth bandwidth;
    struct arena arena;
    arena_init(&arena, memory);
    struct wire_builder builder = {&arena, false};
    bandwidth_init(&bandwidth, memory);
    bandwidth_learn(&bandwidth, text("tcp://a:1"), 1000000, 1);
    assert_float_equal(bandwidth.total, 1e8, 1e-6);
    bandwidth_learn(&bandwidth, text("tcp://a:1"), 200000000, SECOND);
    bandwidth_learn(&bandwidth, text("tcp://b:1"), 105000000, SECOND);
    bandwidth_learn(&bandwidth, text("tcp://a:1"), 2000000, 0);
    double expected = 0.95 * (0.95 * (0.95e8 + 0.05 * 2e8) + 0.05 * 1.05e8) + 0.05 * 2e9;
    assert_float_equal(bandwidth.total, expected, 1e-3);
    struct wire_value told = bandwidth_describe(&bandwidth, &builder);
    const struct wire_value *workers = wire_find(&told, "workers");
    check(wire_find(workers, "tcp://a:1"), 2.2e9, 2);
    check(wire_find(workers, "tcp://b:1"), 1.05e8, 1);
    bandwidth_begin_anew(&bandwidth);
    told = bandwidth_describe(&bandwidth, &builder);
    assert_int_equal(wire_find(&told, "workers")->count, 0);
    double total;
    assert_true(wire_read_float(wire_find(&told, "total"), &total));
    assert_float_equal(total, expected, 1e-3);
    assert_false(builder.failed);
    bandwidth_deinit(&bandwidth);
    arena_deinit(&arena);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_learn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
