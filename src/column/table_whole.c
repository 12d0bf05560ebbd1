/* A table as one run of bytes: its buffers, and the schema behind them. */
#include "column/table_codec.h"

static dk_status put_buffers(struct writer *out, const struct pieces *pieces)
{
    writer_u64(out, pieces->nbytes);
    size_t at = out->bytes.count;
    if (out->failed || vector_reserve(&out->bytes, at + pieces->nbytes) != DK_OK)
        return DK_ENOMEM;
    pieces_copy(pieces, (char *)out->bytes.data + at);
    out->bytes.count += pieces->nbytes;
    return DK_OK;
}

dk_status table_put_whole(struct writer *out, const dk_table *table)
{
    struct writer schema;
    struct pieces pieces;
    writer_init(&schema, out->bytes.memory);
    pieces_init(&pieces, out->bytes.memory);
    dk_status status = table_put(&schema, &pieces, table);
    if (status == DK_OK)
        status = put_buffers(out, &pieces);
    if (status == DK_OK)
        writer_put(out, schema.bytes.data, schema.bytes.count);
    pieces_deinit(&pieces);
    writer_deinit(&schema);
    return out->failed ? DK_ENOMEM : status;
}

static void release(void *buffer)
{
    buffer_unref(buffer);
}

/* A window of the copy, which it keeps. */
static dk_status get_window(void *self, uint64_t offset, uint64_t nbytes, struct buffer **out)
{
    struct buffer *whole = self;
    if (offset > whole->nbytes || nbytes > whole->nbytes - offset || offset % sizeof(int64_t))
        return DK_EPARSE;
    *out = buffer_wrap(whole->memory, (const char *)whole->data + offset, nbytes, release,
                       buffer_ref(whole));
    return *out ? DK_OK : DK_ENOMEM;
}

dk_status table_get_whole(struct memory *memory, struct cursor *cursor, dk_table **out)
{
    uint64_t nbytes = cursor_u64(cursor);
    const char *bytes = cursor_skip(cursor, nbytes);
    if (!bytes)
        return DK_EPARSE;
    struct buffer *whole = buffer_new(memory, nbytes);
    if (!whole)
        return DK_ENOMEM;
    if (nbytes)
        memcpy(whole->data, bytes, nbytes);
    struct buffer_source buffers = {get_window, whole};
    dk_status status = table_get(memory, cursor, buffers, out);
    buffer_unref(whole);
    return status;
}
