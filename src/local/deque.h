/* A work-stealing deque of task ids: its owner pushes and pops at one end, any thread steals at the
 * other. Source: Chase and Lev 2005, with the memory orders of Le, Pop, Cohen and Zappa Nardelli
 * 2013. */
#ifndef LOCAL_DEQUE_H
#define LOCAL_DEQUE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/memory.h"

struct ring;

struct deque {
    struct memory *memory;
    _Alignas(64) atomic_llong top; /* next to be stolen */
    _Alignas(64) atomic_llong bottom;
    _Atomic(struct ring *) ring;
};

dk_status deque_init(struct deque *deque, struct memory *memory) DK_NODISCARD;
void deque_deinit(struct deque *deque);
/* Owner only. */
dk_status deque_push(struct deque *deque, uint32_t id) DK_NODISCARD;
/* Owner only: the newest; false when empty. */
bool deque_pop(struct deque *deque, uint32_t *id);
/* Any thread: the oldest; false when empty or when another thread was faster. */
bool deque_steal(struct deque *deque, uint32_t *id);
bool deque_is_empty(const struct deque *deque);

#endif
