/* Patterns and files. */
#include "io/csv/paths.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vector.h"

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static dk_status add_path(struct csv_source *source, struct vector *files, const char *path,
                          dk_error *err)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return error_errno(err, errno, path);
    if (S_ISDIR(info.st_mode))
        return error_set(err, DK_EIO, "%s: Is a directory: name the files in it, as in '%s/*.csv'",
                         path, path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, DK_EIO, "%s: is not a regular file", path);
    struct csv_file *file = vector_push(files);
    if (!file)
        return error_nomem(err);
    file->path = arena_strdup(&source->arena, path);
    file->nbytes = info.st_size;
    file->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    return file->path ? DK_OK : error_nomem(err);
}

/* A file whose name has the characters of a pattern is that file. */
static bool is_pattern(const char *path)
{
    struct stat info;
    return strpbrk(path, "*?[") && stat(path, &info) < 0;
}

static dk_status add_matches(struct csv_source *source, struct vector *files, const char *pattern,
                             dk_error *err)
{
    glob_t found;
    dk_status status = DK_OK;
    errno = 0;
    int code = glob(pattern, GLOB_NOSORT | GLOB_ERR, NULL, &found);
    if (code == GLOB_NOSPACE)
        return error_nomem(err);
    if (code == GLOB_ABORTED && errno != ENOENT)
        return error_errno(err, errno ? errno : EIO, pattern);
    if (code != 0)
        return error_set(err, DK_ENOFILE, "%s resolved to no files", pattern);
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
    for (size_t i = 0; i < found.gl_pathc && status == DK_OK; i++)
        status = add_path(source, files, found.gl_pathv[i], err);
    globfree(&found);
    return status;
}

dk_status csv_paths_resolve(struct csv_source *source, const char *const *paths, size_t npaths,
                            dk_error *err)
{
    struct vector files;
    dk_status status = DK_OK;
    vector_init(&files, source->memory, sizeof *source->files);
    for (size_t i = 0; i < npaths; i++) {
        if (is_pattern(paths[i]))
            DK_TRY_OUT(add_matches(source, &files, paths[i], err));
        else
            DK_TRY_OUT(add_path(source, &files, paths[i], err));
    }
    if (files.count == 0) {
        status = error_set(err, DK_ENOFILE, "an empty list of paths resolved to no files");
        goto out;
    }
    source->files = arena_alloc(&source->arena, files.count * sizeof *source->files);
    if (!source->files) {
        status = error_nomem(err);
        goto out;
    }
    memcpy(source->files, files.data, files.count * sizeof *source->files);
    source->nfiles = (int32_t)files.count;
out:
    vector_deinit(&files);
    return status;
}
