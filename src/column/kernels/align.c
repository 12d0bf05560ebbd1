#include "column/kernels/align.h"

#include <math.h>
#include <string.h>

#include "column/kernels/sort_keys.h"

/* One side of the join: its labels in order, the missing ones last. */
struct side {
    const struct view *labels;
    struct sort_key *keys;  /* nrows of them */
    struct sort_key *spare; /* for sorting */
    int64_t nvalid;
};

static bool is_words(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

dk_status align_type(dk_type left, dk_type right, dk_type *out, dk_error *err)
{
    bool unsigned_mix = (left == DK_UINT64) != (right == DK_UINT64);
    if (is_words(left) && is_words(right))
        *out = DK_TEXT;
    else if (left == right)
        *out = left;
    else if (type_is_number(left) && type_is_number(right) &&
             (type_is_float(left) || type_is_float(right)))
        *out = DK_FLOAT64;
    else if (type_is_integer(left) && type_is_integer(right) && !unsigned_mix)
        *out = DK_INT64;
    else
        return error_set(err, DK_EALIGN,
                         "cannot align labels of type %s with labels of type %s: convert one "
                         "index to the type of the other",
                         dk_type_name(left), dk_type_name(right));
    return DK_OK;
}

static int64_t int_at(const struct view *view, int64_t row)
{
    switch (view->type) {
    case DK_INT8:
        return ((const int8_t *)view->data)[row];
    case DK_INT16:
        return ((const int16_t *)view->data)[row];
    case DK_INT32:
        return ((const int32_t *)view->data)[row];
    default:
        return ((const int64_t *)view->data)[row];
    }
}

static double float_at(const struct view *view, int64_t row)
{
    if (view_is_null(view, row))
        return NAN;
    switch (view->type) {
    case DK_FLOAT64:
        return ((const double *)view->data)[row];
    case DK_FLOAT32:
        return (double)((const float *)view->data)[row];
    case DK_UINT64:
        return (double)((const uint64_t *)view->data)[row];
    default:
        return (double)int_at(view, row);
    }
}

/* Number labels as int64 or float64. */
static dk_status widen(struct memory *memory, const struct view *view, dk_type type,
                       struct column **out)
{
    struct vec values;
    vec_init(&values, memory, type);
    dk_status status = vec_reset(&values, view->nrows);
    for (int64_t i = 0; status == DK_OK && i < view->nrows; i++) {
        if (type == DK_FLOAT64) {
            ((double *)values.data)[i] = float_at(view, i);
            continue;
        }
        ((int64_t *)values.data)[i] = int_at(view, i);
        if (view_is_null(view, i))
            vec_set_null(&values, i);
    }
    if (status == DK_OK)
        status = vec_freeze(&values, out);
    vec_deinit(&values);
    return status;
}

/* The words of a category column. */
static dk_status decode(struct memory *memory, const struct view *view, struct column **out)
{
    size_t nbytes = (size_t)view->nrows * sizeof(int64_t);
    int64_t *rows = memory_alloc(memory, nbytes);
    if (!rows)
        return DK_ENOMEM;
    for (int64_t i = 0; i < view->nrows; i++)
        rows[i] = view_is_null(view, i) ? -1 : ((const int32_t *)view->data)[i];
    dk_status status = column_take(memory, &view->dictionary->view, rows, view->nrows, out, NULL);
    memory_free(memory, rows, nbytes);
    return status;
}

/* `column` as `type`, with a reference of the caller's. */
static dk_status convert(struct memory *memory, struct column *column, dk_type type,
                         struct column **out)
{
    if (column->view.type == DK_CATEGORY)
        return decode(memory, &column->view, out);
    if (column->view.type != type)
        return widen(memory, &column->view, type, out);
    *out = column_ref(column);
    return DK_OK;
}

static bool same_floats(const struct view *a, const struct view *b)
{
    for (int64_t i = 0; i < a->nrows; i++) {
        double x = float_at(a, i), y = float_at(b, i);
        if (!(x == y || (isnan(x) && isnan(y))))
            return false;
    }
    return true;
}

static bool same_label(const struct view *a, const struct view *b, int64_t row)
{
    size_t nbytes = type_nbytes(a->type);
    if (view_is_null(a, row) != view_is_null(b, row))
        return false;
    if (view_is_null(a, row))
        return true;
    if (a->type == DK_TEXT)
        return text_compare(a, row, b, row) == 0;
    return memcmp((const char *)a->data + (size_t)row * nbytes,
                  (const char *)b->data + (size_t)row * nbytes, nbytes) == 0;
}

/* True when both views, of one type, have the same labels in the same order; missing ones are
 * equal. */
static bool same_labels(const struct view *a, const struct view *b)
{
    if (a->nrows != b->nrows)
        return false;
    if (type_is_float(a->type))
        return same_floats(a, b);
    if (!a->validity && !b->validity && a->type != DK_TEXT)
        return !a->nrows || a->data == b->data ||
               memcmp(a->data, b->data, (size_t)a->nrows * type_nbytes(a->type)) == 0;
    for (int64_t i = 0; i < a->nrows; i++)
        if (!same_label(a, b, i))
            return false;
    return true;
}

static size_t keys_nbytes(const struct side *side)
{
    return 2 * ((size_t)side->labels->nrows + 1) * sizeof(struct sort_key);
}

static dk_status sort_side(struct memory *memory, const struct view *labels, struct side *side)
{
    side->labels = labels;
    side->keys = memory_alloc(memory, keys_nbytes(side));
    if (!side->keys)
        return DK_ENOMEM;
    side->spare = side->keys + labels->nrows + 1;
    side->nvalid = sort_keys_of(labels, NULL, side->keys);
    sort_keys_radix(side->keys, side->spare, side->nvalid);
    if (labels->type == DK_TEXT)
        sort_keys_text(labels, side->keys, side->spare, side->nvalid);
    for (int64_t i = 0, n = side->nvalid; n < labels->nrows; i++)
        if (!view_is_valid(labels, i))
            side->keys[n++].row = i;
    return DK_OK;
}

static int compare(const struct side *a, int64_t i, const struct side *b, int64_t j)
{
    uint64_t x = a->keys[i].key, y = b->keys[j].key;
    if (x != y || a->labels->type != DK_TEXT)
        return (x > y) - (x < y);
    return text_compare(a->labels, a->keys[i].row, b->labels, b->keys[j].row);
}

/* The end of the labels equal to the one at `start`. */
static int64_t equal_end(const struct side *side, int64_t start)
{
    int64_t end = start + 1;
    if (start >= side->nvalid)
        return side->labels->nrows;
    while (end < side->nvalid && compare(side, start, side, end) == 0)
        end++;
    return end;
}

/* One label's rows on both sides: [left, left_end) and [right, right_end) of the keys, one of them
 * maybe empty. */
struct meeting {
    int64_t left, left_end;
    int64_t right, right_end;
};

/* The next label after `at`; false at the end. */
static bool next_label(const struct side *left, const struct side *right, struct meeting *at)
{
    int64_t i = at->left_end, j = at->right_end;
    bool has_left = i < left->labels->nrows, has_right = j < right->labels->nrows;
    int order;
    if (!has_left && !has_right)
        return false;
    /* Missing labels, which come after all others, are equal to one another. */
    if (i >= left->nvalid || j >= right->nvalid)
        order = (i >= left->nvalid) - (j >= right->nvalid);
    else
        order = compare(left, i, right, j);
    if (order == 0 && !(has_left && has_right))
        order = has_left ? -1 : 1;
    *at = (struct meeting){i, order <= 0 ? equal_end(left, i) : i, j,
                           order >= 0 ? equal_end(right, j) : j};
    return true;
}

/* The rows of a join while they are being found. */
struct rows {
    int64_t count;
    int64_t capacity;
};

static dk_status resize_rows(struct alignment *out, struct rows *rows, int64_t capacity)
{
    size_t old_nbytes = (size_t)rows->capacity * sizeof(int64_t);
    size_t nbytes = (size_t)capacity * sizeof(int64_t);
    int64_t *left = memory_resize(out->memory, out->left, old_nbytes, nbytes);
    if (!left)
        return DK_ENOMEM;
    out->left = left;
    int64_t *right = memory_resize(out->memory, out->right, old_nbytes, nbytes);
    if (!right) {
        /* One size serves to free both, and `right` still has the old one. */
        memory_free(out->memory, out->left, nbytes);
        out->left = NULL;
        return DK_ENOMEM;
    }
    out->right = right;
    rows->capacity = capacity;
    out->nrows = capacity;
    return DK_OK;
}

/* Makes room for the product of one label's rows. */
static dk_status reserve_product(struct alignment *out, struct rows *rows, const struct meeting *at)
{
    int64_t n = at->left_end - at->left, m = at->right_end - at->right, needed;
    if (__builtin_mul_overflow(n ? n : 1, m ? m : 1, &needed) ||
        __builtin_add_overflow(needed, rows->count, &needed) || needed > INT64_MAX / 32)
        return DK_EOVERFLOW;
    if (needed <= rows->capacity)
        return DK_OK;
    return resize_rows(out, rows, needed > 2 * rows->capacity ? needed : 2 * rows->capacity);
}

/* The product of one label's rows, the left one's turning slower. */
static int64_t write_product(const struct side *left, const struct side *right,
                             const struct meeting *at, struct alignment *out, int64_t row)
{
    bool has_left = at->left < at->left_end, has_right = at->right < at->right_end;
    int64_t n = has_left ? at->left_end - at->left : 1;
    int64_t m = has_right ? at->right_end - at->right : 1;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < m; j++) {
            out->left[row] = has_left ? left->keys[at->left + i].row : -1;
            out->right[row++] = has_right ? right->keys[at->right + j].row : -1;
        }
    return row;
}

