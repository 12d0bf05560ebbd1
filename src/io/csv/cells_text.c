/* Cells to text, and to codes into the words met so far. */
#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "io/csv/cells.h"
#include "io/csv/float.h"

/* The length of the UTF-8 character at `text`, 0 when it is none. Overlong forms, surrogates and
 * what is beyond U+10FFFF are none. */
static size_t utf8_length(const unsigned char *text, size_t nbytes)
{
    unsigned first = text[0];
    size_t length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length == 0 || length > nbytes || first > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    if (first == 0xe0 && text[1] < 0xa0)
        return 0;
    if (first == 0xed && text[1] > 0x9f)
        return 0;
    if (first == 0xf0 && text[1] < 0x90)
        return 0;
    if (first == 0xf4 && text[1] > 0x8f)
        return 0;
    return length;
}

static bool is_ascii(const char *text, size_t nbytes)
{
    unsigned char high = 0;
    for (size_t i = 0; i < nbytes; i++)
        high |= (unsigned char)text[i];
    return high < 0x80;
}

static bool is_utf8(const char *text, size_t nbytes)
{
    size_t at = 0;
    while (at + 8 <= nbytes && !(csv_load8(text + at) & CSV_EACH_BYTE * 0x80))
        at += 8;
    while (at < nbytes) {
        size_t length = utf8_length((const unsigned char *)text + at, nbytes - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

/* The first of `nrows` texts that is not UTF-8. Each is looked at by itself, as the end of one and
 * the beginning of the next could make a character together; but mostly the pool is ASCII as a
 * whole. */
static size_t find_bad_text(const struct vec *out, size_t nrows)
{
    const char *pool = out->data;
    const int64_t *offsets = out->offsets;
    size_t i = 0;
    if (is_ascii(pool, out->pool_nbytes))
        return nrows;
    while (i < nrows && is_utf8(pool + offsets[i], (size_t)(offsets[i + 1] - offsets[i])))
        i++;
    return i;
}

dk_status csv_convert_text(struct csv_converter *converter, const struct csv_cells *cells,
                           struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    out->offsets[0] = 0;
    out->pool_nbytes = 0;
    for (size_t i = 0; i < cells->nrows; i++) {
        struct csv_slice slice;
        DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &slice));
        if (csv_words_is_missing(converter->words, slice.text, slice.nbytes)) {
            vec_set_null(out, (int64_t)i);
            slice.nbytes = 0;
        }
        DK_TRY(vec_reserve_text(out, slice.nbytes));
        if (slice.nbytes)
            memcpy((char *)out->data + out->pool_nbytes, slice.text, slice.nbytes);
        out->pool_nbytes += slice.nbytes;
        out->offsets[i + 1] = (int64_t)out->pool_nbytes;
    }
    out->nrows = (int64_t)cells->nrows;
    *nrows = find_bad_text(out, cells->nrows);
    *fault = CSV_FAULT_UTF8;
    return DK_OK;
}

static size_t find_slot(const struct csv_converter *converter, struct csv_slice word)
{
    const struct vec *dictionary = &converter->dictionary;
    const char *pool = dictionary->data;
    size_t mask = converter->nslots - 1;
    size_t slot = (size_t)hash_bytes(word.text, word.nbytes) & mask;
    for (;; slot = (slot + 1) & mask) {
        int32_t code = converter->slots[slot];
        if (code < 0)
            return slot;
        const int64_t *offset = dictionary->offsets + code;
        if ((size_t)(offset[1] - offset[0]) == word.nbytes &&
            memcmp(pool + offset[0], word.text, word.nbytes) == 0)
            return slot;
    }
}

/* At most half of the slots are taken. */
static dk_status grow_slots(struct csv_converter *converter)
{
    const struct vec *dictionary = &converter->dictionary;
    size_t old = converter->nslots;
    if (2 * ((size_t)dictionary->nrows + 1) <= old)
        return DK_OK;
    size_t nslots = old ? 4 * old : 64;
    int32_t *slots = memory_alloc(converter->memory, nslots * sizeof *slots);
    if (!slots)
        return DK_ENOMEM;
    memory_free(converter->memory, converter->slots, old * sizeof *slots);
    converter->slots = slots;
    converter->nslots = nslots;
    memset(slots, 0xff, nslots * sizeof *slots);
    for (int64_t code = 0; code < dictionary->nrows; code++) {
        const int64_t *offset = dictionary->offsets + code;
        struct csv_slice word = {(const char *)dictionary->data + offset[0],
                                 (size_t)(offset[1] - offset[0])};
        slots[find_slot(converter, word)] = (int32_t)code;
    }
    return DK_OK;
}

static dk_status find_code(struct csv_converter *converter, struct csv_slice word, int32_t *out)
{
    DK_TRY(grow_slots(converter));
    size_t slot = find_slot(converter, word);
    if (converter->slots[slot] < 0) {
        int32_t code = (int32_t)converter->dictionary.nrows;
        DK_TRY(vec_append_text(&converter->dictionary, word.text, word.nbytes));
        converter->slots[slot] = code;
    }
    *out = converter->slots[slot];
    return DK_OK;
}

/* The words so far as a column; made anew only when there are more of them. */
static dk_status freeze_dictionary(struct csv_converter *converter, struct vec *out)
{
    struct column *frozen = converter->frozen;
    if (!frozen || frozen->view.nrows < converter->dictionary.nrows) {
        DK_TRY(vec_reserve(&converter->dictionary, 1));
        struct view words = vec_view(&converter->dictionary);
        DK_TRY(column_copy(converter->memory, &words, &frozen, NULL));
        column_unref(converter->frozen);
        converter->frozen = frozen;
    }
    column_unref(out->dictionary);
    out->dictionary = column_ref(frozen);
    return DK_OK;
}

dk_status csv_convert_category(struct csv_converter *converter, const struct csv_cells *cells,
                               struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    int32_t *codes = out->data;
    size_t i = 0;
    *fault = CSV_FAULT_UTF8;
    for (; i < cells->nrows; i++) {
        struct csv_slice word;
        DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &word));
        codes[i] = 0;
        if (csv_words_is_missing(converter->words, word.text, word.nbytes)) {
            vec_set_null(out, (int64_t)i);
            continue;
        }
        if (!is_utf8(word.text, word.nbytes))
            break;
        DK_TRY(find_code(converter, word, &codes[i]));
    }
    *nrows = i;
    return freeze_dictionary(converter, out);
}
