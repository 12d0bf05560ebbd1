#include "base/arena.h"

#include <stdbool.h>
#include <string.h>

/* Under the address sanitizer each allocation is a block of its own, so that what is written past
 * it is seen, and a test can make each one fail. */
#ifdef CDASK_SINGLE_BLOCKS
#define FIRST_BLOCK_NBYTES   ((size_t)0)
#define LARGEST_BLOCK_NBYTES ((size_t)0)
#else
#define FIRST_BLOCK_NBYTES   ((size_t)4096)
#define LARGEST_BLOCK_NBYTES ((size_t)1 << 20)
#endif

struct arena_block {
    struct arena_block *older;
    size_t nbytes; /* with this header */
};

_Static_assert(sizeof(struct arena_block) % 16 == 0, "what follows the header is aligned");

void arena_init(struct arena *arena, struct memory *memory)
{
    *arena = (struct arena){.memory = memory};
}

void arena_deinit(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->older;
        memory_free(arena->memory, block, block->nbytes);
    }
    arena->at = arena->end = NULL;
}

static bool add_block(struct arena *arena, size_t wanted)
{
    size_t nbytes = arena->blocks ? arena->blocks->nbytes * 2 : FIRST_BLOCK_NBYTES;
    if (nbytes > LARGEST_BLOCK_NBYTES)
        nbytes = LARGEST_BLOCK_NBYTES;
    if (nbytes < wanted + sizeof(struct arena_block))
        nbytes = wanted + sizeof(struct arena_block);
    struct arena_block *block = memory_alloc(arena->memory, nbytes);
    if (!block)
        return false;
    block->older = arena->blocks;
    block->nbytes = nbytes;
    arena->blocks = block;
    arena->at = (char *)(block + 1);
    arena->end = (char *)block + nbytes;
    return true;
}

void *arena_alloc(struct arena *arena, size_t nbytes)
{
    if (nbytes > PTRDIFF_MAX / 2)
        return NULL;
    size_t size = nbytes ? (nbytes + 15) & ~(size_t)15 : 16;
    if ((size_t)(arena->end - arena->at) < size && !add_block(arena, size))
        return NULL;
    void *ptr = arena->at;
    arena->at += size;
    return ptr;
}

void *arena_calloc(struct arena *arena, size_t nbytes)
{
    void *ptr = arena_alloc(arena, nbytes);
    if (ptr)
        memset(ptr, 0, nbytes);
    return ptr;
}

char *arena_text(struct arena *arena, const char *text, size_t nbytes)
{
    char *copy = arena_alloc(arena, nbytes + 1);
    if (!copy)
        return NULL;
    if (nbytes)
        memcpy(copy, text, nbytes);
    copy[nbytes] = 0;
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_text(arena, text, strlen(text)) : NULL;
}