/* The label of every row, from the side that has it. */
static dk_status take_labels(struct column *left, struct column *right, struct alignment *out)
{
    struct column *sides[] = {left, right}, *both;
    size_t nbytes = (size_t)out->nrows * sizeof(int64_t);
    int64_t *rows = memory_alloc(out->memory, nbytes);
    if (!rows)
        return DK_ENOMEM;
    for (int64_t i = 0; i < out->nrows; i++)
        rows[i] = out->left[i] >= 0 ? out->left[i] : left->view.nrows + out->right[i];
    dk_status status = column_concat(out->memory, sides, 2, &both, NULL);
    if (status == DK_OK) {
        status = column_take(out->memory, &both->view, rows, out->nrows, &out->labels, NULL);
        column_unref(both);
    }
    memory_free(out->memory, rows, nbytes);
    return status;
}

static dk_status join(const struct side *left, const struct side *right, struct alignment *out)
{
    struct meeting at = {0};
    struct rows rows = {0};
    /* Enough unless labels are repeated on both sides. */
    DK_TRY(resize_rows(out, &rows, left->labels->nrows + right->labels->nrows));
    while (next_label(left, right, &at)) {
        DK_TRY(reserve_product(out, &rows, &at));
        rows.count = write_product(left, right, &at, out, rows.count);
    }
    return resize_rows(out, &rows, rows.count);
}

