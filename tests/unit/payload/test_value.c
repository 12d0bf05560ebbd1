#include "payload_support.h"

#include "payload/value.h"
#include "support/boxes.h"
#include "support/failing_allocator.h"
#include "wire/pickle.h"
#include "wire/message.h"
#include "wire/pack.h"
#include "wire/unpack.h"

static dk_status send_value(struct dk_context *dk, dk_value value, const char *serializer,
                            dk_value *out)
{
    struct payload_value packed;
    struct arena arena;
    struct wire_value header;
    dk_error err = {0};
    dk_status status = payload_pack_value(dk, value, &packed, &err);
    if (status != DK_OK)
        return status;
    arena_init(&arena, dk->memory);
    status = wire_unpack(&arena, packed.payload.header, &header, &err);
    if (status == DK_OK)
        assert_true(wire_text_is(wire_find(&header, "serializer"), serializer));
    arena_deinit(&arena);
    struct wire_value wire = payload_wire(&packed);
    if (status == DK_OK)
        status = payload_unpack_value(dk, &wire, NULL, out, &err);
    payload_value_deinit(&packed);
    return status;
}

/* Takes the value. */
static void assert_sent(struct dk_context *dk, dk_value value, const char *serializer)
{
    dk_value sent = dk_value_null();
    assert_int_equal(send_value(dk, value, serializer, &sent), DK_OK);
    assert_true(values_equal(value, sent));
    dk_value_unref(sent);
    dk_value_unref(value);
}

static dk_value text(struct dk_context *dk, const char *string)
{
    dk_value value = dk_value_null();
    assert_int_equal(value_text(dk->memory, string, strlen(string), &value), DK_OK);
    return value;
}

/* Takes the items. */
static dk_value list(struct dk_context *dk, const dk_value *items, size_t n)
{
    dk_value value = dk_value_null();
    assert_int_equal(value_list(dk->memory, items, n, &value), DK_OK);
    return value;
}

/* Proves that what Python knows travels as a pickle and comes back. */
static void test_plain(void **state)
{
    (void)state;
    static const int64_t ints[] = {0,         -1,        255,       65536,    INT32_MAX,
                                   INT32_MIN, 1LL << 31, INT64_MIN, INT64_MAX};
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_sent(&dk, dk_value_null(), "pickle");
    assert_sent(&dk, dk_value_bool(true), "pickle");
    assert_sent(&dk, dk_value_float(-1.5e300), "pickle");
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
        assert_sent(&dk, dk_value_int(ints[i]), "pickle");
    assert_sent(&dk, text(&dk, ""), "pickle");
    assert_sent(&dk, text(&dk, "grüße"), "pickle");
    dk_value bytes = dk_value_null();
    assert_int_equal(value_bytes(dk.memory, "\0\xff", 2, &bytes), DK_OK);
    dk_value pair[] = {text(&dk, "k"), bytes};
    dk_value map = dk_value_null();
    assert_int_equal(value_map(dk.memory, pair, 2, &map), DK_OK);
    assert_sent(&dk, list(&dk, (dk_value[]){dk_value_int(1), map, list(&dk, NULL, 0)}, 3),
                "pickle");
    assert_int_equal(context_close(&dk), 0);
}

/* A column of `n` values of `type`, every third missing where that can be. */
static struct column *make_typed(struct memory *memory, dk_type type, int64_t n)
{
    struct vec vec;
    struct column *column = NULL;
    vec_init(&vec, memory, type);
    dk_status status = vec_reset(&vec, n);
    unsigned char *data = vec.data;
    for (size_t i = 0; status == DK_OK && i < (size_t)n * type_nbytes(type); i++)
        data[i] = type == DK_BOOL ? i % 2 : (unsigned char)(i * 37 + 1);
    for (int64_t i = 0; status == DK_OK && !type_is_float(type) && i < n; i += 3)
        vec_set_null(&vec, i);
    if (status == DK_OK)
        status = vec_freeze(&vec, &column);
    vec_deinit(&vec);
    return status == DK_OK ? column : NULL;
}

