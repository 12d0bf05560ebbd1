/* Pictures by Graphviz: its program `dot` reads the document and gives the picture through files in
 * memory, so that no full pipe can block and no broken one can raise a signal. */
#include <cdask/diagnostics.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

enum { INPUT, OUTPUT, MESSAGES, NFILES }; /* as a program's standard files */

static dk_status write_all(int fd, const char *bytes, size_t nbytes, const char *path,
                           dk_error *err)
{
    while (nbytes > 0) {
        ssize_t n = write(fd, bytes, nbytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, path);
        bytes += n;
        nbytes -= (size_t)n;
    }
    return DK_OK;
}

/* "svg" for "graph.svg". */
static dk_status find_format(const char *path, const char **out, dk_error *err)
{
    static const char *const formats[] = {"svg", "png", "pdf"};
    const char *point = strrchr(path, '.');
    for (size_t i = 0; point && i < 3; i++) {
        if (strcasecmp(point + 1, formats[i]) == 0) {
            *out = formats[i];
            return DK_OK;
        }
    }
    return error_set(err, DK_EINVAL, "%s: a picture's name must end in .svg, .png or .pdf", path);
}

static int spawn(const char *format, const int files[NFILES], pid_t *pid)
{
    char option[8];
    char program[] = "dot";
    snprintf(option, sizeof(option), "-T%s", format);
    char *const args[] = {program, option, NULL};
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure)
        return failure;
    for (int i = 0; i < NFILES && !failure; i++)
        failure = posix_spawn_file_actions_adddup2(&actions, files[i], i);
    if (!failure)
        failure = posix_spawnp(pid, program, &actions, NULL, args, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* The exit status as of waitpid(); 0 where the host lets children vanish unasked. */
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static dk_status run_dot(const char *format, const int files[NFILES], dk_error *err)
{
    pid_t pid = 0;
    int failure = spawn(format, files, &pid);
    if (failure == ENOENT)
        return error_set(err, DK_ENOTSUP,
                         "pictures of graphs need the program 'dot' of Graphviz, which is not "
                         "installed (package graphviz); the document itself needs nothing");
    if (failure)
        return error_set(err, DK_EIO, "cannot start 'dot': %s", strerror(failure));
    int status = wait_for(pid);
    if (status == 0 && lseek(files[OUTPUT], 0, SEEK_END) > 0)
        return DK_OK;
    char message[512];
    ssize_t n = pread(files[MESSAGES], message, sizeof(message) - 1, 0);
    message[n > 0 ? n : 0] = 0;
    message[strcspn(message, "\n")] = 0;
    if (WIFSIGNALED(status))
        return error_set(err, DK_EIO, "'dot' was killed by signal %d", WTERMSIG(status));
    return error_set(err, DK_EIO, "'dot' could not draw the graph: %s",
                     *message ? message : "it says no more");
}

static dk_status copy(int from, const char *path, dk_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_errno(err, errno, path);
    char bytes[16384];
    dk_status status = DK_OK;
    ssize_t n = 0;
    for (off_t at = 0; status == DK_OK && (n = pread(from, bytes, sizeof(bytes), at)) > 0; at += n)
        status = write_all(fd, bytes, (size_t)n, path, err);
    if (close(fd) != 0 && status == DK_OK)
        status = error_errno(err, errno, path);
    return status;
}

dk_status dk_draw_dot(const char *dot, const char *path, dk_error *err)
{
    const char *format = NULL;
    DK_TRY(find_format(path, &format, err));
    int files[NFILES] = {-1, -1, -1};
    dk_status status = DK_OK;
    for (int i = 0; i < NFILES; i++) {
        files[i] = memfd_create("cdask-dot", MFD_CLOEXEC);
        if (files[i] < 0) {
            status = error_set(err, DK_EIO, "cannot make a file in memory: %s", strerror(errno));
            goto out;
        }
    }
    DK_TRY_OUT(write_all(files[INPUT], dot, strlen(dot), "the document", err));
    lseek(files[INPUT], 0, SEEK_SET);
    DK_TRY_OUT(run_dot(format, files, err));
    status = copy(files[OUTPUT], path, err);
out:
    for (int i = 0; i < NFILES; i++) {
        if (files[i] >= 0)
            close(files[i]);
    }
    return status;
}
