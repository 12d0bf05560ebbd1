/* Columns of fixed width: shared as they are, or converted. */
#include <math.h>
#include <string.h>

#include "column/bits.h"
#include "column/vec.h"
#include "io/arrow/import.h"

#define WIDEN widen_8
#define FROM  uint8_t
#define TO    int16_t
#include "io/arrow/widen.inc.h"

#define WIDEN widen_16
#define FROM  uint16_t
#define TO    int32_t
#include "io/arrow/widen.inc.h"

#define WIDEN widen_32
#define FROM  uint32_t
#define TO    int64_t
#include "io/arrow/widen.inc.h"

struct arrow_owner *arrow_owner_new(struct memory *memory, struct ArrowArray *array)
{
    struct arrow_owner *owner = memory_alloc(memory, sizeof(*owner));
    if (!owner) {
        array->release(array);
        return NULL;
    }
    atomic_init(&owner->refs, 1);
    owner->memory = memory;
    owner->array = *array;
    array->release = NULL;
    return owner;
}

struct arrow_owner *arrow_owner_ref(struct arrow_owner *owner)
{
    atomic_fetch_add_explicit(&owner->refs, 1, memory_order_relaxed);
    return owner;
}

void arrow_owner_unref(void *ptr)
{
    struct arrow_owner *owner = ptr;
    if (!owner || atomic_fetch_sub_explicit(&owner->refs, 1, memory_order_acq_rel) > 1)
        return;
    owner->array.release(&owner->array);
    memory_free(owner->memory, owner, sizeof(*owner));
}

struct buffer *arrow_share(const struct arrow_source *source, const void *bytes, size_t nbytes)
{
    return buffer_wrap(source->owner->memory, bytes, nbytes, arrow_owner_unref,
                       arrow_owner_ref(source->owner));
}

static const uint8_t *bitmap_of(const struct arrow_source *source)
{
    return source->array->n_buffers > 0 ? source->array->buffers[0] : NULL;
}

bool arrow_has_nulls(const struct arrow_source *source)
{
    if (source->array->null_count == 0 || !bitmap_of(source))
        return false;
    return bits_count_zeros(bitmap_of(source), source->offset, source->nrows) > 0;
}

static dk_status nomem(const struct arrow_source *source)
{
    return error_nomem(source->err);
}

dk_status arrow_make_column(const struct arrow_source *source, dk_type type, struct buffer *data,
                            struct buffer *offsets, struct column **out)
{
    struct buffer *validity = NULL;
    bool nulls = arrow_has_nulls(source);
    if (data && nulls) {
        size_t nbytes = (size_t)(source->offset + source->nrows + 7) / 8;
        validity = arrow_share(source, bitmap_of(source), nbytes);
    }
    if (!data || (nulls && !validity)) {
        buffer_unref(data);
        buffer_unref(offsets);
        return nomem(source);
    }
    struct column *column =
        column_new(source->owner->memory, type, source->nrows, data, offsets, validity, NULL);
    if (!column)
        return nomem(source);
    if (validity)
        column->view.validity_offset = source->offset;
    *out = column;
    return DK_OK;
}

dk_status arrow_make_empty(const struct arrow_source *source, dk_type type, int64_t nmissing,
                           struct column **out)
{
    struct vec vec;
    vec_init(&vec, source->owner->memory, type);
    dk_status status = vec_reserve(&vec, nmissing);
    for (int64_t i = 0; i < nmissing && status == DK_OK; i++)
        status = vec_append_null(&vec);
    if (status == DK_OK)
        status = vec_freeze(&vec, out);
    vec_deinit(&vec);
    return status == DK_OK ? DK_OK : nomem(source);
}

static const char *values_of(const struct arrow_source *source, size_t width)
{
    return (const char *)source->array->buffers[1] + (size_t)source->offset * width;
}

struct buffer *arrow_share_aligned(const struct arrow_source *source, const void *bytes,
                                   size_t nbytes, size_t width)
{
    if ((uintptr_t)bytes % width == 0)
        return arrow_share(source, bytes, nbytes);
    struct buffer *copy = buffer_new(source->owner->memory, nbytes);
    if (copy)
        memcpy(copy->data, bytes, nbytes);
    return copy;
}

static struct buffer *share_values(const struct arrow_source *source, size_t width)
{
    return arrow_share_aligned(source, values_of(source, width), (size_t)source->nrows * width,
                               width);
}

