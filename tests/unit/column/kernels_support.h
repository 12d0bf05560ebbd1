/* What the tests of the group-by, sorting and alignment kernels share: seeded numbers, typed
 * columns made from small integers, and a ledger whose n-th allocation fails. */
#ifndef TESTS_KERNELS_SUPPORT_H
#define TESTS_KERNELS_SUPPORT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "column/table.h"
#include "column/vec.h"

#include "support/failing.h"

/* xorshift64*: the same numbers everywhere. */
static inline uint64_t random_u64(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static inline int64_t random_below(uint64_t *seed, int64_t limit)
{
    return (int64_t)((random_u64(seed) >> 16) % (uint64_t)limit);
}

/* A ledger to run a scenario on, with every allocation of it failing once. `scenario` returns
 * DK_ENOMEM as long as one of its allocations fails; it must leave nothing allocated. */
static inline void
fail_every_allocation(dk_status (*scenario)(struct memory *memory, void *context), void *context)
{
    for (int64_t n = 0;; n++) {
        struct failing failing = {.left = -1};
        dk_allocator allocator = {failing_resize, &failing};
        struct memory *memory = memory_new(&allocator, 0);
        int64_t before = memory_use(memory).current;
        failing.left = n;
        dk_status status = scenario(memory, context);
        bool reached = failing.left == 0;
        assert_int_equal(memory_use(memory).current, before);
        failing.left = -1;
        memory_close(memory);
        assert_true(status == DK_OK || status == DK_ENOMEM);
        if (status == DK_OK && !reached)
            return;
        if (status == DK_OK)
            assert_true(n > 0);
        assert_true(n < 100000);
    }
}

/* The typed values that small integers stand for keep their order: floats are quarters, text has a
 * sign-free number of fixed width, uint64 starts at 1000. */
static inline int64_t value_of(dk_type type, int64_t number)
{
    if (type == DK_BOOL)
        return number & 1;
    return type == DK_UINT64 ? number + 1000 : number;
}

static inline double scale_of(dk_type type)
{
    return type_is_float(type) ? 0.25 : 1;
}

static inline bool is_words(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

/* "a word 1005" for 5, so that the first eight bytes tell only hundreds apart, and a longer text
 * for every seventh. */
static inline size_t word_of(int64_t number, char out[40])
{
    int n = snprintf(out, 40, "a word %04d%s", (int)number + 1000,
                     number % 7 ? "" : "-long enough to spill");
    return (size_t)n;
}

static inline void store(void *data, dk_type type, int64_t row, int64_t number)
{
    int64_t value = value_of(type, number);
    switch (type) {
    case DK_BOOL:
        ((uint8_t *)data)[row] = (uint8_t)value;
        break;
    case DK_INT8:
        ((int8_t *)data)[row] = (int8_t)value;
        break;
    case DK_INT16:
        ((int16_t *)data)[row] = (int16_t)value;
        break;
    case DK_INT32:
        ((int32_t *)data)[row] = (int32_t)value;
        break;
    case DK_FLOAT32:
        ((float *)data)[row] = (float)value / 4;
        break;
    case DK_FLOAT64:
        ((double *)data)[row] = (double)value / 4;
        break;
    default:
        ((int64_t *)data)[row] = value;
    }
}

static inline struct column *text_column(struct memory *memory, const int64_t *numbers,
                                         const bool *missing, int64_t n)
{
    struct vec texts;
    struct column *column = NULL;
    char word[40];
    vec_init(&texts, memory, DK_TEXT);
    assert_int_equal(vec_reset(&texts, n), DK_OK);
    for (int64_t i = 0; i < n; i++)
        if (missing && missing[i])
            assert_int_equal(vec_append_null(&texts), DK_OK);
        else
            assert_int_equal(vec_append_text(&texts, word, word_of(numbers[i], word)), DK_OK);
    assert_int_equal(vec_freeze(&texts, &column), DK_OK);
    vec_deinit(&texts);
    return column;
}

/* Codes into a dictionary that lists -100 .. 100 downwards, so that codes and words are ordered
 * differently. */
static inline struct column *category_column(struct memory *memory, const int64_t *numbers,
                                             const bool *missing, int64_t n)
{
    int64_t words[201];
    struct vec codes;
    struct column *column = NULL;
    for (int i = 0; i < 201; i++)
        words[i] = 100 - i;
    vec_init(&codes, memory, DK_CATEGORY);
    assert_int_equal(vec_reset(&codes, n), DK_OK);
    codes.dictionary = text_column(memory, words, NULL, 201);
    for (int64_t i = 0; i < n; i++) {
        ((int32_t *)codes.data)[i] = (int32_t)(100 - numbers[i]);
        if (missing && missing[i])
            vec_set_null(&codes, i);
    }
    assert_int_equal(vec_freeze(&codes, &column), DK_OK);
    vec_deinit(&codes);
    return column;
}

/* A column of `type` for numbers in [-100, 100]; `missing` may be NULL. */
static inline struct column *make_column(struct memory *memory, dk_type type,
                                         const int64_t *numbers, const bool *missing, int64_t n)
{
    struct vec values;
    struct column *column = NULL;
    if (type == DK_TEXT)
        return text_column(memory, numbers, missing, n);
    if (type == DK_CATEGORY)
        return category_column(memory, numbers, missing, n);
    vec_init(&values, memory, type);
    assert_int_equal(vec_reset(&values, n), DK_OK);
    for (int64_t i = 0; i < n; i++) {
        store(values.data, type, i, numbers[i]);
        if (missing && missing[i])
            vec_set_null(&values, i);
    }
    assert_int_equal(vec_freeze(&values, &column), DK_OK);
    vec_deinit(&values);
    return column;
}

/* A float64 column of these doubles. */
static inline struct column *double_column(struct memory *memory, const double *values, int64_t n)
{
    struct buffer *data = buffer_new(memory, (size_t)n * sizeof *values);
    assert_non_null(data);
    if (n)
        memcpy(data->data, values, (size_t)n * sizeof *values);
    struct column *column = column_new(memory, DK_FLOAT64, n, data, NULL, NULL, NULL);
    assert_non_null(column);
    return column;
}

/* Checks that column `i` (-1: the index) has what `number` stands for at `row`. */
static inline void check_value(const dk_table *table, int32_t i, int64_t row, int64_t number)
{
    dk_type type = i < 0 ? dk_table_index_type(table) : dk_table_column_type(table, i);
    assert_false(dk_table_is_missing(table, i, row));
    if (is_words(type)) {
        char expected[40];
        size_t nbytes, expected_nbytes = word_of(number, expected);
        const char *text = dk_table_text(table, i, row, &nbytes);
        assert_non_null(text);
        assert_int_equal(nbytes, expected_nbytes);
        assert_memory_equal(text, expected, nbytes);
    } else {
        double expected = (double)value_of(type, number) * scale_of(type);
        assert_true(dk_table_float(table, i, row) == expected);
    }
}

#endif
