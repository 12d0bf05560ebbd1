/* Writing tables to files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cdask/frame.h>

#include "base/error.h"
#include "base/text.h"
#include "column/table.h"
#include "io/csv.h"

static dk_status write_all(int fd, const char *bytes, size_t nbytes, const char *path,
                           dk_error *err)
{
    while (nbytes) {
        ssize_t written = write(fd, bytes, nbytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_errno(err, errno, path);
        bytes += written;
        nbytes -= (size_t)written;
    }
    return DK_OK;
}

static dk_status write_file(const char *path, const struct text *text, dk_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_errno(err, errno, path);
    dk_status status = write_all(fd, text->data, text->length, path, err);
    if (close(fd) != 0 && status == DK_OK)
        status = error_errno(err, errno, path);
    return status;
}

dk_status dk_table_to_csv(const dk_table *table, const char *path, const dk_to_csv_options *options,
                          dk_error *err)
{
    struct text text;
    text_init(&text, table->memory);
    bool with_header = !options || !options->no_header;
    dk_status status = csv_format(table, options, with_header, &text, err);
    if (status == DK_OK)
        status = write_file(path, &text, err);
    text_deinit(&text);
    return status;
}
