#include "local/processes/value_codec.h"

#include <unistd.h>

#include "base/error.h"
#include "column/table_codec.h"
#include "graph/context.h"
#include "graph/object_codec.h"
#include "graph/value.h"

struct parcel_header {
    uint64_t body_nbytes; /* what lies between this header and an inline segment */
    uint64_t segment_nbytes;
    uint32_t is_shared;
    uint32_t has_objects;
};

/* ---- out ---- */

struct encoder {
    dk_context *context;
    struct outbox *outbox;
    struct pieces pieces;
    struct vector packed; /* of dk_value: the bytes of objects that are pieces */
    bool has_objects;
    dk_error *err;
};

static dk_status put_value(struct encoder *encoder, dk_value value);

/* Bytes worth a segment are written there from where they are. */
static dk_status put_piece(struct encoder *encoder, dk_value bytes, const char *data, size_t n)
{
    size_t offset = 0;
    if (vector_append(&encoder->packed, &bytes, 1) != DK_OK) {
        dk_value_unref(bytes);
        return error_nomem(encoder->err);
    }
    if (pieces_add(&encoder->pieces, data, n, &offset) != DK_OK)
        return error_nomem(encoder->err);
    outbox_put_u64(encoder->outbox, offset);
    return DK_OK;
}

static dk_status put_object(struct encoder *encoder, dk_value object)
{
    struct outbox *outbox = encoder->outbox;
    dk_value bytes = dk_value_null();
    DK_TRY(object_pack(encoder->context, object, &bytes, encoder->err));
    size_t n = 0;
    const char *data = dk_value_data(bytes, &n);
    encoder->has_objects = true;
    writer_text(&outbox->writer, object.as.block->type->name);
    outbox_put_u64(outbox, n);
    if (n >= SEGMENT_INLINE_NBYTES)
        return put_piece(encoder, bytes, data, n);
    outbox_put(outbox, data, n);
    dk_value_unref(bytes);
    return DK_OK;
}

static dk_status put_items(struct encoder *encoder, dk_value value)
{
    size_t n = 0;
    const dk_value *items = dk_value_items(value, &n);
    outbox_put_u64(encoder->outbox, n);
    for (size_t i = 0; i < n; i++)
        DK_TRY(put_value(encoder, items[i]));
    return DK_OK;
}

static dk_status put_value(struct encoder *encoder, dk_value value)
{
    struct outbox *outbox = encoder->outbox;
    outbox_put_u8(outbox, (uint8_t)value.kind);
    size_t n = 0;
    switch (value.kind) {
    case DK_KIND_NULL:
        return DK_OK;
    case DK_KIND_BOOL:
        outbox_put_u8(outbox, value.as.boolean);
        return DK_OK;
    case DK_KIND_INT:
    case DK_KIND_FLOAT:
        outbox_put(outbox, &value.as, sizeof(int64_t));
        return DK_OK;
    case DK_KIND_TEXT:
    case DK_KIND_BYTES: {
        const char *data = dk_value_data(value, &n);
        outbox_put_u64(outbox, n);
        outbox_put(outbox, data, n);
        return DK_OK;
    }
    case DK_KIND_LIST:
    case DK_KIND_MAP:
        return put_items(encoder, value);
    case DK_KIND_TABLE:
        if (table_put(&outbox->writer, &encoder->pieces, value.as.table) != DK_OK)
            return error_nomem(encoder->err);
        return DK_OK;
    case DK_KIND_OBJECT:
        return put_object(encoder, value);
    case DK_KIND_TASK:
        break;
    }
    return error_set(encoder->err, DK_ENOTSUP, "a value of kind '%s' cannot leave its process",
                     dk_kind_name(value.kind));
}

static dk_status share_pieces(struct outbox *outbox, const struct pieces *pieces, dk_error *err)
{
    int fd = -1;
    DK_TRY(pieces_share(pieces, &fd, err));
    outbox_put_fd(outbox, fd, true);
    return DK_OK;
}

static dk_status put_segment(struct outbox *outbox, const struct pieces *pieces, bool is_shared,
                             dk_error *err)
{
    if (is_shared)
        return share_pieces(outbox, pieces, err);
    size_t at = outbox->writer.bytes.count;
    if (vector_reserve(&outbox->writer.bytes, at + pieces->nbytes) != DK_OK)
        return error_nomem(err);
    pieces_copy(pieces, (char *)outbox->writer.bytes.data + at);
    outbox->writer.bytes.count += pieces->nbytes;
    return DK_OK;
}

