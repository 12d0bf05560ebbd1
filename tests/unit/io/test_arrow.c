#include "unit/column/column_support.h"

#include <math.h>

#include "column/bits.h"
#include "io/arrow.h"

/* A record batch of one column as a foreign library would make it; everything is the test's own. */
struct foreign {
    struct ArrowSchema schema;
    struct ArrowSchema child_schema;
    struct ArrowSchema *child_schemas[1];
    struct ArrowSchema words_schema;
    struct ArrowArray array;
    struct ArrowArray child;
    struct ArrowArray *children[1];
    struct ArrowArray words;
    const void *row_buffers[1];
    const void *buffers[5];
    const void *word_buffers[3];
    int released;
};

static void release_schema(struct ArrowSchema *schema)
{
    ((struct foreign *)schema->private_data)->released += 1;
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    ((struct foreign *)array->private_data)->released += 10;
    array->release = NULL;
}

static void foreign_init(struct foreign *foreign, const char *format, int64_t length)
{
    *foreign = (struct foreign){.released = 0};
    foreign->schema = (struct ArrowSchema){.format = "+s",
                                           .n_children = 1,
                                           .children = foreign->child_schemas,
                                           .release = release_schema,
                                           .private_data = foreign};
    foreign->child_schemas[0] = &foreign->child_schema;
    foreign->child_schema.format = format;
    foreign->child_schema.name = "x";
    foreign->array = (struct ArrowArray){.length = length,
                                         .n_buffers = 1,
                                         .n_children = 1,
                                         .buffers = foreign->row_buffers,
                                         .children = foreign->children,
                                         .release = release_array,
                                         .private_data = foreign};
    foreign->children[0] = &foreign->child;
    foreign->child = (struct ArrowArray){
        .length = length, .null_count = -1, .n_buffers = 2, .buffers = foreign->buffers};
}

static dk_table *import(struct memory *memory, struct foreign *foreign)
{
    dk_table *table = NULL;
    dk_error err = {0};
    dk_status status = arrow_import(memory, &foreign->schema, &foreign->array, NULL, &table, &err);
    if (status != DK_OK)
        fail_msg("%s", err.message);
    assert_null(foreign->schema.release);
    assert_null(foreign->array.release);
    return table;
}

