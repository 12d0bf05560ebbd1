#include "local/deque.h"

#define FIRST_CAPACITY 64

/* A thief may still read an outgrown ring, so rings are kept until the deque goes. */
struct ring {
    struct ring *outgrown;
    int64_t capacity; /* a power of two */
    _Atomic uint32_t at[];
};

static size_t ring_nbytes(int64_t capacity)
{
    return sizeof(struct ring) + (size_t)capacity * sizeof(uint32_t);
}

static struct ring *ring_new(struct memory *memory, int64_t capacity)
{
    struct ring *ring = memory_alloc(memory, ring_nbytes(capacity));
    if (!ring)
        return NULL;
    ring->outgrown = NULL;
    ring->capacity = capacity;
    return ring;
}

static void ring_put(struct ring *ring, int64_t i, uint32_t id)
{
    atomic_store_explicit(&ring->at[i & (ring->capacity - 1)], id, memory_order_relaxed);
}

static uint32_t ring_get(struct ring *ring, int64_t i)
{
    return atomic_load_explicit(&ring->at[i & (ring->capacity - 1)], memory_order_relaxed);
}

dk_status deque_init(struct deque *deque, struct memory *memory)
{
    deque->memory = memory;
    atomic_init(&deque->top, 0);
    atomic_init(&deque->bottom, 0);
    struct ring *ring = ring_new(memory, FIRST_CAPACITY);
    atomic_init(&deque->ring, ring);
    return ring ? DK_OK : DK_ENOMEM;
}

void deque_deinit(struct deque *deque)
{
    struct ring *ring = atomic_load_explicit(&deque->ring, memory_order_relaxed);
    while (ring) {
        struct ring *outgrown = ring->outgrown;
        memory_free(deque->memory, ring, ring_nbytes(ring->capacity));
        ring = outgrown;
    }
}

static struct ring *grow(struct deque *deque, struct ring *ring, int64_t top, int64_t bottom)
{
    struct ring *wider = ring_new(deque->memory, ring->capacity * 2);
    if (!wider)
        return NULL;
    for (int64_t i = top; i < bottom; i++)
        ring_put(wider, i, ring_get(ring, i));
    wider->outgrown = ring;
    atomic_store_explicit(&deque->ring, wider, memory_order_release);
    return wider;
}

dk_status deque_push(struct deque *deque, uint32_t id)
{
    int64_t bottom = atomic_load_explicit(&deque->bottom, memory_order_relaxed);
    int64_t top = atomic_load_explicit(&deque->top, memory_order_acquire);
    struct ring *ring = atomic_load_explicit(&deque->ring, memory_order_relaxed);
    if (bottom - top >= ring->capacity)
        ring = grow(deque, ring, top, bottom);
    if (!ring)
        return DK_ENOMEM;
    ring_put(ring, bottom, id);
    atomic_store_explicit(&deque->bottom, bottom + 1, memory_order_release);
    return DK_OK;
}

bool deque_pop(struct deque *deque, uint32_t *id)
{
    int64_t bottom = atomic_load_explicit(&deque->bottom, memory_order_relaxed) - 1;
    struct ring *ring = atomic_load_explicit(&deque->ring, memory_order_relaxed);
    atomic_store_explicit(&deque->bottom, bottom, memory_order_seq_cst);
    long long top = atomic_load_explicit(&deque->top, memory_order_seq_cst);
    if (top > bottom) {
        atomic_store_explicit(&deque->bottom, bottom + 1, memory_order_relaxed);
        return false;
    }
    *id = ring_get(ring, bottom);
    if (top < bottom)
        return true;
    /* The last one: a thief may be after it too. */
    bool won = atomic_compare_exchange_strong_explicit(&deque->top, &top, top + 1,
                                                       memory_order_seq_cst, memory_order_relaxed);
    atomic_store_explicit(&deque->bottom, bottom + 1, memory_order_relaxed);
    return won;
}

bool deque_steal(struct deque *deque, uint32_t *id)
{
    long long top = atomic_load_explicit(&deque->top, memory_order_seq_cst);
    int64_t bottom = atomic_load_explicit(&deque->bottom, memory_order_seq_cst);
    if (top >= bottom)
        return false;
    struct ring *ring = atomic_load_explicit(&deque->ring, memory_order_acquire);
    *id = ring_get(ring, top);
    return atomic_compare_exchange_strong_explicit(&deque->top, &top, top + 1, memory_order_seq_cst,
                                                   memory_order_relaxed);
}

bool deque_is_empty(const struct deque *deque)
{
    int64_t top = atomic_load_explicit(&deque->top, memory_order_seq_cst);
    return top >= atomic_load_explicit(&deque->bottom, memory_order_seq_cst);
}
