#include "column_support.h"

#include "column/table_codec.h"

/* A table as one run of bytes. */
static struct writer written(const dk_table *table)
{
    struct writer writer;
    writer_init(&writer, table->memory);
    assert_int_equal(table_put_whole(&writer, table), DK_OK);
    return writer;
}

static dk_status read_back(struct memory *memory, const char *bytes, size_t nbytes, dk_table **out)
{
    struct cursor cursor = {bytes, bytes + nbytes, false};
    return table_get_whole(memory, &cursor, out);
}

/* A series of one column, whose reference it takes; NULL when out of memory. */
static dk_table *series_of(struct memory *memory, struct column *column)
{
    static const char *const name = "x";
    dk_table *table = NULL;
    if (column &&
        table_new(memory, column->view.nrows, 1, &name, &column, NULL, NULL, true, &table) != DK_OK)
        table = NULL;
    column_unref(column);
    return table;
}

/* Proves that a table comes back whole, and its slices without the rest. */
static void test_whole(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table =
        series_of(memory, make_text(memory, (const char *const[]){"a", MISSING, "ccc", ""}, 4));
    for (int64_t start = 0; start < 4; start++) {
        dk_table *slice = NULL;
        dk_table *back = NULL;
        assert_int_equal(table_slice(table, start, 4 - start, &slice), DK_OK);
        struct writer writer = written(slice);
        assert_int_equal(read_back(memory, writer.bytes.data, writer.bytes.count, &back), DK_OK);
        assert_int_equal(table_check(back, NULL), DK_OK);
        struct writer again = written(back);
        assert_int_equal(again.bytes.count, writer.bytes.count);
        assert_memory_equal(again.bytes.data, writer.bytes.data, writer.bytes.count);
        writer_deinit(&again);
        writer_deinit(&writer);
        dk_table_unref(back);
        dk_table_unref(slice);
    }
    dk_table_unref(table);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a table is refused whose texts, codes or bools would lead kernels astray. Takes it.
 */
static void assert_damaged(dk_table *table, void *at, const void *bytes, size_t nbytes)
{
    dk_error err = {0};
    assert_non_null(table);
    assert_int_equal(table_check(table, &err), DK_OK);
    memcpy(at, bytes, nbytes);
    assert_int_equal(table_check(table, &err), DK_EPARSE);
    assert_string_equal(err.message, "column 'x' of a table is damaged");
    dk_table_unref(table);
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const words[] = {"a", "bb", "ccc"};
    const int64_t far = 1000;
    const int64_t back = -1;
    const int32_t code = 3;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table = series_of(memory, make_text(memory, words, 3));
    assert_damaged(table, (int64_t *)table->columns[0]->offsets->data + 3, &far, sizeof(far));
    table = series_of(memory, make_text(memory, words, 3));
    assert_damaged(table, (int64_t *)table->columns[0]->offsets->data + 1, &far, sizeof(far));
    table = series_of(memory, make_text(memory, words, 3));
    assert_damaged(table, table->columns[0]->offsets->data, &back, sizeof(back));
    struct column *dictionary = make_text(memory, words, 3);
    table = series_of(memory, make_category(memory, dictionary, (const int32_t[]){0, -1, 2}, 3));
    column_unref(dictionary);
    assert_damaged(table, table->columns[0]->data->data, &code, sizeof(code));
    struct buffer *bools = buffer_new(memory, 1);
    memset(bools->data, 1, 1);
    table = series_of(memory, column_new(memory, DK_BOOL, 1, bools, NULL, NULL, NULL));
    assert_damaged(table, bools->data, "\2", 1);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that every cut of the bytes is refused, and every changed bit is, or makes a table that
 * can be checked. */
static void test_flipped_bits(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_table *table =
        series_of(memory, make_text(memory, (const char *const[]){"a", MISSING, "ccc"}, 3));
    struct writer writer = written(table);
    char *bytes = writer.bytes.data;
    for (size_t i = 0; i < writer.bytes.count; i++) {
        dk_table *back = NULL;
        assert_int_equal(read_back(memory, bytes, i, &back), DK_EPARSE);
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] = (char)(bytes[i] ^ (1 << bit));
            if (read_back(memory, bytes, writer.bytes.count, &back) == DK_OK) {
                dk_status status = table_check(back, NULL);
                assert_true(status == DK_OK || status == DK_EPARSE);
                dk_table_unref(back);
            }
            bytes[i] = (char)(bytes[i] ^ (1 << bit));
        }
    }
    writer_deinit(&writer);
    dk_table_unref(table);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status there_and_back(struct memory *memory)
{
    struct writer writer;
    dk_table *back = NULL;
    dk_table *table =
        series_of(memory, make_text(memory, (const char *const[]){"a", MISSING, "ccc"}, 3));
    if (!table)
        return DK_ENOMEM;
    writer_init(&writer, memory);
    dk_status status = table_put_whole(&writer, table);
    if (status == DK_OK)
        status = read_back(memory, writer.bytes.data, writer.bytes.count, &back);
    dk_table_unref(back);
    writer_deinit(&writer);
    dk_table_unref(table);
    return status;
}

/* Proves that any allocation may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(there_and_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
