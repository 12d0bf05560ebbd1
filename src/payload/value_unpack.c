/* A header says how the frames are to be read.   Source: distributed.protocol.serialize. */
#include <string.h>

#include "base/error.h"
#include "graph/context.h"
#include "graph/object_codec.h"
#include "graph/value.h"
#include "payload/plain.h"
#include "wire/payload.h"
#include "wire/unpack.h"
#include "wire/unpickle.h"

#define NBYTES_MAX ((size_t)1 << 40) /* of a value, expanded; the ledger has the say before */
#define DEPTH_MAX  64 /* of collections of collections, which have headers inside headers */

struct reader {
    dk_context *dk;
    struct arena arena;
    const struct payload_owner *owner;
    bool is_plain; /* nothing may become an object */
    dk_error *err;
};

static dk_status damaged(struct reader *reader, const char *why)
{
    return error_set(reader->err, DK_EPARSE, "a damaged value: %s", why);
}

static dk_status unpack_plain(struct reader *reader, const struct wire_value *plain, dk_value *out)
{
    struct plain_unpacker unpacker = {.dk = reader->dk, .err = reader->err};
    return plain_unpack(&unpacker, plain, out);
}

/* ---- serializers ---- */

static bool is_scalar(enum wire_kind kind)
{
    return kind == WIRE_NIL || kind == WIRE_BOOL || kind == WIRE_INT || kind == WIRE_FLOAT ||
           kind == WIRE_TEXT || kind == WIRE_BIN;
}

/* Whether a scalar may follow: what begins an empty container or a call is none. */
static bool may_be_scalar(struct wire_bytes pickle)
{
    static const char others[] = "])}(c\x8f\x91\x96";
    size_t at = pickle.nbytes > 11 && pickle.data[2] == '\x95' ? 11 : 2;
    return pickle.nbytes > at && !strchr(others, pickle.data[at]);
}

/* Where there is Python, all but scalars is an object of its: a tuple is not a list. */
static dk_status read_pickle(struct reader *reader, struct wire_bytes pickle, dk_value *out)
{
    struct wire_value plain;
    const dk_object_type *type =
        reader->is_plain ? NULL : registry_find_pickle_type(&reader->dk->registry);
    dk_status status = DK_ENOTSUP;
    if (!type || may_be_scalar(pickle))
        status = pickle_unpack(&reader->arena, pickle, &plain, type ? NULL : reader->err);
    if (status == DK_OK && (!type || is_scalar(plain.kind)))
        return unpack_plain(reader, &plain, out);
    if (status == DK_ENOMEM || !type)
        return status;
    return object_unpack(reader->dk, type->name, pickle.data, pickle.nbytes, out, reader->err);
}

/* A pickle and its buffers. */
static dk_status read_parts(struct reader *reader, const struct wire_payload *payload,
                            dk_value *out)
{
    const dk_object_type *type =
        reader->is_plain ? NULL : registry_find_pickle_type(&reader->dk->registry);
    if (!type)
        return error_set(reader->err, DK_ENOTSUP, "a pickle with buffers, which is for Python");
    dk_part *parts = arena_alloc(&reader->arena, payload->nframes * sizeof(*parts));
    if (!parts)
        return error_nomem(reader->err);
    for (size_t i = 0; i < payload->nframes; i++)
        parts[i] = (dk_part){payload->frames[i].data, payload->frames[i].nbytes};
    return object_unpack_parts(reader->dk, type, parts, payload->nframes, out, reader->err);
}

static dk_status read_cdask(struct reader *reader, const struct wire_payload *payload,
                            dk_value *out)
{
    if (reader->is_plain)
        return error_set(reader->err, DK_ENOTSUP, "a table or an object");
    struct wire_value plain;
    struct plain_unpacker unpacker = {.dk = reader->dk, .owner = reader->owner, .has_tags = true};
    unpacker.err = reader->err;
    unpacker.frames = payload->frames + 1;
    unpacker.nframes = payload->nframes - 1;
    DK_TRY(wire_unpack(&reader->arena, payload->frames[0], &plain, reader->err));
    return plain_unpack(&unpacker, &plain, out);
}

