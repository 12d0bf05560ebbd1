/* Messages: every kind of value in and out, payloads relayed untouched, and what is refused. */
#include "support/failing.h"

#include "unit/wire/wire_support.h"

/* Frame 0 from a literal, whose terminating zero does not count. */
#define BYTES(literal) ((struct wire_bytes){literal, sizeof(literal) - 1})

static void decode(struct memory *memory, struct wire_bytes frame0, struct message *out)
{
    dk_error err = {0};
    if (decode_frames(memory, &frame0, 1, out, &err) != DK_OK)
        fail_msg("%s", err.message);
}

static void check_encoded(struct memory *memory, const struct wire_value *root,
                          const struct wire_bytes *expected, size_t count)
{
    struct encoding encoding;
    struct vector prelude;
    assert_int_equal(message_encode(&encoding, memory, root, NULL), DK_OK);
    const struct wire_bytes *frames = encoding.frames.data;
    assert_int_equal(encoding.frames.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(frames[i].nbytes, expected[i].nbytes);
        if (frames[i].nbytes)
            assert_memory_equal(frames[i].data, expected[i].data, frames[i].nbytes);
    }
    vector_init(&prelude, memory, 1);
    assert_int_equal(frames_write_prelude(expected, count, &prelude), DK_OK);
    assert_int_equal(encoding.prelude.count, prelude.count);
    assert_memory_equal(encoding.prelude.data, prelude.data, prelude.count);
    vector_deinit(&prelude);
    encoding_deinit(&encoding);
}

/* Proves that numbers come as what they are, at the borders of each of msgpack's widths, and go out
 * in their shortest form. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        struct wire_bytes bytes;
        int64_t integer;
    } cases[] = {
        {{"\x00", 1}, 0},
        {{"\x7f", 1}, 127},
        {{"\xcc\x80", 2}, 128},
        {{"\xcd\xff\xff", 3}, 65535},
        {{"\xce\xff\xff\xff\xff", 5}, UINT32_MAX},
        {{"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9}, INT64_MAX},
        {{"\xff", 1}, -1},
        {{"\xe0", 1}, -32},
        {{"\xd0\xdf", 2}, -33},
        {{"\xd1\xff\x7f", 3}, -129},
        {{"\xd2\xff\xff\x7f\xff", 5}, -32769},
        {{"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9}, INT64_MIN},
    };
    struct memory *memory = memory_new(NULL, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct message message;
        int64_t integer = 0;
        decode(memory, cases[i].bytes, &message);
        assert_true(wire_read_int(&message.root, &integer));
        assert_int_equal(integer, cases[i].integer);
        check_encoded(memory, &message.root, &cases[i].bytes, 1);
        message_deinit(&message);
    }
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a number beyond 63 bits and floats of both widths are read. */
static void test_reals(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    double real = 0;
    int64_t integer = 0;
    struct wire_bytes natural = BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
    decode(memory, natural, &message);
    assert_int_equal(message.root.kind, WIRE_UINT);
    assert_false(wire_read_int(&message.root, &integer));
    assert_true(wire_read_float(&message.root, &real) && real == 18446744073709551616.0);
    check_encoded(memory, &message.root, &natural, 1);
    message_deinit(&message);
    decode(memory, BYTES("\xca\x3f\xc0\x00\x00"), &message);
    assert_true(wire_read_float(&message.root, &real) && real == 1.5);
    message_deinit(&message);
    decode(memory, BYTES("\x03"), &message);
    assert_true(wire_read_float(&message.root, &real) && real == 3);
    assert_false(wire_read_float(NULL, &real));
    message_deinit(&message);
    memory_close(memory);
}

/* Proves that maps take keys of any kind, and that text is found by the last of equal keys and
 * never mistaken for bytes. */
