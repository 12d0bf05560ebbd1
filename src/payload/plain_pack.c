#include "base/error.h"
#include "column/table_codec.h"
#include "graph/context.h"
#include "graph/object_codec.h"
#include "graph/value.h"
#include "payload/plain.h"

static dk_status too_long(struct plain_packer *packer, const char *what)
{
    return error_set(packer->err, DK_EOVERFLOW, "%s beyond 4 GiB cannot be sent", what);
}

static dk_status add_frame(struct plain_packer *packer, const void *data, size_t nbytes)
{
    struct wire_bytes frame = {data, nbytes};
    if (vector_append(packer->frames, &frame, 1) != DK_OK)
        return error_nomem(packer->err);
    return DK_OK;
}

dk_status plain_tag(struct plain_packer *packer, enum plain_tag tag, struct wire_value content,
                    struct wire_value *out)
{
    struct wire_entry *entry = arena_alloc(packer->arena, sizeof(*entry));
    if (!entry)
        return error_nomem(packer->err);
    *entry = (struct wire_entry){wire_int(tag), content};
    *out = wire_map(entry, 1);
    return DK_OK;
}

/* {tag: [first, second]} */
static dk_status tag_pair(struct plain_packer *packer, enum plain_tag tag, struct wire_value first,
                          struct wire_value second, struct wire_value *out)
{
    struct wire_value *pair = arena_alloc(packer->arena, 2 * sizeof(*pair));
    if (!pair)
        return error_nomem(packer->err);
    pair[0] = first;
    pair[1] = second;
    return plain_tag(packer, tag, wire_array(pair, 2), out);
}

/* ---- tables ---- */

/* A piece as it is written: text offsets of a slice begin anew, in the arena. */
static dk_status add_piece(struct plain_packer *packer, const struct piece *piece)
{
    if (!piece->base)
        return add_frame(packer, piece->data, piece->nbytes);
    char *copy = arena_alloc(packer->arena, piece->nbytes);
    if (!copy)
        return error_nomem(packer->err);
    piece_copy(piece, copy);
    return add_frame(packer, copy, piece->nbytes);
}

static dk_status frame_pieces(struct plain_packer *packer, const struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->list.count; i++)
        DK_TRY(add_piece(packer, piece_at(pieces, i)));
    return DK_OK;
}

/* The schema into `writer`, the buffers where they are. */
static dk_status frame_table(struct plain_packer *packer, struct writer *writer,
                             const dk_table *table)
{
    struct pieces pieces;
    pieces_init(&pieces, packer->dk->memory);
    dk_status status = table_put(writer, &pieces, table);
    if (status == DK_OK)
        status = frame_pieces(packer, &pieces);
    pieces_deinit(&pieces);
    return status;
}

static dk_status tag_table(struct plain_packer *packer, const struct writer *writer,
                           struct wire_value *out)
{
    size_t nbytes = writer->bytes.count;
    if (nbytes > UINT32_MAX)
        return too_long(packer, "a table as an argument");
    char *copy = arena_text(packer->arena, writer->bytes.data, nbytes);
    struct wire_value *whole = arena_alloc(packer->arena, sizeof(*whole));
    if (!copy || !whole)
        return error_nomem(packer->err);
    *whole = wire_bin((struct wire_bytes){copy, nbytes});
    return plain_tag(packer, TAG_TABLE, packer->frames ? *whole : wire_array(whole, 1), out);
}

static dk_status pack_table(struct plain_packer *packer, const dk_table *table,
                            struct wire_value *out)
{
    struct writer writer;
    writer_init(&writer, packer->dk->memory);
    dk_status status =
        packer->frames ? frame_table(packer, &writer, table) : table_put_whole(&writer, table);
    status = status == DK_OK ? tag_table(packer, &writer, out) : error_nomem(packer->err);
    writer_deinit(&writer);
    return status;
}

/* ---- objects ---- */

/* Keeps `value`, which it takes, until all was sent. */
static dk_status own(struct plain_packer *packer, dk_value value)
{
    if (vector_append(packer->owned, &value, 1) == DK_OK)
        return DK_OK;
    dk_value_unref(value);
    return error_nomem(packer->err);
}

