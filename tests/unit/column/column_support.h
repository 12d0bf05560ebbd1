/* Small columns written out in a test: values, and the rows that are missing. */
#ifndef TESTS_COLUMN_SUPPORT_H
#define TESTS_COLUMN_SUPPORT_H

#include "support/failing.h"

#include <stdio.h>
#include <string.h>

#include "column/table.h"
#include "column/vec.h"

#define MISSING NULL

/* A text column; a MISSING word is a null. NULL when out of memory. */
static inline struct column *make_text(struct memory *memory, const char *const *words, int64_t n)
{
    struct vec vec;
    struct column *column = NULL;
    vec_init(&vec, memory, DK_TEXT);
    dk_status status = DK_OK;
    for (int64_t i = 0; i < n && status == DK_OK; i++) {
        status =
            words[i] ? vec_append_text(&vec, words[i], strlen(words[i])) : vec_append_null(&vec);
    }
    if (status == DK_OK)
        status = vec_freeze(&vec, &column);
    vec_deinit(&vec);
    return status == DK_OK ? column : NULL;
}

/* An int64 column; `missing` is a string of '.' and 'x' (NULL: none is). */
static inline struct column *make_ints(struct memory *memory, const int64_t *values, int64_t n,
                                       const char *missing)
{
    struct vec vec;
    struct column *column = NULL;
    vec_init(&vec, memory, DK_INT64);
    dk_status status = vec_reset(&vec, n);
    for (int64_t i = 0; i < n && status == DK_OK; i++) {
        ((int64_t *)vec.data)[i] = values[i];
        if (missing && missing[i] == 'x')
            vec_set_null(&vec, i);
    }
    if (status == DK_OK)
        status = vec_freeze(&vec, &column);
    vec_deinit(&vec);
    return status == DK_OK ? column : NULL;
}

/* A category column; code -1 is a null. Takes a reference of its own to `dictionary`. */
static inline struct column *make_category(struct memory *memory, struct column *dictionary,
                                           const int32_t *codes, int64_t n)
{
    struct vec vec;
    struct column *column = NULL;
    vec_init(&vec, memory, DK_CATEGORY);
    vec.dictionary = column_ref(dictionary);
    dk_status status = vec_reset(&vec, n);
    for (int64_t i = 0; i < n && status == DK_OK; i++) {
        ((int32_t *)vec.data)[i] = codes[i] < 0 ? 12345 : codes[i];
        if (codes[i] < 0)
            vec_set_null(&vec, i);
    }
    if (status == DK_OK)
        status = vec_freeze(&vec, &column);
    vec_deinit(&vec);
    return status == DK_OK ? column : NULL;
}

/* What a row shows, in the caller's buffer: "-" when missing. */
static inline const char *show(const struct view *view, int64_t row, char out[64])
{
    if (!view_is_valid(view, row))
        return "-";
    const struct view *words = view->type == DK_CATEGORY ? &view->dictionary->view : view;
    int64_t at = row;
    switch (view->type) {
    case DK_CATEGORY:
        at = ((const int32_t *)view->data)[row];
        assert_in_range(at, 0, words->nrows - 1);
        /* fall through */
    case DK_TEXT:
        snprintf(out, 64, "%.*s", (int)(words->offsets[at + 1] - words->offsets[at]),
                 (const char *)words->data + words->offsets[at]);
        return out;
    case DK_FLOAT64:
        snprintf(out, 64, "%g", ((const double *)view->data)[row]);
        return out;
    case DK_BOOL:
        return ((const uint8_t *)view->data)[row] ? "true" : "false";
    case DK_INT8:
        snprintf(out, 64, "%d", ((const int8_t *)view->data)[row]);
        return out;
    case DK_INT16:
        snprintf(out, 64, "%d", ((const int16_t *)view->data)[row]);
        return out;
    case DK_INT32:
        snprintf(out, 64, "%d", ((const int32_t *)view->data)[row]);
        return out;
    default:
        snprintf(out, 64, "%lld", (long long)((const int64_t *)view->data)[row]);
        return out;
    }
}

/* Compares all rows with a list such as "a b - d". */
static inline void assert_rows(const struct view *view, const char *expected)
{
    char rows[4096] = "";
    char one[64];
    for (int64_t i = 0; i < view->nrows; i++) {
        if (i)
            strcat(rows, " ");
        strcat(rows, show(view, i, one));
    }
    assert_string_equal(rows, expected);
}

#endif
