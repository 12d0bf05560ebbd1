/* Frames in a stream: what is written, what is read back however the bytes come, what is refused.
 */
#include "support/failing.h"

#include <string.h>

#include "wire/framing.h"

#define NFRAMES 4

static const struct frame_limits limits = {.nframes = 16, .nbytes = 1 << 20};
static const struct wire_bytes sample[NFRAMES] = {{"one", 3}, {NULL, 0}, {"three", 5}, {NULL, 0}};

/* The sample as its sender would write it with a first chunk of its first `nfirst` frames. */
static void write_sample(struct vector *out, size_t nfirst)
{
    uint64_t chunk = (1 + NFRAMES) * 8;
    assert_int_equal(frames_write_prelude(sample, NFRAMES, out), DK_OK);
    for (size_t i = 0; i < NFRAMES; i++) {
        assert_int_equal(vector_append(out, sample[i].data, sample[i].nbytes), DK_OK);
        chunk += i < nfirst ? sample[i].nbytes : 0;
    }
    memcpy(out->data, &chunk, sizeof(chunk));
}

static void check_sample(struct frame_reader *reader)
{
    struct frames frames;
    assert_true(reader->complete);
    assert_int_equal(frame_reader_take(reader, &frames), DK_OK);
    assert_int_equal(frames.count, NFRAMES);
    for (size_t i = 0; i < NFRAMES; i++) {
        assert_int_equal(frames.list[i].nbytes, sample[i].nbytes);
        if (sample[i].nbytes)
            assert_memory_equal(frames.list[i].data, sample[i].data, sample[i].nbytes);
    }
    frames_deinit(&frames);
    assert_true(frame_reader_is_idle(reader));
}

/* Gives the bytes in pieces of `step`; returns how many messages came. */
static size_t read_samples(struct memory *memory, const struct vector *bytes, size_t step)
{
    struct frame_reader reader;
    size_t nmessages = 0;
    frame_reader_init(&reader, memory, limits);
    for (size_t at = 0; at < bytes->count; at += step) {
        size_t left = bytes->count - at;
        struct wire_bytes piece = {(const char *)bytes->data + at, left < step ? left : step};
        while (piece.nbytes) {
            assert_int_equal(frame_reader_feed(&reader, &piece, NULL), DK_OK);
            if (!reader.complete)
                continue;
            check_sample(&reader);
            nmessages++;
        }
    }
    assert_true(frame_reader_is_idle(&reader));
    frame_reader_deinit(&reader);
    return nmessages;
}

