/* Text of Arrow's three layouts: 32-bit offsets, 64-bit offsets (ours), views. */
#include <string.h>

#include "column/bits.h"
#include "column/vec.h"
#include "io/arrow/import.h"

/* The pool is shared in both layouts that have one. */
static dk_status make_text(const struct arrow_source *source, struct buffer *offsets,
                           struct column **out)
{
    const int64_t *ends = offsets->data;
    const char *pool = source->array->buffers[2];
    struct buffer *data = arrow_share(source, pool ? pool : "", (size_t)ends[source->nrows]);
    if (!data) {
        buffer_unref(offsets);
        return error_nomem(source->err);
    }
    return arrow_make_column(source, DK_TEXT, data, offsets, out);
}

static dk_status import_text64(const struct arrow_source *source, struct column **out)
{
    const char *from = source->array->buffers[1];
    from += (size_t)source->offset * sizeof(int64_t);
    size_t nbytes = (size_t)(source->nrows + 1) * sizeof(int64_t);
    struct buffer *offsets = arrow_share_aligned(source, from, nbytes, sizeof(int64_t));
    return offsets ? make_text(source, offsets, out) : error_nomem(source->err);
}

static dk_status import_text32(const struct arrow_source *source, struct column **out)
{
    const char *from = source->array->buffers[1];
    from += (size_t)source->offset * sizeof(int32_t);
    size_t count = (size_t)source->nrows + 1;
    struct buffer *offsets = buffer_new(source->owner->memory, count * sizeof(int64_t));
    if (!offsets)
        return error_nomem(source->err);
    int64_t *to = offsets->data;
    for (size_t i = 0; i < count; i++) {
        int32_t value;
        memcpy(&value, from + i * sizeof(value), sizeof(value));
        to[i] = value;
    }
    return make_text(source, offsets, out);
}

/* The 16 bytes of a view: short strings are in it, of long ones it names buffer and place. */
struct text_view {
    int32_t length;
    union {
        char inlined[12];
        struct {
            char prefix[4];
            int32_t buffer;
            int32_t offset;
        };
    };
};

_Static_assert(sizeof(struct text_view) == 16, "the layout of the specification");

static dk_status append_text_view(struct vec *vec, const struct arrow_source *source, int64_t row)
{
    struct text_view view;
    const char *views = source->array->buffers[1];
    memcpy(&view, views + (size_t)row * sizeof(view), sizeof(view));
    const char *bytes = view.inlined;
    if (view.length > (int32_t)sizeof(view.inlined)) {
        bytes = (const char *)source->array->buffers[2 + view.buffer] + view.offset;
    }
    return vec_append_text(vec, bytes, (size_t)view.length);
}

static dk_status import_text_views(const struct arrow_source *source, struct column **out)
{
    const uint8_t *bitmap = arrow_has_nulls(source) ? source->array->buffers[0] : NULL;
    struct vec vec;
    vec_init(&vec, source->owner->memory, DK_TEXT);
    dk_status status = vec_reserve(&vec, source->nrows);
    for (int64_t i = 0; i < source->nrows && status == DK_OK; i++) {
        int64_t row = source->offset + i;
        bool is_null = bitmap && !bit_get(bitmap, row);
        status = is_null ? vec_append_null(&vec) : append_text_view(&vec, source, row);
    }
    if (status == DK_OK)
        status = vec_freeze(&vec, out);
    vec_deinit(&vec);
    return status == DK_OK ? DK_OK : error_nomem(source->err);
}

dk_status arrow_import_text(const struct arrow_source *source, struct column **out)
{
    switch (source->format.way) {
    case ARROW_TEXT32:
        return import_text32(source, out);
    case ARROW_TEXT64:
        return import_text64(source, out);
    default:
        return import_text_views(source, out);
    }
}
