#include "column/vec.h"

#include <math.h>
#include <string.h>

#include "column/bits.h"
#include "column/dictionary.h"

#define FIRST_CAPACITY ((int64_t)64)

static size_t validity_nbytes(int64_t capacity)
{
    return (size_t)(capacity + 7) / 8;
}

static size_t offsets_nbytes(int64_t capacity)
{
    return (size_t)(capacity + 1) * sizeof(int64_t);
}

void vec_init(struct vec *vec, struct memory *memory, dk_type type)
{
    *vec = (struct vec){.memory = memory, .type = type};
}

void vec_deinit(struct vec *vec)
{
    memory_free(vec->memory, vec->data, vec->data_capacity);
    if (vec->offsets)
        memory_free(vec->memory, vec->offsets, offsets_nbytes(vec->capacity));
    if (vec->validity)
        memory_free(vec->memory, vec->validity, validity_nbytes(vec->capacity));
    column_unref(vec->dictionary);
    vec_init(vec, vec->memory, vec->type);
}

/* Allocates the new parts first and moves in only when all are there, so a failure leaves the vec
 * as it was. */
static dk_status grow_text(struct vec *vec, int64_t capacity)
{
    int64_t *offsets = memory_alloc(vec->memory, offsets_nbytes(capacity));
    if (!offsets)
        return DK_ENOMEM;
    if (vec->offsets) {
        memcpy(offsets, vec->offsets, (size_t)(vec->nrows + 1) * sizeof(int64_t));
        memory_free(vec->memory, vec->offsets, offsets_nbytes(vec->capacity));
    } else {
        offsets[0] = 0;
    }
    vec->offsets = offsets;
    return DK_OK;
}

static dk_status grow_data(struct vec *vec, int64_t capacity)
{
    size_t nbytes = (size_t)capacity * type_nbytes(vec->type);
    void *data = memory_resize(vec->memory, vec->data, vec->data_capacity, nbytes);
    if (!data)
        return DK_ENOMEM;
    vec->data = data;
    vec->data_capacity = nbytes;
    return DK_OK;
}

static dk_status grow(struct vec *vec, int64_t capacity)
{
    size_t old_nbytes = vec->validity ? validity_nbytes(vec->capacity) : 0;
    uint8_t *validity = memory_alloc(vec->memory, validity_nbytes(capacity));
    if (!validity)
        return DK_ENOMEM;
    dk_status status = vec->type == DK_TEXT ? grow_text(vec, capacity) : grow_data(vec, capacity);
    if (status != DK_OK) {
        memory_free(vec->memory, validity, validity_nbytes(capacity));
        return status;
    }
    memset(validity, 0xff, validity_nbytes(capacity));
    if (vec->validity) {
        if (vec->has_nulls)
            memcpy(validity, vec->validity, old_nbytes);
        memory_free(vec->memory, vec->validity, old_nbytes);
    }
    vec->validity = validity;
    vec->capacity = capacity;
    return DK_OK;
}

dk_status vec_reserve(struct vec *vec, int64_t capacity)
{
    if (capacity <= vec->capacity && vec->validity)
        return DK_OK;
    if (capacity > PTRDIFF_MAX / 16)
        return DK_ENOMEM;
    int64_t wider = vec->nrows ? vec->capacity * 2 : 0;
    if (wider < FIRST_CAPACITY && vec->nrows)
        wider = FIRST_CAPACITY;
    return grow(vec, capacity > wider ? capacity : wider);
}

dk_status vec_reset(struct vec *vec, int64_t nrows)
{
    vec->nrows = 0;
    vec->pool_nbytes = 0;
    vec->has_nulls = false;
    DK_TRY(vec_reserve(vec, nrows));
    vec->nrows = vec->type == DK_TEXT ? 0 : nrows;
    return DK_OK;
}

void vec_set_null(struct vec *vec, int64_t i)
{
    if (vec->type == DK_FLOAT64) {
        ((double *)vec->data)[i] = NAN;
    } else if (vec->type == DK_FLOAT32) {
        ((float *)vec->data)[i] = NAN;
    } else {
        if (!vec->has_nulls)
            memset(vec->validity, 0xff, validity_nbytes(vec->capacity));
        vec->has_nulls = true;
        bit_clear(vec->validity, i);
    }
}

/* Room for one more row; capacity grows geometrically. */
static dk_status make_row(struct vec *vec)
{
    if (vec->nrows < vec->capacity)
        return DK_OK;
    return vec_reserve(vec, vec->nrows + 1 > FIRST_CAPACITY ? vec->nrows + 1 : FIRST_CAPACITY);
}

dk_status vec_reserve_text(struct vec *vec, size_t nbytes)
{
    size_t needed = vec->pool_nbytes + nbytes;
    if (needed <= vec->data_capacity)
        return DK_OK;
    size_t wider = vec->data_capacity * 2 > needed ? vec->data_capacity * 2 : needed;
    if (wider < 256)
        wider = 256;
    void *data = memory_resize(vec->memory, vec->data, vec->data_capacity, wider);
    if (!data)
        return DK_ENOMEM;
    vec->data = data;
    vec->data_capacity = wider;
    return DK_OK;
}

dk_status vec_append_text(struct vec *vec, const char *bytes, size_t nbytes)
{
    DK_TRY(make_row(vec));
    DK_TRY(vec_reserve_text(vec, nbytes));
    if (nbytes)
        memcpy((char *)vec->data + vec->pool_nbytes, bytes, nbytes);
    vec->pool_nbytes += nbytes;
    vec->offsets[++vec->nrows] = (int64_t)vec->pool_nbytes;
    return DK_OK;
}

