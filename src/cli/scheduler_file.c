#include "cli/scheduler_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define FILE_NBYTES_MAX 65536

static bool fail(const char *path, dk_error *err)
{
    error_errno(err, errno, path);
    return false;
}

static bool write_file(const char *path, const char *text, dk_error *err)
{
    char partial[4096];
    if (!path)
        return true;
    snprintf(partial, sizeof(partial), "%s.%ld", path, (long)getpid());
    FILE *file = fopen(partial, "w");
    if (!file)
        return fail(path, err);
    bool is_written = fputs(text, file) >= 0;
    is_written &= fclose(file) == 0;
    if (is_written && rename(partial, path) == 0)
        return true;
    fail(path, err);
    unlink(partial);
    return false;
}

bool scheduler_file_write(const char *path, const char *identity, dk_error *err)
{
    return write_file(path, identity, err);
}

bool pid_file_write(const char *path, dk_error *err)
{
    char text[32];
    snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    return write_file(path, text, err);
}

bool file_is_possible(const char *path, dk_error *err)
{
    char folder[4096];
    if (!path)
        return true;
    const char *slash = strrchr(path, '/');
    int length = slash == path ? 1 : slash ? (int)(slash - path) : 0;
    snprintf(folder, sizeof(folder), "%.*s", length, path);
    return access(slash ? folder : ".", W_OK | X_OK) == 0 || fail(path, err);
}

void file_remove(const char *path)
{
    if (path)
        unlink(path);
}

/* The text after "address": that is all that is needed of the JSON. */
static bool find_address(const char *json, char *address, size_t capacity)
{
    const char *at = strstr(json, "\"address\"");
    at = at ? strchr(at + strlen("\"address\""), '"') : NULL;
    const char *end = at ? strchr(at + 1, '"') : NULL;
    if (!end || (size_t)(end - at) > capacity)
        return false;
    memcpy(address, at + 1, (size_t)(end - at - 1));
    address[end - at - 1] = '\0';
    return true;
}

bool scheduler_file_read(const char *path, char *address, size_t capacity, dk_error *err)
{
    static char json[FILE_NBYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file)
        return fail(path, err);
    size_t nbytes = fread(json, 1, sizeof(json) - 1, file);
    fclose(file);
    json[nbytes] = '\0';
    if (find_address(json, address, capacity))
        return true;
    error_set(err, DK_EPARSE, "%s: this is no scheduler file: it has no \"address\"", path);
    return false;
}
