#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void *resize_by_malloc(void *self, void *ptr, size_t old_nbytes, size_t new_nbytes)
{
    (void)self;
    (void)old_nbytes;
    if (new_nbytes)
        return realloc(ptr, new_nbytes);
    free(ptr);
    return NULL;
}

struct memory *memory_new(const dk_allocator *allocator, int64_t limit)
{
    dk_allocator chosen = allocator ? *allocator : (dk_allocator){resize_by_malloc, NULL};
    struct memory *memory = chosen.resize(chosen.self, NULL, 0, sizeof(*memory));
    if (!memory)
        return NULL;
    memory->allocator = chosen;
    atomic_init(&memory->current, 0);
    atomic_init(&memory->peak, 0);
    atomic_init(&memory->holders, 1);
    atomic_init(&memory->serials, 0);
    memory->limit = limit;
    return memory;
}

static void release(struct memory *memory)
{
    if (atomic_fetch_sub_explicit(&memory->holders, 1, memory_order_acq_rel) > 1)
        return;
    dk_allocator allocator = memory->allocator;
    allocator.resize(allocator.self, memory, sizeof(*memory), 0);
}

void memory_close(struct memory *memory)
{
    if (memory)
        release(memory);
}

dk_memory_use memory_use(const struct memory *memory)
{
    dk_memory_use use = {
        .current = atomic_load_explicit(&memory->current, memory_order_relaxed),
        .peak = atomic_load_explicit(&memory->peak, memory_order_relaxed),
        .limit = memory->limit,
        .blocks = atomic_load_explicit(&memory->holders, memory_order_relaxed) - 1,
    };
    return use;
}

uint64_t memory_serial(struct memory *memory)
{
    return atomic_fetch_add_explicit(&memory->serials, 1, memory_order_relaxed) + 1;
}

/* Books `change` bytes; false when that would pass the limit. */
static bool book(struct memory *memory, int64_t change)
{
    long long before = atomic_fetch_add_explicit(&memory->current, change, memory_order_relaxed);
    long long now = before + change;
    if (change > 0 && memory->limit > 0 && now > memory->limit) {
        atomic_fetch_sub_explicit(&memory->current, change, memory_order_relaxed);
        return false;
    }
    long long peak = atomic_load_explicit(&memory->peak, memory_order_relaxed);
    while (now > peak &&
           !atomic_compare_exchange_weak_explicit(&memory->peak, &peak, now, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    return true;
}

/* A block of no bytes still needs an address of its own. */
static size_t at_least_one(size_t nbytes)
{
    return nbytes ? nbytes : 1;
}

void *memory_alloc(struct memory *memory, size_t nbytes)
{
    size_t size = at_least_one(nbytes);
    if (size > PTRDIFF_MAX || !book(memory, (int64_t)size))
        return NULL;
    void *ptr = memory->allocator.resize(memory->allocator.self, NULL, 0, size);
    if (!ptr) {
        book(memory, -(int64_t)size);
        return NULL;
    }
    atomic_fetch_add_explicit(&memory->holders, 1, memory_order_relaxed);
    return ptr;
}

void *memory_calloc(struct memory *memory, size_t nbytes)
{
    void *ptr = memory_alloc(memory, nbytes);
    if (ptr)
        memset(ptr, 0, at_least_one(nbytes));
    return ptr;
}

void *memory_resize(struct memory *memory, void *ptr, size_t old_nbytes, size_t new_nbytes)
{
    if (!ptr)
        return memory_alloc(memory, new_nbytes);
    size_t old_size = at_least_one(old_nbytes);
    size_t new_size = at_least_one(new_nbytes);
    if (new_size > PTRDIFF_MAX)
        return NULL;
    int64_t change = (int64_t)new_size - (int64_t)old_size;
    if (!book(memory, change))
        return NULL;
    void *moved = memory->allocator.resize(memory->allocator.self, ptr, old_size, new_size);
    if (!moved)
        book(memory, -change);
    return moved;
}

void memory_free(struct memory *memory, void *ptr, size_t nbytes)
{
    if (!ptr)
        return;
    size_t size = at_least_one(nbytes);
    memory->allocator.resize(memory->allocator.self, ptr, size, 0);
    book(memory, -(int64_t)size);
    release(memory);
}
