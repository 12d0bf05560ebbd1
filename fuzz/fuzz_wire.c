/* Any bytes, read as a stream of messages: in one piece and in small ones must find the same. A
 * message that is taken can be sent, and comes back as what was sent. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

static const struct frame_limits limits = {64, 1 << 16};

static void put_encoded(struct memory *memory, const struct wire_value *root, struct text *out)
{
    struct encoding encoding;
    if (message_encode(&encoding, memory, root, NULL) != DK_OK)
        abort();
    const struct wire_bytes *frames = encoding.frames.data;
    text_append(out, encoding.prelude.data, encoding.prelude.count);
    for (size_t i = 0; i < encoding.frames.count; i++) {
        if (frames[i].nbytes)
            text_append(out, frames[i].data, frames[i].nbytes);
    }
    encoding_deinit(&encoding);
}

static void put_message(struct frame_reader *reader, struct text *out)
{
    struct frames frames;
    struct message message;
    dk_error err = {0};
    if (frame_reader_take(reader, &frames) != DK_OK)
        abort();
    if (message_decode(&message, frames, &err) != DK_OK) {
        text_puts(out, err.message);
        return;
    }
    put_encoded(reader->memory, &message.root, out);
    message_deinit(&message);
}

/* The first message where it lies: no other than what a reader takes of it, if it is whole. */
static void view_first(struct memory *memory, struct wire_bytes bytes)
{
    struct frames view, taken;
    struct frame_reader reader;
    frame_reader_init(&reader, memory, limits);
    if (frames_view(memory, bytes, &view, NULL) == DK_OK) {
        bool good = frame_reader_feed(&reader, &bytes, NULL) == DK_OK; /* or beyond the limits */
        if (good && (!reader.complete || frame_reader_take(&reader, &taken) != DK_OK ||
                     taken.count != view.count))
            abort();
        for (size_t i = 0; good && i < view.count; i++)
            if (taken.list[i].nbytes != view.list[i].nbytes ||
                (view.list[i].nbytes &&
                 memcmp(taken.list[i].data, view.list[i].data, view.list[i].nbytes) != 0))
                abort();
        if (good)
            frames_deinit(&taken);
        frames_deinit(&view);
    }
    frame_reader_deinit(&reader);
}

/* Every message, encoded again or refused, and what ended the stream. */
static void read_stream(struct memory *memory, const uint8_t *bytes, size_t nbytes, size_t step,
                        struct text *out)
{
    struct frame_reader reader;
    dk_error err = {0};
    bool good = true;
    frame_reader_init(&reader, memory, limits);
    for (size_t at = 0; good && at < nbytes; at += step) {
        size_t n = nbytes - at < step ? nbytes - at : step;
        struct wire_bytes piece = {(const char *)bytes + at, n};
        while (good && piece.nbytes) {
            good = frame_reader_feed(&reader, &piece, &err) == DK_OK;
            if (good && reader.complete)
                put_message(&reader, out);
        }
    }
    text_puts(out, err.message);
    frame_reader_deinit(&reader);
}

static void assert_same(const struct text *a, const struct text *b)
{
    if (a->length != b->length || (a->length && memcmp(a->data, b->data, a->length) != 0))
        abort();
}

/* A message of the one frame 0; false when it is refused. */
static bool encode_again(struct memory *memory, struct wire_bytes frame0, struct text *out)
{
    struct frames frames = {.memory = memory, .capacity = frame0.nbytes, .count = 1};
    struct message message;
    frames.bytes = memory_alloc(memory, frame0.nbytes);
    frames.list = memory_alloc(memory, sizeof(*frames.list));
    if (!frames.bytes || !frames.list)
        abort();
    memcpy(frames.bytes, frame0.data, frame0.nbytes);
    frames.list[0] = (struct wire_bytes){frames.bytes, frame0.nbytes};
    if (message_decode(&message, frames, NULL) != DK_OK)
        return false;
    put_encoded(memory, &message.root, out);
    message_deinit(&message);
    return true;
}

/* All bytes as one frame 0, which reaches the decoder more often than a stream does: what we write
 * is taken, and written the same. */
static void read_frame0(struct memory *memory, struct wire_bytes frame0)
{
    const size_t prelude = 3 * sizeof(uint64_t);
    struct text first;
    struct text second;
    text_init(&first, memory);
    text_init(&second, memory);
    if (encode_again(memory, frame0, &first)) {
        struct wire_bytes written = {first.data + prelude, first.length - prelude};
        if (!encode_again(memory, written, &second))
            abort();
        assert_same(&first, &second);
    }
    text_deinit(&second);
    text_deinit(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    if (nbytes < 2)
        return 0;
    struct memory *memory = memory_new(NULL, 64 << 20);
    struct text whole;
    struct text pieces;
    if (!memory)
        abort();
    text_init(&whole, memory);
    text_init(&pieces, memory);
    read_stream(memory, bytes + 1, nbytes - 1, nbytes, &whole);
    read_stream(memory, bytes + 1, nbytes - 1, 1 + bytes[0] % 16u, &pieces);
    assert_same(&whole, &pieces);
    view_first(memory, (struct wire_bytes){(const char *)bytes + 1, nbytes - 1});
    read_frame0(memory, (struct wire_bytes){(const char *)bytes + 1, nbytes - 1});
    text_deinit(&pieces);
    text_deinit(&whole);
    if (memory_use(memory).current != 0)
        abort();
    memory_close(memory);
    return 0;
}
