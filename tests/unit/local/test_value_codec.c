#include "support/boxes.h"
#include "support/failing_allocator.h"
#include "unit/column/column_support.h"

#include <unistd.h>

#include "graph/value.h"
#include "local/processes/value_codec.h"

/* Sends a value through an outbox and reads it back, as another process would. */
static dk_status send_to(struct dk_context *from, struct dk_context *to, dk_value value,
                         dk_value *out, bool *is_shared, dk_error *err)
{
    struct outbox outbox;
    outbox_init(&outbox, from->memory);
    outbox_record(&outbox);
    struct outbox_mark mark = outbox_mark(&outbox);
    dk_status status = outbox.writer.failed ? DK_ENOMEM : value_encode(from, &outbox, value, err);
    if (status == DK_OK) {
        struct parcel parcel = parcel_since(&outbox, mark);
        *is_shared = parcel.fd >= 0;
        status = value_decode(to, &parcel, out, err);
    }
    outbox_deinit(&outbox);
    return status;
}

static dk_status send_back(struct dk_context *dk, dk_value value, dk_value *out, bool *is_shared)
{
    dk_error err = {0};
    return send_to(dk, dk, value, out, is_shared, &err);
}

static dk_value assert_sent(struct dk_context *dk, dk_value value, bool expect_shared)
{
    dk_value sent = dk_value_null();
    bool is_shared = false;
    assert_int_equal(send_back(dk, value, &sent, &is_shared), DK_OK);
    assert_int_equal(is_shared, expect_shared);
    assert_int_equal(sent.kind, value.kind);
    return sent;
}

/* Proves that the kinds without a block come back as they were, to the bit. */
static void test_plain(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_sent(&dk, dk_value_null(), false);
    assert_true(assert_sent(&dk, dk_value_bool(true), false).as.boolean);
    assert_int_equal(assert_sent(&dk, dk_value_int(INT64_MIN), false).as.integer, INT64_MIN);
    dk_value nan = dk_value_null();
    nan.kind = DK_KIND_FLOAT;
    nan.as.integer = 0x7ff8000000000123;
    assert_int_equal(assert_sent(&dk, nan, false).as.integer, nan.as.integer);
    assert_int_equal(context_close(&dk), 0);
}

static dk_value make_nested(struct memory *memory)
{
    dk_value items[4] = {dk_value_int(1)};
    dk_value list = dk_value_null();
    dk_value map = dk_value_null();
    assert_int_equal(value_text(memory, "grüße", 7, &items[1]), DK_OK);
    assert_int_equal(value_bytes(memory, "\0\1", 2, &items[2]), DK_OK);
    assert_int_equal(value_list(memory, NULL, 0, &items[3]), DK_OK);
    assert_int_equal(value_list(memory, items, 4, &list), DK_OK);
    dk_value pair[2] = {dk_value_null(), list};
    assert_int_equal(value_text(memory, "list", 4, &pair[0]), DK_OK);
    assert_int_equal(value_map(memory, pair, 2, &map), DK_OK);
    return map;
}

/* Proves that texts, bytes, lists and maps come back, nested and empty ones too. */
static void test_nested(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_value map = make_nested(dk.memory);
    dk_value sent = assert_sent(&dk, map, false);
    size_t n = 0;
    const dk_value *items = dk_value_items(dk_value_find(sent, "list"), &n);
    assert_int_equal(n, 4);
    assert_int_equal(items[0].as.integer, 1);
    assert_string_equal(dk_value_data(items[1], NULL), "grüße");
    assert_memory_equal(dk_value_data(items[2], &n), "\0\1", 2);
    assert_int_equal(n, 2);
    dk_value_items(items[3], &n);
    assert_int_equal(items[3].kind, DK_KIND_LIST);
    assert_int_equal(n, 0);
    dk_value_unref(sent);
    dk_value_unref(map);
    assert_int_equal(context_close(&dk), 0);
}

static const char *const words[] = {"a", MISSING, "ccc", "", "e"};
static const int64_t numbers[] = {10, 11, 12, 13, 14};

/* Columns: text with a null, ints with a null, category with a null; an int index; `repeat` times.
 * NULL when out of memory. */
