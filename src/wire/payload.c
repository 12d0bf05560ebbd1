#include "wire/payload.h"

#include "base/error.h"
#include "wire/pack.h"
#include "wire/unpack.h"

/* What is worth compressing. Source: distributed.protocol.compression.maybe_compress. */
#define COMPRESS_MIN_NBYTES ((size_t)10000)
#define SAMPLE_NBYTES       ((size_t)10000)
#define NSAMPLES            ((size_t)5)
#define WORTH_PERCENT       ((size_t)70) /* of the size before, or less */

/* ---- opening ---- */

/* Where the sub-frames of one frame lie. */
struct shards {
    size_t first;
    size_t count;
};

struct opener {
    struct memory *memory;
    const struct wire_payload *payload;
    struct open_payload *out;
    const struct wire_value *codecs; /* NULL: nothing is compressed */
    const struct wire_value *counts; /* NULL: nothing is split */
    const struct wire_value *offsets;
    size_t left; /* bytes that frames may still have */
    dk_error *err;
};

/* The list under `name`, nil counting as none; of at most one item for each sub-frame. */
static dk_status find_list(struct opener *opener, const char *name, const struct wire_value **out)
{
    const struct wire_value *list = wire_find(&opener->out->header, name);
    *out = list && list->kind != WIRE_NIL ? list : NULL;
    if (*out && list->kind != WIRE_ARRAY)
        return error_set(opener->err, DK_EPARSE, "the \"%s\" of a payload is %s", name,
                         wire_kind_name(list->kind));
    return DK_OK;
}

static dk_status read_header(struct opener *opener)
{
    struct open_payload *out = opener->out;
    dk_status status = wire_unpack(&out->arena, opener->payload->header, &out->header, opener->err);
    if (status == DK_EPARSE)
        error_prefix(opener->err, "the header of a payload");
    if (status != DK_OK)
        return status;
    DK_TRY(find_list(opener, "compression", &opener->codecs));
    DK_TRY(find_list(opener, "split-num-sub-frames", &opener->counts));
    DK_TRY(find_list(opener, "split-offsets", &opener->offsets));
    if (!opener->counts != !opener->offsets)
        return error_set(opener->err, DK_EPARSE, "a payload with half of what tells its shards");
    return DK_OK;
}

static size_t count_frames(const struct opener *opener)
{
    if (!opener->counts || !opener->offsets)
        return opener->payload->nframes;
    uint32_t n = opener->counts->count;
    return n < opener->offsets->count ? n : opener->offsets->count;
}

static dk_status find_shards(const struct opener *opener, size_t i, struct shards *out)
{
    int64_t count = 0;
    int64_t first = 0;
    size_t nframes = opener->payload->nframes;
    *out = (struct shards){i, 1};
    if (!opener->counts || !opener->offsets)
        return DK_OK;
    if (!wire_read_int(&opener->counts->as.items[i], &count) ||
        !wire_read_int(&opener->offsets->as.items[i], &first) || count < 0 || first < 0 ||
        (uint64_t)first > nframes || (uint64_t)count > nframes - (uint64_t)first)
        return error_set(opener->err, DK_EPARSE, "frame %zu of a payload is not among its %zu", i,
                         nframes);
    *out = (struct shards){(size_t)first, (size_t)count};
    return DK_OK;
}

static dk_status find_codec(const struct opener *opener, size_t shard, enum wire_codec *out)
{
    *out = CODEC_NONE;
    if (!opener->codecs || shard >= opener->codecs->count)
        return DK_OK;
    return codec_find(&opener->codecs->as.items[shard], out, opener->err);
}

static dk_status expand_shard(struct opener *opener, size_t shard, struct vector *to)
{
    enum wire_codec codec;
    size_t before = to->count;
    DK_TRY(find_codec(opener, shard, &codec));
    DK_TRY(codec_expand(codec, opener->payload->frames[shard], opener->left, to, opener->err));
    opener->left -= to->count - before;
    return DK_OK;
}

/* A frame that lies in pieces, or compressed. */
static dk_status join(struct opener *opener, struct shards shards, struct wire_bytes *out)
{
    struct vector *joined = vector_push(&opener->out->joined);
    if (!joined)
        return error_nomem(opener->err);
    vector_init(joined, opener->memory, 1);
    for (size_t i = 0; i < shards.count; i++)
        DK_TRY(expand_shard(opener, shards.first + i, joined));
    *out = (struct wire_bytes){joined->count ? joined->data : "", joined->count};
    return DK_OK;
}

