#include "wire/message.h"

#include "base/error.h"
#include "wire/pack.h"
#include "wire/unpack.h"

/* ---- decoding ---- */

/* Finds the special maps of a message. */
struct resolver {
    struct message *message;
    size_t next; /* the first frame that no payload has */
    dk_error *err;
};

/* The number of frames that follow the header in frame `index`. */
static dk_status read_header(const struct resolver *resolver, size_t index, int64_t *nframes)
{
    const struct message *message = resolver->message;
    struct arena scratch;
    struct wire_value header;
    arena_init(&scratch, message->arena.memory);
    dk_status status = wire_unpack(&scratch, message->frames.list[index], &header, resolver->err);
    if (status == DK_OK &&
        (!wire_read_int(wire_find(&header, "num-sub-frames"), nframes) || *nframes < 0))
        status = error_set(resolver->err, DK_EPARSE, "it does not say its \"num-sub-frames\"");
    if (status == DK_EPARSE)
        error_prefix(resolver->err, "frame %zu, the header of a payload", index);
    arena_deinit(&scratch);
    return status;
}

/* The frames of the payload whose header is frame `index`. */
static dk_status claim_frames(struct resolver *resolver, uint64_t index,
                              struct wire_payload *payload)
{
    const struct frames *frames = &resolver->message->frames;
    int64_t nframes = 0;
    if (index < resolver->next || index >= frames->count) {
        return error_set(resolver->err, DK_EPARSE,
                         "a payload that begins with frame %llu, where frame %zu of %zu is next",
                         (unsigned long long)index, resolver->next, frames->count);
    }
    DK_TRY(read_header(resolver, index, &nframes));
    if ((uint64_t)nframes > frames->count - index - 1) {
        return error_set(resolver->err, DK_EPARSE,
                         "a payload of %lld frames behind frame %llu of %zu", (long long)nframes,
                         (unsigned long long)index, frames->count);
    }
    *payload = (struct wire_payload){
        .header = frames->list[index],
        .frames = frames->list + index + 1,
        .nframes = (size_t)nframes,
    };
    resolver->next = index + 1 + (size_t)nframes;
    return DK_OK;
}

static dk_status make_payload(struct resolver *resolver, struct wire_value *value,
                              enum wire_kind kind, int64_t index)
{
    struct wire_payload *payload = arena_alloc(&resolver->message->arena, sizeof(*payload));
    if (!payload)
        return error_nomem(resolver->err);
    *value = (struct wire_value){.kind = kind, .as.payload = payload};
    return claim_frames(resolver, (uint64_t)index, payload);
}

/* Most maps can be told at a glance from the special ones. */
static bool has_special_key(const struct wire_value *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct wire_value *key = &map->as.entries[i].key;
        if (key->kind == WIRE_TEXT && key->count > 2 && key->as.bytes[0] == '_')
            return true;
    }
    return false;
}

/* As Python does: what else is in a special map does not count, and references are above 0. */
static dk_status resolve_map(struct resolver *resolver, struct wire_value *map)
{
    int64_t index = 0;
    if (!has_special_key(map))
        return DK_OK;
    if (wire_read_int(wire_find(map, "__Serialized__"), &index) && index > 0)
        return make_payload(resolver, map, WIRE_SERIALIZED, index);
    if (wire_read_int(wire_find(map, "__Pickled__"), &index) && index > 0)
        return make_payload(resolver, map, WIRE_PICKLED, index);
    const struct wire_value *list = wire_find(map, "as-list");
    if (wire_find(map, "__Set__") && list && list->kind == WIRE_ARRAY)
        *map = (struct wire_value){WIRE_SET, list->count, .as.items = list->as.items};
    return DK_OK;
}

/* From the leaves up, in the order of the bytes. Nobody has seen the tree yet. */
static dk_status resolve(struct resolver *resolver, struct wire_value *value)
{
    if (value->kind == WIRE_ARRAY) {
        for (uint32_t i = 0; i < value->count; i++)
            DK_TRY(resolve(resolver, &value->as.items[i]));
    }
    if (value->kind != WIRE_MAP)
        return DK_OK;
    for (uint32_t i = 0; i < value->count; i++) {
        DK_TRY(resolve(resolver, &value->as.entries[i].key));
        DK_TRY(resolve(resolver, &value->as.entries[i].value));
    }
    return resolve_map(resolver, value);
}

dk_status message_decode(struct message *message, struct frames frames, dk_error *err)
{
    *message = (struct message){.frames = frames};
    arena_init(&message->arena, frames.memory);
    dk_status status = wire_unpack(&message->arena, frames.list[0], &message->root, err);
    if (status == DK_EPARSE)
        error_prefix(err, "frame 0");
    struct resolver resolver = {message, 1, err};
    if (status == DK_OK)
        status = resolve(&resolver, &message->root);
    if (status != DK_OK)
        message_deinit(message);
    return status;
}

void message_deinit(struct message *message)
{
    arena_deinit(&message->arena);
    frames_deinit(&message->frames);
    message->root = wire_nil();
}

/* ---- encoding ---- */

static dk_status encode(struct encoding *encoding, const struct wire_value *root, dk_error *err)
{
    if (!vector_push(&encoding->frames))
        return error_nomem(err);
    DK_TRY(wire_pack(&encoding->frame0, &encoding->frames, root, err));
    struct wire_bytes *frames = encoding->frames.data;
    frames[0] = (struct wire_bytes){encoding->frame0.data, encoding->frame0.count};
    if (frames_write_prelude(frames, encoding->frames.count, &encoding->prelude) != DK_OK)
        return error_nomem(err);
    return DK_OK;
}

dk_status message_encode(struct encoding *encoding, struct memory *memory,
                         const struct wire_value *root, dk_error *err)
{
    vector_init(&encoding->prelude, memory, 1);
    vector_init(&encoding->frame0, memory, 1);
    vector_init(&encoding->frames, memory, sizeof(struct wire_bytes));
    dk_status status = encode(encoding, root, err);
    if (status != DK_OK)
        encoding_deinit(encoding);
    return status;
}

void encoding_deinit(struct encoding *encoding)
{
    vector_deinit(&encoding->frames);
    vector_deinit(&encoding->frame0);
    vector_deinit(&encoding->prelude);
}