static dk_status join_columns(struct column *left, struct column *right, struct alignment *out)
{
    struct memory *memory = out->memory;
    struct side sides[2] = {{0}};
    dk_status status = sort_side(memory, &left->view, &sides[0]);
    if (status == DK_OK)
        status = sort_side(memory, &right->view, &sides[1]);
    if (status == DK_OK)
        status = join(&sides[0], &sides[1], out);
    for (int i = 0; i < 2; i++)
        if (sides[i].keys)
            memory_free(memory, sides[i].keys, keys_nbytes(&sides[i]));
    return status == DK_OK ? take_labels(left, right, out) : status;
}

static dk_status align_errors(dk_status status, dk_error *err)
{
    if (status == DK_ENOMEM)
        return error_nomem(err);
    return error_set(err, status,
                     "aligning gives too many rows: labels are repeated on both sides");
}

dk_status align_outer(struct memory *memory, struct column *left, struct column *right,
                      struct alignment *out, dk_error *err)
{
    struct column *a = NULL, *b = NULL;
    dk_type type = left->view.type;
    *out = (struct alignment){.memory = memory};
    DK_TRY(align_type(left->view.type, right->view.type, &type, err));
    dk_status status = convert(memory, left, type, &a);
    if (status == DK_OK)
        status = convert(memory, right, type, &b);
    if (status == DK_OK && same_labels(&a->view, &b->view)) {
        out->identical = true;
        out->nrows = left->view.nrows;
        out->labels = column_ref(a);
    } else if (status == DK_OK) {
        status = join_columns(a, b, out);
    }
    column_unref(a);
    column_unref(b);
    if (status == DK_OK)
        return DK_OK;
    alignment_deinit(out);
    return align_errors(status, err);
}

void alignment_deinit(struct alignment *alignment)
{
    size_t nbytes = (size_t)alignment->nrows * sizeof(int64_t);
    memory_free(alignment->memory, alignment->left, nbytes);
    memory_free(alignment->memory, alignment->right, nbytes);
    column_unref(alignment->labels);
    *alignment = (struct alignment){.memory = alignment->memory};
}
