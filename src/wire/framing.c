#include "wire/framing.h"

#include <ctype.h>
#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"

#define WORD         sizeof(uint64_t)
#define BODY_AT_ONCE ((size_t)1 << 16)

void frames_deinit(struct frames *frames)
{
    memory_free(frames->memory, frames->list, frames->count * sizeof(*frames->list));
    memory_free(frames->memory, frames->bytes, frames->capacity);
    *frames = (struct frames){.memory = frames->memory};
}

static size_t aligned(size_t nbytes)
{
    return (nbytes + WORD - 1) & ~(WORD - 1);
}

static dk_status put_word(struct vector *out, uint64_t word)
{
    word = htole64(word);
    return vector_append(out, &word, WORD);
}

dk_status frames_write_prelude(const struct wire_bytes *frames, size_t nframes, struct vector *out)
{
    uint64_t total = (1 + nframes) * WORD;
    for (size_t i = 0; i < nframes; i++)
        total += frames[i].nbytes;
    DK_TRY(put_word(out, total));
    DK_TRY(put_word(out, nframes));
    for (size_t i = 0; i < nframes; i++)
        DK_TRY(put_word(out, frames[i].nbytes));
    return DK_OK;
}

void frame_reader_init(struct frame_reader *reader, struct memory *memory,
                       struct frame_limits limits)
{
    *reader = (struct frame_reader){.memory = memory, .limits = limits};
    vector_init(&reader->prelude, memory, 1);
}

void frame_reader_deinit(struct frame_reader *reader)
{
    vector_deinit(&reader->prelude);
    memory_free(reader->memory, reader->body, reader->capacity);
    reader->body = NULL;
    reader->capacity = 0;
}

/* The i-th number: 0 is the length of the first chunk, 1 of frames, then come their lengths. */
static uint64_t word_at(const struct frame_reader *reader, size_t i)
{
    uint64_t word;
    memcpy(&word, (const char *)reader->prelude.data + i * WORD, WORD);
    return le64toh(word);
}

static size_t count_frames(const struct frame_reader *reader)
{
    return word_at(reader, 1);
}

/* Who speaks another protocol mostly begins with words, which say what it is. */
static dk_status refuse_chunk(const struct frame_reader *reader, dk_error *err)
{
    const char *bytes = reader->prelude.data;
    size_t n = 0;
    while (n < WORD && isprint((unsigned char)bytes[n]))
        n++;
    if (n >= 4) {
        return error_set(err, DK_EPARSE, "not Dask's protocol: it begins with '%.*s'", (int)n,
                         bytes);
    }
    return error_set(err, DK_EPARSE,
                     "not Dask's protocol, or too much: a first chunk of %" PRIu64 " bytes",
                     word_at(reader, 0));
}

static dk_status check_chunk(const struct frame_reader *reader, dk_error *err)
{
    uint64_t nbytes = word_at(reader, 0);
    if (nbytes < WORD || nbytes / WORD - 1 > reader->limits.nframes + reader->limits.nbytes / WORD)
        return refuse_chunk(reader, err);
    return DK_OK;
}

static dk_status check_count(const struct frame_reader *reader, dk_error *err)
{
    uint64_t nframes = word_at(reader, 1);
    if (nframes == 0)
        return error_set(err, DK_EPARSE, "a message without frames");
    if (nframes > reader->limits.nframes) {
        return error_set(err, DK_EPARSE,
                         "a message of %" PRIu64 " frames; at most %" PRIu64 " are taken", nframes,
                         reader->limits.nframes);
    }
    if (word_at(reader, 0) / WORD - 1 < nframes) {
        return error_set(err, DK_EPARSE,
                         "a first chunk of %" PRIu64 " bytes, too few for the lengths of %" PRIu64
                         " frames",
                         word_at(reader, 0), nframes);
    }
    return DK_OK;
}

/* Goes on to the next frame that has anything in it once nothing is left of this one. */
static void begin_frame(struct frame_reader *reader)
{
    while (!reader->left && !reader->complete) {
        reader->nbytes = aligned(reader->nbytes);
        reader->complete = ++reader->frame == count_frames(reader);
        if (!reader->complete)
            reader->left = word_at(reader, 2 + reader->frame);
    }
}

/* Adds the lengths up, and finds the frame that ends with the first chunk. */
static dk_status check_lengths(struct frame_reader *reader, dk_error *err)
{
    size_t nframes = count_frames(reader);
    uint64_t chunk = word_at(reader, 0) - (1 + nframes) * WORD;
    uint64_t total = 0;
    size_t wanted = 0;
    bool ends = chunk == 0;
    for (size_t i = 0; i < nframes; i++) {
        uint64_t nbytes = word_at(reader, 2 + i);
        if (nbytes > reader->limits.nbytes - total) {
            return error_set(err, DK_EPARSE,
                             "a message beyond %" PRIu64 " bytes: frame %zu alone has %" PRIu64,
                             reader->limits.nbytes, i, nbytes);
        }
        total += nbytes;
        wanted += aligned(nbytes);
        ends = ends || chunk == total;
    }
    if (!ends) {
        return error_set(err, DK_EPARSE,
                         "a first chunk that does not end with a frame: %" PRIu64 " of the %" PRIu64
                         " bytes of %zu frames",
                         chunk, total, nframes);
    }
    reader->wanted = wanted;
    reader->left = word_at(reader, 2);
    begin_frame(reader);
    return DK_OK;
}