static dk_status open_frame(struct opener *opener, size_t i, struct wire_bytes *out)
{
    struct shards shards;
    enum wire_codec codec = CODEC_NONE;
    DK_TRY(find_shards(opener, i, &shards));
    if (shards.count == 1)
        DK_TRY(find_codec(opener, shards.first, &codec));
    if (shards.count != 1 || codec != CODEC_NONE)
        return join(opener, shards, out);
    *out = opener->payload->frames[shards.first];
    if (out->nbytes > opener->left)
        return error_set(opener->err, DK_EOVERFLOW, "a payload of too many bytes");
    opener->left -= out->nbytes;
    return DK_OK;
}

static dk_status open_frames(struct opener *opener)
{
    struct open_payload *out = opener->out;
    size_t nframes = count_frames(opener);
    out->frames = arena_alloc(&out->arena, nframes * sizeof(*out->frames));
    if (!out->frames)
        return error_nomem(opener->err);
    for (size_t i = 0; i < nframes; i++)
        DK_TRY(open_frame(opener, i, &out->frames[i]));
    out->nframes = nframes;
    return DK_OK;
}

dk_status payload_open(struct memory *memory, const struct wire_payload *payload, size_t nbytes_max,
                       struct open_payload *out, dk_error *err)
{
    struct opener opener = {
        .memory = memory, .payload = payload, .out = out, .left = nbytes_max, .err = err};
    *out = (struct open_payload){.header = wire_nil()};
    arena_init(&out->arena, memory);
    vector_init(&out->joined, memory, sizeof(struct vector));
    dk_status status = read_header(&opener);
    if (status == DK_OK)
        status = open_frames(&opener);
    if (status != DK_OK)
        payload_close(out);
    return status;
}

static void free_vectors(struct vector *vectors)
{
    struct vector *each = vectors->data;
    for (size_t i = 0; i < vectors->count; i++)
        vector_deinit(&each[i]);
    vector_deinit(vectors);
}

void payload_close(struct open_payload *payload)
{
    free_vectors(&payload->joined);
    arena_deinit(&payload->arena);
    payload->frames = NULL;
    payload->nframes = 0;
}

/* ---- making ---- */

struct maker {
    struct memory *memory;
    struct made_payload *out;
    enum wire_codec codec;
    size_t shard_nbytes;
    struct vector codecs;  /* of struct wire_value, one a sub-frame */
    struct vector counts;  /* of struct wire_value, one a frame */
    struct vector offsets; /* of struct wire_value */
    dk_error *err;
};

static bool is_worth(size_t before, size_t after)
{
    return after <= before / 100 * WORTH_PERCENT + before % 100 * WORTH_PERCENT / 100;
}

/* Pieces from all over, always the same ones: equal bytes have equal payloads. */
static dk_status take_sample(struct wire_bytes bytes, struct vector *out)
{
    size_t gap = (bytes.nbytes - SAMPLE_NBYTES) / (NSAMPLES - 1);
    size_t n = gap < SAMPLE_NBYTES ? gap : SAMPLE_NBYTES;
    for (size_t i = 0; i < NSAMPLES - 1; i++)
        DK_TRY(vector_append(out, bytes.data + i * gap, n));
    return vector_append(out, bytes.data + bytes.nbytes - SAMPLE_NBYTES, SAMPLE_NBYTES);
}

static dk_status sample_is_worth(struct maker *maker, struct wire_bytes bytes, bool *out)
{
    struct vector sample;
    struct vector compressed;
    vector_init(&sample, maker->memory, 1);
    vector_init(&compressed, maker->memory, 1);
    dk_status status = take_sample(bytes, &sample) == DK_OK ? DK_OK : error_nomem(maker->err);
    if (status == DK_OK)
        status = codec_compress(maker->codec, (struct wire_bytes){sample.data, sample.count},
                                &compressed, maker->err);
    *out = status == DK_OK && is_worth(sample.count, compressed.count);
    vector_deinit(&compressed);
    vector_deinit(&sample);
    return status;
}

/* Compresses `*shard`, unless that is not worth it. */
static dk_status compress_shard(struct maker *maker, struct wire_bytes *shard, bool *is_compressed)
{
    bool is_promising = false;
    *is_compressed = false;
    if (maker->codec == CODEC_NONE || shard->nbytes < COMPRESS_MIN_NBYTES ||
        shard->nbytes > CODEC_NBYTES_MAX)
        return DK_OK;
    DK_TRY(sample_is_worth(maker, *shard, &is_promising));
    if (!is_promising)
        return DK_OK;
    struct vector *compressed = vector_push(&maker->out->compressed);
    if (!compressed)
        return error_nomem(maker->err);
    vector_init(compressed, maker->memory, 1);
    DK_TRY(codec_compress(maker->codec, *shard, compressed, maker->err));
    *is_compressed = is_worth(shard->nbytes, compressed->count);
    if (*is_compressed)
        *shard = (struct wire_bytes){compressed->data, compressed->count};
    else
        vector_deinit(compressed);
    return DK_OK;
}

