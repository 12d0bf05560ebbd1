#include "wire/pickle_keys.h"

#include "base/error.h"
#include "base/hash.h"
#include "wire/pack.h"
#include "wire/unpickle.h"

/* Dask's keys nest less. */
#define DEPTH_MAX    8
#define CAPACITY_MIN 16

/* ---- one key ---- */

static dk_status read_key(struct arena *arena, const struct pickle_node *node, int depth,
                          struct wire_value *out);

static dk_status read_tuple(struct arena *arena, const struct pickle_node *node, int depth,
                            struct wire_value *out)
{
    struct wire_value *items = arena_alloc(arena, node->count * sizeof(*items));
    if (!items)
        return DK_ENOMEM;
    for (uint32_t i = 0; i < node->count; i++)
        DK_TRY(read_key(arena, node->parts[i], depth + 1, &items[i]));
    *out = wire_array(items, node->count);
    return DK_OK;
}

/* A number is the pickle of one opcode. */
static dk_status read_number(struct arena *arena, const struct pickle_node *node,
                             struct wire_value *out)
{
    char pickle[32] = {(char)OP_PROTO, 2};
    size_t nbytes = node->bytes.nbytes;
    if (nbytes > sizeof(pickle) - 3)
        return DK_ENOTSUP;
    memcpy(pickle + 2, node->bytes.data, nbytes);
    pickle[2 + nbytes] = OP_STOP;
    dk_status status = pickle_unpack(arena, (struct wire_bytes){pickle, nbytes + 3}, out, NULL);
    if (status == DK_ENOMEM)
        return status;
    bool is_number = status == DK_OK &&
                     (out->kind == WIRE_INT || out->kind == WIRE_UINT || out->kind == WIRE_FLOAT);
    return is_number ? DK_OK : DK_ENOTSUP;
}

static dk_status read_key(struct arena *arena, const struct pickle_node *node, int depth,
                          struct wire_value *out)
{
    if (node->deeds || depth > DEPTH_MAX)
        return DK_ENOTSUP;
    switch (node->kind) {
    case PICKLE_TEXT:
        *out = (struct wire_value){
            WIRE_TEXT, (uint32_t)node->bytes.nbytes, {.bytes = node->bytes.data}};
        return DK_OK;
    case PICKLE_TUPLE:
        return read_tuple(arena, node, depth, out);
    case PICKLE_PLAIN:
        return read_number(arena, node, out);
    default:
        return DK_ENOTSUP;
    }
}

dk_status pickle_key_read(struct arena *arena, const struct pickle_node *node,
                          struct wire_value *out)
{
    return node ? read_key(arena, node, 0, out) : DK_ENOTSUP;
}

/* ---- sets ---- */

void pickle_keys_init(struct pickle_keys *keys, struct arena *arena)
{
    *keys = (struct pickle_keys){.arena = arena};
    vector_init(&keys->packed, arena->memory, sizeof(struct wire_bytes));
    vector_init(&keys->values, arena->memory, sizeof(struct wire_value));
    vector_init(&keys->scratch, arena->memory, 1);
}

void pickle_keys_deinit(struct pickle_keys *keys)
{
    memory_free(keys->arena->memory, keys->slots, keys->capacity * sizeof(*keys->slots));
    vector_deinit(&keys->packed);
    vector_deinit(&keys->values);
    vector_deinit(&keys->scratch);
}

/* Where the key in `scratch` is, or would be. */
static uint32_t *find_slot(const struct pickle_keys *keys, struct wire_bytes wanted)
{
    const struct wire_bytes *packed = keys->packed.data;
    size_t at = hash_bytes(wanted.data, wanted.nbytes) & (keys->capacity - 1);
    for (;; at = (at + 1) & (keys->capacity - 1)) {
        uint32_t slot = keys->slots[at];
        if (!slot || (packed[slot - 1].nbytes == wanted.nbytes &&
                      memcmp(packed[slot - 1].data, wanted.data, wanted.nbytes) == 0))
            return &keys->slots[at];
    }
}

static dk_status grow(struct pickle_keys *keys)
{
    size_t old_nbytes = keys->capacity * sizeof(*keys->slots);
    size_t capacity = keys->capacity ? keys->capacity * 2 : CAPACITY_MIN;
    uint32_t *slots = memory_calloc(keys->arena->memory, capacity * sizeof(*slots));
    if (!slots)
        return DK_ENOMEM;
    memory_free(keys->arena->memory, keys->slots, old_nbytes);
    keys->slots = slots;
    keys->capacity = capacity;
    for (size_t i = 0; i < keys->packed.count; i++)
        *find_slot(keys, ((struct wire_bytes *)keys->packed.data)[i]) = (uint32_t)i + 1;
    return DK_OK;
}

static dk_status pack(struct pickle_keys *keys, const struct wire_value *key)
{
    keys->scratch.count = 0;
    return wire_pack(&keys->scratch, NULL, key, NULL);
}

dk_status pickle_keys_add(struct pickle_keys *keys, struct wire_value key)
{
    DK_TRY(pack(keys, &key));
    if (2 * (keys->packed.count + 1) > keys->capacity)
        DK_TRY(grow(keys));
    struct wire_bytes bytes = {keys->scratch.data, keys->scratch.count};
    uint32_t *slot = find_slot(keys, bytes);
    if (*slot)
        return DK_OK;
    char *copy = arena_alloc(keys->arena, bytes.nbytes);
    if (!copy)
        return DK_ENOMEM;
    memcpy(copy, bytes.data, bytes.nbytes);
    bytes.data = copy;
    DK_TRY(vector_reserve(&keys->packed, keys->packed.count + 1));
    DK_TRY(vector_append(&keys->values, &key, 1));
    DK_TRY(vector_append(&keys->packed, &bytes, 1));
    *slot = (uint32_t)keys->packed.count;
    return DK_OK;
}

bool pickle_keys_has(struct pickle_keys *keys, struct wire_value key)
{
    if (!keys->capacity || pack(keys, &key) != DK_OK)
        return false;
    return *find_slot(keys, (struct wire_bytes){keys->scratch.data, keys->scratch.count}) != 0;
}
