#include "support/failing.h"

#include <string.h>

#include "base/arena.h"

/* Proves that blocks are aligned, do not overlap, and go with the arena, small and large ones. */
static void test_many_sizes(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct arena arena;
    arena_init(&arena, memory);
    unsigned char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&arena, i * 117);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        if (i)
            memset(blocks[i], (int)i, i * 117);
    }
    for (size_t i = 1; i < 200; i++) {
        assert_int_equal(blocks[i][0], i);
        assert_int_equal(blocks[i][i * 117 - 1], i);
    }
    assert_non_null(arena_alloc(&arena, (size_t)5 << 20));
#ifndef CDASK_SINGLE_BLOCKS
    assert_true(memory_use(memory).blocks < 20);
#endif
    arena_deinit(&arena);
    assert_int_equal(memory_use(memory).current, 0);
    assert_non_null(arena_alloc(&arena, 1)); /* usable again */
    arena_deinit(&arena);
    memory_close(memory);
}

/* Proves that texts are copied and terminated and that calloc clears a recycled-looking block. */
static void test_texts(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct arena arena;
    arena_init(&arena, memory);
    assert_string_equal(arena_text(&arena, "hello world", 5), "hello");
    assert_string_equal(arena_text(&arena, NULL, 0), "");
    assert_string_equal(arena_strdup(&arena, "x"), "x");
    assert_null(arena_strdup(&arena, NULL));
    char *zeros = arena_calloc(&arena, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(zeros[i], 0);
    assert_null(arena_alloc(&arena, SIZE_MAX));
    arena_deinit(&arena);
    memory_close(memory);
}

static dk_status fill(struct memory *memory)
{
    struct arena arena;
    arena_init(&arena, memory);
    bool full = true;
    for (size_t i = 0; i < 20 && full; i++) {
        full = arena_alloc(&arena, 1000) && arena_calloc(&arena, 500) && arena_strdup(&arena, "k");
    }
    arena_deinit(&arena);
    return full ? DK_OK : DK_ENOMEM;
}

/* Proves that running out of memory gives NULL and leaks nothing. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(fill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_sizes),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
