#include "node/worker/spilled.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define PATH_MAX_NBYTES 4096
#define READ_NBYTES     ((size_t)1 << 20)

struct spilled {
    atomic_uint references;
    struct memory *memory;
    int64_t nbytes;
    char path[PATH_MAX_NBYTES];
};

/* ---- writing ---- */

static bool write_all(int fd, struct wire_bytes bytes)
{
    while (bytes.nbytes) {
        ssize_t written = write(fd, bytes.data, bytes.nbytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.data += written;
        bytes.nbytes -= (size_t)written;
    }
    return true;
}

static dk_status write_message(struct spilled *spilled, int fd, const struct encoding *encoding,
                               dk_error *err)
{
    struct wire_bytes prelude = {encoding->prelude.data, encoding->prelude.count};
    const struct wire_bytes *frames = encoding->frames.data;
    bool is_written = write_all(fd, prelude);
    spilled->nbytes = (int64_t)prelude.nbytes;
    for (size_t i = 0; i < encoding->frames.count && is_written; i++) {
        is_written = write_all(fd, frames[i]);
        spilled->nbytes += (int64_t)frames[i].nbytes;
    }
    return is_written ? DK_OK : error_errno(err, errno, spilled->path);
}

static dk_status write_file(struct spilled *spilled, const struct wire_value *value, dk_error *err)
{
    struct encoding encoding;
    DK_TRY(message_encode(&encoding, spilled->memory, value, err));
    int fd = open(spilled->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    dk_status status = fd < 0 ? error_errno(err, errno, spilled->path)
                              : write_message(spilled, fd, &encoding, err);
    if (fd >= 0 && close(fd) != 0 && status == DK_OK)
        status = error_errno(err, errno, spilled->path);
    encoding_deinit(&encoding);
    return status;
}

dk_status spilled_new(struct memory *memory, const char *folder, uint64_t number,
                      const struct wire_value *value, struct spilled **out, dk_error *err)
{
    struct spilled *spilled = memory_alloc(memory, sizeof(*spilled));
    if (!spilled)
        return error_nomem(err);
    atomic_init(&spilled->references, 1);
    spilled->memory = memory;
    snprintf(spilled->path, sizeof(spilled->path), "%s/%" PRIu64, folder, number);
    dk_status status = write_file(spilled, value, err);
    if (status != DK_OK)
        spilled_unref(spilled);
    else
        *out = spilled;
    return status;
}

struct spilled *spilled_ref(struct spilled *spilled)
{
    if (spilled)
        atomic_fetch_add_explicit(&spilled->references, 1, memory_order_relaxed);
    return spilled;
}

void spilled_unref(struct spilled *spilled)
{
    if (!spilled || atomic_fetch_sub_explicit(&spilled->references, 1, memory_order_acq_rel) > 1)
        return;
    unlink(spilled->path);
    memory_free(spilled->memory, spilled, sizeof(*spilled));
}

int64_t spilled_nbytes(const struct spilled *spilled)
{
    return spilled->nbytes;
}

/* ---- reading ---- */

static dk_status take_message(struct frame_reader *reader, struct memory *memory, struct held **out,
                              dk_error *err)
{
    struct frames frames;
    struct message message;
    if (frame_reader_take(reader, &frames) != DK_OK)
        return error_nomem(err);
    DK_TRY(message_decode(&message, frames, err));
    *out = held_new(memory, &message);
    return *out ? DK_OK : error_nomem(err);
}

static dk_status feed(struct frame_reader *reader, int fd, char *buffer, const char *path,
                      dk_error *err)
{
    while (!reader->complete) {
        ssize_t nread = read(fd, buffer, READ_NBYTES);
        if (nread < 0 && errno == EINTR)
            continue;
        if (nread < 0)
            return error_errno(err, errno, path);
        if (nread == 0)
            return error_set(err, DK_EPARSE, "%s: the file ends early", path);
        struct wire_bytes bytes = {buffer, (size_t)nread};
        while (bytes.nbytes && !reader->complete)
            DK_TRY(frame_reader_feed(reader, &bytes, err));
    }
    return DK_OK;
}

dk_status spilled_read(const struct spilled *spilled, struct held **out, dk_error *err)
{
    struct frame_limits limits = {UINT32_MAX, INT64_MAX};
    struct frame_reader reader;
    char *buffer = memory_alloc(spilled->memory, READ_NBYTES);
    if (!buffer)
        return error_nomem(err);
    frame_reader_init(&reader, spilled->memory, limits);
    int fd = open(spilled->path, O_RDONLY | O_CLOEXEC);
    dk_status status = fd < 0 ? error_errno(err, errno, spilled->path)
                              : feed(&reader, fd, buffer, spilled->path, err);
    if (status == DK_OK)
        status = take_message(&reader, spilled->memory, out, err);
    if (fd >= 0)
        close(fd);
    frame_reader_deinit(&reader);
    memory_free(spilled->memory, buffer, READ_NBYTES);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

/* ---- passing on ---- */

/* Beyond the end of a file that somebody has cut there would be no memory. */
static dk_status map_file(const struct spilled *spilled, int fd, struct spilled_view *out,
                          dk_error *err)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0)
        return error_errno(err, errno, spilled->path);
    if (stat.st_size != spilled->nbytes)
        return error_set(err, DK_EPARSE, "%s: the file ends early", spilled->path);
    void *bytes = mmap(NULL, (size_t)spilled->nbytes, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return error_errno(err, errno, spilled->path);
    out->bytes = bytes;
    out->nbytes = (size_t)spilled->nbytes;
    return DK_OK;
}

static dk_status decode_view(struct spilled_view *view, struct memory *memory, dk_error *err)
{
    struct frames frames;
    DK_TRY(frames_view(memory, (struct wire_bytes){view->bytes, view->nbytes}, &frames, err));
    return message_decode(&view->message, frames, err);
}

dk_status spilled_view_open(const struct spilled *spilled, struct spilled_view *out, dk_error *err)
{
    int fd = open(spilled->path, O_RDONLY | O_CLOEXEC);
    dk_status status =
        fd < 0 ? error_errno(err, errno, spilled->path) : map_file(spilled, fd, out, err);
    if (fd >= 0)
        close(fd);
    if (status != DK_OK)
        return status;
    status = decode_view(out, spilled->memory, err);
    if (status != DK_OK)
        munmap(out->bytes, out->nbytes);
    return status;
}

void spilled_view_close(struct spilled_view *view)
{
    if (!view->bytes)
        return;
    message_deinit(&view->message);
    munmap(view->bytes, view->nbytes);
    view->bytes = NULL;
}
