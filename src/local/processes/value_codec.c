#include "local/processes/value_codec.h"

#include "base/error.h"
#include "graph/value.h"
#include "local/processes/shared_table.h"

struct parcel_header {
    uint64_t body_nbytes; /* what lies between this header and an inline segment */
    uint64_t segment_nbytes;
    uint64_t is_shared;
};

static dk_status put_value(struct outbox *outbox, struct pieces *pieces, dk_value value,
                           dk_error *err)
{
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
    case DK_KIND_MAP: {
        const dk_value *items = dk_value_items(value, &n);
        outbox_put_u64(outbox, n);
        for (size_t i = 0; i < n; i++)
            DK_TRY(put_value(outbox, pieces, items[i], err));
        return DK_OK;
    }
    case DK_KIND_TABLE:
        return table_put(outbox, pieces, value.as.table) == DK_OK ? DK_OK : error_nomem(err);
    case DK_KIND_OBJECT:
        return error_set(err, DK_ENOTSUP,
                         "the result is an object ('%s'), which cannot leave its process: use the "
                         "threads scheduler",
                         value.as.block->type->name);
    case DK_KIND_TASK:
        break;
    }
    return error_set(err, DK_ENOTSUP, "the result is of kind '%s', which cannot leave its process",
                     dk_kind_name(value.kind));
}

static dk_status put_segment(struct outbox *outbox, const struct pieces *pieces, bool is_shared,
                             dk_error *err)
{
    if (!is_shared) {
        size_t at = outbox->bytes.count;
        if (vector_reserve(&outbox->bytes, at + pieces->nbytes) != DK_OK)
            return error_nomem(err);
        pieces_copy(pieces, (char *)outbox->bytes.data + at);
        outbox->bytes.count += pieces->nbytes;
        return DK_OK;
    }
    int fd = -1;
    DK_TRY(pieces_share(pieces, &fd, err));
    outbox_put_fd(outbox, fd, true);
    return DK_OK;
}

static dk_status put_parcel(struct outbox *outbox, struct pieces *pieces, dk_value value,
                            dk_error *err)
{
    struct parcel_header header = {0};
    size_t at = outbox->bytes.count;
    outbox_put(outbox, &header, sizeof(header));
    DK_TRY(put_value(outbox, pieces, value, err));
    if (outbox->failed)
        return error_nomem(err);
    header.body_nbytes = outbox->bytes.count - at - sizeof(header);
    header.segment_nbytes = pieces->nbytes;
    header.is_shared = pieces->nbytes >= SEGMENT_INLINE_NBYTES;
    memcpy((char *)outbox->bytes.data + at, &header, sizeof(header));
    DK_TRY(put_segment(outbox, pieces, header.is_shared, err));
    return outbox->failed ? error_nomem(err) : DK_OK;
}

dk_status value_encode(struct outbox *outbox, dk_value value, dk_error *err)
{
    struct pieces pieces;
    pieces_init(&pieces, outbox->bytes.memory);
    dk_status status = put_parcel(outbox, &pieces, value, err);
    pieces_deinit(&pieces);
    return status;
}

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
    return header.is_shared;
}

struct parcel parcel_since(const struct outbox *outbox, struct outbox_mark mark)
{
    const char *bytes = outbox->bytes.data;
    struct cursor cursor = {bytes + mark.nbytes, bytes + outbox->bytes.count, false};
    struct parcel parcel;
    if (parcel_take(&cursor, &parcel))
        parcel.fd = outbox_last_fd(outbox);
    return parcel;
}

void parcel_forward(struct outbox *outbox, const struct parcel *parcel)
{
    outbox_put(outbox, parcel->bytes, parcel->nbytes);
    if (parcel->fd >= 0)
        outbox_put_fd(outbox, parcel->fd, false);
}

static dk_status get_value(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           dk_value *out);

static void unref_all(dk_value *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_value_unref(items[i]);
}

static dk_status get_items(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           dk_kind kind, dk_value *out)
{
    uint64_t count = cursor_u64(cursor);
    if (count > cursor_left(cursor))
        return DK_EPARSE; /* an item takes a byte or more */
    size_t nbytes = count * sizeof(dk_value);
    dk_value *items = memory_alloc(memory, nbytes);
    if (!items)
        return DK_ENOMEM;
    dk_status status = DK_OK;
    size_t n = 0;
    while (n < count && status == DK_OK) {
        status = get_value(memory, cursor, segment, &items[n]);
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

static dk_status get_bytes(struct memory *memory, struct cursor *cursor, dk_kind kind,
                           dk_value *out)
{
    uint64_t nbytes = cursor_u64(cursor);
    const char *bytes = cursor_skip(cursor, nbytes);
    if (!bytes)
        return DK_EPARSE;
    return kind == DK_KIND_TEXT ? value_text(memory, bytes, nbytes, out)
                                : value_bytes(memory, bytes, nbytes, out);
}

static dk_status get_table(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           dk_value *out)
{
    dk_table *table = NULL;
    DK_TRY(table_get(memory, cursor, segment, &table));
    *out = dk_value_table(table);
    return DK_OK;
}

static dk_status get_value(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           dk_value *out)
{
    dk_kind kind = (dk_kind)cursor_u8(cursor);
    dk_value value = {kind, {0}};
    switch (kind) {
    case DK_KIND_TEXT:
    case DK_KIND_BYTES:
        return get_bytes(memory, cursor, kind, out);
    case DK_KIND_LIST:
    case DK_KIND_MAP:
        return get_items(memory, cursor, segment, kind, out);
    case DK_KIND_TABLE:
        return segment ? get_table(memory, cursor, segment, out) : DK_EPARSE;
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
    if (!may_have_tables)
        return DK_OK;
    if (parcel->fd >= 0)
        return segment_map(memory, parcel->fd, parcel->segment_nbytes, out);
    const char *bytes = parcel->bytes + parcel->nbytes - parcel->segment_nbytes;
    return segment_copy(memory, bytes, parcel->segment_nbytes, out);
}

dk_status value_decode(struct memory *memory, const struct parcel *parcel, dk_value *out)
{
    if (parcel->nbytes <= sizeof(struct parcel_header))
        return DK_EPARSE;
    struct cursor cursor = {parcel->bytes + sizeof(struct parcel_header),
                            parcel->bytes + parcel->nbytes, false};
    struct segment *segment = NULL;
    DK_TRY(open_segment(memory, parcel, &segment));
    dk_status status = get_value(memory, &cursor, segment, out);
    segment_unref(segment);
    return status;
}
