/* What the tests of the element-wise and datetime kernels share: columns written as text, random
 * views that start anywhere in a larger column, and a ledger whose n-th allocation fails. */
#ifndef TESTS_ELEMENTWISE_SUPPORT_H
#define TESTS_ELEMENTWISE_SUPPORT_H

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "column/kernels/elementwise.h"
#include "column/vec.h"

#include "support/failing.h"

static inline struct memory *new_memory(struct failing *failing)
{
    dk_allocator allocator = {failing_resize, failing};
    struct memory *memory = memory_new(failing ? &allocator : NULL, 0);
    assert_non_null(memory);
    return memory;
}

/* Closes the ledger, on which nothing may be left. */
static inline void close_memory(struct memory *memory)
{
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Reads one value of `type` from `token` into row `i`. */
static inline void put_token(struct vec *vec, int64_t i, const char *token)
{
    char *to = (char *)vec->data + (size_t)i * type_nbytes(vec->type);
    int64_t integer =
        vec->type == DK_UINT64 ? (int64_t)strtoull(token, NULL, 10) : strtoll(token, NULL, 10);
    double number = strtod(token, NULL);
    float single = (float)number;
    if (vec->type == DK_FLOAT64)
        memcpy(to, &number, sizeof number);
    else if (vec->type == DK_FLOAT32)
        memcpy(to, &single, sizeof single);
    else
        memcpy(to, &integer, type_nbytes(vec->type)); /* little end first */
}

static inline void fill_text(struct vec *vec, const char *token)
{
    bool empty = strcmp(token, "''") == 0;
    if (strcmp(token, "NA") == 0)
        assert_int_equal(vec_append_null(vec), DK_OK);
    else
        assert_int_equal(vec_append_text(vec, token, empty ? 0 : strlen(token)), DK_OK);
}

/* The column written as values between blanks: "1 NA 3", "0.5 nan", "a '' NA". A category column is
 * made from its words. The caller drops the reference. */
static inline struct column *column_of(struct memory *memory, dk_type type, const char *text)
{
    char copy[8192], *rest = NULL;
    struct vec vec;
    struct column *column = NULL;
    assert_true(strlen(text) < sizeof copy);
    strcpy(copy, text);
    vec_init(&vec, memory, type == DK_CATEGORY ? DK_TEXT : type);
    assert_int_equal(vec_reset(&vec, 0), DK_OK);
    assert_int_equal(vec_reserve(&vec, 1000), DK_OK);
    for (char *token = strtok_r(copy, " ", &rest); token; token = strtok_r(NULL, " ", &rest)) {
        if (vec.type == DK_TEXT) {
            fill_text(&vec, token);
            continue;
        }
        int64_t i = vec.nrows++;
        put_token(&vec, i, token);
        if (strcmp(token, "NA") == 0)
            vec_set_null(&vec, i);
    }
    if (type == DK_CATEGORY) {
        struct vec codes;
        struct view words = vec_view(&vec);
        vec_init(&codes, memory, DK_CATEGORY);
        assert_int_equal(cast_apply(&words, &codes, NULL), DK_OK);
        vec_deinit(&vec);
        vec = codes;
    }
    assert_int_equal(vec_freeze(&vec, &column), DK_OK);
    return column;
}

/* Distance in representable numbers; large for NaN against a number or for different signs. */
static inline uint64_t ulps(double a, double b)
{
    if (isnan(a) && isnan(b))
        return 0;
    int64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    if (isnan(a) || isnan(b) || (x < 0) != (y < 0))
        return UINT64_MAX;
    return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}

static inline double double_at(const struct view *view, int64_t row)
{
    return view->type == DK_FLOAT32 ? (double)((const float *)view->data)[row]
                                    : ((const double *)view->data)[row];
}

static inline bool same_text(const struct view *a, const struct view *b, int64_t i)
{
    int64_t n = a->offsets[i + 1] - a->offsets[i];
    return n == b->offsets[i + 1] - b->offsets[i] &&
           (n == 0 || memcmp((const char *)a->data + a->offsets[i],
                             (const char *)b->data + b->offsets[i], (size_t)n) == 0);
}

/* Are row `i` of both views the same value, or both missing? Floats may differ by `slack`
 * representable numbers. */
static inline bool same_value(const struct view *a, const struct view *b, int64_t i, uint64_t slack)
{
    if (view_is_null(a, i) || view_is_null(b, i))
        return view_is_null(a, i) == view_is_null(b, i);
    if (a->type == DK_TEXT)
        return same_text(a, b, i);
    if (type_is_float(a->type))
        return ulps(double_at(a, i), double_at(b, i)) <= slack << (a->type == DK_FLOAT32 ? 29 : 0);
    size_t width = type_nbytes(a->type);
    return memcmp((const char *)a->data + (size_t)i * width,
                  (const char *)b->data + (size_t)i * width, width) == 0;
}

/* Fails, naming `what` and the row, unless `got` holds what `expected` says. */
static inline void assert_values(const struct vec *got, const char *expected, uint64_t slack,
                                 const char *what)
{
    struct memory *memory = new_memory(NULL);
    struct column *wanted = column_of(memory, got->type, expected);
    struct view view = vec_view(got);
    if (view.nrows != wanted->view.nrows)
        fail_msg("%s: %" PRId64 " rows, expected %s", what, view.nrows, expected);
    for (int64_t i = 0; i < view.nrows; i++)
        if (!same_value(&view, &wanted->view, i, slack))
            fail_msg("%s: row %" PRId64 " differs from %s", what, i, expected);
    column_unref(wanted);
    close_memory(memory);
}

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* A random value of `type`: small ones, extremes and anything. */
static inline void random_value(dk_type type, uint64_t *seed, void *to)
{
    static const double specials[] = {0.0, -0.0,     1.0,       -1.0,  2.5,
                                      NAN, INFINITY, -INFINITY, 1e300, -1e-300};
    uint64_t bits = next_random(seed), kind = next_random(seed) % 4;
    int64_t integer = (int64_t)bits;
    if (kind < 2)
        integer = (int64_t)(bits % 19) - 9;
    else if (kind == 2)
        integer = bits & 1 ? INT64_MAX : INT64_MIN; /* and -1, 0 in the narrow types */
    double number = kind < 2 ? specials[bits % 10] : (double)(int64_t)bits / 0x1p40;
    float single = (float)number;
    uint8_t truth = bits & 1;
    if (type == DK_FLOAT64)
        memcpy(to, &number, sizeof number);
    else if (type == DK_FLOAT32)
        memcpy(to, &single, sizeof single);
    else if (type == DK_BOOL)
        memcpy(to, &truth, 1);
    else
        memcpy(to, &integer, type_nbytes(type));
}

/* A random column of `nrows` rows with nulls where `nulls`, cut out of a longer one at a random
 * place, so that its bitmap starts at any bit. Text has words of up to three letters. */
static inline struct column *random_column(struct memory *memory, dk_type type, int64_t nrows,
                                           bool nulls, uint64_t *seed)
{
    struct vec vec;
    struct column *whole = NULL;
    int64_t before = (int64_t)(next_random(seed) % 75), total = before + nrows + 5;
    vec_init(&vec, memory, type);
    assert_int_equal(vec_reset(&vec, type == DK_TEXT ? 0 : total), DK_OK);
    for (int64_t i = 0; i < total; i++) {
        char word[3] = {(char)('a' + next_random(seed) % 3), 'b', 'c'};
        if (type == DK_TEXT)
            assert_int_equal(vec_append_text(&vec, word, next_random(seed) % 4), DK_OK);
        else
            random_value(type, seed, (char *)vec.data + (size_t)i * type_nbytes(type));
        if (nulls && next_random(seed) % 4 == 0)
            vec_set_null(&vec, i);
    }
    assert_int_equal(vec_freeze(&vec, &whole), DK_OK);
    struct column *slice = column_slice(whole, before, nrows);
    assert_non_null(slice);
    column_unref(whole);
    return slice;
}

#endif
