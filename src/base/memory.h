/* The ledger every allocation of the library goes through. Frees are sized, so the account is exact
 * without a header on any block. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>

#include <cdask/memory.h>

struct memory {
    dk_allocator allocator;
    atomic_llong current;
    atomic_llong peak;
    atomic_llong holders; /* live blocks, and one for the owner until memory_close() */
    atomic_ullong serials;
    int64_t limit; /* allocations beyond it fail; 0: none */
};

/* A ledger on `allocator` (copied; NULL: malloc), which also gives the ledger's own bytes. NULL
 * when out of memory. */
struct memory *memory_new(const dk_allocator *allocator, int64_t limit) DK_NODISCARD;
/* Gives the ledger up; it goes when its last block does, so blocks may outlive their owner. */
void memory_close(struct memory *memory);
dk_memory_use memory_use(const struct memory *memory);

/* A number that the ledger has not given before, for what must not be taken for another thing that
 * once had its address. */
uint64_t memory_serial(struct memory *memory);

/* NULL when out of memory or over the limit; a request for 0 bytes gives a non-NULL block of 1. */
void *memory_alloc(struct memory *memory, size_t nbytes) DK_NODISCARD;
void *memory_calloc(struct memory *memory, size_t nbytes) DK_NODISCARD;
/* On failure the old block stays valid. */
void *memory_resize(struct memory *memory, void *ptr, size_t old_nbytes,
                    size_t new_nbytes) DK_NODISCARD;
/* `nbytes` as it was asked for; NULL is ignored. */
void memory_free(struct memory *memory, void *ptr, size_t nbytes);

#endif