/* Texts and a category, and a column of every other type; NULL when out of memory. */
static dk_table *make_table(struct memory *memory, int64_t n)
{
    static const char *const words[] = {"a", MISSING, "ccc", "", "e"};
    static const char *const names[] = {"c0", "c1", "c2", "c3", "c4",  "c5",
                                        "c6", "c7", "c8", "c9", "c10", "c11"};
    struct column *columns[DK_TYPE_COUNT] = {NULL};
    const char **texts = malloc((size_t)n * sizeof(*texts));
    int32_t *codes = malloc((size_t)n * sizeof(*codes));
    dk_table *table = NULL;
    bool made = true;
    for (int64_t i = 0; i < n; i++) {
        texts[i] = words[i % 5];
        codes[i] = (int32_t)(i % 3) - 1;
    }
    struct column *dictionary = make_text(memory, (const char *const[]){"no", "yes"}, 2);
    for (int type = 0; type < DK_TYPE_COUNT && dictionary; type++) {
        columns[type] = type == DK_TEXT       ? make_text(memory, texts, n)
                        : type == DK_CATEGORY ? make_category(memory, dictionary, codes, n)
                                              : make_typed(memory, (dk_type)type, n);
        made = made && columns[type];
    }
    if (made && dictionary &&
        table_new(memory, n, DK_TYPE_COUNT, names, columns, NULL, NULL, false, &table) != DK_OK)
        table = NULL;
    for (int type = 0; type < DK_TYPE_COUNT; type++)
        column_unref(columns[type]);
    column_unref(dictionary);
    free(codes);
    free(texts);
    return table;
}

/* Proves that tables of every type, slices of them, and lists that contain them come back. */
static void test_tables(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register_type(&dk, &box_type, NULL), DK_OK);
    dk_table *table = make_table(dk.memory, 40);
    for (int64_t start = 0; start < 40; start += 3) {
        for (int64_t nrows = 0; start + nrows <= 40; nrows += 5) {
            dk_table *slice = NULL;
            assert_int_equal(table_slice(table, start, nrows, &slice), DK_OK);
            assert_sent(&dk, dk_value_table(slice), "cdask");
        }
    }
    dk_value items[] = {dk_value_int(1), dk_value_table(table), text(&dk, "x"),
                        dk_value_table(dk_table_ref(table))};
    assert_sent(&dk, list(&dk, items, 4), "cdask");
    dk_value box = dk_value_null();
    dk_value sent = dk_value_null();
    assert_int_equal(box_value(&dk, 300, 7, &box), DK_OK);
    assert_int_equal(send_value(&dk, box, "cdask", &sent), DK_OK);
    assert_int_equal(((struct box *)dk_value_as_object(sent, &box_type))->nbytes, 300);
    dk_value_unref(sent);
    dk_value_unref(box);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that a table's buffers leave from where they are, and that nothing of it is copied. */
static void test_no_copies_out(void **state)
{
    (void)state;
    enum { N = 100000 };
    static int64_t numbers[N];
    struct dk_context dk;
    struct payload_value packed;
    assert_true(context_open(&dk, NULL));
    static const char *const name = "n";
    struct column *column = make_ints(dk.memory, numbers, N, NULL);
    dk_table *table = NULL;
    assert_int_equal(table_new(dk.memory, N, 1, &name, &column, NULL, NULL, false, &table), DK_OK);
    int64_t before = memory_use(dk.memory).current;
    assert_int_equal(payload_pack_value(&dk, dk_value_table(table), &packed, NULL), DK_OK);
    assert_true(memory_use(dk.memory).current - before < 20000);
    assert_int_equal(packed.payload.nframes, 2);
    assert_ptr_equal(packed.payload.frames[1].data, column->view.data);
    assert_true(packed.nbytes > N * sizeof(int64_t));
    dk_table_unref(table); /* the packed value has its own reference */
    column_unref(column);
    assert_int_equal(packed.payload.frames[1].data[0], 0);
    payload_value_deinit(&packed);
    assert_int_equal(context_close(&dk), 0);
}

static void count_ref(void *self)
{
    (*(int *)self)++;
}

static void count_unref(void *self)
{
    (*(int *)self)--;
}