/* Proves that messages come back whatever the first chunk covers and however the bytes are cut. */
static void test_pieces(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vector bytes;
    vector_init(&bytes, memory, 1);
    for (size_t nfirst = 0; nfirst <= NFRAMES; nfirst++) {
        struct vector one;
        vector_init(&one, memory, 1);
        write_sample(&one, nfirst);
        assert_int_equal(vector_append(&bytes, one.data, one.count), DK_OK);
        vector_deinit(&one);
    }
    for (size_t step = 1; step <= bytes.count; step++)
        assert_int_equal(read_samples(memory, &bytes, step), NFRAMES + 1);
    vector_deinit(&bytes);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that frames of no bytes at all make a message. */
static void test_empty_frames(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    static const uint64_t words[] = {24, 2, 0, 0};
    struct wire_bytes bytes = {(const char *)words, sizeof(words)};
    struct frame_reader reader;
    struct frames frames;
    frame_reader_init(&reader, memory, limits);
    assert_int_equal(frame_reader_feed(&reader, &bytes, NULL), DK_OK);
    assert_int_equal(bytes.nbytes, 0);
    assert_true(reader.complete);
    assert_int_equal(frame_reader_take(&reader, &frames), DK_OK);
    assert_int_equal(frames.count, 2);
    frames_deinit(&frames);
    frame_reader_deinit(&reader);
    memory_close(memory);
}

static void check_refused(const void *data, size_t nbytes, const char *message)
{
    struct memory *memory = memory_new(NULL, 0);
    struct wire_bytes bytes = {data, nbytes};
    struct frame_reader reader;
    dk_error err = {0};
    frame_reader_init(&reader, memory, limits);
    assert_int_equal(frame_reader_feed(&reader, &bytes, &err), DK_EPARSE);
    assert_string_equal(err.message, message);
    assert_true(memory_use(memory).peak < 4096);
    frame_reader_deinit(&reader);
    memory_close(memory);
}

/* Proves that what is no message, or too large a one, is refused by name before memory is taken. */
static void test_refused(void **state)
{
    (void)state;
    check_refused("HTTP/1.1 400 Bad Request", 24, "not Dask's protocol: it begins with 'HTTP/1.1'");
    static const uint64_t huge[] = {UINT64_MAX};
    check_refused(huge, sizeof(huge),
                  "not Dask's protocol, or too much: a first chunk of 18446744073709551615 bytes");
    static const uint64_t tiny[] = {7};
    check_refused(tiny, sizeof(tiny), "not Dask's protocol, or too much: a first chunk of 7 bytes");
    static const uint64_t none[] = {8, 0};
    check_refused(none, sizeof(none), "a message without frames");
    static const uint64_t many[] = {8 * 18, 17};
    check_refused(many, sizeof(many), "a message of 17 frames; at most 16 are taken");
    static const uint64_t brief[] = {23, 2};
    check_refused(brief, sizeof(brief),
                  "a first chunk of 23 bytes, too few for the lengths of 2 frames");
    static const uint64_t large[] = {24, 2, 1, 1 << 20};
    check_refused(large, sizeof(large),
                  "a message beyond 1048576 bytes: frame 1 alone has 1048576");
    static const uint64_t wraps[] = {24, 2, 2, UINT64_MAX};
    check_refused(wraps, sizeof(wraps),
                  "a message beyond 1048576 bytes: frame 1 alone has 18446744073709551615");
    static const uint64_t inside[] = {24 + 6, 2, 5, 3};
    check_refused(inside, sizeof(inside),
                  "a first chunk that does not end with a frame: 6 of the 8 bytes of 2 frames");
}

/* Proves that a peer which announces much and sends little costs little. */
static void test_announced(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    static const uint64_t words[] = {16 + (1 << 20), 1, 1 << 20, 0};
    struct wire_bytes bytes = {(const char *)words, sizeof(words)};
    struct frame_reader reader;
    frame_reader_init(&reader, memory, limits);
    assert_int_equal(frame_reader_feed(&reader, &bytes, NULL), DK_OK);
    assert_false(reader.complete);
    assert_false(frame_reader_is_idle(&reader));
    assert_true(memory_use(memory).current < 1 << 17);
    frame_reader_deinit(&reader);
    memory_close(memory);
}

/* Proves that what is put into the reader's room is a frame's, in whatever portions. */
static void test_in_place(void **state)
{
    (void)state;
    static char body[300000];
    struct memory *memory = memory_new(NULL, 0);
    const struct wire_bytes frames[] = {{"one", 3}, {body, sizeof(body)}, {"three", 5}};
    struct vector bytes;
    struct frame_reader reader;
    struct frames found;
    size_t room = 0, nplaced = 0, done = 0;
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i % 251);
    vector_init(&bytes, memory, 1);
    frame_reader_init(&reader, memory, limits);
    assert_null(frame_reader_room(&reader, 1, &room));
    assert_int_equal(frames_write_prelude(frames, 3, &bytes), DK_OK);
    assert_int_equal(vector_append(&bytes, "one", 3), DK_OK);
    struct wire_bytes piece = {bytes.data, bytes.count};
    assert_int_equal(frame_reader_feed(&reader, &piece, NULL), DK_OK);
    while (done < sizeof(body)) {
        char *place = frame_reader_room(&reader, 1000, &room);
        size_t n = sizeof(body) - done < 70001 ? sizeof(body) - done : 70001;
        if (place)
            memcpy(place, body + done, n = n < room ? n : room);
        nplaced += place ? n : 0;
        piece = (struct wire_bytes){place ? place : body + done, n};
        assert_int_equal(frame_reader_feed(&reader, &piece, NULL), DK_OK);
        done += n;
    }
    assert_true(nplaced >= sizeof(body) - 1000);
    piece = (struct wire_bytes){"three", 5};
    assert_int_equal(frame_reader_feed(&reader, &piece, NULL), DK_OK);
    assert_true(reader.complete);
    assert_null(frame_reader_room(&reader, 1, &room));
    assert_int_equal(frame_reader_take(&reader, &found), DK_OK);
    assert_memory_equal(found.list[0].data, "one", 3);
    assert_memory_equal(found.list[1].data, body, sizeof(body));
    assert_memory_equal(found.list[2].data, "three", 5);
    frames_deinit(&found);
    frame_reader_deinit(&reader);
    vector_deinit(&bytes);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a whole message is found where it lies, and no part of one is. */
static void test_view(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct vector bytes;
    struct frames frames;
    vector_init(&bytes, memory, 1);
    write_sample(&bytes, NFRAMES);
    const char *data = bytes.data;
    assert_int_equal(frames_view(memory, (struct wire_bytes){data, bytes.count}, &frames, NULL),
                     DK_OK);
    assert_int_equal(frames.count, NFRAMES);
    assert_memory_equal(frames.list[2].data, "three", 5);
    assert_ptr_equal(frames.list[2].data, data + bytes.count - 5);
    frames_deinit(&frames);
    for (size_t n = 0; n < bytes.count; n++)
        assert_int_equal(frames_view(memory, (struct wire_bytes){data, n}, &frames, NULL),
                         DK_EPARSE);
    vector_deinit(&bytes);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

static dk_status read_in_little_memory(struct memory *memory)
{
    static const char body[300000] = {0};
    const struct wire_bytes frames[] = {{body, 100000}, {body, 200000}};
    struct vector bytes;
    struct frame_reader reader;
    struct frames found;
    vector_init(&bytes, memory, 1);
    frame_reader_init(&reader, memory, limits);
    dk_status status = frames_write_prelude(frames, 2, &bytes);
    struct wire_bytes piece = {bytes.data, bytes.count};
    if (status == DK_OK)
        status = frame_reader_feed(&reader, &piece, NULL);
    for (size_t at = 0; status == DK_OK && at < sizeof(body); at += 10000) {
        piece = (struct wire_bytes){body + at, 10000};
        status = frame_reader_feed(&reader, &piece, NULL);
    }
    if (status == DK_OK)
        status = frame_reader_take(&reader, &found);
    if (status == DK_OK)
        frames_deinit(&found);
    frame_reader_deinit(&reader);
    vector_deinit(&bytes);
    return status;
}

/* Proves that running out of memory is reported at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(read_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),         cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_empty_frames), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_announced),    cmocka_unit_test(test_in_place),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
