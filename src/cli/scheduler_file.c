#include "cli/scheduler_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

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

static void folder_of(const char *path, char *out, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    int length = slash == path ? 1 : slash ? (int)(slash - path) : 0;
    snprintf(out, capacity, "%.*s", length, path);
    if (!slash)
        snprintf(out, capacity, ".");
}

bool file_is_possible(const char *path, dk_error *err)
{
    char folder[4096];
    if (!path)
        return true;
    folder_of(path, folder, sizeof(folder));
    return access(folder, W_OK | X_OK) == 0 || fail(path, err);
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

/* ---- reading ---- */

enum found { IS_THERE, IS_NOT_YET, IS_WRONG };

/* What another process is writing ends with its closing brace when it is whole. */
static bool is_whole(const char *json, size_t nbytes)
{
    while (nbytes && strchr(" \n\r\t", json[nbytes - 1]))
        nbytes--;
    return nbytes && json[nbytes - 1] == '}';
}

static enum found read_address(const char *path, char *address, size_t capacity, dk_error *err)
{
    static char json[FILE_NBYTES_MAX];
    FILE *file = fopen(path, "r");
    if (!file && errno == ENOENT)
        return IS_NOT_YET;
    if (!file) {
        fail(path, err);
        return IS_WRONG;
    }
    size_t nbytes = fread(json, 1, sizeof(json) - 1, file);
    fclose(file);
    json[nbytes] = '\0';
    if (!is_whole(json, nbytes) && nbytes < sizeof(json) - 1)
        return IS_NOT_YET;
    if (find_address(json, address, capacity))
        return IS_THERE;
    error_set(err, DK_EPARSE, "%s: this is no scheduler file: it has no \"address\"", path);
    return IS_WRONG;
}

/* ---- waiting ---- */

struct awaited {
    const char *path;
    char *address;
    size_t capacity;
    enum found found;
    dk_error *err;
    uv_fs_event_t changes;
    uv_timer_t patience;
};

static void look(struct awaited *awaited)
{
    awaited->found = read_address(awaited->path, awaited->address, awaited->capacity, awaited->err);
    if (awaited->found != IS_NOT_YET)
        uv_stop(awaited->changes.loop);
}

static void on_change(uv_fs_event_t *changes, const char *name, int events, int status)
{
    (void)name;
    (void)events;
    (void)status;
    look(changes->data);
}

static void on_patience(uv_timer_t *patience)
{
    struct awaited *awaited = patience->data;
    error_set(awaited->err, DK_EIO, "%s: no scheduler has written it in time", awaited->path);
    uv_stop(patience->loop);
}

/* The folder is watched before the first look, so that no change is missed. */
static void await(struct awaited *awaited, uv_loop_t *loop, double timeout_s)
{
    char folder[4096];
    folder_of(awaited->path, folder, sizeof(folder));
    uv_fs_event_init(loop, &awaited->changes);
    uv_timer_init(loop, &awaited->patience);
    awaited->changes.data = awaited->patience.data = awaited;
    int status = uv_fs_event_start(&awaited->changes, on_change, folder, 0);
    if (status != 0)
        error_set(awaited->err, DK_EIO, "%s: %s", awaited->path, uv_strerror(status));
    if (timeout_s >= 0)
        uv_timer_start(&awaited->patience, on_patience, (uint64_t)(timeout_s * 1e3), 0);
    if (status == 0)
        look(awaited);
    if (status == 0 && awaited->found == IS_NOT_YET)
        uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&awaited->changes, NULL);
    uv_close((uv_handle_t *)&awaited->patience, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
}

bool scheduler_file_await(const char *path, double timeout_s, char *address, size_t capacity,
                          dk_error *err)
{
    struct awaited awaited = {.path = path, .capacity = capacity, .found = IS_NOT_YET, .err = err};
    uv_loop_t loop;
    awaited.address = address;
    if (uv_loop_init(&loop) != 0) {
        error_set(err, DK_EIO, "cannot make an event loop");
        return false;
    }
    /* Python's handler would only note Ctrl-C until we return. */
    void (*handler)(int) = signal(SIGINT, SIG_DFL);
    await(&awaited, &loop, timeout_s);
    signal(SIGINT, handler);
    uv_loop_close(&loop);
    return awaited.found == IS_THERE;
}
