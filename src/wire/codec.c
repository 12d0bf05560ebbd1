#include "wire/codec.h"

#include <endian.h>

#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include "base/error.h"

#define STEP_NBYTES ((size_t)1 << 16)

static const char *const names[] = {
    [CODEC_LZ4] = "lz4", [CODEC_SNAPPY] = "snappy", [CODEC_ZSTD] = "zstd", [CODEC_ZLIB] = "zlib"};

const char *codec_name(enum wire_codec codec)
{
    return names[codec];
}

dk_status codec_find(const struct wire_value *name, enum wire_codec *out, dk_error *err)
{
    struct wire_bytes text;
    *out = CODEC_NONE;
    if (name->kind == WIRE_NIL)
        return DK_OK;
    if (!wire_read_text(name, &text))
        return error_set(err, DK_EPARSE, "a compression that is %s", wire_kind_name(name->kind));
    for (int codec = CODEC_LZ4; codec <= CODEC_ZLIB; codec++) {
        if (wire_text_is(name, names[codec])) {
            *out = (enum wire_codec)codec;
            return DK_OK;
        }
    }
    return error_set(err, DK_ENOTSUP, "the compression '%.*s' is not supported",
                     text.nbytes < 32 ? (int)text.nbytes : 32, text.data);
}

/* ---- expanding ---- */

static dk_status refuse(enum wire_codec codec, dk_error *err)
{
    return error_set(err, DK_EPARSE, "no %s data, or cut off", names[codec]);
}

static dk_status refuse_size(enum wire_codec codec, size_t max, dk_error *err)
{
    return error_set(err, DK_EOVERFLOW, "%s data of more than %zu bytes", names[codec], max);
}

/* Where `n` more bytes go, none as well; NULL when out of memory. */
static char *make_room(struct vector *out, size_t n)
{
    if (vector_reserve(out, out->count + (n ? n : 1)) != DK_OK)
        return NULL;
    return (char *)out->data + out->count;
}

/* What a promise of `nbytes` of expanded data gets. One byte of lz4 or snappy holds no more than
 * `most` bytes, so that a few bytes cannot claim all memory. */
static dk_status take_promise(enum wire_codec codec, size_t nbytes, struct wire_bytes bytes,
                              size_t most, size_t max, dk_error *err)
{
    if (nbytes / most > bytes.nbytes)
        return refuse(codec, err);
    return nbytes > max ? refuse_size(codec, max, err) : DK_OK;
}

static dk_status expand_lz4(struct wire_bytes bytes, size_t max, struct vector *out, dk_error *err)
{
    uint32_t nbytes;
    if (bytes.nbytes < sizeof(nbytes) || bytes.nbytes > CODEC_NBYTES_MAX)
        return refuse(CODEC_LZ4, err);
    memcpy(&nbytes, bytes.data, sizeof(nbytes));
    nbytes = le32toh(nbytes);
    if (nbytes > LZ4_MAX_INPUT_SIZE)
        return refuse(CODEC_LZ4, err);
    DK_TRY(take_promise(CODEC_LZ4, nbytes, bytes, 256, max, err));
    char *to = make_room(out, nbytes);
    if (!to)
        return error_nomem(err);
    int n = LZ4_decompress_safe(bytes.data + sizeof(nbytes), to,
                                (int)(bytes.nbytes - sizeof(nbytes)), (int)nbytes);
    if (n < 0 || (uint32_t)n != nbytes)
        return refuse(CODEC_LZ4, err);
    out->count += nbytes;
    return DK_OK;
}

static dk_status expand_snappy(struct wire_bytes bytes, size_t max, struct vector *out,
                               dk_error *err)
{
    size_t nbytes = 0;
    if (snappy_uncompressed_length(bytes.data, bytes.nbytes, &nbytes) != SNAPPY_OK)
        return refuse(CODEC_SNAPPY, err);
    DK_TRY(take_promise(CODEC_SNAPPY, nbytes, bytes, 64, max, err));
    char *to = make_room(out, nbytes);
    if (!to)
        return error_nomem(err);
    if (snappy_uncompress(bytes.data, bytes.nbytes, to, &nbytes) != SNAPPY_OK)
        return refuse(CODEC_SNAPPY, err);
    out->count += nbytes;
    return DK_OK;
}

/* Room for the next step of a stream, for as long as `max` is not reached; one byte more tells
 * whether it is exceeded. */
static dk_status next_step(enum wire_codec codec, size_t before, size_t max, struct vector *out,
                           size_t *room, dk_error *err)
{
    size_t done = out->count - before;
    if (done > max)
        return refuse_size(codec, max, err);
    size_t left = max - done + 1;
    size_t wanted = done > STEP_NBYTES ? done : STEP_NBYTES;
    if (!make_room(out, left < wanted ? left : wanted))
        return error_nomem(err);
    *room = out->capacity - out->count < left ? out->capacity - out->count : left;
    return DK_OK;
}

static dk_status run_zstd(ZSTD_DStream *stream, struct wire_bytes bytes, size_t max,
                          struct vector *out, dk_error *err)
{
    ZSTD_inBuffer in = {bytes.data, bytes.nbytes, 0};
    size_t before = out->count;
    size_t room = 0;
    size_t hint = 1;
    for (bool is_stuck = false; hint != 0 || in.pos < in.size;) {
        DK_TRY(next_step(CODEC_ZSTD, before, max, out, &room, err));
        ZSTD_outBuffer to = {(char *)out->data + out->count, room, 0};
        size_t at = in.pos;
        hint = ZSTD_decompressStream(stream, &to, &in);
        out->count += to.pos;
        is_stuck = to.pos == 0 && in.pos == at;
        if (ZSTD_isError(hint) || (is_stuck && hint != 0))
            return refuse(CODEC_ZSTD, err);
    }
    return out->count - before > max ? refuse_size(CODEC_ZSTD, max, err) : DK_OK;
}

