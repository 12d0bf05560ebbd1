/* The memory ledger: the one allocator behind every buffer, with an exact byte account. */
#ifndef CDASK_MEMORY_H
#define CDASK_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <cdask/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where bytes come from. `resize` follows Lua's one-function form: ptr == NULL allocates
 * `new_nbytes`, new_nbytes == 0 frees, otherwise it resizes; it returns NULL when it cannot.
 * Results are aligned to 16. It is called from any thread. */
typedef struct dk_allocator {
    void *(*resize)(void *self, void *ptr, size_t old_nbytes, size_t new_nbytes);
    void *self;
} dk_allocator;

/* A reading of the account, in bytes. */
typedef struct dk_memory_use {
    int64_t current;
    int64_t peak;
    int64_t limit;  /* 0: none */
    int64_t blocks; /* live allocations */
} dk_memory_use;

#ifdef __cplusplus
}
#endif
#endif
