#include <string.h>

#include "base/error.h"
#include "graph/context.h"
#include "graph/object_codec.h"
#include "graph/value.h"
#include "payload/plain.h"
#include "wire/pack.h"
#include "wire/pickle.h"

static bool is_pickle(dk_value value)
{
    return value.kind == DK_KIND_OBJECT && value.as.block->type->is_pickle;
}

/* What Python does not know. */
static bool is_ours(dk_value value)
{
    if (is_pickle(value))
        return false;
    return value.kind == DK_KIND_TABLE || value.kind == DK_KIND_OBJECT ||
           value_contains(value, DK_KIND_TABLE) || value_contains(value, DK_KIND_OBJECT);
}

static dk_status pack_map(struct payload_value *packed, struct wire_entry *entries, uint32_t count,
                          struct vector *out, dk_error *err)
{
    struct wire_value map = wire_map(entries, count);
    struct vector none; /* there is no payload in a header */
    vector_init(&none, packed->arena.memory, sizeof(struct wire_bytes));
    return wire_pack(out, &none, &map, err);
}

/* The header goes behind frame 0, in the same vector. */
static dk_status pack_header(struct payload_value *packed, const char *serializer, dk_error *err)
{
    int64_t count = (int64_t)packed->frames.count;
    struct wire_entry entries[] = {
        {wire_text("serializer"), wire_text(serializer)},
        {wire_text("num-sub-frames"), wire_int(count)},
        {wire_text("writeable"), wire_array(NULL, 0)}, /* Python asks for it in a pickle */
    };
    uint32_t nentries = strcmp(serializer, "pickle") == 0 ? 3 : 2;
    return pack_map(packed, entries, nentries, &packed->bytes, err);
}

/* Frame 0 is what is in `bytes` so far, unless it is somewhere else. */
static dk_status finish(struct payload_value *packed, const char *serializer,
                        struct wire_bytes first, dk_error *err)
{
    size_t nbytes = packed->bytes.count;
    DK_TRY(pack_header(packed, serializer, err));
    struct wire_bytes *frames = packed->frames.data;
    const char *bytes = packed->bytes.data;
    frames[0] = first.data ? first : (struct wire_bytes){bytes, nbytes};
    packed->payload = (struct wire_payload){
        {bytes + nbytes, packed->bytes.count - nbytes}, frames, packed->frames.count};
    for (size_t i = 0; i < packed->payload.nframes; i++)
        packed->nbytes += packed->payload.frames[i].nbytes;
    return DK_OK;
}

static dk_status pack_plain(struct payload_value *packed, dk_context *dk, bool ours, dk_error *err)
{
    struct wire_value plain;
    struct vector none; /* all payload is in frames already */
    struct plain_packer packer = {.dk = dk,
                                  .arena = &packed->arena,
                                  .frames = &packed->frames,
                                  .owned = &packed->owned,
                                  .err = err};
    DK_TRY(plain_pack(&packer, packed->value, &plain));
    if (!ours)
        return pickle_pack(&packed->bytes, &plain, err);
    vector_init(&none, dk->memory, sizeof(struct wire_bytes));
    return wire_pack(&packed->bytes, &none, &plain, err);
}

