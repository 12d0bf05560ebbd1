/* Names of tasks at the edge, dense numbers inside.
 *
 * A key is a text, an integer, a float or an array of keys. It is held as msgpack's bytes in one
 * canonical form (a float without a fraction is the integer, as 1.0 == 1 in Python), so that equal
 * keys are equal bytes, which also go out as they are: wire_packed(keys_packed(...)).
 */
#ifndef CORE_KEYS_H
#define CORE_KEYS_H

#include "base/arena.h"
#include "base/vector.h"
#include "wire/value.h"

#define KEY_NONE UINT32_MAX

struct key_entry {
    char *packed; /* NULL: the number is free */
    uint32_t nbytes;
    uint32_t hash; /* of a free number: the next free one */
};

/* Open addressing from bytes to numbers. A number is given again once its key was removed. */
struct keys {
    struct memory *memory;
    struct vector entries; /* of struct key_entry, by number */
    uint32_t first_free;
    uint32_t *slots; /* number + 1; 0 is free */
    size_t capacity; /* a power of two */
    size_t count;
};

void keys_init(struct keys *keys, struct memory *memory);
void keys_deinit(struct keys *keys);

/* The number of the key with these bytes; KEY_NONE when it is not there. */
uint32_t keys_find(const struct keys *keys, struct wire_bytes packed);
/* The same, adding it (copied) when it is not there.   Errors: DK_ENOMEM. */
dk_status keys_add(struct keys *keys, struct wire_bytes packed, uint32_t *id,
                   bool *is_new) DK_NODISCARD;
void keys_remove(struct keys *keys, uint32_t id);
/* Numbers are below this. */
static inline uint32_t keys_limit(const struct keys *keys)
{
    return (uint32_t)keys->entries.count;
}

/* Ownership: borrowed until the key is removed. */
static inline struct wire_bytes keys_packed(const struct keys *keys, uint32_t id)
{
    const struct key_entry *entry = &((const struct key_entry *)keys->entries.data)[id];
    return (struct wire_bytes){entry->packed, entry->nbytes};
}

/* Writes the canonical bytes of `value` into `out`, a vector of char, whose content it replaces.
 * Errors: DK_EPARSE (no key: a map, nil, nested deeper than 8, longer than 64 KiB), DK_ENOMEM. */
dk_status key_pack(const struct wire_value *value, struct vector *out, dk_error *err) DK_NODISCARD;

/* As Dask shows it, cut to fit: name, or ('name', 17). */
void key_text(struct wire_bytes packed, char *out, size_t capacity);

/* What keys have in common: "x-2" of ('x-2', 1) is its group, "x" its prefix. `out` has room for
 * `capacity` bytes; what is longer is cut.
 * Source: dask.utils.key_split, distributed.utils.key_split_group. */
void key_prefix(struct wire_bytes packed, char *out, size_t capacity);
void key_group(struct wire_bytes packed, char *out, size_t capacity);

#endif
