/* Reads framed messages from standard input and writes each again, decoded and encoded; whoever
 * tests the wire compares. Every read gives the reader as few bytes as the first argument says.
 * Ends with 1 and a message when a message is refused or cut off. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/message.h"

static const struct frame_limits limits = {1 << 16, 1 << 28};

static void write_bytes(struct wire_bytes bytes)
{
    fwrite(bytes.data, 1, bytes.nbytes, stdout);
}

static dk_status write_message(struct memory *memory, const struct wire_value *root, dk_error *err)
{
    struct encoding encoding;
    dk_status status = message_encode(&encoding, memory, root, err);
    if (status != DK_OK)
        return status;
    const struct wire_bytes *frames = encoding.frames.data;
    write_bytes((struct wire_bytes){encoding.prelude.data, encoding.prelude.count});
    for (size_t i = 0; i < encoding.frames.count; i++)
        write_bytes(frames[i]);
    encoding_deinit(&encoding);
    return DK_OK;
}

static dk_status echo(struct memory *memory, struct frame_reader *reader, dk_error *err)
{
    struct frames frames;
    struct message message;
    dk_status status = frame_reader_take(reader, &frames);
    if (status == DK_OK)
        status = message_decode(&message, frames, err);
    if (status != DK_OK)
        return status;
    status = write_message(memory, &message.root, err);
    message_deinit(&message);
    return status;
}

static dk_status feed(struct memory *memory, struct frame_reader *reader, struct wire_bytes bytes,
                      dk_error *err)
{
    while (bytes.nbytes) {
        dk_status status = frame_reader_feed(reader, &bytes, err);
        if (status == DK_OK && reader->complete)
            status = echo(memory, reader, err);
        if (status != DK_OK)
            return status;
    }
    return DK_OK;
}

int main(int argc, char **argv)
{
    static char buffer[1 << 16];
    size_t step = argc > 1 ? strtoul(argv[1], NULL, 10) : sizeof(buffer);
    struct memory *memory = memory_new(NULL, 0);
    struct frame_reader reader;
    dk_error err = {0};
    dk_status status = DK_OK;
    if (!memory)
        return 1;
    frame_reader_init(&reader, memory, limits);
    for (size_t n = 1; n && status == DK_OK;) {
        n = fread(buffer, 1, step < sizeof(buffer) ? step : sizeof(buffer), stdin);
        status = feed(memory, &reader, (struct wire_bytes){buffer, n}, &err);
    }
    if (status != DK_OK)
        fprintf(stderr, "%s\n", err.message);
    else if (!frame_reader_is_idle(&reader))
        fprintf(stderr, "cut off\n");
    int failed = status != DK_OK || !frame_reader_is_idle(&reader);
    frame_reader_deinit(&reader);
    memory_close(memory);
    return failed;
}