/* The library's own state is a few hundred kB, and not on the ledger. */
static dk_status expand_zstd(struct wire_bytes bytes, size_t max, struct vector *out, dk_error *err)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return error_nomem(err);
    dk_status status = run_zstd(stream, bytes, max, out, err);
    ZSTD_freeDStream(stream);
    return status;
}

static dk_status run_zlib(z_stream *stream, struct wire_bytes bytes, size_t max, struct vector *out,
                          dk_error *err)
{
    size_t before = out->count;
    size_t room = 0;
    int result = Z_OK;
    memcpy(&stream->next_in, &bytes.data, sizeof(char *)); /* zlib knows no const */
    stream->avail_in = (uInt)bytes.nbytes;
    while (result != Z_STREAM_END) {
        DK_TRY(next_step(CODEC_ZLIB, before, max, out, &room, err));
        stream->next_out = (Bytef *)out->data + out->count;
        stream->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
        size_t given = stream->avail_out;
        result = inflate(stream, Z_NO_FLUSH);
        out->count += given - stream->avail_out;
        if (result == Z_MEM_ERROR)
            return error_nomem(err);
        if (result != Z_OK && result != Z_STREAM_END)
            return refuse(CODEC_ZLIB, err);
    }
    return out->count - before > max ? refuse_size(CODEC_ZLIB, max, err) : DK_OK;
}

static dk_status expand_zlib(struct wire_bytes bytes, size_t max, struct vector *out, dk_error *err)
{
    z_stream stream = {0};
    if (bytes.nbytes > CODEC_NBYTES_MAX)
        return refuse(CODEC_ZLIB, err);
    if (inflateInit(&stream) != Z_OK)
        return error_nomem(err);
    dk_status status = run_zlib(&stream, bytes, max, out, err);
    inflateEnd(&stream);
    return status;
}

dk_status codec_expand(enum wire_codec codec, struct wire_bytes bytes, size_t max,
                       struct vector *out, dk_error *err)
{
    switch (codec) {
    case CODEC_LZ4:
        return expand_lz4(bytes, max, out, err);
    case CODEC_SNAPPY:
        return expand_snappy(bytes, max, out, err);
    case CODEC_ZSTD:
        return expand_zstd(bytes, max, out, err);
    case CODEC_ZLIB:
        return expand_zlib(bytes, max, out, err);
    default:
        if (bytes.nbytes > max)
            return error_set(err, DK_EOVERFLOW, "data of more than %zu bytes", max);
        return vector_append(out, bytes.data, bytes.nbytes) == DK_OK ? DK_OK : error_nomem(err);
    }
}

/* ---- compressing ---- */

/* The most that `nbytes` may become. */
static size_t bound(enum wire_codec codec, size_t nbytes)
{
    switch (codec) {
    case CODEC_LZ4:
        return sizeof(uint32_t) + (size_t)LZ4_compressBound((int)nbytes);
    case CODEC_SNAPPY:
        return snappy_max_compressed_length(nbytes);
    case CODEC_ZSTD:
        return ZSTD_compressBound(nbytes);
    case CODEC_ZLIB:
        return compressBound(nbytes);
    default:
        return nbytes;
    }
}

static size_t compress_lz4(struct wire_bytes bytes, char *to, size_t room)
{
    uint32_t nbytes = htole32((uint32_t)bytes.nbytes);
    memcpy(to, &nbytes, sizeof(nbytes));
    int n = LZ4_compress_default(bytes.data, to + sizeof(nbytes), (int)bytes.nbytes,
                                 (int)(room - sizeof(nbytes)));
    return n > 0 ? (size_t)n + sizeof(nbytes) : 0;
}

/* The libraries' defaults, as Dask has them. 0: the library has failed, which is for want of
 * memory. */
static size_t compress_into(enum wire_codec codec, struct wire_bytes bytes, char *to, size_t room)
{
    size_t n = room;
    uLongf zlib_n = room;
    switch (codec) {
    case CODEC_LZ4:
        return compress_lz4(bytes, to, room);
    case CODEC_SNAPPY:
        return snappy_compress(bytes.data, bytes.nbytes, to, &n) == SNAPPY_OK ? n : 0;
    case CODEC_ZSTD:
        n = ZSTD_compress(to, room, bytes.data, bytes.nbytes, 3);
        return ZSTD_isError(n) ? 0 : n;
    case CODEC_ZLIB:
        if (compress((Bytef *)to, &zlib_n, (const Bytef *)bytes.data, bytes.nbytes) != Z_OK)
            return 0;
        return zlib_n;
    default:
        memcpy(to, bytes.data, bytes.nbytes);
        return bytes.nbytes;
    }
}

dk_status codec_compress(enum wire_codec codec, struct wire_bytes bytes, struct vector *out,
                         dk_error *err)
{
    static const struct wire_bytes empty = {"", 0};
    if (bytes.nbytes > CODEC_NBYTES_MAX)
        return error_set(err, DK_EINVAL, "%zu bytes to compress at once", bytes.nbytes);
    if (!bytes.nbytes)
        bytes = empty;
    size_t room = bound(codec, bytes.nbytes);
    char *to = make_room(out, room);
    size_t n = to ? compress_into(codec, bytes, to, room) : 0;
    if (!n && (codec != CODEC_NONE || !to))
        return error_nomem(err);
    out->count += n;
    return DK_OK;
}
