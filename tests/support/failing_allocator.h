/* An allocator whose n-th call that wants memory fails, and the loop that tries every n. The count
 * is in shared memory, so calls in forked processes count as well. */
#ifndef SUPPORT_FAILING_ALLOCATOR_H
#define SUPPORT_FAILING_ALLOCATOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "support/context.h"

struct failing_allocator {
    atomic_llong left; /* calls until the one that fails; 0: it has failed */
};

static inline void *failing_allocator_resize(void *self, void *ptr, size_t old_nbytes,
                                             size_t new_nbytes)
{
    struct failing_allocator *failing = self;
    (void)old_nbytes;
    if (!new_nbytes) {
        free(ptr);
        return NULL;
    }
    long long left = atomic_load(&failing->left);
    while (left > 0 && !atomic_compare_exchange_weak(&failing->left, &left, left - 1)) {
    }
    return left == 1 ? NULL : realloc(ptr, new_nbytes);
}

/* Runs `scenario` in a context of its own with the first, the second, ... allocation failing until
 * none does. It must answer a failure by DK_ENOMEM or do without the memory, and give back all it
 * took. */
static inline void fail_each_allocation_of(dk_status (*scenario)(struct dk_context *dk))
{
    struct failing_allocator *failing =
        mmap(NULL, sizeof(*failing), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(failing, MAP_FAILED);
    dk_allocator allocator = {failing_allocator_resize, failing};
    bool has_failed = true;
    for (long long n = 1; has_failed && n < 10000; n++) {
        struct dk_context dk;
        atomic_store(&failing->left, 0);
        assert_true(context_open(&dk, &allocator));
        atomic_store(&failing->left, n);
        dk_status status = scenario(&dk);
        has_failed = atomic_load(&failing->left) == 0;
        assert_true(status == DK_OK || (status == DK_ENOMEM && has_failed));
        assert_int_equal(context_close(&dk), 0);
    }
    assert_false(has_failed);
    munmap(failing, sizeof(*failing));
}

#endif