static dk_status put_parcel(struct encoder *encoder, dk_value value)
{
    struct outbox *outbox = encoder->outbox;
    struct parcel_header header = {0};
    size_t at = outbox->writer.bytes.count;
    outbox_put(outbox, &header, sizeof(header));
    DK_TRY(put_value(encoder, value));
    if (outbox->writer.failed)
        return error_nomem(encoder->err);
    header.body_nbytes = outbox->writer.bytes.count - at - sizeof(header);
    header.segment_nbytes = encoder->pieces.nbytes;
    header.is_shared = encoder->pieces.nbytes >= SEGMENT_INLINE_NBYTES;
    header.has_objects = encoder->has_objects;
    memcpy((char *)outbox->writer.bytes.data + at, &header, sizeof(header));
    DK_TRY(put_segment(outbox, &encoder->pieces, header.is_shared, encoder->err));
    return outbox->writer.failed ? error_nomem(encoder->err) : DK_OK;
}

static void unref_all(const dk_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_value_unref(values[i]);
}

dk_status value_encode(dk_context *dk, struct outbox *outbox, dk_value value, dk_error *err)
{
    struct encoder encoder = {.context = dk, .outbox = outbox, .err = err};
    pieces_init(&encoder.pieces, dk->memory);
    vector_init(&encoder.packed, dk->memory, sizeof(dk_value));
    dk_status status = put_parcel(&encoder, value);
    unref_all(encoder.packed.data, encoder.packed.count);
    vector_deinit(&encoder.packed);
    pieces_deinit(&encoder.pieces);
    return status;
}

/* ---- parcels ---- */

bool parcel_take(struct cursor *cursor, struct parcel *parcel)
{
    struct parcel_header header;
    *parcel = (struct parcel){.bytes = cursor->at, .fd = -1};
    cursor_take(cursor, &header, sizeof(header));
    const char *body = cursor_skip(cursor, header.body_nbytes);
    parcel->kind = body && header.body_nbytes ? (dk_kind)(unsigned char)*body : DK_KIND_NULL;
    if (!header.is_shared)
        cursor_skip(cursor, header.segment_nbytes);
    parcel->nbytes = (size_t)(cursor->at - parcel->bytes);
    parcel->segment_nbytes = header.segment_nbytes;
    parcel->has_objects = header.has_objects;
    return header.is_shared;
}

struct parcel parcel_since(const struct outbox *outbox, struct outbox_mark mark)
{
    const char *bytes = outbox->writer.bytes.data;
    struct cursor cursor = {bytes + mark.nbytes, bytes + outbox->writer.bytes.count, false};
    struct parcel parcel;
    if (parcel_take(&cursor, &parcel))
        parcel.fd = outbox_last_fd(outbox);
    return parcel;
}

/* A segment that is only mapped gets a descriptor again, of a copy. */
static dk_status share_segment(struct outbox *outbox, const struct segment *segment, dk_error *err)
{
    struct pieces pieces;
    size_t offset = 0;
    pieces_init(&pieces, outbox->writer.bytes.memory);
    dk_status status = pieces_add(&pieces, segment->data, segment->nbytes, &offset);
    status = status == DK_OK ? share_pieces(outbox, &pieces, err) : error_nomem(err);
    pieces_deinit(&pieces);
    return status;
}

dk_status parcel_forward(struct outbox *outbox, const struct parcel *parcel, dk_error *err)
{
    outbox_put(outbox, parcel->bytes, parcel->nbytes);
    if (parcel->segment)
        return share_segment(outbox, parcel->segment, err);
    if (parcel->fd >= 0)
        outbox_put_fd(outbox, parcel->fd, false);
    return DK_OK;
}

dk_status parcel_map(struct memory *memory, struct parcel *parcel)
{
    dk_status status = segment_map(memory, parcel->fd, parcel->segment_nbytes, &parcel->segment);
    close(parcel->fd);
    parcel->fd = -1;
    return status;
}

/* ---- in ---- */

struct decoder {
    dk_context *context;
    struct cursor cursor;
    struct segment *segment;
    dk_error *err;
};

static dk_status get_value(struct decoder *decoder, dk_value *out);

static dk_status get_items(struct decoder *decoder, dk_kind kind, dk_value *out)
{
    struct memory *memory = decoder->context->memory;
    uint64_t count = cursor_u64(&decoder->cursor);
    if (count > cursor_left(&decoder->cursor))
        return DK_EPARSE; /* an item takes a byte or more */
    size_t nbytes = count * sizeof(dk_value);
    dk_value *items = memory_alloc(memory, nbytes);
    if (!items)
        return DK_ENOMEM;
    dk_status status = DK_OK;
    size_t n = 0;
    while (n < count && status == DK_OK) {
        status = get_value(decoder, &items[n]);
        if (status == DK_OK)
            n++;
    }
    if (status != DK_OK) {
        unref_all(items, n);
    } else if (kind == DK_KIND_LIST) {
        status = value_list(memory, items, n, out);
    } else {
        status = value_map(memory, items, n, out);
    }
    memory_free(memory, items, nbytes);
    return status;
}

static dk_status get_bytes(struct decoder *decoder, dk_kind kind, dk_value *out)
{
    struct memory *memory = decoder->context->memory;
    uint64_t nbytes = cursor_u64(&decoder->cursor);
    const char *bytes = cursor_skip(&decoder->cursor, nbytes);
    if (!bytes)
        return DK_EPARSE;
    return kind == DK_KIND_TEXT ? value_text(memory, bytes, nbytes, out)
                                : value_bytes(memory, bytes, nbytes, out);
}

