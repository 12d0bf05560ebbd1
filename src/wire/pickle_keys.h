/* Keys of Dask's in the tree of a pickle, and sets of them. */
#ifndef WIRE_PICKLE_KEYS_H
#define WIRE_PICKLE_KEYS_H

#include "wire/pickle_tree.h"

/* The key that a node is: a text, a number, or a tuple of keys.
 * Errors: DK_ENOTSUP (it is none), DK_ENOMEM. */
dk_status pickle_key_read(struct arena *arena, const struct pickle_node *node,
                          struct wire_value *out) DK_NODISCARD;

/* A set of keys. Open addressing over msgpack's bytes of them, which lie in the arena. */
struct pickle_keys {
    struct arena *arena;
    struct vector packed; /* of struct wire_bytes, in the order they came */
    struct vector values; /* of struct wire_value, likewise */
    uint32_t *slots;      /* index + 1; 0 is free */
    size_t capacity;      /* a power of two */
    struct vector scratch;
};

void pickle_keys_init(struct pickle_keys *keys, struct arena *arena);
void pickle_keys_deinit(struct pickle_keys *keys);
/* Errors: DK_EINVAL (nested too deep), DK_ENOMEM. */
dk_status pickle_keys_add(struct pickle_keys *keys, struct wire_value key) DK_NODISCARD;
/* False as well when out of memory, which the next one that adds will see. */
bool pickle_keys_has(struct pickle_keys *keys, struct wire_value key);

#endif
