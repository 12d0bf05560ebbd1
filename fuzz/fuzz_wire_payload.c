/* Any bytes, read as the header of a payload and its frames: opening ends in a status, within the
 * limit, and what is opened can be made again and opens the same. */
#include <stdlib.h>
#include <string.h>

#include "wire/payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define NBYTES_MAX  ((size_t)1 << 20)
#define NFRAMES_MAX 16

/* The first byte says how many frames there are; a byte in front of each piece, how long it is. */
static size_t cut(struct wire_bytes bytes, struct wire_bytes *pieces, size_t max)
{
    size_t n = 0;
    while (n < max && bytes.nbytes > 1) {
        size_t length = (unsigned char)bytes.data[0] * (n ? 16u : 1u);
        bytes.data++;
        bytes.nbytes--;
        length = length < bytes.nbytes ? length : bytes.nbytes;
        pieces[n++] = (struct wire_bytes){bytes.data, length};
        bytes.data += length;
        bytes.nbytes -= length;
    }
    return n;
}

static void make_again(struct memory *memory, const struct open_payload *open,
                       enum wire_codec codec)
{
    struct made_payload made;
    struct open_payload again;
    if (payload_make_sharded(memory, NULL, 0, open->frames, open->nframes, codec, 1000, &made,
                             NULL) != DK_OK ||
        payload_open(memory, &made.payload, NBYTES_MAX, &again, NULL) != DK_OK ||
        again.nframes != open->nframes)
        abort();
    for (size_t i = 0; i < open->nframes; i++) {
        const struct wire_bytes *a = &open->frames[i];
        const struct wire_bytes *b = &again.frames[i];
        if (a->nbytes != b->nbytes || (a->nbytes && memcmp(a->data, b->data, a->nbytes) != 0))
            abort();
    }
    payload_close(&again);
    made_payload_deinit(&made);
}

static void check_size(const struct open_payload *open)
{
    size_t total = 0;
    for (size_t i = 0; i < open->nframes; i++)
        total += open->frames[i].nbytes;
    if (total > NBYTES_MAX)
        abort();
}

/* All bytes as each of the compressions. */
static void expand(struct memory *memory, struct wire_bytes bytes)
{
    for (int codec = CODEC_LZ4; codec <= CODEC_ZLIB; codec++) {
        struct vector out;
        vector_init(&out, memory, 1);
        if (codec_expand((enum wire_codec)codec, bytes, NBYTES_MAX, &out, NULL) == DK_OK &&
            out.count > NBYTES_MAX)
            abort();
        vector_deinit(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    struct memory *memory = memory_new(NULL, 64 << 20);
    struct wire_bytes all = {(const char *)bytes, nbytes};
    struct wire_bytes pieces[1 + NFRAMES_MAX];
    struct open_payload open;
    size_t n = cut(all, pieces, 1 + NFRAMES_MAX);
    if (!memory)
        abort();
    expand(memory, all);
    if (n) {
        struct wire_payload payload = {pieces[0], pieces + 1, n - 1};
        if (payload_open(memory, &payload, NBYTES_MAX, &open, NULL) == DK_OK) {
            check_size(&open);
            make_again(memory, &open, (enum wire_codec)(nbytes % 5));
            payload_close(&open);
        }
    }
    if (memory_use(memory).current != 0)
        abort();
    memory_close(memory);
    return 0;
}