static void check_import(struct foreign *foreign, dk_type type, const char *rows)
{
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = import(memory, foreign);
    assert_int_equal(table->columns[0]->view.type, type);
    assert_rows(&table->columns[0]->view, rows);
    dk_table_unref(table);
    assert_int_equal(foreign->released, 11);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a shared column keeps the foreign array until it goes itself, after all that hangs on
 * it. */
static void test_shared_without_copy(void **state)
{
    (void)state;
    static const int64_t values[] = {1, 2, 3};
    struct memory *memory = memory_new(NULL, 0);
    struct foreign foreign;
    foreign_init(&foreign, "l", 3);
    foreign.buffers[1] = values;
    dk_table *table = import(memory, &foreign);
    struct column *slice = column_slice(table->columns[0], 1, 2);
    assert_ptr_equal(table->columns[0]->view.data, values);
    dk_table_unref(table);
    assert_int_equal(foreign.released, 1);
    assert_rows(&slice->view, "2 3");
    column_unref(slice);
    assert_int_equal(foreign.released, 11);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that offsets of batch and column add up, for values and bitmap. */
static void test_offsets(void **state)
{
    (void)state;
    static const int64_t values[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const uint8_t bitmap[] = {0xbf, 0x05}; /* rows 6, 9 and 11 are missing */
    struct foreign foreign;
    foreign_init(&foreign, "l", 4);
    foreign.array.offset = 2;
    foreign.child.offset = 3;
    foreign.child.length = 9;
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = values;
    check_import(&foreign, DK_INT64, "5 - 7 8");
}

/* Proves that packed booleans become one byte a value, from any bit on. */
static void test_bools(void **state)
{
    (void)state;
    static const uint8_t bits[] = {0x58, 0x02};
    static const uint8_t bitmap[] = {0xff, 0x01};
    struct foreign foreign;
    foreign_init(&foreign, "b", 7);
    foreign.child.offset = 3;
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = bits;
    check_import(&foreign, DK_BOOL, "true true false true false false -");
}

/* Proves that unsigned integers get the next wider signed type. */
static void test_unsigned(void **state)
{
    (void)state;
    static const uint32_t values[] = {0, 4000000000u, 7};
    struct foreign foreign;
    foreign_init(&foreign, "I", 2);
    foreign.child.offset = 1;
    foreign.buffers[1] = values;
    check_import(&foreign, DK_INT64, "4000000000 7");
    static const uint8_t bytes[] = {255, 1};
    static const uint8_t bitmap[] = {0x01};
    foreign_init(&foreign, "C", 2);
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = bytes;
    check_import(&foreign, DK_INT16, "255 -");
}

/* Proves that a float with a null is copied with NaN, and shared without. */
static void test_floats(void **state)
{
    (void)state;
    static const double values[] = {0.5, 99, 2};
    static const uint8_t bitmap[] = {0x05};
    struct foreign foreign;
    foreign_init(&foreign, "g", 3);
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = values;
    check_import(&foreign, DK_FLOAT64, "0.5 - 2");
    foreign_init(&foreign, "g", 2);
    foreign.child.offset = 1;
    foreign.child.null_count = 0; /* then the bitmap is not looked at */
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = values;
    check_import(&foreign, DK_FLOAT64, "99 2");
    foreign_init(&foreign, "n", 2);
    foreign.child.n_buffers = 0;
    check_import(&foreign, DK_FLOAT64, "- -");
}

/* Proves that times of all units become nanoseconds, UTC too, and that dates do. */
static void test_times(void **state)
{
    (void)state;
    static const int64_t values[] = {-1, 2};
    static const char *const formats[] = {"tss:", "tsm:", "tsu:UTC", "tsn:", "tdm", "tDs", "tDn"};
    static const char *const rows[] = {
        "-1000000000 2000000000", "-1000000 2000000",       "-1000 2000", "-1 2",
        "-1000000 2000000",       "-1000000000 2000000000", "-1 2"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct foreign foreign;
        foreign_init(&foreign, formats[i], 2);
        foreign.buffers[1] = values;
        check_import(&foreign, formats[i][1] == 'D' ? DK_DURATION : DK_TIMESTAMP, rows[i]);
    }
    static const int32_t days[] = {1, 1};
    struct foreign foreign;
    foreign_init(&foreign, "tdD", 1);
    foreign.buffers[1] = days;
    check_import(&foreign, DK_TIMESTAMP, "86400000000000");
}

/* Proves that all three layouts of text give the same rows, from the middle of an array. */
static void test_text(void **state)
{
    (void)state;
    static const char pool[] = "skipfirstno, a much longer text";
    static const int32_t offsets32[] = {0, 4, 9, 9, 31};
    static const int64_t offsets64[] = {0, 4, 9, 9, 31};
    static const uint8_t bitmap[] = {0xfb};
    const char *const expected = "first - no, a much longer text";
    struct foreign foreign;
    for (int wide = 0; wide < 2; wide++) {
        foreign_init(&foreign, wide ? "U" : "u", 3);
        foreign.child.offset = 1;
        foreign.child.n_buffers = 3;
        foreign.buffers[0] = bitmap;
        foreign.buffers[1] = wide ? (const void *)offsets64 : offsets32;
        foreign.buffers[2] = pool;
        check_import(&foreign, DK_TEXT, expected);
    }
    struct {
        int32_t length;
        char prefix[4];
        int32_t buffer, offset;
    } views[4] = {{.length = 4}, {.length = 5}, {.length = 0}, {22, "no, ", 0, 9}};
    memcpy(views[1].prefix, "firs", 4);
    memcpy(&views[1].buffer, "t", 2);
    const int64_t sizes[] = {31};
    foreign_init(&foreign, "vu", 3);
    foreign.child.offset = 1;
    foreign.child.n_buffers = 4;
    foreign.buffers[0] = bitmap;
    foreign.buffers[1] = views;
    foreign.buffers[2] = pool;
    foreign.buffers[3] = sizes;
    check_import(&foreign, DK_TEXT, expected);
}

static void add_words(struct foreign *foreign, const int32_t *offsets, const char *pool, int64_t n,
                      const uint8_t *bitmap)
{
    foreign->child_schema.dictionary = &foreign->words_schema;
    foreign->words_schema.format = "u";
    foreign->child.dictionary = &foreign->words;
    foreign->words = (struct ArrowArray){
        .length = n, .null_count = -1, .n_buffers = 3, .buffers = foreign->word_buffers};
    foreign->word_buffers[0] = bitmap;
    foreign->word_buffers[1] = offsets;
    foreign->word_buffers[2] = pool;
}

static const int32_t word_offsets[] = {0, 1, 2, 3};

/* Proves that codes of any width become a category, and that words twice or missing are cleared up.
 */
static void test_dictionaries(void **state)
{
    (void)state;
    static const uint8_t codes8[] = {2, 0, 1, 2};
    static const int64_t codes64[] = {2, 0, -7, 2};
    static const uint8_t bitmap[] = {0x0b};
    struct foreign foreign;
    foreign_init(&foreign, "C", 4);
    foreign.buffers[1] = codes8;
    add_words(&foreign, word_offsets, "abc", 3, NULL);
    check_import(&foreign, DK_CATEGORY, "c a b c");
    foreign_init(&foreign, "l", 4);
    foreign.buffers[0] = bitmap; /* what is under a null is not looked at */
    foreign.buffers[1] = codes64;
    add_words(&foreign, word_offsets, "aba", 3, NULL);
    check_import(&foreign, DK_CATEGORY, "a a - a");
    foreign_init(&foreign, "C", 4);
    foreign.buffers[1] = codes8;
    static const uint8_t second_missing[] = {0x05};
    add_words(&foreign, word_offsets, "abc", 3, second_missing);
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = import(memory, &foreign);
    assert_rows(&table->columns[0]->view, "c a - c");
    assert_rows(&table->columns[0]->dictionary->view, "a c");
    dk_table_unref(table);
    memory_close(memory);
}

/* Proves that values a file or message put at an odd address are moved. */
static void test_unaligned(void **state)
{
    (void)state;
    _Alignas(8) char bytes[40];
    int64_t values[] = {1, -2};
    memcpy(bytes + 3, values, sizeof(values));
    struct foreign foreign;
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = bytes + 3;
    check_import(&foreign, DK_INT64, "1 -2");
    int64_t offsets[] = {0, 1, 3};
    memcpy(bytes + 3, offsets, sizeof(offsets));
    foreign_init(&foreign, "U", 2);
    foreign.child.n_buffers = 3;
    foreign.buffers[1] = bytes + 3;
    foreign.buffers[2] = "abb";
    check_import(&foreign, DK_TEXT, "a bb");
    int16_t codes[] = {1, 0};
    memcpy(bytes + 3, codes, sizeof(codes));
    foreign_init(&foreign, "s", 2);
    foreign.buffers[1] = bytes + 3;
    add_words(&foreign, word_offsets, "abc", 3, NULL);
    check_import(&foreign, DK_CATEGORY, "b a");
}

/* Proves that arrays of no rows need no buffers. */
static void test_no_rows(void **state)
{
    (void)state;
    static const char *const formats[] = {"b", "l", "g", "u", "U", "vu", "tss:"};
    static const dk_type types[] = {DK_BOOL, DK_INT64, DK_FLOAT64,  DK_TEXT,
                                    DK_TEXT, DK_TEXT,  DK_TIMESTAMP};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct foreign foreign;
        foreign_init(&foreign, formats[i], 0);
        check_import(&foreign, types[i], "");
    }
}

static void check_refused(struct foreign *foreign, const char *index, dk_status expected,
                          const char *part)
{
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = NULL;
    dk_error err = {0};
    assert_int_equal(arrow_import(memory, &foreign->schema, &foreign->array, index, &table, &err),
                     expected);
    if (!strstr(err.message, part))
        fail_msg("'%s' is not in '%s'", part, err.message);
    assert_null(table);
    assert_int_equal(foreign->released, 11);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that what cannot be held is refused by column and format, and released. */
static void test_refused(void **state)
{
    (void)state;
    static const int64_t values[] = {INT64_MAX, 5};
    static const char *const formats[] = {"+l", "z",   "d:10,2", "e", "tss:Europe/Rome",
                                          "ts", "tsx:"};
    struct foreign foreign;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        foreign_init(&foreign, formats[i], 2);
        foreign.buffers[1] = values;
        check_refused(&foreign, NULL, DK_ENOTSUP, formats[i]);
    }
    foreign_init(&foreign, "tss:", 2);
    foreign.buffers[1] = values;
    check_refused(&foreign, NULL, DK_EOVERFLOW, "column 'x', row 0");
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = values;
    check_refused(&foreign, "date", DK_ECOLUMN, "'date'");
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = values;
    foreign.schema.format = "l";
    check_refused(&foreign, NULL, DK_ENOTSUP, "not a table");
    foreign_init(&foreign, "l", 2);
    foreign.array.n_children = 0;
    check_refused(&foreign, NULL, DK_EINVAL, "1 columns, the array 0");
    static const uint8_t bitmap[] = {0x01};
    foreign_init(&foreign, "l", 2);
    foreign.row_buffers[0] = bitmap;
    foreign.array.null_count = -1;
    check_refused(&foreign, NULL, DK_ENOTSUP, "missing rows");
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = values;
    add_words(&foreign, word_offsets, "abc", 3, NULL);
    check_refused(&foreign, NULL, DK_EINVAL, "outside its dictionary of 3 words");
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = values;
    add_words(&foreign, word_offsets, "abc", 3, NULL);
    foreign.child_schema.format = "b";
    check_refused(&foreign, NULL, DK_EINVAL, "not of Arrow format 'b'");
    foreign_init(&foreign, "l", 2);
    foreign.buffers[1] = values;
    add_words(&foreign, word_offsets, "abc", 3, NULL);
    foreign.words_schema.format = "l";
    check_refused(&foreign, NULL, DK_ENOTSUP, "a dictionary of Arrow format 'l'");
}

static const char *const fruit[] = {"fig", "", "kiwi", MISSING, "plum", "apple"};

/* A column of every type, each with a missing row; the last is a category. NULL when out of memory.
 */
static struct column *make_column(struct memory *memory, dk_type type)
{
    if (type == DK_TEXT)
        return make_text(memory, fruit, 6);
    if (type == DK_CATEGORY) {
        struct column *words = make_text(memory, (const char *const[]){"a", "b"}, 2);
        struct column *column =
            words ? make_category(memory, words, (int32_t[]){0, 1, -1, 1, 0, 0}, 6) : NULL;
        column_unref(words);
        return column;
    }
    struct vec vec;
    struct column *column = NULL;
    vec_init(&vec, memory, type);
    dk_status status = vec_reset(&vec, 6);
    if (status == DK_OK) {
        memset(vec.data, 0, 6 * type_nbytes(type));
        ((uint8_t *)vec.data)[5 * type_nbytes(type)] = 1;
        vec_set_null(&vec, 3);
        status = vec_freeze(&vec, &column);
    }
    vec_deinit(&vec);
    return status == DK_OK ? column : NULL;
}

/* Rows 1 to 5 of a table of every type, indexed by text; NULL when out of memory. */
static dk_table *make_table(struct memory *memory)
{
    const char *names[DK_TYPE_COUNT];
    struct column *columns[DK_TYPE_COUNT] = {NULL};
    dk_table *table = NULL;
    dk_table *slice = NULL;
    bool made = true;
    for (dk_type type = 0; type < DK_TYPE_COUNT && made; type++) {
        names[type] = dk_type_name(type);
        columns[type] = make_column(memory, type);
        made = columns[type] != NULL;
    }
    if (made && table_new(memory, 6, DK_TYPE_COUNT, names, columns, "fruit", columns[DK_TEXT],
                          false, &table) == DK_OK) {
        if (table_slice(table, 1, 5, &slice) != DK_OK)
            slice = NULL;
    }
    for (int i = 0; i < DK_TYPE_COUNT; i++)
        column_unref(columns[i]);
    dk_table_unref(table);
    return slice;
}

static void assert_same_rows(const struct view *a, const struct view *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->nrows, b->nrows);
    for (int64_t i = 0; i < a->nrows; i++) {
        assert_int_equal(view_is_valid(a, i), view_is_valid(b, i));
        if (!view_is_valid(a, i) || a->type == DK_TEXT || a->type == DK_CATEGORY)
            continue;
        size_t width = type_nbytes(a->type);
        assert_memory_equal((const char *)a->data + (size_t)i * width,
                            (const char *)b->data + (size_t)i * width, width);
    }
}

/* Proves that a table of every type, sliced at an odd row, comes back as it went out. */
static void test_round_trip(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct ArrowSchema schema;
    struct ArrowArray array;
    dk_table *table = make_table(memory);
    dk_table *back;
    assert_int_equal(dk_table_to_arrow(table, &schema, &array, NULL), DK_OK);
    assert_int_equal(schema.n_children, DK_TYPE_COUNT + 1);
    assert_string_equal(schema.children[DK_TYPE_COUNT]->name, "fruit");
    assert_ptr_equal(array.children[DK_INT64]->buffers[1], table->columns[DK_INT64]->view.data);
    assert_int_equal(arrow_import(memory, &schema, &array, "fruit", &back, NULL), DK_OK);
    assert_int_equal(back->ncolumns, DK_TYPE_COUNT);
    assert_string_equal(back->index_name, "fruit");
    for (int i = 0; i < DK_TYPE_COUNT; i++) {
        assert_string_equal(back->names[i], table->names[i]);
        assert_same_rows(&table->columns[i]->view, &back->columns[i]->view);
    }
    dk_table_unref(table);
    assert_rows(&back->index->view, " kiwi - plum apple");
    assert_rows(&back->columns[DK_CATEGORY]->view, "b - b a a");
    assert_rows(&back->columns[DK_BOOL]->view, "false false - false true");
    dk_table_unref(back);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that an unnamed series with an unnamed index is one again after the trip. */
static void test_series(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct column *range = column_range(memory, 4, 2);
    struct ArrowSchema schema;
    struct ArrowArray array;
    dk_table *series;
    dk_table *back;
    assert_int_equal(table_new(memory, 2, 1, NULL, &range, NULL, range, true, &series), DK_OK);
    assert_int_equal(dk_table_to_arrow(series, &schema, &array, NULL), DK_OK);
    assert_string_equal(schema.children[1]->name, "__index_level_0__");
    assert_int_equal(arrow_import(memory, &schema, &array, "__index_level_0__", &back, NULL),
                     DK_OK);
    assert_true(dk_table_is_series(back));
    assert_null(dk_table_column_name(back, 0));
    assert_null(dk_table_index_name(back));
    assert_rows(&back->index->view, "4 5");
    dk_table_unref(back);
    dk_table_unref(series);
    column_unref(range);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a column a consumer moves out lives on when the rest is released. */
static void test_moved_child(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = make_table(memory);
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_int_equal(dk_table_to_arrow(table, &schema, &array, NULL), DK_OK);
    struct ArrowArray moved = *array.children[DK_INT64];
    array.children[DK_INT64]->release = NULL;
    array.release(&array);
    schema.release(&schema);
    dk_table_unref(table);
    assert_int_equal(((const int64_t *)moved.buffers[1])[4], 1);
    assert_int_equal(moved.null_count, 1);
    moved.release(&moved);
    assert_null(moved.release);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status round_trip(struct memory *memory)
{
    dk_table *table = make_table(memory);
    if (!table)
        return DK_ENOMEM;
    struct ArrowSchema schema;
    struct ArrowArray array;
    dk_table *back = NULL;
    dk_status status = dk_table_to_arrow(table, &schema, &array, NULL);
    dk_table_unref(table);
    if (status != DK_OK) {
        assert_null(schema.release);
        assert_null(array.release);
        return status;
    }
    dk_error err = {0};
    status = arrow_import(memory, &schema, &array, "fruit", &back, &err);
    assert_null(schema.release);
    assert_null(array.release);
    if (status != DK_OK)
        assert_string_equal(err.message, "out of memory");
    if (status == DK_OK)
        dk_table_unref(back);
    return status;
}

static dk_status import_dictionary(struct memory *memory)
{
    static const uint8_t codes[] = {2, 0, 1, 2};
    struct foreign foreign;
    foreign_init(&foreign, "C", 4);
    foreign.buffers[1] = codes;
    add_words(&foreign, word_offsets, "aba", 3, NULL);
    dk_table *table = NULL;
    dk_status status = arrow_import(memory, &foreign.schema, &foreign.array, NULL, &table, NULL);
    if (status == DK_OK)
        dk_table_unref(table);
    assert_int_equal(foreign.released, 11);
    return status;
}

/* Proves that no failed allocation leaks or leaves a structure unreleased, out and in. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(round_trip);
    fail_each_allocation(import_dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared_without_copy),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_bools),
        cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_dictionaries),
        cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_moved_child),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
