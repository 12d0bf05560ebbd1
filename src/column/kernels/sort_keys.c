#include "column/kernels/sort_keys.h"

#include <math.h>
#include <string.h>

#define SIGN (UINT64_C(1) << 63)

#define DIGIT_BITS   8
#define DIGITS       (64 / DIGIT_BITS)
#define DIGIT_VALUES (1 << DIGIT_BITS)

/* Fewer are sorted by insertion: counting digits would cost more. */
#define INSERTION_MAX 32

static uint64_t signed_key(int64_t value)
{
    return (uint64_t)value ^ SIGN;
}

/* The bits of positive floats ascend with their value, those of negative ones descend. */
static uint64_t float_key(double value)
{
    uint64_t bits;
    value += 0.0;
    memcpy(&bits, &value, sizeof bits);
    return bits & SIGN ? ~bits : bits | SIGN;
}

int text_compare(const struct view *left, int64_t a, const struct view *right, int64_t b)
{
    int64_t a_start = left->offsets[a], a_n = left->offsets[a + 1] - a_start;
    int64_t b_start = right->offsets[b], b_n = right->offsets[b + 1] - b_start;
    int64_t shorter = a_n < b_n ? a_n : b_n;
    int order = shorter ? memcmp((const char *)left->data + a_start,
                                 (const char *)right->data + b_start, (size_t)shorter)
                        : 0;
    return order ? order : (a_n > b_n) - (a_n < b_n);
}

#define NEVER(value) false

#define T              uint8_t
#define NAME(function) function##_u8
#define KEY(value)     (value)
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              int8_t
#define NAME(function) function##_i8
#define KEY            signed_key
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              int16_t
#define NAME(function) function##_i16
#define KEY            signed_key
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              int32_t
#define NAME(function) function##_i32
#define KEY            signed_key
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              int64_t
#define NAME(function) function##_i64
#define KEY            signed_key
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              uint64_t
#define NAME(function) function##_u64
#define KEY(value)     (value)
#define MISSING        NEVER
#include "column/kernels/sort_keys.inc.h"

#define T              float
#define NAME(function) function##_f32
#define KEY(value)     float_key((double)(value))
#define MISSING        isnan
#include "column/kernels/sort_keys.inc.h"

#define T              double
#define NAME(function) function##_f64
#define KEY            float_key
#define MISSING        isnan
#include "column/kernels/sort_keys.inc.h"

/* The first eight bytes as a big-endian number, padded with zeros. */
static uint64_t text_key(const struct view *view, int64_t row)
{
    int64_t start = view->offsets[row], n = view->offsets[row + 1] - start;
    uint64_t word = 0;
    if (n)
        memcpy(&word, (const char *)view->data + start, (size_t)(n < 8 ? n : 8));
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static int64_t keys_text(const struct view *view, struct sort_key *out)
{
    int64_t n = 0;
    for (int64_t i = 0; i < view->nrows; i++)
        if (!view_is_null(view, i))
            out[n++] = (struct sort_key){text_key(view, i), i};
    return n;
}

static int64_t keys_category(const struct view *view, const uint64_t *ranks, struct sort_key *out)
{
    const int32_t *codes = view->data;
    int64_t n = 0;
    for (int64_t i = 0; i < view->nrows; i++)
        if (!view_is_null(view, i))
            out[n++] = (struct sort_key){ranks[codes[i]], i};
    return n;
}

int64_t sort_keys_of(const struct view *view, const uint64_t *ranks, struct sort_key *out)
{
    switch (view->type) {
    case DK_BOOL:
        return keys_u8(view, out);
    case DK_INT8:
        return keys_i8(view, out);
    case DK_INT16:
        return keys_i16(view, out);
    case DK_INT32:
        return keys_i32(view, out);
    case DK_UINT64:
        return keys_u64(view, out);
    case DK_FLOAT32:
        return keys_f32(view, out);
    case DK_FLOAT64:
        return keys_f64(view, out);
    case DK_TEXT:
        return keys_text(view, out);
    case DK_CATEGORY:
        return keys_category(view, ranks, out);
    default:
        return keys_i64(view, out);
    }
}

static bool ascends_text(const struct view *view)
{
    for (int64_t i = 1; i < view->nrows; i++)
        if (text_compare(view, i - 1, view, i) > 0)
            return false;
    return true;
}

bool view_ascends(const struct view *view)
{
    if (view->validity)
        return false;
    switch (view->type) {
    case DK_BOOL:
        return ascends_u8(view);
    case DK_INT8:
        return ascends_i8(view);
    case DK_INT16:
        return ascends_i16(view);
    case DK_INT32:
        return ascends_i32(view);
    case DK_UINT64:
        return ascends_u64(view);
    case DK_FLOAT32:
        return ascends_f32(view);
    case DK_FLOAT64:
        return ascends_f64(view);
    case DK_TEXT:
        return ascends_text(view);
    case DK_CATEGORY:
        return false;
    default:
        return ascends_i64(view);
    }
}

static bool is_sorted(const struct sort_key *keys, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (keys[i].key < keys[i - 1].key)
            return false;
    return true;
}

static void insertion_sort(struct sort_key *keys, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        struct sort_key moving = keys[i];
        int64_t at = i;
        for (; at > 0 && keys[at - 1].key > moving.key; at--)
            keys[at] = keys[at - 1];
        keys[at] = moving;
    }
}

