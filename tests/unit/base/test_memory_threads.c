#include "support/failing.h"

#include <pthread.h>

#define NTHREADS 4
#define NROUNDS  20000
#define NBYTES   INT64_C(64)

static void *churn(void *ptr)
{
    struct memory *memory = ptr;
    for (int i = 0; i < NROUNDS; i++) {
        void *block = memory_alloc(memory, NBYTES);
        if (block)
            memory_free(memory, block, NBYTES);
    }
    return NULL;
}

/* Proves that threads that allocate at once leave an account of zero and a peak within what they
 * can hold. */
static void test_threads_share_an_account(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    pthread_t threads[NTHREADS];
    for (int i = 0; i < NTHREADS; i++)
        pthread_create(&threads[i], NULL, churn, memory);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    dk_memory_use use = memory_use(memory);
    assert_int_equal(use.current, 0);
    assert_int_equal(use.blocks, 0);
    assert_in_range(use.peak, NBYTES, NTHREADS * NBYTES);
    memory_close(memory);
}

/* Proves that threads never pass the limit together. */
static void test_threads_keep_the_limit(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 2 * NBYTES);
    pthread_t threads[NTHREADS];
    for (int i = 0; i < NTHREADS; i++)
        pthread_create(&threads[i], NULL, churn, memory);
    for (int i = 0; i < NTHREADS; i++)
        pthread_join(threads[i], NULL);
    dk_memory_use use = memory_use(memory);
    assert_int_equal(use.current, 0);
    assert_in_range(use.peak, NBYTES, 2 * NBYTES);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_share_an_account),
        cmocka_unit_test(test_threads_keep_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