/* A window of the segment. */
static dk_status get_buffer(void *self, uint64_t offset, uint64_t nbytes, struct buffer **out)
{
    struct segment *segment = self;
    if (offset > segment->nbytes || nbytes > segment->nbytes - offset)
        return DK_EPARSE;
    *out = segment_buffer(segment, offset, nbytes);
    return *out ? DK_OK : DK_ENOMEM;
}

static dk_status get_table(struct decoder *decoder, dk_value *out)
{
    dk_table *table = NULL;
    struct buffer_source buffers = {get_buffer, decoder->segment};
    DK_TRY(table_get(decoder->context->memory, &decoder->cursor, buffers, &table));
    *out = dk_value_table(table);
    return DK_OK;
}

/* The packed bytes where they lie; NULL when they are not there. */
static const char *get_packed(struct decoder *decoder, uint64_t nbytes)
{
    const struct segment *segment = decoder->segment;
    if (nbytes < SEGMENT_INLINE_NBYTES)
        return cursor_skip(&decoder->cursor, nbytes);
    uint64_t offset = cursor_u64(&decoder->cursor);
    if (!segment || offset > segment->nbytes || nbytes > segment->nbytes - offset)
        return NULL;
    return (const char *)segment->data + offset;
}

static dk_status get_object(struct decoder *decoder, dk_value *out)
{
    const char *type = cursor_text(&decoder->cursor);
    uint64_t nbytes = cursor_u64(&decoder->cursor);
    const char *bytes = get_packed(decoder, nbytes);
    if (!type || !bytes)
        return DK_EPARSE;
    return object_unpack(decoder->context, type, bytes, nbytes, out, decoder->err);
}

static dk_status get_value(struct decoder *decoder, dk_value *out)
{
    struct cursor *cursor = &decoder->cursor;
    dk_kind kind = (dk_kind)cursor_u8(cursor);
    dk_value value = {kind, {0}};
    switch (kind) {
    case DK_KIND_TEXT:
    case DK_KIND_BYTES:
        return get_bytes(decoder, kind, out);
    case DK_KIND_LIST:
    case DK_KIND_MAP:
        return get_items(decoder, kind, out);
    case DK_KIND_TABLE:
        return decoder->segment ? get_table(decoder, out) : DK_EPARSE;
    case DK_KIND_OBJECT:
        return get_object(decoder, out);
    case DK_KIND_NULL:
        break;
    case DK_KIND_BOOL:
        value.as.boolean = cursor_u8(cursor) != 0;
        break;
    case DK_KIND_INT:
    case DK_KIND_FLOAT:
        value.as.integer = cursor_i64(cursor);
        break;
    default:
        return DK_EPARSE;
    }
    *out = value;
    return cursor->overrun ? DK_EPARSE : DK_OK;
}

/* What may contain a table gets a segment, even of no bytes: tables of no rows have no more. */
static dk_status open_segment(struct memory *memory, const struct parcel *parcel,
                              struct segment **out)
{
    dk_kind kind = parcel->kind;
    bool may_have_tables = kind == DK_KIND_LIST || kind == DK_KIND_MAP || kind == DK_KIND_TABLE;
    if (!may_have_tables && !parcel->segment_nbytes)
        return DK_OK;
    if (parcel->segment) {
        *out = segment_ref(parcel->segment);
        return DK_OK;
    }
    if (parcel->fd >= 0)
        return segment_map(memory, parcel->fd, parcel->segment_nbytes, out);
    if (parcel->segment_nbytes > parcel->nbytes - sizeof(struct parcel_header))
        return DK_EPARSE;
    const char *bytes = parcel->bytes + parcel->nbytes - parcel->segment_nbytes;
    return segment_copy(memory, bytes, parcel->segment_nbytes, out);
}

static dk_status decode(struct decoder *decoder, const struct parcel *parcel, dk_value *out)
{
    if (parcel->nbytes <= sizeof(struct parcel_header))
        return DK_EPARSE;
    decoder->cursor = (struct cursor){parcel->bytes + sizeof(struct parcel_header),
                                      parcel->bytes + parcel->nbytes, false};
    DK_TRY(open_segment(decoder->context->memory, parcel, &decoder->segment));
    dk_status status = get_value(decoder, out);
    segment_unref(decoder->segment);
    return status;
}

dk_status value_decode(dk_context *dk, const struct parcel *parcel, dk_value *out, dk_error *err)
{
    struct decoder decoder = {.context = dk, .err = err};
    err->message[0] = 0;
    dk_status status = decode(&decoder, parcel, out);
    if (status == DK_EPARSE && !*err->message)
        return error_set(err, status, "what has come from another process is no value");
    if (status == DK_ENOMEM && !*err->message)
        return error_nomem(err);
    return status;
}