static dk_table *make_table(struct memory *memory, int64_t repeat)
{
    static const char *const names[] = {"word", "number", NULL};
    dk_table *table = NULL;
    dk_table *whole = NULL;
    dk_table *parts[2] = {NULL, NULL};
    struct column *dictionary = make_text(memory, (const char *const[]){"no", "x", "yy"}, 3);
    struct column *columns[3] = {
        make_text(memory, words, 5),
        make_ints(memory, numbers, 5, "...x."),
        dictionary ? make_category(memory, dictionary, (int32_t[]){2, 1, -1, 0, 2}, 5) : NULL,
    };
    struct column *index = make_ints(memory, numbers, 5, NULL);
    if (columns[0] && columns[1] && columns[2] && index) {
        dk_status status = table_new(memory, 5, 3, names, columns, NULL, index, false, &table);
        if (status != DK_OK)
            table = NULL;
    }
    for (int i = 0; i < 3; i++)
        column_unref(columns[i]);
    column_unref(index);
    column_unref(dictionary);
    while (table && (repeat /= 2)) {
        parts[0] = parts[1] = table;
        whole = NULL;
        dk_status status = table_concat(memory, parts, 2, &whole, NULL);
        dk_table_unref(table);
        table = status == DK_OK ? whole : NULL;
    }
    return table;
}

static void assert_column_equal(const struct view *a, const struct view *b)
{
    char one[64];
    char other[64];
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->nrows, b->nrows);
    for (int64_t i = 0; i < a->nrows; i++) {
        assert_string_equal(show(a, i, one), show(b, i, other));
    }
}

static void assert_table_equal(const dk_table *a, const dk_table *b)
{
    assert_int_equal(a->nrows, b->nrows);
    assert_int_equal(a->ncolumns, b->ncolumns);
    assert_int_equal(a->is_series, b->is_series);
    assert_int_equal(a->index == NULL, b->index == NULL);
    assert_int_equal(a->index_name == NULL, b->index_name == NULL);
    if (a->index_name)
        assert_string_equal(a->index_name, b->index_name);
    if (a->index)
        assert_column_equal(&a->index->view, &b->index->view);
    for (int32_t i = 0; i < a->ncolumns; i++) {
        assert_int_equal(a->names[i] == NULL, b->names[i] == NULL);
        if (a->names[i])
            assert_string_equal(a->names[i], b->names[i]);
        assert_column_equal(&a->columns[i]->view, &b->columns[i]->view);
    }
}

static void assert_table_sent(struct dk_context *dk, dk_table *table, bool expect_shared)
{
    dk_value sent = assert_sent(dk, dk_value_table(table), expect_shared);
    assert_table_equal(sent.as.table, table);
    for (int32_t i = 0; i < table->ncolumns; i++) {
        const void *data = sent.as.table->columns[i]->view.data;
        if (expect_shared)
            assert_int_equal((uintptr_t)data % 64, 0);
    }
    dk_value_unref(sent);
}

/* Proves that small tables travel in the message and large ones in shared memory, with names,
 * index, nulls and dictionaries. */