static dk_status read_msgpack(struct reader *reader, struct wire_bytes bytes, dk_value *out)
{
    struct wire_value plain;
    DK_TRY(wire_unpack(&reader->arena, bytes, &plain, reader->err));
    return unpack_plain(reader, &plain, out);
}

/* Dask's own formats: of those only bytes mean something here. */
static dk_status read_dask(struct reader *reader, const struct wire_value *header,
                           const struct wire_payload *payload, dk_value *out)
{
    const struct wire_value *type = wire_find(header, "type");
    struct wire_bytes name = {"something", 9};
    if (wire_text_is(type, "bytes") || wire_text_is(type, "bytearray") ||
        wire_text_is(type, "memoryview")) {
        struct wire_bytes bytes = payload->frames[0];
        dk_status status = value_bytes(reader->dk->memory, bytes.data, bytes.nbytes, out);
        return status == DK_OK ? DK_OK : error_nomem(reader->err);
    }
    wire_read_text(type, &name);
    return error_set(reader->err, DK_ENOTSUP, "%.*s cannot be read without Python",
                     (int)(name.nbytes < 200 ? name.nbytes : 200), name.data);
}

static dk_status read_error(struct reader *reader, struct wire_bytes text)
{
    return error_set(reader->err, DK_ETYPE, "it could not be sent: %.*s",
                     (int)(text.nbytes < 400 ? text.nbytes : 400), text.data);
}

static dk_status read_frames(struct reader *reader, const struct wire_value *header,
                             const struct wire_payload *payload, dk_value *out)
{
    const struct wire_value *serializer = wire_find(header, "serializer");
    struct wire_bytes name = {"none", 4};
    if (!payload->nframes)
        return damaged(reader, "it has no frames");
    if (wire_text_is(serializer, "pickle"))
        return payload->nframes == 1 ? read_pickle(reader, payload->frames[0], out)
                                     : read_parts(reader, payload, out);
    if (wire_text_is(serializer, "cdask"))
        return read_cdask(reader, payload, out);
    if (wire_text_is(serializer, "dask"))
        return read_dask(reader, header, payload, out);
    if (wire_text_is(serializer, "msgpack"))
        return read_msgpack(reader, payload->frames[0], out);
    if (wire_text_is(serializer, "error"))
        return read_error(reader, payload->frames[0]);
    wire_read_text(serializer, &name);
    return error_set(reader->err, DK_ENOTSUP, "a value with the serializer '%.*s'",
                     (int)(name.nbytes < 32 ? name.nbytes : 32), name.data);
}

/* ---- collections: an element's frames follow those of the one before ---- */

struct elements {
    const struct wire_value *headers;
    const struct wire_value *lengths;
    struct wire_payload rest;
    bool is_map;
    dk_value *values;
    size_t nvalues; /* so far */
};

static dk_status read_header(struct reader *reader, const struct wire_value *header,
                             struct wire_payload payload, int depth, dk_value *out);

static dk_status read_key(struct reader *reader, const struct wire_value *header, dk_value *out)
{
    const struct wire_value *key = wire_find(header, "key");
    if (!key || key->kind != WIRE_TEXT)
        return error_set(reader->err, DK_ETYPE, "a dict with %s as a key: a dk_value has texts",
                         key ? wire_kind_name(key->kind) : "nothing");
    return unpack_plain(reader, key, out);
}

static dk_status read_element(struct reader *reader, struct elements *elements, uint32_t i,
                              int depth)
{
    int64_t nframes = 0;
    struct wire_payload *rest = &elements->rest;
    const struct wire_value *header = &elements->headers->as.items[i];
    if (!wire_read_int(&elements->lengths->as.items[i], &nframes) || nframes < 0 ||
        (uint64_t)nframes > rest->nframes)
        return damaged(reader, "frames of a collection are missing");
    if (elements->is_map) {
        DK_TRY(read_key(reader, header, &elements->values[elements->nvalues]));
        elements->nvalues++;
    }
    struct wire_payload own = {.frames = rest->frames, .nframes = (size_t)nframes};
    DK_TRY(read_header(reader, header, own, depth + 1, &elements->values[elements->nvalues]));
    elements->nvalues++;
    rest->frames += nframes;
    rest->nframes -= (size_t)nframes;
    return DK_OK;
}

