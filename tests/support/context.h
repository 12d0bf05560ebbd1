/* A context for tests of the layers below src/api: a ledger, a registry, and nothing else. */
#ifndef SUPPORT_CONTEXT_H
#define SUPPORT_CONTEXT_H

#include "graph/context.h"

/* NULL allocator: malloc. False when out of memory. */
static inline bool context_open(struct dk_context *dk, const dk_allocator *allocator)
{
    *dk = (struct dk_context){.num_workers = 2};
    dk->memory = memory_new(allocator, 0);
    if (!dk->memory)
        return false;
    registry_init(&dk->registry, dk->memory);
    return true;
}

/* Returns the bytes that are still on the ledger, which are none when all was given back. */
static inline int64_t context_close(struct dk_context *dk)
{
    registry_deinit(&dk->registry);
    int64_t left = memory_use(dk->memory).current;
    memory_close(dk->memory);
    return left;
}

#endif
