/* What the tests of dk_table_format() share: columns and tables from literals, and the comparison.
 * The texts they compare with were printed by pandas 3. */
#ifndef TESTS_FORMAT_SUPPORT_H
#define TESTS_FORMAT_SUPPORT_H

#include "support/failing.h"

#include <math.h>
#include <string.h>

#include "column/table.h"
#include "column/vec.h"

#define DAY_NS            INT64_C(86400000000000)
#define COUNT(array)      ((int64_t)(sizeof(array) / sizeof((array)[0])))
#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, open_ledger, close_ledger)

static inline int open_ledger(void **state)
{
    *state = memory_new(NULL, 0);
    return *state ? 0 : -1;
}

static inline int close_ledger(void **state)
{
    struct memory *memory = *state;
    int64_t left = memory_use(memory).current;
    memory_close(memory);
    return left == 0 ? 0 : -1;
}

/* A copy of `values`; `missing` has an x for each row without a value, NULL: all have one. */
static inline struct column *numbers(struct memory *memory, dk_type type, const void *values,
                                     int64_t nrows, const char *missing)
{
    size_t nbytes = (size_t)nrows * type_nbytes(type);
    struct buffer *data = buffer_new(memory, nbytes);
    struct buffer *validity = missing ? buffer_new(memory, (size_t)(nrows + 7) / 8) : NULL;
    assert_true(data && (validity || !missing));
    if (nbytes)
        memcpy(data->data, values, nbytes);
    for (int64_t i = 0; missing && i < nrows; i++)
        (missing[i] == 'x' ? bit_clear : bit_set)(validity->data, i);
    struct column *column = column_new(memory, type, nrows, data, NULL, validity, NULL);
    assert_non_null(column);
    return column;
}

/* NULL is a missing one. */
static inline struct column *texts(struct memory *memory, const char *const *strings, int64_t nrows)
{
    struct vec vec;
    vec_init(&vec, memory, DK_TEXT);
    for (int64_t i = 0; i < nrows; i++) {
        dk_status status = strings[i] ? vec_append_text(&vec, strings[i], strlen(strings[i]))
                                      : vec_append_null(&vec);
        assert_int_equal(status, DK_OK);
    }
    struct column *column = NULL;
    assert_int_equal(vec_freeze(&vec, &column), DK_OK);
    return column;
}

/* Takes the words. */
static inline struct column *categories(struct memory *memory, const int32_t *codes, int64_t nrows,
                                        const char *missing, struct column *words)
{
    struct column *column = numbers(memory, DK_CATEGORY, codes, nrows, missing);
    column->dictionary = words;
    column->view.dictionary = words;
    return column;
}

/* A row's label column and its name, taken by make(). */
struct labels {
    const char *name;
    struct column *column;
};

/* Takes the columns. */
static inline dk_table *make(bool is_series, const char *const *names, struct column **columns,
                             int32_t ncolumns, struct labels index)
{
    dk_table *table = NULL;
    int64_t nrows = ncolumns ? columns[0]->view.nrows : index.column->view.nrows;
    struct memory *memory = ncolumns ? columns[0]->memory : index.column->memory;
    assert_int_equal(table_new(memory, nrows, ncolumns, names, columns, index.name, index.column,
                               is_series, &table),
                     DK_OK);
    for (int32_t i = 0; i < ncolumns; i++)
        column_unref(columns[i]);
    column_unref(index.column);
    return table;
}

/* Takes the table. */
static inline void check_with(dk_table *table, const dk_print_options *options,
                              const char *expected)
{
    char *text = NULL;
    dk_error err = {0};
    assert_int_equal(dk_table_format(table, options, &text, &err), DK_OK);
    assert_string_equal(text, expected);
    dk_text_free(text);
    dk_table_unref(table);
}

/* A series named x with numbered rows. */
static inline void check_series(struct column *column, const char *expected)
{
    const char *names[] = {"x"};
    check_with(make(true, names, &column, 1, (struct labels){0}), NULL, expected);
}

static inline void check_floats(struct memory *memory, const double *values, int64_t nrows,
                                const char *expected)
{
    check_series(numbers(memory, DK_FLOAT64, values, nrows, NULL), expected);
}

#endif