static dk_status put_shard(struct maker *maker, struct wire_bytes shard)
{
    bool is_compressed;
    DK_TRY(compress_shard(maker, &shard, &is_compressed));
    struct wire_value codec = wire_nil();
    if (is_compressed)
        codec = wire_text(codec_name(maker->codec));
    if (vector_append(&maker->out->frames, &shard, 1) != DK_OK ||
        vector_append(&maker->codecs, &codec, 1) != DK_OK)
        return error_nomem(maker->err);
    return DK_OK;
}

/* An empty frame is one sub-frame, too. */
static dk_status put_frame(struct maker *maker, struct wire_bytes frame)
{
    size_t first = maker->out->frames.count;
    do {
        size_t n = frame.nbytes < maker->shard_nbytes ? frame.nbytes : maker->shard_nbytes;
        DK_TRY(put_shard(maker, (struct wire_bytes){frame.data, n}));
        frame.data = n ? frame.data + n : frame.data;
        frame.nbytes -= n;
    } while (frame.nbytes);
    struct wire_value offset = wire_int((int64_t)first);
    struct wire_value count = wire_int((int64_t)(maker->out->frames.count - first));
    if (vector_append(&maker->counts, &count, 1) != DK_OK ||
        vector_append(&maker->offsets, &offset, 1) != DK_OK)
        return error_nomem(maker->err);
    return DK_OK;
}

static struct wire_value array_of(const struct vector *values)
{
    return wire_array(values->data, (uint32_t)values->count);
}

static dk_status write_header(struct maker *maker, const struct wire_entry *entries,
                              uint32_t nentries)
{
    struct wire_entry added[] = {
        {wire_text("split-num-sub-frames"), array_of(&maker->counts)},
        {wire_text("split-offsets"), array_of(&maker->offsets)},
        {wire_text("compression"), array_of(&maker->codecs)},
        {wire_text("num-sub-frames"), wire_int((int64_t)maker->out->frames.count)},
    };
    struct vector all;
    struct vector none;
    vector_init(&all, maker->memory, sizeof(struct wire_entry));
    vector_init(&none, maker->memory, sizeof(struct wire_bytes));
    dk_status status = DK_OK;
    if (vector_append(&all, entries, nentries) != DK_OK || vector_append(&all, added, 4) != DK_OK)
        status = error_nomem(maker->err);
    struct wire_value header = wire_map(all.data, (uint32_t)all.count);
    if (status == DK_OK)
        status = wire_pack(&maker->out->header, &none, &header, maker->err);
    vector_deinit(&none);
    vector_deinit(&all);
    return status;
}

static void fill_in(struct made_payload *out)
{
    out->payload = (struct wire_payload){
        .header = {out->header.data, out->header.count},
        .frames = out->frames.data,
        .nframes = out->frames.count,
    };
}

dk_status payload_make_sharded(struct memory *memory, const struct wire_entry *entries,
                               uint32_t nentries, const struct wire_bytes *frames, size_t nframes,
                               enum wire_codec codec, size_t shard_nbytes, struct made_payload *out,
                               dk_error *err)
{
    struct maker maker = {
        .memory = memory, .out = out, .codec = codec, .shard_nbytes = shard_nbytes, .err = err};
    vector_init(&out->header, memory, 1);
    vector_init(&out->frames, memory, sizeof(struct wire_bytes));
    vector_init(&out->compressed, memory, sizeof(struct vector));
    vector_init(&maker.codecs, memory, sizeof(struct wire_value));
    vector_init(&maker.counts, memory, sizeof(struct wire_value));
    vector_init(&maker.offsets, memory, sizeof(struct wire_value));
    dk_status status = DK_OK;
    for (size_t i = 0; i < nframes && status == DK_OK; i++)
        status = put_frame(&maker, frames[i]);
    if (status == DK_OK)
        status = write_header(&maker, entries, nentries);
    vector_deinit(&maker.offsets);
    vector_deinit(&maker.counts);
    vector_deinit(&maker.codecs);
    fill_in(out);
    if (status != DK_OK)
        made_payload_deinit(out);
    return status;
}

dk_status payload_make(struct memory *memory, const struct wire_entry *entries, uint32_t nentries,
                       const struct wire_bytes *frames, size_t nframes, enum wire_codec codec,
                       struct made_payload *out, dk_error *err)
{
    return payload_make_sharded(memory, entries, nentries, frames, nframes, codec,
                                PAYLOAD_SHARD_NBYTES, out, err);
}

void made_payload_deinit(struct made_payload *payload)
{
    free_vectors(&payload->compressed);
    vector_deinit(&payload->frames);
    vector_deinit(&payload->header);
}
