/* The compressions that payloads may have on the wire.
 *
 * Source: distributed.protocol.compression. */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "base/vector.h"
#include "wire/value.h"

enum wire_codec {
    CODEC_NONE,
    CODEC_LZ4,    /* a block, behind its expanded size in 4 bytes, as Python's lz4.block has it */
    CODEC_SNAPPY, /* raw */
    CODEC_ZSTD,   /* frames */
    CODEC_ZLIB
};

/* "lz4", "snappy", "zstd", "zlib"; NULL for CODEC_NONE. */
const char *codec_name(enum wire_codec codec);
/* By the name in a header, or nil.   Errors: DK_ENOTSUP (`err` names it), DK_EPARSE (no name). */
dk_status codec_find(const struct wire_value *name, enum wire_codec *out,
                     dk_error *err) DK_NODISCARD;

/* Appends what `bytes` expand to, at most `max` bytes, to `out`, a vector of char. Memory grows
 * with what has been expanded, or with what the compressed bytes can hold: not with what they
 * promise.
 *
 * Errors: DK_EPARSE (no such data, or cut off), DK_EOVERFLOW (more than `max`), DK_ENOMEM. */
dk_status codec_expand(enum wire_codec codec, struct wire_bytes bytes, size_t max,
                       struct vector *out, dk_error *err) DK_NODISCARD;
/* Appends the compressed bytes to `out`, a vector of char. At most CODEC_NBYTES_MAX at once.
 * Errors: DK_ENOMEM, DK_EINVAL (too many bytes). */
#define CODEC_NBYTES_MAX ((size_t)1 << 30)
dk_status codec_compress(enum wire_codec codec, struct wire_bytes bytes, struct vector *out,
                         dk_error *err) DK_NODISCARD;

#endif
