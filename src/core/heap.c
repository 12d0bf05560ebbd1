#include "core/heap.h"

#include "base/error.h"

static void **items_of(const struct heap *heap)
{
    return heap->items.data;
}

static void put(struct heap *heap, size_t at, void *item)
{
    items_of(heap)[at] = item;
    *heap->place(item) = (uint32_t)at;
}

static size_t sift_up(struct heap *heap, size_t at, void *item)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!heap->before(item, items_of(heap)[parent]))
            break;
        put(heap, at, items_of(heap)[parent]);
        at = parent;
    }
    return at;
}

static size_t sift_down(struct heap *heap, size_t at, void *item)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->items.count)
            return at;
        if (child + 1 < heap->items.count &&
            heap->before(items_of(heap)[child + 1], items_of(heap)[child]))
            child++;
        if (!heap->before(items_of(heap)[child], item))
            return at;
        put(heap, at, items_of(heap)[child]);
        at = child;
    }
}

void heap_init(struct heap *heap, struct memory *memory,
               bool (*before)(const void *a, const void *b), uint32_t *(*place)(void *item))
{
    *heap = (struct heap){.before = before, .place = place};
    vector_init(&heap->items, memory, sizeof(void *));
}

void heap_deinit(struct heap *heap)
{
    vector_deinit(&heap->items);
}

dk_status heap_push(struct heap *heap, void *item)
{
    DK_TRY(vector_append(&heap->items, &item, 1));
    put(heap, sift_up(heap, heap->items.count - 1, item), item);
    return DK_OK;
}

void heap_update(struct heap *heap, void *item)
{
    size_t at = sift_up(heap, *heap->place(item), item);
    put(heap, sift_down(heap, at, item), item);
}

void heap_remove(struct heap *heap, void *item)
{
    size_t at = *heap->place(item);
    void *last = items_of(heap)[--heap->items.count];
    *heap->place(item) = HEAP_NOWHERE;
    if (last == item)
        return;
    put(heap, at, last);
    heap_update(heap, last);
}