dk_status vec_append_null(struct vec *vec)
{
    DK_TRY(make_row(vec));
    if (vec->type == DK_TEXT) {
        vec->offsets[vec->nrows + 1] = (int64_t)vec->pool_nbytes;
    } else {
        memset((char *)vec->data + (size_t)vec->nrows * type_nbytes(vec->type), 0,
               type_nbytes(vec->type));
    }
    vec_set_null(vec, vec->nrows++);
    return DK_OK;
}

static void append_validity(struct vec *vec, const struct view *view)
{
    bool nulls =
        view->validity && bits_count_zeros(view->validity, view->validity_offset, view->nrows);
    if (nulls) {
        if (!vec->has_nulls)
            memset(vec->validity, 0xff, validity_nbytes(vec->capacity));
        vec->has_nulls = true;
        bits_copy(vec->validity, vec->nrows, view->validity, view->validity_offset, view->nrows);
    } else if (vec->has_nulls) {
        bits_set(vec->validity, vec->nrows, view->nrows);
    }
}

static dk_status append_text_view(struct vec *vec, const struct view *view)
{
    if (!view->nrows)
        return DK_OK;
    int64_t first = view->offsets[0];
    size_t nbytes = (size_t)(view->offsets[view->nrows] - first);
    DK_TRY(vec_reserve_text(vec, nbytes));
    if (nbytes) {
        memcpy((char *)vec->data + vec->pool_nbytes, (const char *)view->data + first, nbytes);
    }
    int64_t shift = (int64_t)vec->pool_nbytes - first;
    for (int64_t i = 1; i <= view->nrows; i++) {
        vec->offsets[vec->nrows + i] = view->offsets[i] + shift;
    }
    vec->pool_nbytes += nbytes;
    return DK_OK;
}

static void append_fixed_view(struct vec *vec, const struct view *view)
{
    size_t width = type_nbytes(view->type);
    char *end = (char *)vec->data + (size_t)vec->nrows * width;
    if (view->nrows)
        memcpy(end, view->data, (size_t)view->nrows * width);
}

dk_status vec_append_view(struct vec *vec, const struct view *view)
{
    DK_TRY(vec_reserve(vec, vec->nrows + view->nrows));
    if (view->type == DK_TEXT) {
        DK_TRY(append_text_view(vec, view));
    } else if (view->type == DK_CATEGORY) {
        DK_TRY(dictionary_append_codes(vec, view));
    } else {
        append_fixed_view(vec, view);
    }
    append_validity(vec, view);
    vec->nrows += view->nrows;
    return DK_OK;
}

struct view vec_view(const struct vec *vec)
{
    struct view view = {
        .type = vec->type,
        .nrows = vec->nrows,
        .data = vec->data,
        .offsets = vec->offsets,
        .validity = vec->has_nulls ? vec->validity : NULL,
        .dictionary = vec->dictionary,
    };
    return view;
}

/* Adopts the blocks one by one; a block that was adopted belongs to its buffer from then on. */
static dk_status adopt(struct vec *vec, struct buffer *buffers[3])
{
    struct memory *memory = vec->memory;
    buffers[0] = buffer_adopt(memory, vec->data, vec->data_capacity);
    vec->data = NULL;
    if (!buffers[0])
        return DK_ENOMEM;
    if (vec->offsets) {
        buffers[1] = buffer_adopt(memory, vec->offsets, offsets_nbytes(vec->capacity));
        vec->offsets = NULL;
        if (!buffers[1])
            return DK_ENOMEM;
    }
    if (vec->has_nulls) {
        buffers[2] = buffer_adopt(memory, vec->validity, validity_nbytes(vec->capacity));
        vec->validity = NULL;
        if (!buffers[2])
            return DK_ENOMEM;
    }
    return DK_OK;
}

/* Gives back what was reserved too much, where that is worth a copy; keeps the block when shrinking
 * fails. */
static void trim(struct vec *vec)
{
    size_t used =
        vec->type == DK_TEXT ? vec->pool_nbytes : (size_t)vec->nrows * type_nbytes(vec->type);
    if (vec->data_capacity - used < 4096 || vec->data_capacity < used + used / 8)
        return;
    void *data = memory_resize(vec->memory, vec->data, vec->data_capacity, used);
    if (!data)
        return;
    vec->data = data;
    vec->data_capacity = used;
}

/* What every column has, whatever was written: blocks, and for a category a dictionary. */
static dk_status complete(struct vec *vec)
{
    DK_TRY(vec_reserve(vec, vec->nrows));
    if (!vec->data)
        DK_TRY(vec_reserve_text(vec, 1));
    if (vec->type != DK_CATEGORY || vec->dictionary)
        return DK_OK;
    struct vec words;
    vec_init(&words, vec->memory, DK_TEXT);
    return vec_freeze(&words, &vec->dictionary);
}

dk_status vec_freeze(struct vec *vec, struct column **out)
{
    struct buffer *buffers[3] = {NULL, NULL, NULL};
    dk_status status = complete(vec);
    if (status == DK_OK) {
        trim(vec);
        status = adopt(vec, buffers);
    }
    if (status != DK_OK) {
        for (int i = 0; i < 3; i++)
            buffer_unref(buffers[i]);
        vec_deinit(vec);
        return status;
    }
    struct column *column = column_new(vec->memory, vec->type, vec->nrows, buffers[0], buffers[1],
                                       buffers[2], column_ref(vec->dictionary));
    vec_deinit(vec);
    if (!column)
        return DK_ENOMEM;
    *out = column;
    return DK_OK;
}