static int digit(uint64_t key, int position)
{
    return (int)(key >> (position * DIGIT_BITS)) & (DIGIT_VALUES - 1);
}

/* Moves the keys to `out` in the order of one digit; `counts` becomes the places. */
static void distribute(const struct sort_key *keys, struct sort_key *out, int64_t n, int position,
                       int64_t *counts)
{
    int64_t start = 0;
    for (int i = 0; i < DIGIT_VALUES; i++) {
        int64_t count = counts[i];
        counts[i] = start;
        start += count;
    }
    for (int64_t i = 0; i < n; i++)
        out[counts[digit(keys[i].key, position)]++] = keys[i];
}

/* Least significant digit first. */
static void radix_sort(struct sort_key *keys, struct sort_key *spare, int64_t n)
{
    int64_t counts[DIGITS][DIGIT_VALUES] = {{0}};
    struct sort_key *from = keys, *to = spare;
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < DIGITS; d++)
            counts[d][digit(keys[i].key, d)]++;
    for (int d = 0; d < DIGITS; d++) {
        /* A digit that is the same everywhere orders nothing. */
        if (counts[d][digit(from[0].key, d)] == n)
            continue;
        distribute(from, to, n, d, counts[d]);
        struct sort_key *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys)
        memcpy(keys, from, (size_t)n * sizeof *keys);
}

void sort_keys_radix(struct sort_key *keys, struct sort_key *spare, int64_t n)
{
    if (is_sorted(keys, n))
        return;
    if (n <= INSERTION_MAX)
        insertion_sort(keys, n);
    else
        radix_sort(keys, spare, n);
}

/* Merges the sorted halves [0, middle) and [middle, n) of `from` into `to`, equals from the left
 * one first. */
static void merge_halves(const struct view *text, const struct sort_key *from, struct sort_key *to,
                         int64_t middle, int64_t n)
{
    int64_t left = 0, right = middle;
    for (int64_t i = 0; i < n; i++) {
        bool take_left = left < middle && (right == n || text_compare(text, from[left].row, text,
                                                                      from[right].row) <= 0);
        to[i] = take_left ? from[left++] : from[right++];
    }
}

/* Sorts by text, bottom up: runs of 1, 2, 4, ... are merged from one array into the other. */
static void merge_sort(const struct view *text, struct sort_key *keys, struct sort_key *spare,
                       int64_t n)
{
    struct sort_key *from = keys, *to = spare;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t start = 0; start < n; start += 2 * width) {
            int64_t length = n - start < 2 * width ? n - start : 2 * width;
            merge_halves(text, from + start, to + start, width < length ? width : length, length);
        }
        struct sort_key *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys)
        memcpy(keys, from, (size_t)n * sizeof *keys);
}

static bool is_text_sorted(const struct view *text, const struct sort_key *keys, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (text_compare(text, keys[i - 1].row, text, keys[i].row) > 0)
            return false;
    return true;
}

void sort_keys_text(const struct view *text, struct sort_key *keys, struct sort_key *spare,
                    int64_t n)
{
    for (int64_t start = 0, stop; start < n; start = stop) {
        for (stop = start + 1; stop < n && keys[stop].key == keys[start].key;)
            stop++;
        if (!is_text_sorted(text, keys + start, stop - start))
            merge_sort(text, keys + start, spare + start, stop - start);
    }
}
