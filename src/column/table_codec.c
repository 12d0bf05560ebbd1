#include "column/table_codec.h"

enum part { HAS_DATA = 1, HAS_OFFSETS = 2, HAS_VALIDITY = 4, HAS_DICTIONARY = 8 };

struct place {
    uint64_t offset;
    uint64_t nbytes;
};

static void put_place(struct writer *out, size_t offset, size_t nbytes)
{
    struct place place = {offset, nbytes};
    writer_put(out, &place, sizeof(place));
}

static dk_status put_data(struct writer *out, struct pieces *pieces, const struct view *view)
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
    put_place(out, offset, nbytes);
    return DK_OK;
}

/* A text column of no rows may have no offsets; the reader gets one all the same. */
static dk_status put_offsets(struct writer *out, struct pieces *pieces, const struct view *view)
{
    static const int64_t zero[1] = {0};
    const int64_t *offsets = view->nrows ? view->offsets : zero;
    size_t count = (size_t)view->nrows + 1;
    size_t offset = 0;
    DK_TRY(pieces_add_offsets(pieces, offsets, count, &offset));
    put_place(out, offset, count * sizeof(int64_t));
    return DK_OK;
}

/* From the byte of the first bit on: the bits stay where they are in it. */
static dk_status put_validity(struct writer *out, struct pieces *pieces, const struct view *view)
{
    int64_t first = view->validity_offset & 7;
    size_t nbytes = (size_t)(first + view->nrows + 7) / 8;
    size_t offset = 0;
    DK_TRY(pieces_add(pieces, view->validity + (view->validity_offset >> 3), nbytes, &offset));
    put_place(out, offset, nbytes);
    writer_u8(out, (uint8_t)first);
    return DK_OK;
}

static dk_status put_column(struct writer *out, struct pieces *pieces, const struct view *view)
{
    unsigned parts = HAS_DATA;
    if (view->type == DK_TEXT)
        parts |= HAS_OFFSETS;
    if (view->validity)
        parts |= HAS_VALIDITY;
    if (view->dictionary)
        parts |= HAS_DICTIONARY;
    writer_u8(out, (uint8_t)view->type);
    writer_u8(out, (uint8_t)parts);
    writer_u64(out, (uint64_t)view->nrows);
    DK_TRY(put_data(out, pieces, view));
    if (parts & HAS_OFFSETS)
        DK_TRY(put_offsets(out, pieces, view));
    if (parts & HAS_VALIDITY)
        DK_TRY(put_validity(out, pieces, view));
    if (parts & HAS_DICTIONARY)
        return put_column(out, pieces, &view->dictionary->view);
    return DK_OK;
}

dk_status table_put(struct writer *out, struct pieces *pieces, const dk_table *table)
{
    writer_u64(out, (uint64_t)table->nrows);
    writer_u32(out, (uint32_t)table->ncolumns);
    writer_u8(out, table->is_series);
    writer_u8(out, table->index != NULL);
    writer_text(out, table->index_name);
    if (table->index)
        DK_TRY(put_column(out, pieces, &table->index->view));
    for (int32_t i = 0; i < table->ncolumns; i++) {
        writer_text(out, table->names[i]);
        DK_TRY(put_column(out, pieces, &table->columns[i]->view));
    }
    return out->failed ? DK_ENOMEM : DK_OK;
}

/* ---- in ---- */

struct reader {
    struct memory *memory;
    struct cursor *cursor;
    struct buffer_source buffers;
};

/* A buffer of at least `nbytes`, which its place must have. */
static dk_status get_buffer(struct reader *reader, uint64_t nbytes, struct buffer **out)
{
    struct place place;
    cursor_take(reader->cursor, &place, sizeof(place));
    if (reader->cursor->overrun || place.nbytes < nbytes)
        return DK_EPARSE;
    return reader->buffers.get(reader->buffers.self, place.offset, place.nbytes, out);
}

/* The parts of a column as they are read, until column_new() takes them. */
struct parts {
    struct buffer *data;
    struct buffer *offsets;
    struct buffer *validity;
    struct column *dictionary;
    int64_t validity_offset;
};

static dk_status get_column(struct reader *reader, int64_t wanted, struct column **out);

static dk_status get_validity(struct reader *reader, int64_t nrows, struct parts *parts)
{
    DK_TRY(get_buffer(reader, 0, &parts->validity));
    parts->validity_offset = cursor_u8(reader->cursor);
    size_t nbytes = (size_t)(parts->validity_offset + nrows + 7) / 8;
    return parts->validity_offset < 8 && parts->validity->nbytes >= nbytes ? DK_OK : DK_EPARSE;
}