/* Proves that buffers that lie as they must are used where they are, and their owner is told. */
static void test_no_copies_in(void **state)
{
    (void)state;
    struct dk_context dk;
    struct payload_value packed;
    dk_value sent = dk_value_null();
    int users = 0;
    const struct payload_owner owner = {&users, count_ref, count_unref};
    assert_true(context_open(&dk, NULL));
    dk_table *table = make_table(dk.memory, 100);
    assert_int_equal(payload_pack_value(&dk, dk_value_table(table), &packed, NULL), DK_OK);
    struct wire_value wire = payload_wire(&packed);
    assert_int_equal(payload_unpack_value(&dk, &wire, &owner, &sent, NULL), DK_OK);
    assert_true(users >= DK_TYPE_COUNT);
    assert_ptr_equal(sent.as.table->columns[DK_INT64]->view.data,
                     table->columns[DK_INT64]->view.data);
    assert_true(values_equal(sent, dk_value_table(table)));
    dk_value_unref(sent);
    assert_int_equal(users, 0);
    payload_value_deinit(&packed);
    dk_table_unref(table);
    assert_int_equal(context_close(&dk), 0);
}

/* A message of one value, as it comes out of a connection. */
static void send_message(struct memory *memory, const struct wire_value *root,
                         struct message *message)
{
    static const struct frame_limits limits = {1000, 1 << 24};
    struct encoding encoding;
    struct frame_reader reader;
    struct frames frames;
    assert_int_equal(message_encode(&encoding, memory, root, NULL), DK_OK);
    frame_reader_init(&reader, memory, limits);
    struct wire_bytes prelude = {encoding.prelude.data, encoding.prelude.count};
    assert_int_equal(frame_reader_feed(&reader, &prelude, NULL), DK_OK);
    for (size_t i = 0; i < encoding.frames.count; i++) {
        struct wire_bytes frame = ((const struct wire_bytes *)encoding.frames.data)[i];
        assert_int_equal(frame_reader_feed(&reader, &frame, NULL), DK_OK);
    }
    assert_int_equal(frame_reader_take(&reader, &frames), DK_OK);
    assert_int_equal(message_decode(message, frames, NULL), DK_OK);
    frame_reader_deinit(&reader);
    encoding_deinit(&encoding);
}

/* Proves that all of a table that came in a message is used where it lies there. */
static void test_tables_in_messages(void **state)
{
    (void)state;
    struct dk_context dk;
    struct payload_value packed;
    struct message message;
    dk_value sent = dk_value_null();
    int users = 0;
    const struct payload_owner owner = {&users, count_ref, count_unref};
    assert_true(context_open(&dk, NULL));
    dk_table *table = make_table(dk.memory, 99); /* odd: bytes and bits leave gaps behind them */
    assert_int_equal(payload_pack_value(&dk, dk_value_table(table), &packed, NULL), DK_OK);
    struct wire_value wire = payload_wire(&packed);
    send_message(dk.memory, &wire, &message);
    assert_int_equal(payload_unpack_value(&dk, &message.root, &owner, &sent, NULL), DK_OK);
    assert_true(values_equal(sent, dk_value_table(table)));
    assert_int_equal(users, message.root.as.payload->nframes - 1);
    for (int i = 0; i < DK_TYPE_COUNT; i++) {
        const char *data = sent.as.table->columns[i]->view.data;
        assert_true(data >= message.frames.bytes &&
                    data < message.frames.bytes + message.frames.capacity);
    }
    dk_value_unref(sent);
    assert_int_equal(users, 0);
    message_deinit(&message);
    payload_value_deinit(&packed);
    dk_table_unref(table);
    assert_int_equal(context_close(&dk), 0);
}

static void assert_refused(struct dk_context *dk, struct wire_entry *header, uint32_t n,
                           struct wire_bytes frame, dk_status expected, const char *message)
{
    struct vector bytes;
    struct vector none;
    dk_error err = {0};
    dk_value out = dk_value_null();
    struct wire_value map = wire_map(header, n);
    vector_init(&bytes, dk->memory, 1);
    vector_init(&none, dk->memory, 1);
    assert_int_equal(wire_pack(&bytes, &none, &map, NULL), DK_OK);
    struct wire_payload payload = {{bytes.data, bytes.count}, &frame, 1};
    struct wire_value value = {.kind = WIRE_SERIALIZED, .as.payload = &payload};
    assert_int_equal(payload_unpack_value(dk, &value, NULL, &out, &err), expected);
    assert_string_equal(err.message, message);
    vector_deinit(&bytes);
}

