#include "support/failing.h"

#include <string.h>

/* Proves that the account follows every allocation, resize and free to the byte. */
static void test_account_is_exact(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    char *a = memory_alloc(memory, 100);
    char *b = memory_calloc(memory, 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(b[i], 0);
    memset(a, 'x', 100);
    a = memory_resize(memory, a, 100, 1000);
    assert_int_equal(a[99], 'x');
    assert_int_equal(memory_use(memory).current, 1050);
    assert_int_equal(memory_use(memory).blocks, 2);
    a = memory_resize(memory, a, 1000, 10);
    assert_int_equal(memory_use(memory).current, 60);
    assert_int_equal(memory_use(memory).peak, 1050);
    memory_free(memory, a, 10);
    memory_free(memory, b, 50);
    memory_free(memory, NULL, 7);
    assert_int_equal(memory_use(memory).current, 0);
    assert_int_equal(memory_use(memory).blocks, 0);
    memory_close(memory);
}

/* Proves that a serial is given once. */
static void test_serials_differ(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    uint64_t first = memory_serial(memory);
    assert_true(memory_serial(memory) != first);
    assert_true(first != 0);
    memory_close(memory);
}

/* Proves that a request for no bytes gives an address that can be resized and freed. */
static void test_zero_bytes(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    void *ptr = memory_alloc(memory, 0);
    assert_non_null(ptr);
    ptr = memory_resize(memory, ptr, 0, 40);
    assert_int_equal(memory_use(memory).current, 40);
    ptr = memory_resize(memory, ptr, 40, 0);
    assert_non_null(ptr);
    memory_free(memory, ptr, 0);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that requests beyond the limit fail, leave the account alone, and that smaller ones still
 * work. */
static void test_limit(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 1000);
    assert_int_equal(memory_use(memory).limit, 1000);
    char *a = memory_alloc(memory, 800);
    a[0] = 'a';
    assert_null(memory_alloc(memory, 201));
    assert_null(memory_resize(memory, a, 800, 1001));
    assert_int_equal(a[0], 'a');
    assert_int_equal(memory_use(memory).current, 800);
    assert_int_equal(memory_use(memory).peak, 800);
    void *b = memory_alloc(memory, 200);
    assert_non_null(b);
    memory_free(memory, b, 200);
    memory_free(memory, a, 800);
    memory_close(memory);
}

/* Proves that a request no machine can meet fails instead of wrapping around. */
static void test_absurd_request(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    assert_null(memory_alloc(memory, SIZE_MAX));
    assert_null(memory_resize(memory, NULL, 0, SIZE_MAX));
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a block can be read and freed after its ledger was closed. */
static void test_blocks_outlive_close(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    char *ptr = memory_alloc(memory, 10);
    memory_close(memory);
    ptr[9] = 'z';
    memory_free(memory, ptr, 10); /* the leak checker sees whether the ledger went with it */
    memory_close(NULL);
}

/* Proves that a failing allocator is reported and its bytes are not counted. */
static void test_failing_allocator(void **state)
{
    (void)state;
    struct failing failing = {.left = 0};
    dk_allocator allocator = {failing_resize, &failing};
    assert_null(memory_new(&allocator, 0));
    failing.left = 2;
    struct memory *memory = memory_new(&allocator, 0);
    char *ptr = memory_alloc(memory, 10);
    ptr[0] = 'p';
    assert_null(memory_alloc(memory, 10));
    assert_null(memory_calloc(memory, 10));
    assert_null(memory_resize(memory, ptr, 10, 20));
    assert_int_equal(ptr[0], 'p');
    assert_int_equal(memory_use(memory).current, 10);
    assert_int_equal(memory_use(memory).blocks, 1);
    memory_free(memory, ptr, 10);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_is_exact),  cmocka_unit_test(test_serials_differ),
        cmocka_unit_test(test_zero_bytes),        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_absurd_request),    cmocka_unit_test(test_blocks_outlive_close),
        cmocka_unit_test(test_failing_allocator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
