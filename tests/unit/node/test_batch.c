/* What a batch writes is what a reader reads: whatever is put, however it is lent, in whatever
 * pieces it is written. */
#include "support/failing.h"

#include <string.h>

#include "node/batch.h"
#include "wire/message.h"

#define LARGE (BATCH_COPY_NBYTES + 1)

static char large[LARGE];

static void count_release(void *self)
{
    ++*(int *)self;
}

/* Writes all that is in the batch, at most `step` bytes at a time. Returns the pieces there were.
 */
static size_t write_all(struct batch *batch, size_t step, struct vector *out)
{
    struct wire_bytes pieces[8];
    size_t npieces = batch_next(batch, pieces, 8);
    while (batch_next(batch, pieces, 8)) {
        size_t n = pieces[0].nbytes < step ? pieces[0].nbytes : step;
        assert_int_equal(vector_append(out, pieces[0].data, n), DK_OK);
        batch_written(batch, n);
    }
    assert_int_equal(batch->nbytes, 0);
    return npieces;
}

/* The next message of the stream; false at its end. */
static bool read_message(struct memory *memory, struct wire_bytes *stream, struct message *out)
{
    struct frame_reader reader;
    struct frames frames;
    frame_reader_init(&reader, memory, (struct frame_limits){1 << 20, 1 << 30});
    assert_int_equal(frame_reader_feed(&reader, stream, NULL), DK_OK);
    bool complete = reader.complete;
    if (complete) {
        assert_int_equal(frame_reader_take(&reader, &frames), DK_OK);
        assert_int_equal(message_decode(out, frames, NULL), DK_OK);
    }
    frame_reader_deinit(&reader);
    return complete;
}

static struct wire_payload payload_of(struct wire_bytes *frame)
{
    static const char header[] = "\x81\xae"
                                 "num-sub-frames\x01";
    return (struct wire_payload){{header, sizeof(header) - 1}, frame, 1};
}

static struct wire_value serialized(const struct wire_payload *payload)
{
    return (struct wire_value){.kind = WIRE_SERIALIZED, .as.payload = payload};
}

static void check_payload(const struct wire_value *value, const char *data, size_t nbytes)
{
    assert_int_equal(value->kind, WIRE_SERIALIZED);
    assert_int_equal(value->as.payload->nframes, 1);
    assert_int_equal(value->as.payload->frames[0].nbytes, nbytes);
    assert_memory_equal(value->as.payload->frames[0].data, data, nbytes);
}