static void test_tables(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_table *small = make_table(dk.memory, 1);
    dk_table *large = make_table(dk.memory, 1024);
    assert_table_sent(&dk, small, false);
    assert_table_sent(&dk, large, true);
    dk_table_unref(small);
    dk_table_unref(large);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that every slice of a table comes back as its window only, whatever bit or offset it
 * starts at. */
static void test_slices(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_table *table = make_table(dk.memory, 4);
    for (int64_t start = 0; start < 20; start++) {
        for (int64_t nrows = 0; start + nrows <= 20; nrows++) {
            dk_table *slice = NULL;
            assert_int_equal(table_slice(table, start, nrows, &slice), DK_OK);
            assert_table_sent(&dk, slice, false);
            dk_table_unref(slice);
        }
    }
    dk_table_unref(table);

    dk_table *large = make_table(dk.memory, 4096);
    dk_table *slice = NULL;
    dk_table *tiny = NULL;
    assert_int_equal(table_slice(large, 4003, 12001, &slice), DK_OK);
    assert_table_sent(&dk, slice, true);
    assert_int_equal(table_slice(large, 4003, 3, &tiny), DK_OK);
    assert_table_sent(&dk, tiny, false);
    dk_table_unref(tiny);
    dk_table_unref(slice);
    dk_table_unref(large);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that tables of no rows, and of no columns, come back, and tables inside lists. */
static void test_odd_tables(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    dk_table *none = NULL;
    dk_table *empty = NULL;
    dk_table *table = make_table(dk.memory, 1);
    assert_int_equal(table_new(dk.memory, 7, 0, NULL, NULL, NULL, NULL, false, &none), DK_OK);
    assert_int_equal(table_slice(table, 2, 0, &empty), DK_OK);
    assert_table_sent(&dk, none, false);
    assert_table_sent(&dk, empty, false);
    dk_value items[] = {dk_value_table(none), dk_value_table(table), dk_value_table(empty)};
    dk_value list = dk_value_null();
    assert_int_equal(value_list(dk.memory, items, 3, &list), DK_OK);
    dk_value sent = assert_sent(&dk, list, false);
    size_t n = 0;
    const dk_value *copies = dk_value_items(sent, &n);
    for (size_t i = 0; i < n; i++)
        assert_table_equal(copies[i].as.table, items[i].as.table);
    dk_value_unref(sent);
    dk_value_unref(list);
    assert_int_equal(context_close(&dk), 0);
}

static void assert_box(dk_value value, size_t nbytes, unsigned char first)
{
    const struct box *box = dk_value_as_object(value, &box_type);
    assert_non_null(box);
    assert_int_equal(box->nbytes, nbytes);
    assert_int_equal(box->first, first);
}

/* Proves that objects come back as new ones, small and large and beside tables in lists. */
static void test_objects(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
    static const size_t sizes[] = {0, 1, SEGMENT_INLINE_NBYTES - 1, SEGMENT_INLINE_NBYTES, 300001};
    dk_value items[6];
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(box_value(&dk, sizes[i], (unsigned char)i, &items[i]), DK_OK);
        dk_value sent = assert_sent(&dk, items[i], sizes[i] >= SEGMENT_INLINE_NBYTES);
        assert_box(sent, sizes[i], (unsigned char)i);
        assert_ptr_not_equal(dk_value_as_object(sent, &box_type),
                             dk_value_as_object(items[i], &box_type));
        dk_value_unref(sent);
    }
    items[5] = dk_value_table(make_table(dk.memory, 4));
    dk_value list = dk_value_null();
    assert_int_equal(value_list(dk.memory, items, 6, &list), DK_OK);
    dk_value sent = assert_sent(&dk, list, true);
    size_t n = 0;
    const dk_value *copies = dk_value_items(sent, &n);
    assert_int_equal(n, 6);
    for (size_t i = 0; i < 5; i++)
        assert_box(copies[i], sizes[i], (unsigned char)i);
    assert_table_equal(copies[5].as.table, items[5].as.table);
    dk_value_unref(sent);
    dk_value_unref(list);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status pack_a_number(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    (void)dk, (void)object, (void)err;
    *bytes = dk_value_int(7);
    return DK_OK;
}

/* Sends a box of `type` and of the byte `first`. */
static void assert_refused(struct dk_context *from, struct dk_context *to,
                           const dk_object_type *type, unsigned char first, dk_status expected,
                           const char *message)
{
    dk_value value = dk_value_null();
    dk_value sent = dk_value_null();
    assert_int_equal(value_object(from->memory, type, box_new(from->memory, 1, first), &value),
                     DK_OK);
    bool is_shared = false;
    dk_error err = {0};
    assert_int_equal(send_to(from, to, value, &sent, &is_shared, &err), expected);
    assert_string_equal(err.message, message);
    dk_value_unref(value);
}

/* Proves that an object that cannot leave, or not arrive, is refused with its type and what to do,
 * or in its own words. */
static void test_refused_objects(void **state)
{
    (void)state;
    static const dk_object_type stays = {.name = "stone", .free = box_free};
    static const dk_object_type wrong = {
        .name = "wrong", .free = box_free, .pack = pack_a_number, .unpack = box_unpack};
    struct dk_context dk;
    struct dk_context other;
    assert_true(context_open(&dk, NULL));
    assert_true(context_open(&other, NULL));
    assert_refused(&dk, &dk, &stays, 1, DK_ENOTSUP,
                   "an object of type 'stone' cannot leave its process: use the threads "
                   "scheduler, or give its type functions to pack and unpack");
    assert_refused(&dk, &dk, &box_type, 1, DK_ENOTSUP,
                   "an object of type 'box' cannot leave its process: register its type with "
                   "dk_register_type(), or use the threads scheduler");
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
    assert_refused(&dk, &other, &box_type, 1, DK_ENOTSUP,
                   "an object of type 'box' has come from another process: register the type here, "
                   "too, with dk_register_type()");
    assert_refused(&dk, &dk, &box_type, BOX_SHUT, DK_ETASK,
                   "cannot pack an object of type 'box': it is shut");
    assert_refused(&dk, &dk, &box_type, BOX_SEALED, DK_ETASK,
                   "cannot unpack an object of type 'box': task failed");
    assert_int_equal(dk_register_type(&dk, &wrong, NULL), DK_OK);
    assert_refused(&dk, &dk, &wrong, 1, DK_ETYPE,
                   "packing an object of type 'wrong' gave a value of kind 'int'");
    assert_int_equal(context_close(&other), 0);
    assert_int_equal(context_close(&dk), 0);
}

/* A list of a table and a box. False when out of memory. */
static bool make_list(struct dk_context *dk, int64_t repeat, size_t nbytes, dk_value *list)
{
    dk_value items[2] = {dk_value_null()};
    dk_table *table = make_table(dk->memory, repeat);
    if (!table)
        return false;
    items[0] = dk_value_table(table);
    if (box_value(dk, nbytes, 5, &items[1]) != DK_OK) {
        dk_table_unref(table);
        return false;
    }
    return value_list(dk->memory, items, 2, list) == DK_OK;
}

/* Proves that bytes that are no parcel are refused: every cut of a good one, and every byte of it
 * changed. */
static void test_broken(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
    struct outbox outbox;
    outbox_init(&outbox, dk.memory);
    dk_value list = dk_value_null();
    dk_error err = {0};
    assert_true(make_list(&dk, 1, 20, &list));
    outbox_record(&outbox);
    struct outbox_mark mark = outbox_mark(&outbox);
    assert_int_equal(value_encode(&dk, &outbox, list, &err), DK_OK);
    struct parcel good = parcel_since(&outbox, mark);
    char *bytes = memory_alloc(dk.memory, good.nbytes);
    for (size_t i = 0; i < good.nbytes; i++) {
        struct parcel parcel;
        dk_value value = dk_value_null();
        memcpy(bytes, good.bytes, good.nbytes);
        struct cursor cut = {bytes, bytes + i, false};
        parcel_take(&cut, &parcel);
        assert_true(cut.overrun);
        bytes[i] = (char)(bytes[i] ^ 0x41);
        struct cursor changed = {bytes, bytes + good.nbytes, false};
        /* Nobody sends the descriptor that some ask for. */
        parcel_take(&changed, &parcel);
        if (changed.overrun)
            continue;
        if (value_decode(&dk, &parcel, &value, &err) == DK_OK)
            dk_value_unref(value);
        else
            assert_true(*err.message);
    }
    memory_free(dk.memory, bytes, good.nbytes);
    dk_value_unref(list);
    outbox_deinit(&outbox);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status send_in_little_memory(struct dk_context *dk)
{
    dk_value list = dk_value_null();
    dk_value sent = dk_value_null();
    bool is_shared = false;
    DK_TRY(dk_register_type(dk, &box_type, NULL));
    if (!make_list(dk, 1024, 100000, &list))
        return DK_ENOMEM;
    dk_status status = send_back(dk, list, &sent, &is_shared);
    dk_value_unref(sent);
    dk_value_unref(list);
    return status;
}

/* Proves that running out of memory on either side is reported, at every allocation, and no
 * descriptor is lost. */
static void test_no_memory(void **state)
{
    (void)state;
    int before = dup(0);
    close(before);
    fail_each_allocation_of(send_in_little_memory);
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),           cmocka_unit_test(test_nested),
        cmocka_unit_test(test_tables),          cmocka_unit_test(test_slices),
        cmocka_unit_test(test_odd_tables),      cmocka_unit_test(test_objects),
        cmocka_unit_test(test_refused_objects), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
