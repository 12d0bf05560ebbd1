#include "support/failing.h"

#include "base/vector.h"

/* Proves that pushed elements are cleared, kept over growth and counted, and that appends are
 * copied. */
static void test_push_and_append(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vector vector;
    vector_init(&vector, memory, sizeof(int));
    for (int i = 0; i < 1000; i++) {
        int *element = vector_push(&vector);
        assert_int_equal(*element, 0);
        *element = i;
    }
    const int more[] = {7, 8, 9};
    assert_int_equal(vector_append(&vector, more, 3), DK_OK);
    assert_int_equal(vector_append(&vector, NULL, 0), DK_OK);
    assert_int_equal(vector.count, 1003);
    const int *elements = vector.data;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(elements[i], i);
    assert_int_equal(elements[1002], 9);
    vector_deinit(&vector);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a reserved vector does not move, and that an absurd size is refused. */
static void test_reserve(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vector vector;
    vector_init(&vector, memory, 16);
    assert_int_equal(vector_reserve(&vector, 100), DK_OK);
    const void *data = vector.data;
    for (int i = 0; i < 100; i++)
        assert_non_null(vector_push(&vector));
    assert_ptr_equal(vector.data, data);
    assert_int_equal(vector_reserve(&vector, SIZE_MAX / 16), DK_ENOMEM);
    assert_int_equal(vector.count, 100);
    vector_deinit(&vector);
    memory_close(memory);
}

static dk_status grow(struct memory *memory)
{
    struct vector vector;
    vector_init(&vector, memory, 24);
    dk_status status = DK_OK;
    for (size_t i = 0; i < 100 && status == DK_OK; i++) {
        if (vector_push(&vector))
            continue;
        assert_int_equal(vector.count, i);
        status = DK_ENOMEM;
    }
    vector_deinit(&vector);
    return status;
}

/* Proves that a failed growth keeps the elements and leaks nothing. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(grow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_push_and_append),
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
