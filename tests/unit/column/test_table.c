#include "unit/column/column_support.h"

#include <math.h>
#include <stdio.h>

static const char *const names[] = {"n", "word"};

/* Two columns (n: 1 2 -, word: x - zz); `labels` NULL: numbered rows. NULL when out of memory. */
static dk_table *make(struct memory *memory, const int64_t *labels)
{
    dk_table *table = NULL;
    struct column *columns[] = {
        make_ints(memory, (int64_t[]){1, 2, 3}, 3, "..x"),
        make_text(memory, (const char *const[]){"x", MISSING, "zz"}, 3),
    };
    struct column *index = labels ? make_ints(memory, labels, 3, NULL) : NULL;
    if (columns[0] && columns[1] && (index || !labels)) {
        dk_status status =
            table_new(memory, 3, 2, names, columns, labels ? "id" : NULL, index, false, &table);
        if (status != DK_OK)
            table = NULL;
    }
    column_unref(columns[0]);
    column_unref(columns[1]);
    column_unref(index);
    return table;
}

/* Proves that names, types, sizes and positions are told. */
static void test_shape(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = make(memory, (int64_t[]){7, 8, 9});
    assert_int_equal(dk_table_nrows(table), 3);
    assert_int_equal(dk_table_ncolumns(table), 2);
    assert_false(dk_table_is_series(table));
    assert_string_equal(dk_table_column_name(table, 1), "word");
    assert_int_equal(dk_table_column_type(table, 1), DK_TEXT);
    assert_int_equal(dk_table_find_column(table, "word"), 1);
    assert_int_equal(dk_table_find_column(table, "id"), -1);
    assert_string_equal(dk_table_index_name(table), "id");
    assert_int_equal(dk_table_index_type(table), DK_INT64);
    dk_table_unref(dk_table_ref(table));
    dk_table_unref(table);
    dk_table_unref(NULL);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that the values of columns and index are read as float, integer and text. */
static void test_values(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = make(memory, (int64_t[]){7, 8, 9});
    size_t nbytes = 99;
    assert_true(dk_table_float(table, 0, 1) == 2.0);
    assert_true(isnan(dk_table_float(table, 0, 2)));
    assert_true(isnan(dk_table_float(table, 1, 0)));
    assert_int_equal(dk_table_int(table, 0, 1), 2);
    assert_true(dk_table_int(table, 0, 2) == INT64_MIN);
    assert_int_equal(dk_table_int(table, 1, 0), 0);
    assert_int_equal(dk_table_int(table, -1, 2), 9);
    assert_memory_equal(dk_table_text(table, 1, 2, &nbytes), "zz", 2);
    assert_int_equal(nbytes, 2);
    assert_null(dk_table_text(table, 1, 1, &nbytes));
    assert_null(dk_table_text(table, 0, 1, &nbytes));
    assert_true(dk_table_is_missing(table, 1, 1));
    assert_false(dk_table_is_missing(table, -1, 1));
    dk_table_unref(table);
    table = make(memory, NULL);
    assert_int_equal(dk_table_int(table, -1, 2), 2);
    assert_true(dk_table_float(table, -1, 2) == 2.0);
    assert_false(dk_table_is_missing(table, -1, 2));
    dk_table_unref(table);
    memory_close(memory);
}

static dk_table *make_one(struct memory *memory, dk_type type, const void *value)
{
    struct vec vec;
    struct column *column;
    dk_table *table;
    vec_init(&vec, memory, type);
    assert_int_equal(vec_reset(&vec, 1), DK_OK);
    memcpy(vec.data, value, type_nbytes(type));
    assert_int_equal(vec_freeze(&vec, &column), DK_OK);
    assert_int_equal(table_new(memory, 1, 1, NULL, &column, NULL, NULL, true, &table), DK_OK);
    column_unref(column);
    return table;
}

/* Proves that floats become integers by truncation, and out of range or unsigned ones as told. */
static void test_number_types(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    const struct {
        double value;
        int64_t integer;
    } floats[] = {{-2.9, -2}, {1e30, INT64_MIN}, {-INFINITY, INT64_MIN}, {NAN, INT64_MIN}, {0, 0}};
    for (size_t i = 0; i < sizeof(floats) / sizeof(floats[0]); i++) {
        dk_table *table = make_one(memory, DK_FLOAT64, &floats[i].value);
        assert_true(dk_table_int(table, 0, 0) == floats[i].integer);
        assert_null(dk_table_column_name(table, 0));
        assert_int_equal(dk_table_find_column(table, "x"), -1);
        dk_table_unref(table);
    }
    uint64_t large = UINT64_MAX;
    dk_table *table = make_one(memory, DK_UINT64, &large);
    assert_true(dk_table_float(table, 0, 0) == 0x1p64);
    dk_table_unref(table);
    int8_t small = -5;
    table = make_one(memory, DK_INT8, &small);
    assert_int_equal(dk_table_int(table, 0, 0), -5);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that a slice shares bytes, and that numbered rows keep their labels. */
static void test_slice(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = make(memory, NULL);
    dk_table *head;
    dk_table *tail;
    assert_int_equal(table_slice(table, 0, 2, &head), DK_OK);
    assert_int_equal(table_slice(table, 1, 2, &tail), DK_OK);
    assert_null(head->index);
    assert_rows(&tail->index->view, "1 2");
    assert_rows(&tail->columns[1]->view, "- zz");
    assert_ptr_equal(tail->columns[1]->data, table->columns[1]->data);
    dk_table_unref(table);
    dk_table_unref(head);
    dk_table_unref(tail);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that tables join in order; numbered rows start again at every table, as pandas concat has
 * it. */
static void test_concat(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *numbered = make(memory, NULL);
    dk_table *labelled = make(memory, (int64_t[]){7, 8, 9});
    dk_table *joined;
    assert_int_equal(table_concat(memory, (dk_table *[]){numbered, labelled}, 2, &joined, NULL),
                     DK_OK);
    assert_int_equal(joined->nrows, 6);
    assert_rows(&joined->index->view, "0 1 2 7 8 9");
    assert_rows(&joined->columns[1]->view, "x - zz x - zz");
    dk_table_unref(joined);
    assert_int_equal(table_concat(memory, &numbered, 1, &joined, NULL), DK_OK);
    assert_null(joined->index);
    dk_table_unref(joined);
    dk_table_unref(numbered);
    dk_table_unref(labelled);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that tables that do not fit are refused with the column's name. */
static void test_concat_mismatch(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = make(memory, NULL);
    struct column *columns[] = {table->columns[1], table->columns[1]};
    dk_table *other;
    dk_table *joined;
    dk_error err = {0};
    assert_int_equal(table_new(memory, 3, 2, names, columns, NULL, NULL, false, &other), DK_OK);
    assert_int_equal(table_concat(memory, (dk_table *[]){table, other}, 2, &joined, &err),
                     DK_ETYPE);
    assert_non_null(strstr(err.message, "'n' is int64 in one partition and str in another"));
    dk_table_unref(other);
    assert_int_equal(table_new(memory, 3, 1, names, columns, NULL, NULL, false, &other), DK_OK);
    assert_int_equal(table_concat(memory, (dk_table *[]){table, other}, 2, &joined, &err),
                     DK_ETYPE);
    assert_non_null(strstr(err.message, "2 and 1 columns"));
    dk_table_unref(other);
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that a buffer in two columns is counted once and that slices hold the whole of it. */
static void test_nbytes(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *range = column_range(memory, 0, 1000);
    struct column *half = column_slice(range, 500, 500);
    struct column *columns[] = {range, range};
    struct column *halves[] = {half, range};
    dk_table *table;
    assert_int_equal(table_new(memory, 1000, 2, names, columns, NULL, NULL, false, &table), DK_OK);
    assert_int_equal(dk_table_nbytes(table), 8000);
    dk_table_unref(table);
    assert_int_equal(table_new(memory, 500, 2, names, halves, NULL, NULL, false, &table), DK_OK);
    assert_int_equal(dk_table_nbytes(table), 8000);
    dk_table_unref(table);
    column_unref(half);
    column_unref(range);
    memory_close(memory);
}

static dk_status build(struct memory *memory)
{
    dk_status status = DK_ENOMEM;
    dk_table *tables[] = {make(memory, NULL), make(memory, (int64_t[]){1, 2, 3})};
    dk_table *joined = NULL;
    dk_table *slice = NULL;
    if (tables[0] && tables[1])
        status = table_concat(memory, tables, 2, &joined, NULL);
    if (status == DK_OK)
        status = table_slice(tables[0], 1, 2, &slice);
    dk_table_unref(tables[0]);
    dk_table_unref(tables[1]);
    dk_table_unref(joined);
    dk_table_unref(slice);
    return status;
}

/* Proves that every constructor of tables reports a failed allocation and leaks nothing. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),        cmocka_unit_test(test_values),
        cmocka_unit_test(test_number_types), cmocka_unit_test(test_slice),
        cmocka_unit_test(test_concat),       cmocka_unit_test(test_concat_mismatch),
        cmocka_unit_test(test_nbytes),       cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
