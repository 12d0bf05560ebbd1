#include "support/failing_allocator.h"

#include <pthread.h>
#include <string.h>

#include "base/error.h"
#include "local/deque.h"

/* Proves that the owner gets the newest and thieves the oldest, across growth of the ring. */
static void test_ends(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct deque deque;
    uint32_t id = 0;
    assert_int_equal(deque_init(&deque, memory), DK_OK);
    assert_true(deque_is_empty(&deque));
    assert_false(deque_pop(&deque, &id));
    assert_false(deque_steal(&deque, &id));
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(deque_push(&deque, i), DK_OK);
    assert_false(deque_is_empty(&deque));
    for (uint32_t i = 0; i < 500; i++) {
        assert_true(deque_steal(&deque, &id));
        assert_int_equal(id, i);
        assert_true(deque_pop(&deque, &id));
        assert_int_equal(id, 999 - i);
    }
    assert_false(deque_pop(&deque, &id));
    assert_true(deque_is_empty(&deque));
    deque_deinit(&deque);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

#define NTHIEVES 3
#define NIDS     60000

struct heist {
    struct deque deque;
    atomic_bool is_over;
    atomic_uchar taken[NIDS];
    atomic_int nfaults; /* taken twice */
};

static void take(struct heist *heist, uint32_t id)
{
    if (atomic_fetch_add(&heist->taken[id], 1) != 0)
        atomic_fetch_add(&heist->nfaults, 1);
}

static void *steal_all(void *arg)
{
    struct heist *heist = arg;
    uint32_t id = 0;
    for (;;) {
        /* Whoever sees the end first looks once more: the last push came before it. */
        bool is_over = atomic_load(&heist->is_over);
        while (deque_steal(&heist->deque, &id))
            take(heist, id);
        if (is_over && deque_is_empty(&heist->deque))
            return NULL;
    }
}

/* Proves that with an owner that pushes and pops and thieves at work every id is taken once. */
static void test_thieves(void **state)
{
    (void)state;
    static struct heist heist;
    struct memory *memory = memory_new(NULL, 0);
    pthread_t thieves[NTHIEVES];
    uint32_t id = 0;
    assert_int_equal(deque_init(&heist.deque, memory), DK_OK);
    for (int i = 0; i < NTHIEVES; i++) {
        assert_int_equal(pthread_create(&thieves[i], NULL, steal_all, &heist), 0);
    }
    for (uint32_t i = 0; i < NIDS; i++) {
        assert_int_equal(deque_push(&heist.deque, i), DK_OK);
        if (i % 3 == 0 && deque_pop(&heist.deque, &id))
            take(&heist, id);
    }
    while (deque_pop(&heist.deque, &id))
        take(&heist, id);
    atomic_store(&heist.is_over, true);
    for (int i = 0; i < NTHIEVES; i++)
        pthread_join(thieves[i], NULL);
    assert_int_equal(atomic_load(&heist.nfaults), 0);
    for (size_t i = 0; i < NIDS; i++)
        assert_int_equal(atomic_load(&heist.taken[i]), 1);
    deque_deinit(&heist.deque);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status push_many(struct dk_context *dk)
{
    struct deque deque;
    dk_status status = deque_init(&deque, dk->memory);
    for (uint32_t i = 0; i < 300 && status == DK_OK; i++)
        status = deque_push(&deque, i);
    deque_deinit(&deque);
    return status;
}

/* Proves that running out of memory is reported, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(push_many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_thieves),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
