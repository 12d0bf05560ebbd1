/* An arena: many small allocations, one release. Blocks double in size up to 1 MiB. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/memory.h"

struct arena_block;

struct arena {
    struct memory *memory;
    struct arena_block *blocks; /* newest first */
    char *at;
    char *end;
};

void arena_init(struct arena *arena, struct memory *memory);
void arena_deinit(struct arena *arena);
/* 16-byte aligned, not cleared; NULL when out of memory only: 0 bytes have a place, too. */
void *arena_alloc(struct arena *arena, size_t nbytes) DK_NODISCARD;
void *arena_calloc(struct arena *arena, size_t nbytes) DK_NODISCARD;
/* Copy of nbytes of `text` with a terminating zero. */
char *arena_text(struct arena *arena, const char *text, size_t nbytes) DK_NODISCARD;
/* Copy of a C string; NULL stays NULL only when memory ran out. */
char *arena_strdup(struct arena *arena, const char *text) DK_NODISCARD;

#endif
