/* Payloads opened and made: split, compressed, both; and what is not as it should be. Against
 * distributed's own: tests/differential/test_wire_payload.py. */
#include "support/failing.h"

#include <string.h>

#include "base/error.h"
#include "wire/pack.h"
#include "wire/payload.h"

#define NBYTES 100000

static char even[NBYTES];  /* compresses well */
static char noise[NBYTES]; /* does not */

static void fill(void)
{
    uint32_t state = 1;
    for (size_t i = 0; i < NBYTES; i++) {
        state = state * 1664525 + 1013904223;
        noise[i] = (char)(state >> 24);
        even[i] = (char)(i / 1000);
    }
}

static const struct wire_bytes frames[] = {{even, NBYTES}, {"", 0}, {noise, NBYTES}, {even, 100}};

/* Makes a payload, opens it and compares. Returns how many sub-frames there were. */
static dk_status round_trip(struct memory *memory, enum wire_codec codec, size_t shard_nbytes,
                            size_t *nbytes)
{
    struct wire_entry entries[] = {{wire_text("serializer"), wire_text("pickle")}};
    struct made_payload made;
    struct open_payload open;
    DK_TRY(payload_make_sharded(memory, entries, 1, frames, 4, codec, shard_nbytes, &made, NULL));
    *nbytes = 0;
    for (size_t i = 0; i < made.payload.nframes; i++)
        *nbytes += made.payload.frames[i].nbytes;
    dk_status status = payload_open(memory, &made.payload, 4 * NBYTES, &open, NULL);
    if (status == DK_OK) {
        assert_true(wire_text_is(wire_find(&open.header, "serializer"), "pickle"));
        assert_int_equal(open.nframes, 4);
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(open.frames[i].nbytes, frames[i].nbytes);
            assert_memory_equal(open.frames[i].data, frames[i].data, frames[i].nbytes);
        }
        payload_close(&open);
    }
    made_payload_deinit(&made);
    return status;
}

/* Proves that every codec gives back what it got, in shards or not, and compresses what is worth
 * it. */
