/* Text: comparison and concatenation. */
#include "column/kernels/words.h"

#include "column/kernels/binary.h"
#include "column/kernels/operand.h"
#include "column/kernels/validity.h"

dk_status words_reserve(struct vec *vec, size_t nbytes)
{
    size_t needed = vec->pool_nbytes + nbytes;
    if (needed <= vec->data_capacity)
        return DK_OK;
    void *data = memory_resize(vec->memory, vec->data, vec->data_capacity, needed);
    if (!data)
        return DK_ENOMEM;
    vec->data = data;
    vec->data_capacity = needed;
    return DK_OK;
}

void words_share_dictionary(struct vec *vec, const struct view *view)
{
    /* Counting a reference does not change what the borrowed column says. */
    struct column *dictionary = (struct column *)(uintptr_t)view->dictionary;
    if (vec->dictionary == dictionary)
        return;
    column_unref(vec->dictionary);
    vec->dictionary = column_ref(dictionary);
}

static bool holds(enum binary_op op, struct word a, struct word b)
{
    if (op == OP_EQ || op == OP_NE)
        return word_equal(a, b) == (op == OP_EQ);
    int order = word_compare(a, b);
    switch (op) {
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static void compare_rows(enum binary_op op, const struct view *a, const struct view *b,
                         struct vec *out)
{
    uint8_t *result = out->data;
    int64_t step_a = a->nrows != 1, step_b = b->nrows != 1;
    for (int64_t i = 0; i < out->nrows; i++) {
        int64_t at_a = i * step_a, at_b = i * step_b;
        bool missing = view_is_null(a, at_a) || view_is_null(b, at_b);
        result[i] = missing ? op == OP_NE : holds(op, word_at(a, at_a), word_at(b, at_b));
    }
}

/* One word against a category: it is looked up among the categories, then codes are compared. */
static void compare_codes(enum binary_op op, const struct view *category,
                          const struct view *literal, struct vec *out)
{
    const struct view *words = &category->dictionary->view;
    const int32_t *codes = category->data;
    uint8_t *result = out->data;
    int32_t code = -1;
    for (int64_t i = 0; i < words->nrows && code < 0 && !view_is_null(literal, 0); i++)
        if (!view_is_null(words, i) && word_equal(word_at(words, i), word_at(literal, 0)))
            code = (int32_t)i;
    for (int64_t i = 0; i < out->nrows; i++)
        result[i] = (codes[i] == code) == (op == OP_EQ);
    if (category->validity)
        for (int64_t i = 0; i < out->nrows; i++)
            if (view_is_null(category, i))
                result[i] = op == OP_NE;
}

dk_status compare_words_apply(enum binary_op op, const struct view *a, const struct view *b,
                              struct vec *out, dk_error *err)
{
    if (vec_reset(out, operand_rows(a, b)) != DK_OK)
        return error_nomem(err);
    if (a->type == DK_CATEGORY && b->type == DK_TEXT && b->nrows == 1)
        compare_codes(op, a, b, out);
    else if (b->type == DK_CATEGORY && a->type == DK_TEXT && a->nrows == 1)
        compare_codes(op, b, a, out);
    else
        compare_rows(op, a, b, out);
    return DK_OK;
}

static size_t pool_nbytes(const struct view *view, int64_t nrows)
{
    size_t nbytes = (size_t)(view->offsets[view->nrows] - view->offsets[0]);
    return view->nrows == 1 ? nbytes * (size_t)nrows : nbytes;
}

static void append_word(struct vec *out, struct word word)
{
    if (word.nbytes)
        memcpy((char *)out->data + out->pool_nbytes, word.bytes, word.nbytes);
    out->pool_nbytes += word.nbytes;
}

dk_status concatenate_apply(const struct view *a, const struct view *b, struct vec *out,
                            dk_error *err)
{
    int64_t nrows = operand_rows(a, b);
    if (vec_reset(out, nrows) != DK_OK)
        return error_nomem(err);
    if (nrows == 0)
        return DK_OK;
    if (words_reserve(out, pool_nbytes(a, nrows) + pool_nbytes(b, nrows)) != DK_OK)
        return error_nomem(err);
    out->nrows = nrows;
    validity_merge(out, a, b);
    int64_t step_a = a->nrows != 1, step_b = b->nrows != 1;
    out->offsets[0] = 0;
    for (int64_t i = 0; i < nrows; i++) {
        if (!out->has_nulls || bit_get(out->validity, i)) {
            append_word(out, word_at(a, i * step_a));
            append_word(out, word_at(b, i * step_b));
        }
        out->offsets[i + 1] = (int64_t)out->pool_nbytes;
    }
    return DK_OK;
}
