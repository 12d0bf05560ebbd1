#include "node/worker/spill_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define NAME "cdask-worker-"

/* ---- those of the dead ---- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    (void)remove(path);
    return 0;
}

/* The deepest first, and no links followed. */
static void remove_all(const char *path)
{
    (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_if_left(const char *parent, const char *name)
{
    char path[1280];
    int length = snprintf(path, sizeof(path), "%s/%s", parent, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0)
        return;
    if (flock(folder, LOCK_EX | LOCK_NB) == 0)
        remove_all(path);
    close(folder);
}

/* While the lock of a parent is held, every folder in it is locked or was left. */
static void remove_those_left(const char *parent)
{
    DIR *entries = opendir(parent);
    if (!entries)
        return;
    if (flock(dirfd(entries), LOCK_EX) == 0)
        for (struct dirent *entry; (entry = readdir(entries));)
            if (strncmp(entry->d_name, NAME, strlen(NAME)) == 0)
                remove_if_left(parent, entry->d_name);
    closedir(entries);
}

/* As mkdir -p. */
static bool make_path(const char *path)
{
    char part[1024];
    int length = snprintf(part, sizeof(part), "%s", path);
    if (length < 0 || (size_t)length >= sizeof(part))
        return false;
    for (char *at = part + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(part, 0777) == 0 || errno == EEXIST;
}

dk_status spill_folder_prepare(const char *parent, dk_error *err)
{
    if (!make_path(parent) || access(parent, W_OK | X_OK) != 0)
        return error_set(err, DK_EIO, "%s: what does not fit into memory cannot be put there: %s",
                         parent, strerror(errno));
    remove_those_left(parent);
    return DK_OK;
}

/* ---- one's own ---- */

static bool make(struct spill_folder *folder, const char *parent)
{
    int length = snprintf(folder->path, sizeof(folder->path), "%s/" NAME "XXXXXX", parent);
    if (length < 0 || (size_t)length >= sizeof(folder->path) || !mkdtemp(folder->path))
        return false;
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->fd >= 0 && flock(folder->fd, LOCK_EX | LOCK_NB) == 0;
}

bool spill_folder_make(struct spill_folder *folder, const char *parent)
{
    if (*folder->path)
        return true;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool is_made = flock(fd, LOCK_EX) == 0 && make(folder, parent);
    close(fd);
    if (!is_made)
        *folder->path = '\0';
    return is_made;
}

void spill_folder_remove(struct spill_folder *folder)
{
    if (!*folder->path)
        return;
    remove_all(folder->path);
    close(folder->fd);
    *folder->path = '\0';
}
