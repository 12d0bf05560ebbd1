#include "support/failing.h"

#include "base/time.h"

/* Proves that the clock never runs backwards and moves on at all. */
static void test_monotonic(void **state)
{
    (void)state;
    int64_t first = time_now_ns();
    int64_t last = first;
    while (last == first) {
        int64_t now = time_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_monotonic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
