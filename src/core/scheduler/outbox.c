#include "core/scheduler/outbox.h"

#include <string.h>

void sched_outbox_init(struct sched_outbox *outbox, struct memory *memory)
{
    *outbox = (struct sched_outbox){0};
    arena_init(&outbox->arena, memory);
    vector_init(&outbox->messages, memory, sizeof(struct sched_message));
    vector_init(&outbox->boxes, memory, sizeof(struct wire_box *));
}

static void release_boxes(struct sched_outbox *outbox)
{
    struct wire_box **boxes = outbox->boxes.data;
    for (size_t i = 0; i < outbox->boxes.count; i++)
        wire_box_unref(boxes[i]);
    outbox->boxes.count = 0;
}

void sched_outbox_deinit(struct sched_outbox *outbox)
{
    release_boxes(outbox);
    arena_deinit(&outbox->arena);
    vector_deinit(&outbox->messages);
    vector_deinit(&outbox->boxes);
}

void sched_outbox_clear(struct sched_outbox *outbox)
{
    struct memory *memory = outbox->arena.memory;
    release_boxes(outbox);
    arena_deinit(&outbox->arena);
    arena_init(&outbox->arena, memory);
    outbox->messages.count = 0;
    outbox->failed = false;
}

void *sched_outbox_alloc(struct sched_outbox *outbox, size_t nbytes)
{
    void *block = arena_alloc(&outbox->arena, nbytes);
    if (!block)
        outbox->failed = true;
    return block;
}

struct wire_entry *sched_outbox_begin(struct sched_outbox *outbox, const char *op, uint32_t nfields)
{
    struct wire_entry *entries = sched_outbox_alloc(outbox, (nfields + 1) * sizeof(*entries));
    if (entries)
        entries[0] = (struct wire_entry){wire_text("op"), wire_text(op)};
    return entries;
}

void sched_outbox_send(struct sched_outbox *outbox, enum sched_target target, uint32_t id,
                       struct wire_entry *entries, uint32_t nfields)
{
    struct sched_message message = {target, id, wire_map(entries, nfields + 1)};
    if (!entries || vector_append(&outbox->messages, &message, 1) != DK_OK)
        outbox->failed = true;
}

static const char *copy(struct sched_outbox *outbox, const char *bytes, size_t nbytes)
{
    char *place = sched_outbox_alloc(outbox, nbytes);
    if (place && nbytes)
        memcpy(place, bytes, nbytes);
    return place;
}

struct wire_value sched_outbox_text(struct sched_outbox *outbox, const char *text)
{
    size_t nbytes = strlen(text);
    const char *place = copy(outbox, text, nbytes);
    return (struct wire_value){WIRE_TEXT, place ? (uint32_t)nbytes : 0, {.bytes = place}};
}

struct wire_value sched_outbox_key(struct sched_outbox *outbox, struct wire_bytes key)
{
    const char *place = copy(outbox, key.data, key.nbytes);
    return place ? wire_packed((struct wire_bytes){place, key.nbytes}) : wire_nil();
}

struct wire_value sched_outbox_keys(struct sched_outbox *outbox, const struct wire_bytes *keys,
                                    size_t count)
{
    struct wire_value *items = sched_outbox_alloc(outbox, count * sizeof(*items));
    if (!items)
        return wire_nil();
    for (size_t i = 0; i < count; i++)
        items[i] = sched_outbox_key(outbox, keys[i]);
    return wire_array(items, (uint32_t)count);
}

struct wire_value sched_outbox_box(struct sched_outbox *outbox, struct wire_box *box)
{
    if (!box)
        return wire_nil();
    if (vector_append(&outbox->boxes, &box, 1) != DK_OK) {
        outbox->failed = true;
        return wire_nil();
    }
    return wire_box_ref(box)->value;
}

struct wire_value sched_outbox_copy(struct sched_outbox *outbox, struct wire_value value)
{
    struct wire_box *box = wire_box_new(outbox->arena.memory, &value);
    struct wire_value copied = sched_outbox_box(outbox, box);
    outbox->failed |= !box;
    wire_box_unref(box);
    return copied;
}
