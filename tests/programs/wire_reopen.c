/* Reads one framed message from standard input, {"values": [payloads], "codec": name or nil,
 * "shard": bytes}, opens each payload, makes it anew and writes {"values": [payloads]}. Ends with 1
 * and a message when something is refused. */
#include <stdio.h>

#include "base/error.h"
#include "wire/message.h"
#include "wire/payload.h"

#define NBYTES_MAX ((size_t)1 << 28)
#define VALUES_MAX 16

static dk_status read_message(struct memory *memory, struct message *out, dk_error *err)
{
    static char buffer[1 << 16];
    struct frame_reader reader;
    struct frames frames;
    dk_status status = DK_OK;
    frame_reader_init(&reader, memory, (struct frame_limits){1 << 16, 1 << 30});
    for (size_t n = 1; n && status == DK_OK && !reader.complete;) {
        n = fread(buffer, 1, sizeof(buffer), stdin);
        struct wire_bytes bytes = {buffer, n};
        status = frame_reader_feed(&reader, &bytes, err);
    }
    if (status == DK_OK)
        status = reader.complete ? frame_reader_take(&reader, &frames) : DK_EPARSE;
    frame_reader_deinit(&reader);
    return status == DK_OK ? message_decode(out, frames, err) : status;
}

static void write_message(struct memory *memory, const struct wire_value *root)
{
    struct encoding encoding;
    if (message_encode(&encoding, memory, root, NULL) != DK_OK)
        return;
    const struct wire_bytes *frames = encoding.frames.data;
    fwrite(encoding.prelude.data, 1, encoding.prelude.count, stdout);
    for (size_t i = 0; i < encoding.frames.count; i++)
        fwrite(frames[i].data, 1, frames[i].nbytes, stdout);
    encoding_deinit(&encoding);
}

static bool is_ours(const struct wire_value *name)
{
    static const char *const names[] = {"split-num-sub-frames", "split-offsets", "compression",
                                        "num-sub-frames"};
    for (int i = 0; i < 4; i++) {
        if (wire_text_is(name, names[i]))
            return true;
    }
    return false;
}

static dk_status make_again(struct memory *memory, const struct open_payload *open,
                            const struct wire_value *question, struct made_payload *out,
                            dk_error *err)
{
    struct wire_entry entries[32];
    uint32_t n = 0;
    enum wire_codec codec;
    int64_t shard = 0;
    wire_read_int(wire_find(question, "shard"), &shard);
    DK_TRY(codec_find(wire_find(question, "codec"), &codec, err));
    for (uint32_t i = 0; i < open->header.count && n < 32; i++) {
        if (!is_ours(&open->header.as.entries[i].key))
            entries[n++] = open->header.as.entries[i];
    }
    return payload_make_sharded(memory, entries, n, open->frames, open->nframes, codec,
                                (size_t)shard, out, err);
}

static dk_status reopen(struct memory *memory, const struct wire_value *question, dk_error *err)
{
    static struct open_payload open[VALUES_MAX];
    static struct made_payload made[VALUES_MAX];
    struct wire_value values[VALUES_MAX];
    const struct wire_value *list = wire_find(question, "values");
    for (uint32_t i = 0; i < list->count && i < VALUES_MAX; i++) {
        values[i] = list->as.items[i];
        DK_TRY(payload_open(memory, values[i].as.payload, NBYTES_MAX, &open[i], err));
        DK_TRY(make_again(memory, &open[i], question, &made[i], err));
        values[i].as.payload = &made[i].payload;
    }
    struct wire_entry entries[] = {{wire_text("values"), wire_array(values, list->count)}};
    struct wire_value answer = wire_map(entries, 1);
    write_message(memory, &answer);
    for (uint32_t i = 0; i < list->count; i++) {
        made_payload_deinit(&made[i]);
        payload_close(&open[i]);
    }
    return DK_OK;
}

int main(void)
{
    struct memory *memory = memory_new(NULL, 0);
    struct message message;
    dk_error err = {0};
    dk_status status = read_message(memory, &message, &err);
    if (status == DK_OK) {
        status = reopen(memory, &message.root, &err);
        message_deinit(&message);
    }
    if (status != DK_OK)
        fprintf(stderr, "%s\n", err.message);
    return status != DK_OK;
}