/* Proves that messages and arrays come in their order and whole, small ones in one piece. */
static void test_order(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    for (size_t step = 1; step < 64; step += 9) {
        struct batch batch;
        struct vector bytes;
        struct message message;
        struct wire_value one = wire_int(1);
        struct wire_value text = wire_text("two");
        batch_init(&batch, memory);
        vector_init(&bytes, memory, 1);
        assert_int_equal(batch_put(&batch, &one, (struct loan){0}, NULL), DK_OK);
        assert_int_equal(batch_push(&batch, &one, (struct loan){0}, NULL), DK_OK);
        assert_int_equal(batch_push(&batch, &text, (struct loan){0}, NULL), DK_OK);
        assert_int_equal(batch_put(&batch, &text, (struct loan){0}, NULL), DK_OK);
        assert_int_equal(batch_push(&batch, &one, (struct loan){0}, NULL), DK_OK);
        batch_seal(&batch);
        batch_seal(&batch);
        assert_int_equal(write_all(&batch, step, &bytes), 1);
        struct wire_bytes stream = {bytes.data, bytes.count};
        for (int i = 0; read_message(memory, &stream, &message); i++) {
            static const uint32_t counts[] = {0, 2, 3, 1};
            assert_int_equal(message.root.count, counts[i]);
            assert_true(i != 1 || wire_text_is(&message.root.as.items[1], "two"));
            message_deinit(&message);
            assert_true(i < 3 || stream.nbytes == 0);
        }
        vector_deinit(&bytes);
        batch_deinit(&batch);
    }
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that payloads keep to their messages, alone and in arrays; that small ones and what is not
 * lent are copied at once, and large ones are not. */
static void test_payloads(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct batch batch;
    struct vector bytes;
    struct message message;
    char small[] = "small";
    int nreleased = 0;
    struct loan loan = {count_release, &nreleased};
    struct wire_bytes frames[] = {{small, 5}, {large, LARGE}, {large, LARGE}};
    struct wire_payload payloads[3];
    struct wire_value values[3];
    for (int i = 0; i < 3; i++) {
        payloads[i] = payload_of(&frames[i]);
        values[i] = serialized(&payloads[i]);
    }
    memset(large, 'a', LARGE);
    batch_init(&batch, memory);
    vector_init(&bytes, memory, 1);
    assert_int_equal(batch_put(&batch, &values[2], (struct loan){0}, NULL), DK_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(batch_push(&batch, &values[i], loan, NULL), DK_OK);
    batch_seal(&batch);
    memset(small, 'x', 5);
    memset(large, 'b', LARGE);
    assert_int_equal(nreleased, 0);
    assert_int_equal(write_all(&batch, 1000, &bytes), 8);
    batch_clear(&batch);
    assert_int_equal(nreleased, 2);

    char *copied = memory_alloc(memory, LARGE);
    memset(copied, 'a', LARGE);
    struct wire_bytes stream = {bytes.data, bytes.count};
    assert_true(read_message(memory, &stream, &message));
    check_payload(&message.root, copied, LARGE);
    message_deinit(&message);
    assert_true(read_message(memory, &stream, &message));
    assert_int_equal(message.root.count, 2);
    check_payload(&message.root.as.items[0], "small", 5);
    check_payload(&message.root.as.items[1], large, LARGE);
    message_deinit(&message);
    assert_int_equal(stream.nbytes, 0);
    memory_free(memory, copied, LARGE);
    vector_deinit(&bytes);
    batch_deinit(&batch);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that a long array goes in several messages, each within what peers take. */
static void test_long_array(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct batch batch;
    struct vector bytes;
    struct message message;
    struct wire_value text = {WIRE_BIN, LARGE, {.bytes = large}};
    batch_init(&batch, memory);
    vector_init(&bytes, memory, 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(batch_push(&batch, &text, (struct loan){0}, NULL), DK_OK);
    batch_seal(&batch);
    write_all(&batch, SIZE_MAX, &bytes);
    struct wire_bytes stream = {bytes.data, bytes.count};
    size_t nitems = 0;
    size_t nmessages = 0;
    while (stream.nbytes) {
        assert_true(read_message(memory, &stream, &message));
        assert_true(message.frames.list[0].nbytes < 2 << 20);
        nitems += message.root.count;
        nmessages++;
        message_deinit(&message);
    }
    assert_int_equal(nitems, 1000);
    assert_int_equal(nmessages, 4);
    vector_deinit(&bytes);
    batch_deinit(&batch);
    memory_close(memory);
}

/* Proves that what cannot be put leaves no trace: the array around it is whole, and its loan is
 * given back. */
static void test_refused(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct batch batch;
    struct vector bytes;
    struct message message;
    struct wire_value deep[WIRE_DEPTH_MAX + 2];
    struct wire_bytes frame = {large, LARGE};
    struct wire_payload payload = payload_of(&frame);
    struct wire_value one = wire_int(1);
    int nreleased = 0;
    deep[0] = serialized(&payload);
    for (int i = 1; i < WIRE_DEPTH_MAX + 2; i++)
        deep[i] = wire_array(&deep[i - 1], 1);
    batch_init(&batch, memory);
    vector_init(&bytes, memory, 1);
    struct wire_value items[] = {deep[0], deep[WIRE_DEPTH_MAX + 1]};
    struct wire_value both = wire_array(items, 2);
    struct loan loan = {count_release, &nreleased};
    dk_error err = {0};
    assert_int_equal(batch_push(&batch, &both, loan, &err), DK_EINVAL);
    assert_int_equal(nreleased, 1);
    assert_int_equal(batch.nbytes, 0);
    assert_int_equal(batch_push(&batch, &one, loan, NULL), DK_OK);
    assert_int_equal(batch_push(&batch, &both, loan, &err), DK_EINVAL);
    assert_int_equal(nreleased, 2);
    batch_seal(&batch);
    write_all(&batch, 7, &bytes);
    struct wire_bytes stream = {bytes.data, bytes.count};
    assert_true(read_message(memory, &stream, &message));
    assert_int_equal(message.root.count, 1);
    assert_int_equal(message.frames.count, 1);
    message_deinit(&message);
    vector_deinit(&bytes);
    batch_deinit(&batch);
    assert_int_equal(nreleased, 3);
    memory_close(memory);
}

static dk_status put_in_little_memory(struct memory *memory)
{
    struct batch batch;
    struct wire_bytes frame = {large, 100};
    struct wire_payload payload = payload_of(&frame);
    struct wire_value value = serialized(&payload);
    int nreleased = 0;
    batch_init(&batch, memory);
    dk_status status = batch_put(&batch, &value, (struct loan){count_release, &nreleased}, NULL);
    if (status == DK_OK)
        status = batch_push(&batch, &value, (struct loan){0}, NULL);
    if (status == DK_OK)
        status = batch_push(&batch, &value, (struct loan){0}, NULL);
    batch_seal(&batch);
    batch_deinit(&batch);
    assert_int_equal(nreleased, 1);
    return status;
}

/* Proves that running out of memory is reported at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation(put_in_little_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_payloads),
        cmocka_unit_test(test_long_array), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