static void test_maps(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    struct wire_bytes bytes = BYTES("\x86\xa2op\xa1"
                                    "a\xc4\x02op\x01\x92\x01\xc3\xc0\xcb\x3f\xf8\0\0\0\0\0\0\x02"
                                    "\x80\x90\xa2op\xa1"
                                    "b");
    decode(memory, bytes, &message);
    assert_int_equal(message.root.count, 6);
    assert_true(wire_text_is(wire_find(&message.root, "op"), "b"));
    assert_null(wire_find(&message.root, "o"));
    assert_null(wire_find(wire_find(&message.root, "op"), "op"));
    assert_null(wire_find(NULL, "op"));
    check_encoded(memory, &message.root, &bytes, 1);
    message_deinit(&message);
    memory_close(memory);
}

/* Proves that payloads keep header and frames as they came, and get new numbers by their order. */
static void test_payloads(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    struct wire_bytes frames[] = {
        BYTES("\x92\x81\xae__Serialized__\x01\x81\xab__Pickled__\x04"),
        BYTES("\x82\xaenum-sub-frames\xcd\x00\x02\xa1x\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        BYTES("first"),
        BYTES(""),
        BYTES("\x82\xabpickled-obj\xc4\x01N\xaenum-sub-frames\x00"),
    };
    dk_error err = {0};
    assert_int_equal(decode_frames(memory, frames, 5, &message, &err), DK_OK);
    const struct wire_value *items = message.root.as.items;
    assert_int_equal(items[0].kind, WIRE_SERIALIZED);
    assert_int_equal(items[0].as.payload->nframes, 2);
    assert_memory_equal(items[0].as.payload->frames[0].data, "first", 5);
    assert_int_equal(items[1].kind, WIRE_PICKLED);
    assert_int_equal(items[1].as.payload->nframes, 0);
    check_encoded(memory, &message.root, frames, 5);

    struct wire_value only = items[1];
    const struct wire_bytes relayed[] = {BYTES("\x81\xab__Pickled__\x01"), frames[4]};
    check_encoded(memory, &only, relayed, 2);
    message_deinit(&message);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that sets are recognised, and that maps which only look special stay maps. */
static void test_sets(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    struct wire_bytes set = BYTES("\x82\xa7__Set__\xc3\xa7"
                                  "as-list\x92\x01\xa1x");
    struct wire_bytes inline_one = BYTES("\x82\xae__Serialized__\xc3\xa4"
                                         "data\x90");
    struct wire_bytes zero = BYTES("\x81\xab__Pickled__\x00");
    decode(memory, set, &message);
    assert_int_equal(message.root.kind, WIRE_SET);
    assert_int_equal(message.root.count, 2);
    check_encoded(memory, &message.root, &set, 1);
    message_deinit(&message);
    decode(memory, inline_one, &message);
    assert_int_equal(message.root.kind, WIRE_MAP);
    check_encoded(memory, &message.root, &inline_one, 1);
    message_deinit(&message);
    decode(memory, zero, &message);
    assert_int_equal(message.root.kind, WIRE_MAP);
    message_deinit(&message);
    memory_close(memory);
}

static void check_refused(const struct wire_bytes *frames, size_t count, const char *expected)
{
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    dk_error err = {0};
    assert_int_equal(decode_frames(memory, frames, count, &message, &err), DK_EPARSE);
    assert_string_equal(err.message, expected);
    assert_int_equal(memory_use(memory).current, 0);
    assert_true(memory_use(memory).peak < 65536);
    memory_close(memory);
}

static void check_refused_bytes(struct wire_bytes frame0, const char *expected)
{
    check_refused(&frame0, 1, expected);
}

/* Proves that bytes that are no message are refused by what is wrong with them, and that announced
 * items take no memory. */
static void test_refused(void **state)
{
    (void)state;
    check_refused_bytes(BYTES(""), "frame 0: it ends in the middle of a value");
    check_refused_bytes(BYTES("\xa5"
                              "four"),
                        "frame 0: it ends in the middle of a value");
    check_refused_bytes(BYTES("\x01\x02"), "frame 0: 1 bytes after the end of its value");
    check_refused_bytes(BYTES("\x91\xc1"), "frame 0: no msgpack at byte 1");
    check_refused_bytes(BYTES("\xd4\x01\x02"),
                        "frame 0: a msgpack extension type, of which Dask has none");
    check_refused_bytes(BYTES("\xdd\xff\xff\xff\xff"),
                        "frame 0: a container of more items than there are bytes left");
    check_refused_bytes(BYTES("\xdc\x00\x06\xdc\x00\x06\x01\x02"),
                        "frame 0: a container of more items than there are bytes left");
    char deep[WIRE_DEPTH_MAX + 2];
    memset(deep, '\x91', sizeof(deep));
    check_refused_bytes((struct wire_bytes){deep, sizeof(deep)},
                        "frame 0: containers nested deeper than 256");
}

/* Proves that references to frames that are not there, or were somebody else's, are refused. */
static void test_refused_payloads(void **state)
{
    (void)state;
    struct wire_bytes one = BYTES("\x81\xab__Pickled__\x01");
    struct wire_bytes header = BYTES("\x81\xaenum-sub-frames\x01");
    check_refused(&one, 1, "a payload that begins with frame 1, where frame 1 of 1 is next");
    check_refused((struct wire_bytes[]){one, header}, 2,
                  "a payload of 1 frames behind frame 1 of 2");
    check_refused((struct wire_bytes[]){one, BYTES("\x80")}, 2,
                  "frame 1, the header of a payload: it does not say its \"num-sub-frames\"");
    check_refused((struct wire_bytes[]){one, BYTES("\x81\xaenum-sub-frames\xff")}, 2,
                  "frame 1, the header of a payload: it does not say its \"num-sub-frames\"");
    check_refused((struct wire_bytes[]){one, BYTES("\x81")}, 2,
                  "frame 1, the header of a payload: it ends in the middle of a value");
    struct wire_bytes twice = BYTES("\x92\x81\xab__Pickled__\x01\x81\xab__Pickled__\x01");
    check_refused((struct wire_bytes[]){twice, BYTES("\x81\xaenum-sub-frames\x00")}, 2,
                  "a payload that begins with frame 1, where frame 2 of 2 is next");
}

/* Proves that a tree deeper than a peer would take is not sent. */
static void test_too_deep(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct wire_value values[WIRE_DEPTH_MAX + 2] = {wire_nil()};
    struct encoding encoding;
    dk_error err = {0};
    for (size_t i = 1; i < WIRE_DEPTH_MAX + 2; i++)
        values[i] = wire_array(&values[i - 1], 1);
    assert_int_equal(message_encode(&encoding, memory, &values[WIRE_DEPTH_MAX + 1], &err),
                     DK_EINVAL);
    assert_string_equal(err.message, "a message nested deeper than 256");
    assert_int_equal(message_encode(&encoding, memory, &values[WIRE_DEPTH_MAX], &err), DK_OK);
    struct message message;
    assert_int_equal(decode_frames(memory, encoding.frames.data, 1, &message, &err), DK_OK);
    message_deinit(&message);
    encoding_deinit(&encoding);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status relay_in_little_memory(struct memory *memory)
{
    struct wire_bytes frames[] = {
        BYTES("\x93\x81\xae__Serialized__\x01\x82\x01\x02\x90\xcb\x3f\xf8\0\0\0\0\0\0\xa1x"),
        BYTES("\x82\xaenum-sub-frames\x01\xa1x\x91\xc0"),
        BYTES("payload"),
    };
    struct message message;
    struct encoding encoding;
    DK_TRY(decode_frames(memory, frames, 3, &message, NULL));
    dk_status status = message_encode(&encoding, memory, &message.root, NULL);
    if (status == DK_OK)
        encoding_deinit(&encoding);
    message_deinit(&message);
    return status;
}

/* Proves that running out of memory is reported at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(relay_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),   cmocka_unit_test(test_reals),
        cmocka_unit_test(test_maps),      cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_sets),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_too_deep),  cmocka_unit_test(test_refused_payloads),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
