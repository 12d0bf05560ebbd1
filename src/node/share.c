#include "node/share.h"

#include <fcntl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/* ---- putting ---- */

static dk_status place_frames(const struct payload_value *packed, struct pieces *pieces)
{
    for (size_t i = 0; i < packed->payload.nframes; i++) {
        struct wire_bytes frame = packed->payload.frames[i];
        size_t place;
        DK_TRY(pieces_add(pieces, frame.data, frame.nbytes, &place));
    }
    return DK_OK;
}

static void deinit(struct share *share)
{
    pieces_deinit(&share->pieces);
    vector_deinit(&share->header);
}

dk_status share_put(struct memory *memory, const struct payload_value *packed, struct share *out,
                    dk_error *err)
{
    out->fd = -1;
    pieces_init(&out->pieces, memory);
    vector_init(&out->header, memory, 1);
    struct wire_bytes header = packed->payload.header;
    dk_status status = vector_append(&out->header, header.data, header.nbytes);
    if (status == DK_OK)
        status = place_frames(packed, &out->pieces);
    if (status == DK_OK)
        status = pieces_share(&out->pieces, &out->fd, err);
    if (status != DK_OK)
        deinit(out);
    return status;
}

void share_close(struct share *share)
{
    if (share->fd < 0)
        return;
    close(share->fd);
    deinit(share);
    share->fd = -1;
}

static struct wire_value list_places(const struct pieces *pieces, struct wire_builder *builder)
{
    struct wire_filling places = wire_begin_array(builder, pieces->list.count);
    for (size_t i = 0; i < pieces->list.count; i++) {
        struct wire_filling pair = wire_begin_array(builder, 2);
        wire_add(&pair, wire_int((int64_t)piece_at(pieces, i)->offset));
        wire_add(&pair, wire_int((int64_t)piece_at(pieces, i)->nbytes));
        wire_add(&places, wire_end_array(&pair));
    }
    return wire_end_array(&places);
}

struct wire_value share_wire(const struct share *share, struct wire_bytes key,
                             struct wire_builder *builder)
{
    struct wire_bytes header = {share->header.data, share->header.count};
    struct wire_filling entry = wire_begin_array(builder, 6);
    wire_add(&entry, wire_packed(key));
    wire_add(&entry, wire_bin(header));
    wire_add(&entry, wire_int(getpid()));
    wire_add(&entry, wire_int(share->fd));
    wire_add(&entry, wire_int((int64_t)share->pieces.nbytes));
    wire_add(&entry, list_places(&share->pieces, builder));
    return wire_end_array(&entry);
}

/* ---- taking ---- */

/* What an entry says. */
struct notice {
    struct wire_bytes header;
    int64_t process;
    int64_t descriptor;
    int64_t nbytes;
    const struct wire_value *places;
};

static bool read_notice(const struct wire_value *entry, struct notice *out)
{
    if (entry->kind != WIRE_ARRAY || entry->count != 6)
        return false;
    const struct wire_value *items = entry->as.items;
    if (items[1].kind != WIRE_BIN || items[5].kind != WIRE_ARRAY)
        return false;
    out->header = (struct wire_bytes){items[1].as.bytes, items[1].count};
    out->places = &items[5];
    return wire_read_int(&items[2], &out->process) && wire_read_int(&items[3], &out->descriptor) &&
           wire_read_int(&items[4], &out->nbytes) && out->nbytes > 0;
}

/* Memory that its owner can neither shrink nor write any more: else it could change or end under
 * our hands. */
static bool is_sealed(int fd, int64_t nbytes)
{
    struct stat stat;
    int seals = fcntl(fd, F_GET_SEALS);
    int wanted = F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE;
    return seals >= 0 && (seals & wanted) == wanted && fstat(fd, &stat) == 0 &&
           stat.st_size >= nbytes;
}

static dk_status map(struct memory *memory, const struct notice *notice, struct segment **out,
                     dk_error *err)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%lld/fd/%lld", (long long)notice->process,
             (long long)notice->descriptor);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(err, DK_EIO, "%s: %s", path, strerror(errno));
    dk_status status = DK_EIO;
    if (is_sealed(fd, notice->nbytes))
        status = segment_map(memory, fd, (size_t)notice->nbytes, out);
    else
        error_set(err, status, "%s is not what a peer shares", path);
    close(fd);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

/* `frames` has room for those of the notice. */
static bool find_frames(const struct notice *notice, const struct segment *segment,
                        struct wire_bytes *frames)
{
    for (uint32_t i = 0; i < notice->places->count; i++) {
        const struct wire_value *pair = &notice->places->as.items[i];
        int64_t place, nbytes;
        if (pair->kind != WIRE_ARRAY || pair->count != 2 ||
            !wire_read_int(&pair->as.items[0], &place) ||
            !wire_read_int(&pair->as.items[1], &nbytes) || place < 0 || nbytes < 0 ||
            place > notice->nbytes || nbytes > notice->nbytes - place)
            return false;
        frames[i] = (struct wire_bytes){(const char *)segment->data + place, (size_t)nbytes};
    }
    return true;
}

static void ref_segment(void *self)
{
    segment_ref(self);
}

static void unref_segment(void *self)
{
    segment_unref(self);
}

static dk_status list_frames(const struct notice *notice, struct shared *out, dk_error *err)
{
    size_t nframes = notice->places->count;
    out->frames = memory_alloc(out->memory, nframes * sizeof(*out->frames));
    if (!out->frames)
        return error_nomem(err);
    out->payload = (struct wire_payload){notice->header, out->frames, nframes};
    if (find_frames(notice, out->segment, out->frames))
        return DK_OK;
    return error_set(err, DK_EPARSE, "the frames of a shared result are not inside it");
}

dk_status shared_open(struct memory *memory, const struct wire_value *entry, struct shared *out,
                      dk_error *err)
{
    struct notice notice;
    *out = (struct shared){.memory = memory};
    if (!read_notice(entry, &notice))
        return error_set(err, DK_EPARSE, "get_data: a shared result that cannot be understood");
    dk_status status = map(memory, &notice, &out->segment, err);
    if (status == DK_OK)
        status = list_frames(&notice, out, err);
    if (status != DK_OK)
        shared_close(out);
    return status;
}

void shared_close(struct shared *shared)
{
    memory_free(shared->memory, shared->frames, shared->payload.nframes * sizeof(*shared->frames));
    segment_unref(shared->segment);
    shared->frames = NULL;
    shared->segment = NULL;
}

struct wire_value shared_value(const struct shared *shared)
{
    return (struct wire_value){.kind = WIRE_SERIALIZED, .as.payload = &shared->payload};
}

struct payload_owner shared_owner(const struct shared *shared)
{
    return (struct payload_owner){shared->segment, ref_segment, unref_segment};
}