static void put_nan(const struct arrow_source *source, struct buffer *data)
{
    const uint8_t *bitmap = bitmap_of(source);
    for (int64_t i = 0; i < source->nrows; i++) {
        if (bit_get(bitmap, source->offset + i))
            continue;
        if (source->format.type == DK_FLOAT64) {
            ((double *)data->data)[i] = NAN;
        } else {
            ((float *)data->data)[i] = NAN;
        }
    }
}

/* Our floats have no bitmap. */
static dk_status import_float(const struct arrow_source *source, struct column **out)
{
    struct memory *memory = source->owner->memory;
    size_t width = type_nbytes(source->format.type);
    struct buffer *data;
    if (arrow_has_nulls(source)) {
        data = buffer_new(memory, (size_t)source->nrows * width);
        if (!data)
            return nomem(source);
        memcpy(data->data, values_of(source, width), data->nbytes);
        put_nan(source, data);
    } else {
        data = share_values(source, width);
        if (!data)
            return nomem(source);
    }
    *out = column_new(memory, source->format.type, source->nrows, data, NULL, NULL, NULL);
    return *out ? DK_OK : nomem(source);
}

static dk_status overflow(const struct arrow_source *source, int64_t row)
{
    return error_set(source->err, DK_EOVERFLOW,
                     "column '%s', row %lld: the time does not fit into nanoseconds (1677 to 2262)",
                     source->name, (long long)row);
}

/* What lies under a null is arbitrary and may overflow. */
static dk_status scale(const struct arrow_source *source, int64_t *to)
{
    bool narrow = source->format.way == ARROW_SCALE32;
    const char *from = values_of(source, narrow ? sizeof(int32_t) : sizeof(int64_t));
    const uint8_t *bitmap = arrow_has_nulls(source) ? bitmap_of(source) : NULL;
    for (int64_t i = 0; i < source->nrows; i++) {
        int64_t value;
        int32_t days;
        if (narrow) {
            memcpy(&days, from + i * 4, sizeof(days));
            value = days;
        } else {
            memcpy(&value, from + i * 8, sizeof(value));
        }
        if (!__builtin_mul_overflow(value, source->format.factor, &to[i]))
            continue;
        if (!bitmap || bit_get(bitmap, source->offset + i))
            return overflow(source, i);
        to[i] = 0;
    }
    return DK_OK;
}

static dk_status convert(const struct arrow_source *source, void *to)
{
    switch (source->format.way) {
    case ARROW_BITS:
        bits_unpack(to, source->array->buffers[1], source->offset, source->nrows);
        return DK_OK;
    case ARROW_UINT8:
        widen_8(to, values_of(source, 1), source->nrows);
        return DK_OK;
    case ARROW_UINT16:
        widen_16(to, values_of(source, 2), source->nrows);
        return DK_OK;
    case ARROW_UINT32:
        widen_32(to, values_of(source, 4), source->nrows);
        return DK_OK;
    default:
        return scale(source, to);
    }
}

static dk_status import_converted(const struct arrow_source *source, struct column **out)
{
    size_t width = type_nbytes(source->format.type);
    struct buffer *data = buffer_new(source->owner->memory, (size_t)source->nrows * width);
    if (!data)
        return nomem(source);
    dk_status status = convert(source, data->data);
    if (status != DK_OK) {
        buffer_unref(data);
        return status;
    }
    return arrow_make_column(source, source->format.type, data, NULL, out);
}

dk_status arrow_import_column(struct arrow_source *source, struct column **out)
{
    const char *format = source->schema->format;
    if (!arrow_format_find(format, &source->format)) {
        return error_set(source->err, DK_ENOTSUP,
                         "column '%s': Arrow format '%s' is not supported; cast the column to a "
                         "number, text, a timestamp without time zone or UTC, or drop it",
                         source->name, format);
    }
    if (source->schema->dictionary)
        return arrow_import_dictionary(source, out);
    dk_type type = source->format.type;
    enum arrow_way way = source->format.way;
    if (!source->nrows || way == ARROW_NOTHING) {
        return arrow_make_empty(source, type, source->nrows, out);
    }
    if (type == DK_TEXT)
        return arrow_import_text(source, out);
    if (way != ARROW_SHARE)
        return import_converted(source, out);
    if (type_is_float(type))
        return import_float(source, out);
    struct buffer *data = share_values(source, type_nbytes(type));
    return arrow_make_column(source, type, data, NULL, out);
}