/* The first part becomes frame 0, the others follow it. */
static dk_status pack_parts(struct payload_value *packed, dk_context *dk, struct wire_bytes *frame,
                            dk_error *err)
{
    DK_TRY(object_pack_parts(dk, packed->value, &packed->parts, err));
    const struct held_part *parts = packed->parts.list.data;
    *frame = (struct wire_bytes){parts[0].part.data, parts[0].part.nbytes};
    for (size_t i = 1; i < packed->parts.list.count; i++) {
        struct wire_bytes buffer = {parts[i].part.data, parts[i].part.nbytes};
        if (vector_append(&packed->frames, &buffer, 1) != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

/* A pickle of the object's own making. */
static dk_status pack_pickle(struct payload_value *packed, dk_context *dk, struct wire_bytes *frame,
                             dk_error *err)
{
    dk_value bytes = dk_value_null();
    if (packed->value.as.block->type->pack_parts)
        return pack_parts(packed, dk, frame, err);
    DK_TRY(object_pack(dk, packed->value, &bytes, err));
    if (vector_append(&packed->owned, &bytes, 1) != DK_OK) {
        dk_value_unref(bytes);
        return error_nomem(err);
    }
    frame->data = dk_value_data(bytes, &frame->nbytes);
    return DK_OK;
}

/* Frames of any length are sent whole: receivers ask for no pieces. */
static dk_status pack_frames(struct payload_value *packed, dk_context *dk, dk_error *err)
{
    bool ours = is_ours(packed->value);
    struct wire_bytes first = {0};
    if (!vector_push(&packed->frames))
        return error_nomem(err);
    if (is_pickle(packed->value))
        DK_TRY(pack_pickle(packed, dk, &first, err));
    else
        DK_TRY(pack_plain(packed, dk, ours, err));
    return finish(packed, ours ? "cdask" : "pickle", first, err);
}

static void init(struct payload_value *packed, dk_context *dk, dk_value value)
{
    *packed = (struct payload_value){.value = dk_value_ref(value)};
    arena_init(&packed->arena, dk->memory);
    vector_init(&packed->bytes, dk->memory, 1);
    vector_init(&packed->frames, dk->memory, sizeof(struct wire_bytes));
    vector_init(&packed->owned, dk->memory, sizeof(dk_value));
    object_parts_init(&packed->parts, dk->memory);
}

static dk_status end(struct payload_value *packed, dk_status status, dk_error *err)
{
    if (status != DK_OK)
        payload_value_deinit(packed);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

dk_status payload_pack_value(dk_context *dk, dk_value value, struct payload_value *out,
                             dk_error *err)
{
    init(out, dk, value);
    return end(out, pack_frames(out, dk, err), err);
}

dk_status payload_pack_failure(dk_context *dk, const char *text, struct payload_value *out,
                               dk_error *err)
{
    init(out, dk, dk_value_null());
    dk_status status = vector_append(&out->bytes, text, strlen(text));
    if (status == DK_OK && !vector_push(&out->frames))
        status = DK_ENOMEM;
    if (status == DK_OK)
        status = finish(out, "error", (struct wire_bytes){0}, err);
    return end(out, status, err);
}

void payload_value_deinit(struct payload_value *packed)
{
    for (size_t i = 0; i < packed->owned.count; i++)
        dk_value_unref(((const dk_value *)packed->owned.data)[i]);
    vector_deinit(&packed->owned);
    object_parts_deinit(&packed->parts);
    vector_deinit(&packed->frames);
    vector_deinit(&packed->bytes);
    arena_deinit(&packed->arena);
    dk_value_unref(packed->value);
    packed->value = dk_value_null();
}

/* ---- types ---- */

/* What a kind is in Python; the pickle of its class, as pickle_class() writes it. */
struct python_type {
    const char *name;
    struct wire_bytes class;
};

#define BUILTIN(name, nbytes)                                                                      \
    {                                                                                              \
        "\x80\x04X\x08\0\0\0builtinsX" nbytes "\0\0\0" name "\x93.",                               \
            sizeof("\x80\x04X\x08\0\0\0builtinsX" nbytes "\0\0\0" name "\x93.") - 1                \
    }

static const struct python_type types[] = {
    [DK_KIND_NULL] = {"NoneType", BUILTIN("object", "\x06")},
    [DK_KIND_BOOL] = {"bool", BUILTIN("bool", "\x04")},
    [DK_KIND_INT] = {"int", BUILTIN("int", "\x03")},
    [DK_KIND_FLOAT] = {"float", BUILTIN("float", "\x05")},
    [DK_KIND_TEXT] = {"str", BUILTIN("str", "\x03")},
    [DK_KIND_BYTES] = {"bytes", BUILTIN("bytes", "\x05")},
    [DK_KIND_LIST] = {"list", BUILTIN("list", "\x04")},
    [DK_KIND_MAP] = {"dict", BUILTIN("dict", "\x04")},
    [DK_KIND_TABLE] = {"cdask.table", BUILTIN("object", "\x06")},
    [DK_KIND_OBJECT] = {"cdask.object", BUILTIN("object", "\x06")},
    [DK_KIND_TASK] = {"cdask.task", BUILTIN("object", "\x06")},
};

const char *payload_typename(dk_value value)
{
    return types[value.kind].name;
}

struct wire_bytes payload_type(dk_value value)
{
    return types[value.kind].class;
}
