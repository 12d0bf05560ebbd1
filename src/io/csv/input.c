/* Reading a file in chunks. */
#include "io/csv/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file cut into blocks must still be the file that was cut. */
static dk_status check_unchanged(const struct csv_file *file, const struct stat *now, dk_error *err)
{
    int64_t mtime_ns = (int64_t)now->st_mtim.tv_sec * 1000000000 + now->st_mtim.tv_nsec;
    if (file->nblocks <= 1)
        return DK_OK;
    if (now->st_size == file->nbytes && mtime_ns == file->mtime_ns)
        return DK_OK;
    return error_set(err, DK_EIO,
                     "%s: the file changed after it was divided into blocks (%lld bytes then, %lld "
                     "now); read it again",
                     file->path, (long long)file->nbytes, (long long)now->st_size);
}

static dk_status open_file(struct csv_input *input, dk_error *err)
{
    const struct csv_file *file = input->file;
    struct stat now;
    do {
        input->fd = open(file->path, O_RDONLY | O_CLOEXEC);
    } while (input->fd < 0 && errno == EINTR);
    if (input->fd < 0)
        return error_errno(err, errno, file->path);
    if (fstat(input->fd, &now) < 0)
        return error_errno(err, errno, file->path);
    if (S_ISDIR(now.st_mode))
        return error_errno(err, EISDIR, file->path);
    return check_unchanged(file, &now, err);
}

dk_status csv_input_open(struct csv_input *input, struct memory *memory,
                         const struct csv_file *file, int64_t offset, dk_error *err)
{
    dk_status status = DK_OK;
    enum csv_coding coding = CSV_PLAIN;
    *input = (struct csv_input){.memory = memory, .file = file, .fd = -1, .at = offset};
    if (!file->bytes)
        DK_TRY_OUT(open_file(input, err));
    if (offset == 0)
        DK_TRY_OUT(csv_input_coding(input, &coding, err));
    if (coding != CSV_PLAIN)
        DK_TRY_OUT(csv_decoder_new(memory, coding, &input->decoder, err));
out:
    if (status != DK_OK)
        csv_input_close(input);
    return status;
}

void csv_input_close(struct csv_input *input)
{
    if (input->fd >= 0)
        (void)close(input->fd);
    csv_decoder_free(input->decoder);
    input->fd = -1;
    input->decoder = NULL;
}

dk_status csv_input_coding(struct csv_input *input, enum csv_coding *out, dk_error *err)
{
    char first[8] = {0};
    size_t ngot = 0;
    int64_t at = input->at;
    DK_TRY(csv_input_raw(input, first, sizeof first, &ngot, err));
    input->at = at;
    input->nread = 0;
    return csv_coding_find(input->file->path, first, ngot, out, err);
}

static size_t read_memory(const struct csv_input *input, char *out, size_t nbytes)
{
    int64_t left = input->file->nbytes - input->at;
    size_t n = left <= 0 ? 0 : (uint64_t)left < nbytes ? (size_t)left : nbytes;
    if (n)
        memcpy(out, input->file->bytes + input->at, n);
    return n;
}

dk_status csv_input_raw(struct csv_input *input, char *out, size_t nbytes, size_t *ngot,
                        dk_error *err)
{
    size_t done = 0;
    if (input->file->bytes) {
        done = read_memory(input, out, nbytes);
    } else {
        while (done < nbytes) {
            ssize_t n = pread(input->fd, out + done, nbytes - done, input->at + (int64_t)done);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return error_errno(err, errno, input->file->path);
            if (n == 0)
                break;
            done += (size_t)n;
        }
    }
    input->at += (int64_t)done;
    input->nread += (int64_t)done;
    *ngot = done;
    return DK_OK;
}

dk_status csv_input_read(struct csv_input *input, char *out, size_t nbytes, size_t *ngot,
                         dk_error *err)
{
    if (input->decoder)
        return csv_decoder_read(input->decoder, input, out, nbytes, ngot, err);
    return csv_input_raw(input, out, nbytes, ngot, err);
}