static dk_status read_elements(struct reader *reader, struct elements *elements, int depth,
                               dk_value *out)
{
    dk_status status = DK_OK;
    for (uint32_t i = 0; i < elements->headers->count && status == DK_OK; i++)
        status = read_element(reader, elements, i, depth);
    if (status != DK_OK) {
        for (size_t i = 0; i < elements->nvalues; i++)
            dk_value_unref(elements->values[i]);
        return status;
    }
    status = elements->is_map
                 ? value_map(reader->dk->memory, elements->values, elements->nvalues, out)
                 : value_list(reader->dk->memory, elements->values, elements->nvalues, out);
    return status == DK_OK ? DK_OK : error_nomem(reader->err);
}

static dk_status read_collection(struct reader *reader, const struct wire_value *header,
                                 struct wire_payload payload, int depth, dk_value *out)
{
    const struct wire_value *headers = wire_find(header, "sub-headers");
    const struct wire_value *lengths = wire_find(header, "frame-lengths");
    if (!headers || !lengths || headers->kind != WIRE_ARRAY || lengths->kind != WIRE_ARRAY ||
        headers->count != lengths->count || depth > DEPTH_MAX)
        return damaged(reader, "the header of a collection");
    bool is_map = wire_text_is(wire_find(header, "type-serialized"), "dict");
    size_t count = (size_t)headers->count * (is_map ? 2 : 1);
    struct elements elements = {.headers = headers, .lengths = lengths, .rest = payload};
    elements.is_map = is_map;
    elements.values = arena_alloc(&reader->arena, count * sizeof(dk_value));
    if (!elements.values)
        return error_nomem(reader->err);
    return read_elements(reader, &elements, depth, out);
}

static dk_status read_header(struct reader *reader, const struct wire_value *header,
                             struct wire_payload payload, int depth, dk_value *out)
{
    const struct wire_value *is_collection = wire_find(header, "is-collection");
    if (is_collection && is_collection->kind == WIRE_BOOL && is_collection->as.boolean)
        return read_collection(reader, header, payload, depth, out);
    return read_frames(reader, header, &payload, out);
}

/* ---- all ---- */

static dk_status read_pickled(struct reader *reader, const struct wire_value *header, dk_value *out)
{
    const struct wire_value *pickle = wire_find(header, "pickled-obj");
    if (!pickle || pickle->kind != WIRE_BIN)
        return damaged(reader, "the header of a pickle");
    return read_pickle(reader, (struct wire_bytes){pickle->as.bytes, pickle->count}, out);
}

/* Frames that came in pieces or compressed are whole in `open` only, and so nobody else's. */
static dk_status read_open(struct reader *reader, const struct open_payload *open,
                           enum wire_kind kind, dk_value *out)
{
    struct wire_payload whole = {.frames = open->frames, .nframes = open->nframes};
    if (open->joined.count)
        reader->owner = NULL;
    if (kind == WIRE_PICKLED)
        return read_pickled(reader, &open->header, out);
    return read_header(reader, &open->header, whole, 0, out);
}

static dk_status read_value(struct reader *reader, const struct wire_value *from, dk_value *out)
{
    struct open_payload open;
    if (from->kind != WIRE_SERIALIZED && from->kind != WIRE_PICKLED)
        return unpack_plain(reader, from, out);
    DK_TRY(payload_open(reader->dk->memory, from->as.payload, NBYTES_MAX, &open, reader->err));
    dk_status status = read_open(reader, &open, from->kind, out);
    payload_close(&open);
    return status;
}

static dk_status unpack(struct reader *reader, const struct wire_value *from, dk_value *out)
{
    arena_init(&reader->arena, reader->dk->memory);
    dk_status status = read_value(reader, from, out);
    arena_deinit(&reader->arena);
    return status == DK_ENOMEM ? error_nomem(reader->err) : status;
}

dk_status payload_unpack_value(dk_context *dk, const struct wire_value *from,
                               const struct payload_owner *owner, dk_value *out, dk_error *err)
{
    struct reader reader = {.dk = dk, .owner = owner, .err = err};
    return unpack(&reader, from, out);
}

dk_status payload_unpack_plain(dk_context *dk, const struct wire_value *from, dk_value *out,
                               dk_error *err)
{
    struct reader reader = {.dk = dk, .is_plain = true, .err = err};
    return unpack(&reader, from, out);
}