static dk_status pack_object(struct plain_packer *packer, dk_value object, struct wire_value *out)
{
    dk_value bytes = dk_value_null();
    size_t nbytes = 0;
    struct wire_value type = wire_text(object.as.block->type->name);
    DK_TRY(object_pack(packer->dk, object, &bytes, packer->err));
    DK_TRY(own(packer, bytes));
    const char *data = dk_value_data(bytes, &nbytes);
    if (packer->frames) {
        DK_TRY(add_frame(packer, data, nbytes));
        return plain_tag(packer, TAG_OBJECT, type, out);
    }
    if (nbytes > UINT32_MAX)
        return too_long(packer, "an object as an argument");
    return tag_pair(packer, TAG_OBJECT, type, wire_bin((struct wire_bytes){data, nbytes}), out);
}

/* ---- parts of messages ---- */

static dk_status pack_payload(struct plain_packer *packer, dk_value value, struct wire_value *out)
{
    struct payload_value *packed = arena_alloc(packer->arena, sizeof(*packed));
    if (!packed)
        return error_nomem(packer->err);
    DK_TRY(payload_pack_value(packer->dk, value, packed, packer->err));
    if (vector_append(packer->payloads, &packed, 1) != DK_OK) {
        payload_value_deinit(packed);
        return error_nomem(packer->err);
    }
    *out = payload_wire(packed);
    return DK_OK;
}

/* ---- the rest ---- */

static dk_status pack_bytes(struct plain_packer *packer, enum wire_kind kind, dk_value value,
                            struct wire_value *out)
{
    size_t nbytes = 0;
    const char *data = dk_value_data(value, &nbytes);
    if (nbytes > UINT32_MAX)
        return too_long(packer, dk_kind_name(value.kind));
    *out = (struct wire_value){kind, (uint32_t)nbytes, {.bytes = data}};
    return DK_OK;
}

/* A map's items are keys and values in turn, as those of its entries are. */
_Static_assert(sizeof(struct wire_entry) == 2 * sizeof(struct wire_value), "a key and a value");

static dk_status pack_items(struct plain_packer *packer, dk_value value, struct wire_value *out)
{
    size_t count = 0;
    const dk_value *items = dk_value_items(value, &count);
    if (count > UINT32_MAX)
        return too_long(packer, "a list");
    struct wire_value *values = arena_alloc(packer->arena, count * sizeof(*values));
    if (!values)
        return error_nomem(packer->err);
    if (packer->depth == WIRE_DEPTH_MAX)
        return error_set(packer->err, DK_EINVAL, "a value nested deeper than %d", WIRE_DEPTH_MAX);
    packer->depth++;
    for (size_t i = 0; i < count; i++)
        DK_TRY(plain_pack(packer, items[i], &values[i]));
    packer->depth--;
    *out = value.kind == DK_KIND_LIST
               ? wire_array(values, (uint32_t)count)
               : wire_map((struct wire_entry *)(void *)values, (uint32_t)(count / 2));
    return DK_OK;
}

dk_status plain_pack(struct plain_packer *packer, dk_value value, struct wire_value *out)
{
    *out = wire_nil();
    switch (value.kind) {
    case DK_KIND_NULL:
        return DK_OK;
    case DK_KIND_BOOL:
        *out = wire_bool(value.as.boolean);
        return DK_OK;
    case DK_KIND_INT:
        *out = wire_int(value.as.integer);
        return DK_OK;
    case DK_KIND_FLOAT:
        *out = wire_float(value.as.real);
        return DK_OK;
    case DK_KIND_TEXT:
        return pack_bytes(packer, WIRE_TEXT, value, out);
    case DK_KIND_BYTES:
        return pack_bytes(packer, WIRE_BIN, value, out);
    case DK_KIND_LIST:
    case DK_KIND_MAP:
        return pack_items(packer, value, out);
    case DK_KIND_TABLE:
        return packer->payloads ? pack_payload(packer, value, out)
                                : pack_table(packer, value.as.table, out);
    case DK_KIND_OBJECT:
        return packer->payloads ? pack_payload(packer, value, out)
                                : pack_object(packer, value, out);
    case DK_KIND_TASK:
        break;
    }
    return error_set(packer->err, DK_EINVAL, "the result of a task inside a value");
}
