/* Decompression: gzip by zlib, zstd. Both take their memory from the ledger. */
#define ZSTD_STATIC_LINKING_ONLY /* ZSTD_createDCtx_advanced: zstd on an allocator of ours */
#include "io/csv/input.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define RAW_NBYTES (64u * 1024)

struct csv_decoder {
    struct memory *memory;
    enum csv_coding coding;
    z_stream gzip;
    ZSTD_DCtx *zstd;
    char *raw;
    size_t raw_at;
    size_t raw_filled;
    bool is_open;  /* inside a member or frame: the file may not end here */
    bool is_ready; /* zlib's state was set up */
};

/* Both libraries free without a size, which the ledger wants: it is kept in front of each block. */
#define HEAD_NBYTES 16

static void *allocate(void *memory, size_t nbytes)
{
    if (nbytes > SIZE_MAX - HEAD_NBYTES)
        return NULL;
    char *block = memory_alloc(memory, nbytes + HEAD_NBYTES);
    if (!block)
        return NULL;
    memcpy(block, &nbytes, sizeof nbytes);
    return block + HEAD_NBYTES;
}

static void release(void *memory, void *ptr)
{
    if (!ptr)
        return;
    char *block = (char *)ptr - HEAD_NBYTES;
    size_t nbytes;
    memcpy(&nbytes, block, sizeof nbytes);
    memory_free(memory, block, nbytes + HEAD_NBYTES);
}

static void *allocate_items(void *memory, unsigned items, unsigned nbytes)
{
    return allocate(memory, (size_t)items * nbytes);
}

static bool starts_with(const char *bytes, size_t nbytes, const char *magic, size_t n)
{
    return nbytes >= n && memcmp(bytes, magic, n) == 0;
}

dk_status csv_coding_find(const char *path, const char *bytes, size_t nbytes, enum csv_coding *out,
                          dk_error *err)
{
    const char *other = NULL;
    *out = CSV_PLAIN;
    if (starts_with(bytes, nbytes, "\x1f\x8b", 2))
        *out = CSV_GZIP;
    if (starts_with(bytes, nbytes, "\x28\xb5\x2f\xfd", 4))
        *out = CSV_ZSTD;
    if (starts_with(bytes, nbytes, "BZh", 3))
        other = "bzip2";
    if (starts_with(bytes, nbytes,
                    "\xfd"
                    "7zXZ",
                    5))
        other = "xz";
    if (starts_with(bytes, nbytes, "PK\x03\x04", 4))
        other = "zip";
    if (starts_with(bytes, nbytes, "\xff\xfe", 2) || starts_with(bytes, nbytes, "\xfe\xff", 2))
        return error_set(err, DK_ENOTSUP, "%s: is UTF-16 text; convert it to UTF-8", path);
    if (!other)
        return DK_OK;
    return error_set(err, DK_ENOTSUP,
                     "%s: %s compression is not supported; recompress it with gzip or zstd", path,
                     other);
}

dk_status csv_decoder_new(struct memory *memory, enum csv_coding coding, struct csv_decoder **out,
                          dk_error *err)
{
    struct csv_decoder *decoder = memory_calloc(memory, sizeof *decoder);
    if (!decoder)
        return error_nomem(err);
    decoder->memory = memory;
    decoder->coding = coding;
    decoder->raw = memory_alloc(memory, RAW_NBYTES);
    if (coding == CSV_GZIP) {
        decoder->gzip.zalloc = allocate_items;
        decoder->gzip.zfree = release;
        decoder->gzip.opaque = memory;
        decoder->is_ready = inflateInit2(&decoder->gzip, 15 + 16) == Z_OK;
    } else {
        decoder->zstd = ZSTD_createDCtx_advanced((ZSTD_customMem){allocate, release, memory});
        decoder->is_ready = decoder->zstd != NULL;
    }
    if (!decoder->raw || !decoder->is_ready) {
        csv_decoder_free(decoder);
        return error_nomem(err);
    }
    *out = decoder;
    return DK_OK;
}

