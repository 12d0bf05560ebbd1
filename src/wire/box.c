#include "wire/box.h"

#include <string.h>

/* Who has the frames of a box that has none; behind the box, so that others do not pay for it. */
struct frame_keeper {
    void *owner;
    void (*unref_owner)(void *owner);
};

static struct frame_keeper *keeper_of(struct wire_box *box)
{
    return (struct frame_keeper *)(box + 1);
}

/* What a copy takes: structs, which come first, and bytes, which need no alignment. */
struct extent {
    size_t structs;
    size_t bytes;
    bool frames_stay; /* where they are */
};

static void measure(const struct wire_value *value, struct extent *extent)
{
    switch (value->kind) {
    case WIRE_TEXT:
    case WIRE_BIN:
    case WIRE_PACKED:
        extent->bytes += value->count;
        break;
    case WIRE_ARRAY:
    case WIRE_SET:
        extent->structs += value->count * sizeof(struct wire_value);
        for (uint32_t i = 0; i < value->count; i++)
            measure(&value->as.items[i], extent);
        break;
    case WIRE_MAP:
        extent->structs += value->count * sizeof(struct wire_entry);
        for (uint32_t i = 0; i < value->count; i++) {
            measure(&value->as.entries[i].key, extent);
            measure(&value->as.entries[i].value, extent);
        }
        break;
    case WIRE_SERIALIZED:
    case WIRE_PICKLED: {
        const struct wire_payload *payload = value->as.payload;
        extent->structs += sizeof(*payload) + payload->nframes * sizeof(struct wire_bytes);
        extent->bytes += payload->header.nbytes;
        for (size_t i = 0; i < payload->nframes && !extent->frames_stay; i++)
            extent->bytes += payload->frames[i].nbytes;
        break;
    }
    default:
        break;
    }
}

/* Where the next struct and the next bytes go. */
struct place {
    char *structs;
    char *bytes;
    bool frames_stay;
};

static void *take_structs(struct place *place, size_t nbytes)
{
    void *taken = place->structs;
    place->structs += nbytes;
    return taken;
}

static const char *copy_bytes(struct place *place, const char *bytes, size_t nbytes)
{
    char *copy = place->bytes;
    if (nbytes)
        memcpy(copy, bytes, nbytes);
    place->bytes += nbytes;
    return copy;
}

static const struct wire_payload *copy_payload(struct place *place,
                                               const struct wire_payload *payload)
{
    struct wire_payload *copy = take_structs(place, sizeof(*copy));
    struct wire_bytes *frames = take_structs(place, payload->nframes * sizeof(*frames));
    *copy = *payload;
    copy->header.data = copy_bytes(place, payload->header.data, payload->header.nbytes);
    for (size_t i = 0; i < payload->nframes; i++) {
        frames[i] = payload->frames[i];
        if (!place->frames_stay)
            frames[i].data = copy_bytes(place, frames[i].data, frames[i].nbytes);
    }
    copy->frames = frames;
    return copy;
}

static struct wire_value copy_value(struct place *place, const struct wire_value *value)
{
    struct wire_value copy = *value;
    switch (value->kind) {
    case WIRE_TEXT:
    case WIRE_BIN:
    case WIRE_PACKED:
        copy.as.bytes = copy_bytes(place, value->as.bytes, value->count);
        break;
    case WIRE_ARRAY:
    case WIRE_SET:
        copy.as.items = take_structs(place, value->count * sizeof(*copy.as.items));
        for (uint32_t i = 0; i < value->count; i++)
            copy.as.items[i] = copy_value(place, &value->as.items[i]);
        break;
    case WIRE_MAP:
        copy.as.entries = take_structs(place, value->count * sizeof(*copy.as.entries));
        for (uint32_t i = 0; i < value->count; i++) {
            copy.as.entries[i].key = copy_value(place, &value->as.entries[i].key);
            copy.as.entries[i].value = copy_value(place, &value->as.entries[i].value);
        }
        break;
    case WIRE_SERIALIZED:
    case WIRE_PICKLED:
        copy.as.payload = copy_payload(place, value->as.payload);
        break;
    default:
        break;
    }
    return copy;
}

static struct wire_box *make(struct memory *memory, const struct wire_value *value,
                             bool frames_stay)
{
    struct extent extent = {.frames_stay = frames_stay};
    size_t nkeeper = frames_stay ? sizeof(struct frame_keeper) : 0;
    measure(value, &extent);
    size_t nbytes = sizeof(struct wire_box) + nkeeper + extent.structs + extent.bytes;
    struct wire_box *box = memory_alloc(memory, nbytes);
    if (!box)
        return NULL;
    box->memory = memory;
    box->nbytes = nbytes;
    atomic_init(&box->references, 1);
    box->frames_stay = frames_stay;
    struct place place = {.structs = (char *)(box + 1) + nkeeper, .frames_stay = frames_stay};
    place.bytes = place.structs + extent.structs;
    box->value = copy_value(&place, value);
    return box;
}

struct wire_box *wire_box_new(struct memory *memory, const struct wire_value *value)
{
    return make(memory, value, false);
}

struct wire_box *wire_box_keep(struct memory *memory, const struct wire_value *value, void *owner,
                               void (*unref_owner)(void *owner))
{
    struct wire_box *box = make(memory, value, true);
    if (box)
        *keeper_of(box) = (struct frame_keeper){owner, unref_owner};
    return box;
}

struct wire_box *wire_box_ref(struct wire_box *box)
{
    if (box)
        atomic_fetch_add_explicit(&box->references, 1, memory_order_relaxed);
    return box;
}

void wire_box_unref(struct wire_box *box)
{
    if (!box || atomic_fetch_sub_explicit(&box->references, 1, memory_order_acq_rel) > 1)
        return;
    if (box->frames_stay)
        keeper_of(box)->unref_owner(keeper_of(box)->owner);
    memory_free(box->memory, box, box->nbytes);
}

static bool are_equal(struct wire_bytes a, struct wire_bytes b)
{
    return a.nbytes == b.nbytes && (!a.nbytes || memcmp(a.data, b.data, a.nbytes) == 0);
}

static bool are_same_payloads(const struct wire_payload *a, const struct wire_payload *b)
{
    bool are_same = a->nframes == b->nframes && are_equal(a->header, b->header);
    for (size_t i = 0; are_same && i < a->nframes; i++)
        are_same = are_equal(a->frames[i], b->frames[i]);
    return are_same;
}

bool wire_box_holds(const struct wire_box *box, const struct wire_value *value)
{
    const struct wire_value *held = &box->value;
    if (held->kind != value->kind)
        return false;
    switch (value->kind) {
    case WIRE_NIL:
        return true;
    case WIRE_BOOL:
        return held->as.boolean == value->as.boolean;
    case WIRE_INT:
    case WIRE_UINT:
        return held->as.natural == value->as.natural;
    case WIRE_TEXT:
    case WIRE_BIN:
    case WIRE_PACKED:
        return are_equal((struct wire_bytes){held->as.bytes, held->count},
                         (struct wire_bytes){value->as.bytes, value->count});
    case WIRE_SERIALIZED:
    case WIRE_PICKLED:
        return are_same_payloads(held->as.payload, value->as.payload);
    default:
        return false;
    }
}
