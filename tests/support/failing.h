/* An allocator whose n-th call that wants memory fails, and the loop that tries every n on a
 * ledger. For one thread and one process; failing_allocator.h counts across forks and threads. */
#ifndef SUPPORT_FAILING_H
#define SUPPORT_FAILING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"

struct failing {
    int64_t left; /* allocations that still succeed; negative: all */
    bool failed;
};

static inline void *failing_resize(void *self, void *ptr, size_t old_nbytes, size_t new_nbytes)
{
    struct failing *failing = self;
    (void)old_nbytes;
    if (!new_nbytes) {
        free(ptr);
        return NULL;
    }
    if (failing->left == 0) {
        failing->failed = true;
        return NULL;
    }
    if (failing->left > 0)
        failing->left--;
    return realloc(ptr, new_nbytes);
}

/* Runs `scenario` with its first, second, ... allocation failing until none does. It must answer a
 * failure by DK_ENOMEM or do without the memory, and give back all it took. */
static inline void fail_each_allocation(dk_status (*scenario)(struct memory *memory))
{
    for (int64_t n = 0; n < 10000; n++) {
        struct failing failing = {.left = -1};
        dk_allocator allocator = {failing_resize, &failing};
        struct memory *memory = memory_new(&allocator, 0);
        failing.left = n;
        dk_status status = scenario(memory);
        assert_true(status == DK_OK || (status == DK_ENOMEM && failing.failed));
        assert_int_equal(memory_use(memory).current, 0);
        assert_int_equal(memory_use(memory).blocks, 0);
        memory_close(memory);
        if (!failing.failed)
            return;
    }
    fail_msg("the scenario allocates without end");
}

#endif
