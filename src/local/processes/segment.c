#include "local/processes/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "local/processes/pipe_message.h"

#define REBASED_COUNT ((size_t)1024) /* offsets rewritten at a time */

static void rebase(int64_t *to, const int64_t *from, size_t count, int64_t base)
{
    for (size_t i = 0; i < count; i++)
        to[i] = from[i] - base;
}

static int write_at(int fd, const char *bytes, size_t nbytes, size_t offset)
{
    while (nbytes) {
        ssize_t n = pwrite(fd, bytes, nbytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno;
        bytes += n;
        nbytes -= (size_t)n;
        offset += (size_t)n;
    }
    return 0;
}

static int write_rebased(int fd, const struct piece *piece)
{
    int64_t chunk[REBASED_COUNT];
    const int64_t *offsets = piece->data;
    size_t count = piece->nbytes / sizeof(int64_t);
    for (size_t at = 0; at < count; at += REBASED_COUNT) {
        size_t n = count - at < REBASED_COUNT ? count - at : REBASED_COUNT;
        rebase(chunk, offsets + at, n, piece->base);
        int errnum = write_at(fd, (const char *)chunk, n * sizeof(int64_t),
                              piece->offset + at * sizeof(int64_t));
        if (errnum)
            return errnum;
    }
    return 0;
}

/* Writing through the file is faster than through a mapping: no page is cleared or faulted in
 * first. */
static int write_pieces(const struct pieces *pieces, int fd)
{
    if (ftruncate(fd, (off_t)pieces->nbytes) != 0)
        return errno;
    for (size_t i = 0; i < pieces->list.count; i++) {
        const struct piece *piece = piece_at(pieces, i);
        int errnum = piece->base ? write_rebased(fd, piece)
                                 : write_at(fd, piece->data, piece->nbytes, piece->offset);
        if (errnum)
            return errnum;
    }
    /* Whoever maps it can rely on it; where the system cannot seal, it is trusted. */
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
    return 0;
}

static dk_status report(dk_error *err, int errnum)
{
    if (errnum == EMFILE || errnum == ENFILE)
        return transfer_error(TRANSFER_FDS_LOST, err);
    if (errnum == ENOSPC)
        errnum = ENOMEM;
    return error_errno(err, errnum, "shared memory for a result");
}

dk_status pieces_share(const struct pieces *pieces, int *fd, dk_error *err)
{
    int created = memfd_create("cdask-result", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (created < 0)
        return report(err, errno);
    int errnum = write_pieces(pieces, created);
    if (errnum) {
        close(created);
        return report(err, errnum);
    }
    *fd = created;
    return DK_OK;
}

static dk_status wrap(struct memory *memory, void *data, size_t nbytes, bool is_mapped,
                      struct segment **out)
{
    struct segment *segment = memory_alloc(memory, sizeof(*segment));
    if (!segment)
        return DK_ENOMEM;
    atomic_init(&segment->refs, 1);
    segment->memory = memory;
    segment->data = data;
    segment->nbytes = nbytes;
    segment->is_mapped = is_mapped;
    *out = segment;
    return DK_OK;
}

dk_status segment_map(struct memory *memory, int fd, size_t nbytes, struct segment **out)
{
    void *data = mmap(NULL, nbytes, PROT_READ, MAP_SHARED, fd, 0);
    if (data == MAP_FAILED)
        return DK_ENOMEM;
    dk_status status = wrap(memory, data, nbytes, true, out);
    if (status != DK_OK)
        munmap(data, nbytes);
    return status;
}

dk_status segment_copy(struct memory *memory, const void *bytes, size_t nbytes,
                       struct segment **out)
{
    void *data = memory_alloc(memory, nbytes);
    if (!data)
        return DK_ENOMEM;
    if (nbytes)
        memcpy(data, bytes, nbytes);
    dk_status status = wrap(memory, data, nbytes, false, out);
    if (status != DK_OK)
        memory_free(memory, data, nbytes);
    return status;
}

struct segment *segment_ref(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->refs, 1, memory_order_relaxed);
    return segment;
}

void segment_unref(struct segment *segment)
{
    if (!segment)
        return;
    if (atomic_fetch_sub_explicit(&segment->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (segment->is_mapped) {
        munmap(segment->data, segment->nbytes);
    } else {
        memory_free(segment->memory, segment->data, segment->nbytes);
    }
    memory_free(segment->memory, segment, sizeof(*segment));
}

static void release(void *owner)
{
    segment_unref(owner);
}

struct buffer *segment_buffer(struct segment *segment, size_t offset, size_t nbytes)
{
    return buffer_wrap(segment->memory, (const char *)segment->data + offset, nbytes, release,
                       segment_ref(segment));
}
