#include "local/processes/shared_table.h"

#include <string.h>

#define NO_NAME UINT32_MAX

enum part { HAS_DATA = 1, HAS_OFFSETS = 2, HAS_VALIDITY = 4, HAS_DICTIONARY = 8 };

struct place {
    uint64_t offset;
    uint64_t nbytes;
};

static void put_name(struct outbox *outbox, const char *name)
{
    size_t nbytes = name ? strlen(name) : 0;
    outbox_put_u32(outbox, name ? (uint32_t)nbytes : NO_NAME);
    /* With its zero, so that the reader can use it where it lies. */
    if (name)
        outbox_put(outbox, name, nbytes + 1);
}

static void put_place(struct outbox *outbox, size_t offset, size_t nbytes)
{
    struct place place = {offset, nbytes};
    outbox_put(outbox, &place, sizeof(place));
}

static dk_status put_data(struct outbox *outbox, struct pieces *pieces, const struct view *view)
{
    const char *data = view->data;
    size_t nbytes = (size_t)view->nrows * type_nbytes(view->type);
    if (view->type == DK_TEXT) {
        int64_t first = view->nrows ? view->offsets[0] : 0;
        nbytes = view->nrows ? (size_t)(view->offsets[view->nrows] - first) : 0;
        if (nbytes)
            data += first;
    }
    size_t offset = 0;
    DK_TRY(pieces_add(pieces, data, nbytes, &offset));
    put_place(outbox, offset, nbytes);
    return DK_OK;
}

/* A text column of no rows may have no offsets; the reader gets one all the same. */
static dk_status put_offsets(struct outbox *outbox, struct pieces *pieces, const struct view *view)
{
    static const int64_t zero[1] = {0};
    const int64_t *offsets = view->nrows ? view->offsets : zero;
    size_t count = (size_t)view->nrows + 1;
    size_t offset = 0;
    DK_TRY(pieces_add_offsets(pieces, offsets, count, &offset));
    put_place(outbox, offset, count * sizeof(int64_t));
    return DK_OK;
}

/* From the byte of the first bit on: the bits stay where they are in it. */
static dk_status put_validity(struct outbox *outbox, struct pieces *pieces, const struct view *view)
{
    int64_t first = view->validity_offset & 7;
    size_t nbytes = (size_t)(first + view->nrows + 7) / 8;
    size_t offset = 0;
    DK_TRY(pieces_add(pieces, view->validity + (view->validity_offset >> 3), nbytes, &offset));
    put_place(outbox, offset, nbytes);
    outbox_put_u8(outbox, (uint8_t)first);
    return DK_OK;
}

static dk_status put_column(struct outbox *outbox, struct pieces *pieces, const struct view *view)
{
    unsigned parts = HAS_DATA;
    if (view->type == DK_TEXT)
        parts |= HAS_OFFSETS;
    if (view->validity)
        parts |= HAS_VALIDITY;
    if (view->dictionary)
        parts |= HAS_DICTIONARY;
    outbox_put_u8(outbox, (uint8_t)view->type);
    outbox_put_u8(outbox, (uint8_t)parts);
    outbox_put_u64(outbox, (uint64_t)view->nrows);
    DK_TRY(put_data(outbox, pieces, view));
    if (parts & HAS_OFFSETS)
        DK_TRY(put_offsets(outbox, pieces, view));
    if (parts & HAS_VALIDITY)
        DK_TRY(put_validity(outbox, pieces, view));
    if (parts & HAS_DICTIONARY)
        return put_column(outbox, pieces, &view->dictionary->view);
    return DK_OK;
}

dk_status table_put(struct outbox *outbox, struct pieces *pieces, const dk_table *table)
{
    outbox_put_u64(outbox, (uint64_t)table->nrows);
    outbox_put_u32(outbox, (uint32_t)table->ncolumns);
    outbox_put_u8(outbox, table->is_series);
    outbox_put_u8(outbox, table->index != NULL);
    put_name(outbox, table->index_name);
    if (table->index)
        DK_TRY(put_column(outbox, pieces, &table->index->view));
    for (int32_t i = 0; i < table->ncolumns; i++) {
        put_name(outbox, table->names[i]);
        DK_TRY(put_column(outbox, pieces, &table->columns[i]->view));
    }
    return DK_OK;
}

static const char *get_name(struct cursor *cursor)
{
    uint32_t nbytes = cursor_u32(cursor);
    return nbytes == NO_NAME ? NULL : cursor_skip(cursor, (uint64_t)nbytes + 1);
}