static void test_round_trips(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (int codec = CODEC_NONE; codec <= CODEC_ZLIB; codec++) {
        size_t nbytes;
        assert_int_equal(round_trip(memory, codec, 1 << 20, &nbytes), DK_OK);
        if (codec == CODEC_NONE)
            assert_int_equal(nbytes, 2 * NBYTES + 100);
        else
            assert_in_range(nbytes, NBYTES, NBYTES + NBYTES / 5);
        assert_int_equal(round_trip(memory, codec, 30000, &nbytes), DK_OK);
        assert_int_equal(round_trip(memory, codec, 7, &nbytes), DK_OK);
    }
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that nothing, compressed, is nothing. */
static void test_empty(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (int codec = CODEC_NONE; codec <= CODEC_ZLIB; codec++) {
        struct vector packed;
        struct vector out;
        vector_init(&packed, memory, 1);
        vector_init(&out, memory, 1);
        assert_int_equal(codec_compress(codec, frames[1], &packed, NULL), DK_OK);
        struct wire_bytes whole = {packed.data, packed.count};
        assert_int_equal(codec_expand(codec, whole, 0, &out, NULL), DK_OK);
        assert_int_equal(out.count, 0);
        vector_deinit(&out);
        vector_deinit(&packed);
    }
    memory_close(memory);
}

/* Proves that what is neither split nor compressed is not copied. */
static void test_borrowed(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct made_payload made;
    struct open_payload open;
    assert_int_equal(payload_make(memory, NULL, 0, frames, 4, CODEC_LZ4, &made, NULL), DK_OK);
    assert_ptr_equal(made.payload.frames[2].data, noise);
    assert_int_equal(payload_open(memory, &made.payload, SIZE_MAX, &open, NULL), DK_OK);
    assert_ptr_equal(open.frames[2].data, noise);
    assert_ptr_equal(open.frames[3].data, even);
    payload_close(&open);
    made_payload_deinit(&made);
    memory_close(memory);
}

static struct wire_payload payload_with(struct vector *header, const struct wire_entry *entries,
                                        uint32_t nentries, const struct wire_bytes *list,
                                        size_t count)
{
    struct wire_entry copies[8];
    struct vector none;
    memcpy(copies, entries, nentries * sizeof(*entries));
    struct wire_value map = wire_map(copies, nentries);
    vector_init(&none, header->memory, sizeof(struct wire_bytes));
    header->count = 0;
    assert_int_equal(wire_pack(header, &none, &map, NULL), DK_OK);
    vector_deinit(&none);
    return (struct wire_payload){{header->data, header->count}, list, count};
}

static void check_refused(struct memory *memory, const struct wire_payload *payload,
                          size_t nbytes_max, dk_status expected, const char *words)
{
    struct open_payload open;
    dk_error err = {0};
    assert_int_equal(payload_open(memory, payload, nbytes_max, &open, &err), expected);
    assert_non_null(strstr(err.message, words));
}

/* Proves that headers which do not fit their frames are refused. */
static void test_bad_headers(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vector header;
    struct wire_value numbers[] = {wire_int(1), wire_int(-1), wire_int(4), wire_int(INT64_MAX)};
    struct wire_value gzip = wire_text("gzip");
    struct wire_payload payload = {{"\xc1", 1}, frames, 4};
    vector_init(&header, memory, 1);
    check_refused(memory, &payload, SIZE_MAX, DK_EPARSE, "the header of a payload: no msgpack");
    for (int i = 1; i < 4; i++) {
        struct wire_entry entries[] = {
            {wire_text("split-num-sub-frames"), wire_array(numbers, 1)},
            {wire_text("split-offsets"), wire_array(&numbers[i], 1)},
        };
        payload = payload_with(&header, entries, 2, frames, 4);
        check_refused(memory, &payload, SIZE_MAX, DK_EPARSE, "frame 0 of a payload is not among");
    }
    struct wire_entry half[] = {{wire_text("split-offsets"), wire_array(numbers, 1)}};
    payload = payload_with(&header, half, 1, frames, 4);
    check_refused(memory, &payload, SIZE_MAX, DK_EPARSE, "half of what tells its shards");
    struct wire_entry unknown[] = {{wire_text("compression"), wire_array(&gzip, 1)}};
    payload = payload_with(&header, unknown, 1, frames, 4);
    check_refused(memory, &payload, SIZE_MAX, DK_ENOTSUP, "the compression 'gzip'");
    struct wire_entry number[] = {{wire_text("compression"), wire_int(3)}};
    payload = payload_with(&header, number, 1, frames, 4);
    check_refused(memory, &payload, SIZE_MAX, DK_EPARSE, "\"compression\" of a payload is an int");
    struct wire_entry plain[] = {{wire_text("compression"), wire_nil()}};
    payload = payload_with(&header, plain, 1, frames, 4);
    check_refused(memory, &payload, NBYTES, DK_EOVERFLOW, "too many bytes");
    vector_deinit(&header);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that compressed data that is cut off, broken or too large is refused, and that what it
 * promises is not believed. */
static void test_bad_data(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 1 << 24);
    for (int codec = CODEC_LZ4; codec <= CODEC_ZLIB; codec++) {
        struct vector packed;
        struct vector out;
        struct wire_bytes whole = {even, NBYTES};
        dk_error err = {0};
        vector_init(&packed, memory, 1);
        vector_init(&out, memory, 1);
        assert_int_equal(codec_compress(codec, whole, &packed, NULL), DK_OK);
        for (size_t n = 0; n < packed.count; n += 1 + n / 50) {
            struct wire_bytes part = {packed.data, n};
            assert_int_equal(codec_expand(codec, part, SIZE_MAX - 1, &out, &err), DK_EPARSE);
            out.count = 0;
        }
        whole = (struct wire_bytes){packed.data, packed.count};
        assert_int_equal(codec_expand(codec, whole, NBYTES - 1, &out, &err), DK_EOVERFLOW);
        out.count = 0;
        assert_int_equal(codec_expand(codec, whole, NBYTES, &out, &err), DK_OK);
        assert_int_equal(out.count, NBYTES);
        vector_deinit(&out);
        assert_int_equal(codec_expand(codec, (struct wire_bytes){"\xff\xff\xff\x7e\x0f", 5},
                                      SIZE_MAX - 1, &out, &err),
                         DK_EPARSE);
        vector_deinit(&out);
        vector_deinit(&packed);
    }
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status make_in_little_memory(struct memory *memory)
{
    size_t nbytes;
    return round_trip(memory, CODEC_ZLIB, 30000, &nbytes);
}

/* Proves that running out of memory is reported at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(make_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_borrowed),    cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_bad_data),    cmocka_unit_test(test_no_memory),
    };
    fill();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