void csv_decoder_free(struct csv_decoder *decoder)
{
    if (!decoder)
        return;
    if (decoder->coding == CSV_GZIP && decoder->is_ready)
        (void)inflateEnd(&decoder->gzip);
    (void)ZSTD_freeDCtx(decoder->zstd);
    if (decoder->raw)
        memory_free(decoder->memory, decoder->raw, RAW_NBYTES);
    memory_free(decoder->memory, decoder, sizeof *decoder);
}

/* Inflates what is at hand. A file may hold several members, and zeros behind the last. */
static dk_status decode_gzip(struct csv_decoder *decoder, const char *path, char *out,
                             size_t nbytes, size_t *ngot, dk_error *err)
{
    z_stream *z = &decoder->gzip;
    if (!decoder->is_open) {
        if (decoder->raw[decoder->raw_at] == 0) {
            decoder->raw_at++;
            *ngot = 0;
            return DK_OK;
        }
        (void)inflateReset(z);
        decoder->is_open = true;
    }
    z->next_in = (Bytef *)decoder->raw + decoder->raw_at;
    z->avail_in = (uInt)(decoder->raw_filled - decoder->raw_at);
    z->next_out = (Bytef *)out;
    z->avail_out = nbytes < INT_MAX ? (uInt)nbytes : INT_MAX;
    size_t room = z->avail_out;
    int code = inflate(z, Z_NO_FLUSH);
    decoder->raw_at = decoder->raw_filled - z->avail_in;
    *ngot = room - z->avail_out;
    if (code == Z_STREAM_END)
        decoder->is_open = false;
    if (code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR)
        return DK_OK;
    if (code == Z_MEM_ERROR)
        return error_nomem(err);
    return error_set(err, DK_EPARSE, "%s: damaged gzip data (%s)", path,
                     z->msg ? z->msg : "bad data");
}

/* NOLINTNEXTLINE(readability-non-const-parameter): zstd writes to `out`, by way of a struct. */
static dk_status decode_zstd(struct csv_decoder *decoder, const char *path, char *out,
                             size_t nbytes, size_t *ngot, dk_error *err)
{
    ZSTD_inBuffer in = {decoder->raw, decoder->raw_filled, decoder->raw_at};
    ZSTD_outBuffer to = {out, nbytes, 0};
    size_t left = ZSTD_decompressStream(decoder->zstd, &to, &in);
    if (ZSTD_isError(left)) {
        if (ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation)
            return error_nomem(err);
        return error_set(err, DK_EPARSE, "%s: damaged zstd data (%s)", path,
                         ZSTD_getErrorName(left));
    }
    decoder->raw_at = in.pos;
    decoder->is_open = left != 0;
    *ngot = to.pos;
    return DK_OK;
}

static dk_status refill(struct csv_decoder *decoder, struct csv_input *input, dk_error *err)
{
    decoder->raw_at = 0;
    return csv_input_raw(input, decoder->raw, RAW_NBYTES, &decoder->raw_filled, err);
}

dk_status csv_decoder_read(struct csv_decoder *decoder, struct csv_input *input, char *out,
                           size_t nbytes, size_t *ngot, dk_error *err)
{
    const char *path = input->file->path;
    size_t done = 0;
    while (done < nbytes) {
        size_t n = 0;
        if (decoder->raw_at == decoder->raw_filled)
            DK_TRY(refill(decoder, input, err));
        bool is_over = decoder->raw_at == decoder->raw_filled;
        if (is_over && !decoder->is_open)
            break;
        if (decoder->coding == CSV_GZIP)
            DK_TRY(decode_gzip(decoder, path, out + done, nbytes - done, &n, err));
        else
            DK_TRY(decode_zstd(decoder, path, out + done, nbytes - done, &n, err));
        /* The library may still hold output when the file has been read. */
        if (is_over && n == 0)
            return error_set(err, DK_EPARSE, "%s: the %s data is cut off (truncated file)", path,
                             decoder->coding == CSV_GZIP ? "gzip" : "zstd");
        done += n;
    }
    *ngot = done;
    return DK_OK;
}
