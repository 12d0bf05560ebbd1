#include "core/keys.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"

#define SLOTS_MIN 64

static struct key_entry *entry_at(const struct keys *keys, uint32_t id)
{
    return &((struct key_entry *)keys->entries.data)[id];
}

void keys_init(struct keys *keys, struct memory *memory)
{
    *keys = (struct keys){.memory = memory, .first_free = KEY_NONE};
    vector_init(&keys->entries, memory, sizeof(struct key_entry));
}

void keys_deinit(struct keys *keys)
{
    for (uint32_t id = 0; id < keys_limit(keys); id++)
        if (entry_at(keys, id)->packed)
            memory_free(keys->memory, entry_at(keys, id)->packed, entry_at(keys, id)->nbytes);
    vector_deinit(&keys->entries);
    memory_free(keys->memory, keys->slots, keys->capacity * sizeof(*keys->slots));
    keys->slots = NULL;
    keys->capacity = keys->count = 0;
}

static uint32_t hash_of(struct wire_bytes packed)
{
    return (uint32_t)hash_bytes(packed.data, packed.nbytes);
}

static bool is_key(const struct key_entry *entry, struct wire_bytes packed, uint32_t hash)
{
    return entry->hash == hash && entry->nbytes == packed.nbytes &&
           memcmp(entry->packed, packed.data, packed.nbytes) == 0;
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct keys *keys, struct wire_bytes packed, uint32_t hash)
{
    size_t mask = keys->capacity - 1;
    size_t at = hash & mask;
    while (keys->slots[at] && !is_key(entry_at(keys, keys->slots[at] - 1), packed, hash))
        at = (at + 1) & mask;
    return at;
}

uint32_t keys_find(const struct keys *keys, struct wire_bytes packed)
{
    if (!keys->capacity)
        return KEY_NONE;
    return keys->slots[slot_of(keys, packed, hash_of(packed))] - 1; /* 0 - 1 is KEY_NONE */
}

static dk_status grow(struct keys *keys)
{
    size_t capacity = keys->capacity ? keys->capacity * 2 : SLOTS_MIN;
    uint32_t *slots = memory_calloc(keys->memory, capacity * sizeof(*slots));
    if (!slots)
        return DK_ENOMEM;
    for (size_t i = 0; i < keys->capacity; i++) {
        if (!keys->slots[i])
            continue;
        size_t at = entry_at(keys, keys->slots[i] - 1)->hash & (capacity - 1);
        while (slots[at])
            at = (at + 1) & (capacity - 1);
        slots[at] = keys->slots[i];
    }
    memory_free(keys->memory, keys->slots, keys->capacity * sizeof(*slots));
    keys->slots = slots;
    keys->capacity = capacity;
    return DK_OK;
}

/* A number that no key has. */
static dk_status take_number(struct keys *keys, uint32_t *id)
{
    if (keys->first_free != KEY_NONE) {
        *id = keys->first_free;
        keys->first_free = entry_at(keys, *id)->hash;
        return DK_OK;
    }
    *id = keys_limit(keys);
    return *id < KEY_NONE - 1 && vector_push(&keys->entries) ? DK_OK : DK_ENOMEM;
}

dk_status keys_add(struct keys *keys, struct wire_bytes packed, uint32_t *id, bool *is_new)
{
    if ((keys->count + 1) * 4 > keys->capacity * 3)
        DK_TRY(grow(keys));
    uint32_t hash = hash_of(packed);
    size_t slot = slot_of(keys, packed, hash);
    *is_new = !keys->slots[slot];
    if (!*is_new) {
        *id = keys->slots[slot] - 1;
        return DK_OK;
    }
    char *copy = memory_alloc(keys->memory, packed.nbytes);
    if (!copy)
        return DK_ENOMEM;
    if (take_number(keys, id) != DK_OK) {
        memory_free(keys->memory, copy, packed.nbytes);
        return DK_ENOMEM;
    }
    memcpy(copy, packed.data, packed.nbytes);
    *entry_at(keys, *id) = (struct key_entry){copy, (uint32_t)packed.nbytes, hash};
    keys->slots[slot] = *id + 1;
    keys->count++;
    return DK_OK;
}

/* Moves those behind the hole forward that could not be found across it. */
static void close_hole(struct keys *keys, size_t hole)
{
    size_t mask = keys->capacity - 1;
    for (size_t at = (hole + 1) & mask; keys->slots[at]; at = (at + 1) & mask) {
        size_t home = entry_at(keys, keys->slots[at] - 1)->hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        keys->slots[hole] = keys->slots[at];
        hole = at;
    }
    keys->slots[hole] = 0;
}

void keys_remove(struct keys *keys, uint32_t id)
{
    struct key_entry *entry = entry_at(keys, id);
    close_hole(keys, slot_of(keys, keys_packed(keys, id), entry->hash));
    memory_free(keys->memory, entry->packed, entry->nbytes);
    *entry = (struct key_entry){.hash = keys->first_free};
    keys->first_free = id;
    keys->count--;
}
