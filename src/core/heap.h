/* A binary heap of pointers to things that know their place in it, so that any of them can be
 * removed or moved when its rank has changed. */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include "base/vector.h"

#define HEAP_NOWHERE UINT32_MAX

struct heap {
    struct vector items; /* of void * */
    bool (*before)(const void *a, const void *b);
    uint32_t *(*place)(void *item); /* where the item keeps its index; HEAP_NOWHERE outside */
};

void heap_init(struct heap *heap, struct memory *memory,
               bool (*before)(const void *a, const void *b), uint32_t *(*place)(void *item));
/* Forgets the items, which keep their places. */
void heap_deinit(struct heap *heap);

/* Adds an item that is not in it.   Errors: DK_ENOMEM. */
dk_status heap_push(struct heap *heap, void *item) DK_NODISCARD;
/* Takes an item out that is in it. */
void heap_remove(struct heap *heap, void *item);
/* Puts an item right whose rank has changed. */
void heap_update(struct heap *heap, void *item);

/* The first item, NULL when empty. */
static inline void *heap_first(const struct heap *heap)
{
    return heap->items.count ? *(void **)heap->items.data : NULL;
}

static inline size_t heap_count(const struct heap *heap)
{
    return heap->items.count;
}

#endif