/* Proves that what cannot be read is refused by name. */
static void test_refused(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    struct wire_bytes none = {"", 0};
    struct wire_entry header[] = {{wire_text("serializer"), wire_text("dask")},
                                  {wire_text("type"), wire_text("numpy.ndarray")}};
    assert_refused(&dk, header, 2, none, DK_ENOTSUP, "numpy.ndarray cannot be read without Python");
    header[0].value = wire_text("cuda");
    assert_refused(&dk, header, 2, none, DK_ENOTSUP, "a value with the serializer 'cuda'");
    header[0].value = wire_text("error");
    assert_refused(&dk, header, 1, (struct wire_bytes){"no way", 6}, DK_ETYPE,
                   "it could not be sent: no way");
    struct wire_value lz5 = wire_text("lz5");
    header[0].value = wire_text("pickle");
    header[1] = (struct wire_entry){wire_text("compression"), wire_array(&lz5, 1)};
    assert_refused(&dk, header, 2, none, DK_ENOTSUP, "the compression 'lz5' is not supported");
    assert_refused(&dk, header, 1, (struct wire_bytes){"\x80\x04}K\x01K\x02s.", 9}, DK_ETYPE,
                   "a map with an integer as a key: a dk_value has texts");
    header[0].value = wire_text("cdask");
    assert_refused(&dk, header, 1, (struct wire_bytes){"\x81\x00\x00", 3}, DK_EPARSE,
                   "the result of a task inside a value is damaged");
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that the bytes of types are those of pickle_class(). */
static void test_types(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    static const struct {
        dk_kind kind;
        const char *name;
    } builtins[] = {{DK_KIND_BOOL, "bool"},    {DK_KIND_INT, "int"},     {DK_KIND_FLOAT, "float"},
                    {DK_KIND_TEXT, "str"},     {DK_KIND_BYTES, "bytes"}, {DK_KIND_LIST, "list"},
                    {DK_KIND_MAP, "dict"},     {DK_KIND_NULL, "object"}, {DK_KIND_TABLE, "object"},
                    {DK_KIND_OBJECT, "object"}};
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
        struct vector bytes;
        vector_init(&bytes, memory, 1);
        assert_int_equal(pickle_class(&bytes, "builtins", builtins[i].name), DK_OK);
        struct wire_bytes found = payload_type((dk_value){.kind = builtins[i].kind});
        assert_int_equal(found.nbytes, bytes.count);
        assert_memory_equal(found.data, bytes.data, bytes.count);
        vector_deinit(&bytes);
    }
    assert_string_equal(payload_typename(dk_value_null()), "NoneType");
    memory_close(memory);
}

static dk_status send_all(struct dk_context *dk)
{
    dk_value sent = dk_value_null();
    dk_value all = dk_value_null();
    dk_value items[3] = {dk_value_null(), dk_value_null(), dk_value_int(1)};
    dk_table *table = make_table(dk->memory, 20);
    dk_table *slice = NULL;
    dk_status status = table ? table_slice(table, 3, 9, &slice) : DK_ENOMEM;
    dk_table_unref(table);
    if (status == DK_OK)
        items[0] = dk_value_table(slice);
    if (status == DK_OK)
        status = dk_register_type(dk, &box_type, NULL);
    if (status == DK_OK)
        status = box_value(dk, 100, 1, &items[1]);
    if (status != DK_OK) {
        dk_value_unref(items[0]);
        return status;
    }
    status = value_list(dk->memory, items, 3, &all);
    if (status == DK_OK)
        status = send_value(dk, all, "cdask", &sent);
    dk_value_unref(sent);
    dk_value_unref(all);
    return status;
}

static dk_status send_plain(struct dk_context *dk)
{
    dk_value sent = dk_value_null();
    dk_value all = dk_value_null();
    dk_value items[2] = {dk_value_null(), dk_value_int(1)};
    dk_status status = value_text(dk->memory, "abc", 3, &items[0]);
    if (status == DK_OK)
        status = value_list(dk->memory, items, 2, &all);
    if (status == DK_OK)
        status = send_value(dk, all, "pickle", &sent);
    dk_value_unref(sent);
    dk_value_unref(all);
    return status;
}

/* Proves that any allocation may fail. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(send_all);
    fail_each_allocation_of(send_plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_no_copies_out),
        cmocka_unit_test(test_no_copies_in),
        cmocka_unit_test(test_tables_in_messages),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