/* The words of a category: any number of them. */
static dk_status get_dictionary(struct reader *reader, struct parts *parts)
{
    DK_TRY(get_column(reader, -1, &parts->dictionary));
    return parts->dictionary->view.type == DK_TEXT ? DK_OK : DK_EPARSE;
}

/* Which parts a column of `type` has. */
static bool parts_fit(dk_type type, unsigned which)
{
    if (!(which & HAS_DATA) || which > (HAS_DICTIONARY << 1) - 1)
        return false;
    if (type_is_float(type) && (which & HAS_VALIDITY))
        return false;
    return (type == DK_TEXT) == !!(which & HAS_OFFSETS) &&
           (type == DK_CATEGORY || !(which & HAS_DICTIONARY));
}

static dk_status get_parts(struct reader *reader, dk_type type, int64_t nrows, unsigned which,
                           struct parts *parts)
{
    DK_TRY(get_buffer(reader, (uint64_t)nrows * type_nbytes(type), &parts->data));
    if (which & HAS_OFFSETS)
        DK_TRY(get_buffer(reader, ((uint64_t)nrows + 1) * sizeof(int64_t), &parts->offsets));
    if (which & HAS_VALIDITY)
        DK_TRY(get_validity(reader, nrows, parts));
    return which & HAS_DICTIONARY ? get_dictionary(reader, parts) : DK_OK;
}

/* More rows than that have no buffer that they fit in, but sums that overflow. */
#define NROWS_MAX (INT64_MAX / 64)

/* A column of `wanted` rows; -1: of any number. */
static dk_status get_column(struct reader *reader, int64_t wanted, struct column **out)
{
    struct parts parts = {0};
    dk_type type = (dk_type)cursor_u8(reader->cursor);
    unsigned which = cursor_u8(reader->cursor);
    int64_t nrows = cursor_i64(reader->cursor);
    bool fits = wanted < 0 ? nrows >= 0 && nrows < NROWS_MAX : nrows == wanted;
    if (type >= DK_TYPE_COUNT || !fits || !parts_fit(type, which))
        return DK_EPARSE;
    dk_status status = get_parts(reader, type, nrows, which, &parts);
    if (status != DK_OK) {
        buffer_unref(parts.data);
        buffer_unref(parts.offsets);
        buffer_unref(parts.validity);
        column_unref(parts.dictionary);
        return status;
    }
    *out = column_new(reader->memory, type, nrows, parts.data, parts.offsets, parts.validity,
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

static dk_status get_draft(struct reader *reader, struct draft *draft)
{
    size_t n = (size_t)draft->ncolumns;
    bool has_index = cursor_u8(reader->cursor);
    draft->index_name = cursor_text(reader->cursor);
    if (has_index)
        DK_TRY(get_column(reader, draft->nrows, &draft->index));
    draft->names = memory_calloc(reader->memory, n * sizeof(*draft->names));
    draft->columns = memory_calloc(reader->memory, n * sizeof(*draft->columns));
    if (!draft->names || !draft->columns)
        return DK_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        draft->names[i] = cursor_text(reader->cursor);
        DK_TRY(get_column(reader, draft->nrows, &draft->columns[i]));
    }
    return reader->cursor->overrun ? DK_EPARSE : DK_OK;
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

dk_status table_get(struct memory *memory, struct cursor *cursor, struct buffer_source buffers,
                    dk_table **out)
{
    struct draft draft = {.nrows = cursor_i64(cursor)};
    uint32_t ncolumns = cursor_u32(cursor);
    draft.is_series = cursor_u8(cursor);
    /* Every column takes some bytes: a count beyond them is no count. */
    if (draft.nrows < 0 || draft.nrows >= NROWS_MAX || ncolumns > cursor_left(cursor) ||
        (draft.is_series && ncolumns != 1))
        return DK_EPARSE;
    draft.ncolumns = (int32_t)ncolumns;
    struct reader reader = {memory, cursor, buffers};
    dk_status status = get_draft(&reader, &draft);
    if (status == DK_OK) {
        status = table_new(memory, draft.nrows, draft.ncolumns, draft.names, draft.columns,
                           draft.index_name, draft.index, draft.is_series, out);
    }
    free_draft(memory, &draft);
    return status;
}