/* Moves up to `n` bytes; returns how many. */
static size_t split_off(struct wire_bytes *bytes, size_t n)
{
    n = n < bytes->nbytes ? n : bytes->nbytes;
    bytes->data += n;
    bytes->nbytes -= n;
    return n;
}

/* Bytes of the prelude that its first `have` bytes ask for. */
static size_t wanted_prelude(const struct frame_reader *reader)
{
    size_t have = reader->prelude.count;
    if (have < 2 * WORD)
        return have < WORD ? WORD : 2 * WORD;
    return (2 + count_frames(reader)) * WORD;
}

/* True once every length is known. */
static bool has_prelude(const struct frame_reader *reader)
{
    return reader->prelude.count > 2 * WORD && reader->prelude.count == wanted_prelude(reader);
}

static dk_status feed_prelude(struct frame_reader *reader, struct wire_bytes *bytes, dk_error *err)
{
    size_t wanted = wanted_prelude(reader);
    const char *from = bytes->data;
    size_t n = split_off(bytes, wanted - reader->prelude.count);
    if (vector_append(&reader->prelude, from, n) != DK_OK)
        return error_nomem(err);
    if (reader->prelude.count < wanted)
        return DK_OK;
    if (wanted == WORD)
        return check_chunk(reader, err);
    if (wanted == 2 * WORD)
        return check_count(reader, err);
    return check_lengths(reader, err);
}

/* Room for `n` more bytes; never more than the message takes. */
static dk_status make_room(struct frame_reader *reader, size_t n)
{
    size_t needed = reader->nbytes + n;
    if (needed <= reader->capacity)
        return DK_OK;
    size_t capacity = reader->capacity ? reader->capacity * 2 : BODY_AT_ONCE;
    if (capacity < needed)
        capacity = needed;
    if (capacity > reader->wanted)
        capacity = reader->wanted;
    char *body = memory_resize(reader->memory, reader->body, reader->capacity, capacity);
    if (!body)
        return DK_ENOMEM;
    reader->body = body;
    reader->capacity = capacity;
    return DK_OK;
}

static dk_status feed_body(struct frame_reader *reader, struct wire_bytes *bytes, dk_error *err)
{
    const char *from = bytes->data;
    size_t n = split_off(bytes, reader->left);
    if (make_room(reader, n) != DK_OK)
        return error_nomem(err);
    char *to = reader->body + reader->nbytes;
    if (to != from)
        memcpy(to, from, n);
    reader->nbytes += n;
    reader->left -= n;
    begin_frame(reader);
    return DK_OK;
}

dk_status frame_reader_feed(struct frame_reader *reader, struct wire_bytes *bytes, dk_error *err)
{
    while (bytes->nbytes && !reader->complete) {
        if (has_prelude(reader))
            DK_TRY(feed_body(reader, bytes, err));
        else
            DK_TRY(feed_prelude(reader, bytes, err));
    }
    return DK_OK;
}

char *frame_reader_room(struct frame_reader *reader, size_t least, size_t *nbytes)
{
    if (!has_prelude(reader) || reader->complete || reader->left < least ||
        make_room(reader, least) != DK_OK)
        return NULL;
    size_t room = reader->capacity - reader->nbytes;
    *nbytes = room < reader->left ? room : reader->left;
    return reader->body + reader->nbytes;
}

bool frame_reader_is_idle(const struct frame_reader *reader)
{
    return reader->prelude.count == 0;
}

dk_status frame_reader_take(struct frame_reader *reader, struct frames *out)
{
    size_t count = count_frames(reader);
    struct wire_bytes *list = memory_alloc(reader->memory, count * sizeof(*list));
    if (!list)
        return DK_ENOMEM;
    const char *at = reader->body;
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct wire_bytes){at, word_at(reader, 2 + i)};
        at = list[i].nbytes ? at + aligned(list[i].nbytes) : at;
    }
    *out = (struct frames){reader->memory, reader->body, reader->capacity, list, count};
    reader->prelude.count = 0;
    reader->body = NULL;
    reader->capacity = reader->nbytes = reader->wanted = reader->frame = 0;
    reader->complete = false;
    return DK_OK;
}

/* ---- views ---- */

static dk_status list_frames(struct frame_reader *reader, struct wire_bytes bytes,
                             struct frames *out, dk_error *err)
{
    size_t nframes = count_frames(reader);
    *out = (struct frames){.memory = reader->memory, .count = nframes};
    out->list = memory_alloc(reader->memory, nframes * sizeof(*out->list));
    if (!out->list)
        return error_nomem(err);
    for (size_t i = 0; i < nframes; i++) {
        size_t wanted = word_at(reader, 2 + i);
        out->list[i].data = bytes.data;
        out->list[i].nbytes = split_off(&bytes, wanted);
        if (out->list[i].nbytes == wanted)
            continue;
        frames_deinit(out);
        return error_set(err, DK_EPARSE, "the message ends early, in frame %zu", i);
    }
    return DK_OK;
}

dk_status frames_view(struct memory *memory, struct wire_bytes bytes, struct frames *out,
                      dk_error *err)
{
    struct frame_reader reader;
    dk_status status = DK_OK;
    frame_reader_init(&reader, memory, (struct frame_limits){UINT32_MAX, INT64_MAX});
    while (status == DK_OK && bytes.nbytes && !has_prelude(&reader))
        status = feed_prelude(&reader, &bytes, err);
    if (status == DK_OK)
        status = has_prelude(&reader)
                     ? list_frames(&reader, bytes, out, err)
                     : error_set(err, DK_EPARSE, "the message ends early, before its frames");
    frame_reader_deinit(&reader);
    return status;
}
