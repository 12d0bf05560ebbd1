#include "node/held.h"

struct held *held_new(struct memory *memory, struct message *message)
{
    struct held *held = memory_alloc(memory, sizeof(*held));
    if (!held) {
        message_deinit(message);
        return NULL;
    }
    atomic_init(&held->references, 1);
    held->memory = memory;
    held->message = *message;
    return held;
}

void held_unref(struct held *held)
{
    if (!held || atomic_fetch_sub_explicit(&held->references, 1, memory_order_acq_rel) > 1)
        return;
    message_deinit(&held->message);
    memory_free(held->memory, held, sizeof(*held));
}

static void ref(void *self)
{
    struct held *held = self;
    atomic_fetch_add_explicit(&held->references, 1, memory_order_relaxed);
}

static void unref(void *self)
{
    held_unref(self);
}

struct payload_owner held_owner(struct held *held)
{
    return (struct payload_owner){held, ref, unref};
}
