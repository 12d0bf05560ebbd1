#include "column/dictionary.h"

#include <stdlib.h>
#include <string.h>

static const char *word_bytes(const struct view *words, int64_t i)
{
    return (const char *)words->data + words->offsets[i];
}

static size_t word_nbytes(const struct view *words, int64_t i)
{
    return (size_t)(words->offsets[i + 1] - words->offsets[i]);
}

/* By bytes, which for UTF-8 is by code points: Python's order of str. */
static int compare_words(const struct view *words, int64_t a, int64_t b)
{
    size_t a_nbytes = word_nbytes(words, a);
    size_t b_nbytes = word_nbytes(words, b);
    size_t common = a_nbytes < b_nbytes ? a_nbytes : b_nbytes;
    int order = common ? memcmp(word_bytes(words, a), word_bytes(words, b), common) : 0;
    if (order)
        return order;
    return (a_nbytes > b_nbytes) - (a_nbytes < b_nbytes);
}

static bool same_words(const struct view *a, const struct view *b)
{
    if (a->nrows != b->nrows)
        return false;
    int64_t shift = b->offsets[0] - a->offsets[0];
    for (int64_t i = 1; i <= a->nrows; i++) {
        if (b->offsets[i] - a->offsets[i] != shift)
            return false;
    }
    size_t nbytes = (size_t)(a->offsets[a->nrows] - a->offsets[0]);
    return nbytes == 0 || memcmp(word_bytes(a, 0), word_bytes(b, 0), nbytes) == 0;
}

static void copy_codes(struct vec *vec, const struct view *view)
{
    if (!view->nrows)
        return;
    memcpy((int32_t *)vec->data + vec->nrows, view->data, (size_t)view->nrows * sizeof(int32_t));
}

/* The code beside a missing value means nothing, not even a word of the dictionary. */
static void translate_codes(struct vec *vec, const struct view *view, const int32_t *translation)
{
    int32_t *to = (int32_t *)vec->data + vec->nrows;
    const int32_t *from = view->data;
    if (!view->validity) {
        for (int64_t i = 0; i < view->nrows; i++)
            to[i] = translation[from[i]];
        return;
    }
    for (int64_t i = 0; i < view->nrows; i++) {
        to[i] = view_is_null(view, i) ? 0 : translation[from[i]];
    }
}

/* Replaces the dictionary of `vec` by one that has the words of `more` too. */
static dk_status extend(struct vec *vec, const struct view *more, int32_t *translation)
{
    struct word_set set;
    word_set_init(&set, vec->memory);
    struct column *united = NULL;
    const struct view *known = &vec->dictionary->view;
    dk_status status = word_set_add(&set, known, NULL);
    if (status == DK_OK)
        status = word_set_add(&set, more, translation);
    if (status == DK_OK && set.words.nrows > known->nrows) {
        status = vec_freeze(&set.words, &united);
    }
    word_set_deinit(&set);
    if (united) {
        column_unref(vec->dictionary);
        vec->dictionary = united;
    }
    return status;
}

dk_status dictionary_append_codes(struct vec *vec, const struct view *view)
{
    struct column *theirs = view->dictionary;
    if (!theirs) {
        memset((int32_t *)vec->data + vec->nrows, 0, (size_t)view->nrows * sizeof(int32_t));
        return DK_OK;
    }
    if (!vec->dictionary)
        vec->dictionary = column_ref(theirs);
    if (vec->dictionary == theirs || same_words(&vec->dictionary->view, &theirs->view)) {
        copy_codes(vec, view);
        return DK_OK;
    }
    size_t nbytes = (size_t)theirs->view.nrows * sizeof(int32_t);
    int32_t *translation = memory_alloc(vec->memory, nbytes);
    if (!translation)
        return DK_ENOMEM;
    dk_status status = extend(vec, &theirs->view, translation);
    if (status == DK_OK)
        translate_codes(vec, view, translation);
    memory_free(vec->memory, translation, nbytes);
    return status;
}

static bool is_sorted(const struct view *words)
{
    for (int64_t i = 1; i < words->nrows; i++) {
        if (compare_words(words, i - 1, i) > 0)
            return false;
    }
    return true;
}

static int compare_rows(const void *a, const void *b, void *words)
{
    return compare_words(words, *(const int64_t *)a, *(const int64_t *)b);
}

static dk_status sort_words(struct memory *memory, struct column **words)
{
    struct view *view = &(*words)->view;
    size_t nbytes = (size_t)view->nrows * sizeof(int64_t);
    int64_t *rows = memory_alloc(memory, nbytes);
    if (!rows)
        return DK_ENOMEM;
    for (int64_t i = 0; i < view->nrows; i++)
        rows[i] = i;
    qsort_r(rows, (size_t)view->nrows, sizeof(*rows), compare_rows, view);
    struct column *sorted = NULL;
    dk_status status = column_take(memory, view, rows, view->nrows, &sorted, NULL);
    memory_free(memory, rows, nbytes);
    if (status != DK_OK)
        return status;
    column_unref(*words);
    *words = sorted;
    return DK_OK;
}

/* Collects the words of the columns whose dictionary is not that of the column before. */
static dk_status collect(struct word_set *set, struct column *const *columns, size_t ncolumns,
                         bool *sorted)
{
    *sorted = true;
    for (size_t i = 0; i < ncolumns; i++) {
        if (i && columns[i]->dictionary == columns[i - 1]->dictionary)
            continue;
        const struct view *words = &columns[i]->dictionary->view;
        *sorted = *sorted && is_sorted(words);
        DK_TRY(word_set_add(set, words, NULL));
    }
    return DK_OK;
}

dk_status dictionary_unite(struct memory *memory, struct column *const *columns, size_t ncolumns,
                           struct column **out)
{
    struct word_set set;
    word_set_init(&set, memory);
    bool sorted;
    struct column *united = NULL;
    dk_status status = collect(&set, columns, ncolumns, &sorted);
    struct column *first = columns[0]->dictionary;
    if (status == DK_OK && set.words.nrows == first->view.nrows) {
        united = column_ref(first);
    } else if (status == DK_OK) {
        status = vec_freeze(&set.words, &united);
        if (status == DK_OK && sorted)
            status = sort_words(memory, &united);
    }
    word_set_deinit(&set);
    if (status == DK_OK) {
        *out = united;
    } else {
        column_unref(united);
    }
    return status;
}