static dk_status get_buffer(struct cursor *cursor, struct segment *segment, struct buffer **out)
{
    struct place place;
    cursor_take(cursor, &place, sizeof(place));
    if (place.offset > segment->nbytes || place.nbytes > segment->nbytes - place.offset) {
        return DK_EPARSE;
    }
    *out = segment_buffer(segment, place.offset, place.nbytes);
    return *out ? DK_OK : DK_ENOMEM;
}

/* The parts of a column as they are read, until column_new() takes them. */
struct parts {
    struct buffer *data;
    struct buffer *offsets;
    struct buffer *validity;
    struct column *dictionary;
    int64_t validity_offset;
};

static dk_status get_column(struct memory *memory, struct cursor *cursor, struct segment *segment,
                            struct column **out);

static dk_status get_parts(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           unsigned which, struct parts *parts)
{
    DK_TRY(get_buffer(cursor, segment, &parts->data));
    if (which & HAS_OFFSETS)
        DK_TRY(get_buffer(cursor, segment, &parts->offsets));
    if (which & HAS_VALIDITY) {
        DK_TRY(get_buffer(cursor, segment, &parts->validity));
        parts->validity_offset = cursor_u8(cursor);
    }
    if (which & HAS_DICTIONARY)
        return get_column(memory, cursor, segment, &parts->dictionary);
    return DK_OK;
}

static dk_status get_column(struct memory *memory, struct cursor *cursor, struct segment *segment,
                            struct column **out)
{
    struct parts parts = {0};
    dk_type type = (dk_type)cursor_u8(cursor);
    unsigned which = cursor_u8(cursor);
    int64_t nrows = cursor_i64(cursor);
    if (type >= DK_TYPE_COUNT || nrows < 0)
        return DK_EPARSE;
    dk_status status = get_parts(memory, cursor, segment, which, &parts);
    if (status != DK_OK) {
        buffer_unref(parts.data);
        buffer_unref(parts.offsets);
        buffer_unref(parts.validity);
        return status;
    }
    *out = column_new(memory, type, nrows, parts.data, parts.offsets, parts.validity,
                      parts.dictionary);
    if (!*out)
        return DK_ENOMEM;
    (*out)->view.validity_offset = parts.validity_offset;
    return DK_OK;
}

/* A table while it is read. */
struct draft {
    int64_t nrows;
    int32_t ncolumns;
    bool is_series;
    const char **names;
    struct column **columns;
    const char *index_name;
    struct column *index;
};

static dk_status get_draft(struct memory *memory, struct cursor *cursor, struct segment *segment,
                           struct draft *draft)
{
    size_t n = (size_t)draft->ncolumns;
    bool has_index = cursor_u8(cursor);
    draft->index_name = get_name(cursor);
    if (has_index)
        DK_TRY(get_column(memory, cursor, segment, &draft->index));
    draft->names = memory_calloc(memory, n * sizeof(*draft->names));
    draft->columns = memory_calloc(memory, n * sizeof(*draft->columns));
    if (!draft->names || !draft->columns)
        return DK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        draft->names[i] = get_name(cursor);
        DK_TRY(get_column(memory, cursor, segment, &draft->columns[i]));
    }
    return cursor->overrun ? DK_EPARSE : DK_OK;
}

static void free_draft(struct memory *memory, struct draft *draft)
{
    size_t n = (size_t)draft->ncolumns;
    for (size_t i = 0; draft->columns && i < n; i++)
        column_unref(draft->columns[i]);
    column_unref(draft->index);
    memory_free(memory, draft->names, n * sizeof(*draft->names));
    memory_free(memory, draft->columns, n * sizeof(*draft->columns));
}

dk_status table_get(struct memory *memory, struct cursor *cursor, struct segment *segment,
                    dk_table **out)
{
    struct draft draft = {.nrows = cursor_i64(cursor)};
    uint32_t ncolumns = cursor_u32(cursor);
    /* Every column takes some bytes: a count beyond them is no count. */
    if (draft.nrows < 0 || ncolumns > cursor_left(cursor))
        return DK_EPARSE;
    draft.ncolumns = (int32_t)ncolumns;
    draft.is_series = cursor_u8(cursor);
    dk_status status = get_draft(memory, cursor, segment, &draft);
    if (status == DK_OK) {
        status = table_new(memory, draft.nrows, draft.ncolumns, draft.names, draft.columns,
                           draft.index_name, draft.index, draft.is_series, out);
    }
    free_draft(memory, &draft);
    return status;
}
