#include "column/kernels/align.h"
#include "column/kernels/sort_keys.h"

/* Appends the rows whose value is missing to the `n` that have one: what is left over in row order.
 */
static void append_missing(const struct view *view, int64_t *rows, int64_t n)
{
    for (int64_t i = 0; n < view->nrows; i++)
        if (!view_is_valid(view, i))
            rows[n++] = i;
}

/* The place of each word of a dictionary in their order; equal words share one. */
static dk_status rank_words(struct memory *memory, const struct view *words, uint64_t *ranks)
{
    size_t nbytes = (size_t)words->nrows * sizeof(int64_t);
    int64_t *order = memory_alloc(memory, nbytes);
    if (!order)
        return DK_ENOMEM;
    dk_status status = argsort(memory, words, order);
    for (int64_t i = 0; status == DK_OK && i < words->nrows; i++) {
        bool again = i > 0 && !view_is_null(words, order[i]) &&
                     text_compare(words, order[i - 1], words, order[i]) == 0;
        ranks[order[i]] = again ? ranks[order[i - 1]] : (uint64_t)i;
    }
    memory_free(memory, order, nbytes);
    return status;
}

static void sort_rows(const struct view *view, const uint64_t *ranks, struct sort_key *keys,
                      int64_t *rows)
{
    struct sort_key *spare = keys + view->nrows + 1;
    int64_t n = sort_keys_of(view, ranks, keys);
    sort_keys_radix(keys, spare, n);
    if (view->type == DK_TEXT)
        sort_keys_text(view, keys, spare, n);
    for (int64_t i = 0; i < n; i++)
        rows[i] = keys[i].row;
    append_missing(view, rows, n);
}

dk_status argsort(struct memory *memory, const struct view *view, int64_t *rows)
{
    if (view_ascends(view)) {
        for (int64_t i = 0; i < view->nrows; i++)
            rows[i] = i;
        return DK_OK;
    }
    /* One more than rows: sort_keys_of() may write past what it keeps. */
    size_t keys_nbytes = 2 * ((size_t)view->nrows + 1) * sizeof(struct sort_key);
    size_t nwords = view->type == DK_CATEGORY ? (size_t)view->dictionary->view.nrows : 0;
    struct sort_key *keys = memory_alloc(memory, keys_nbytes);
    uint64_t *ranks = memory_alloc(memory, nwords * sizeof *ranks);
    dk_status status = keys && ranks ? DK_OK : DK_ENOMEM;
    if (status == DK_OK && view->type == DK_CATEGORY)
        status = rank_words(memory, &view->dictionary->view, ranks);
    if (status == DK_OK)
        sort_rows(view, ranks, keys, rows);
    memory_free(memory, ranks, nwords * sizeof *ranks);
    memory_free(memory, keys, keys_nbytes);
    return status;
}
