/* Sources on their way to another process. The plan travels, not how it was made: whoever reads it
 * opens no file before it scans a block. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "io/csv/blocks.h"
#include "io/csv/options.h"

#define NBLOCKS_MAX (1 << 24) /* of what is read */

/* ---- out ---- */

static void put_names(struct writer *out, const dk_names *names)
{
    writer_u32(out, (uint32_t)names->count);
    for (size_t i = 0; i < names->count; i++)
        writer_text(out, names->names[i]);
}

static void put_options(struct writer *out, const dk_csv_options *options)
{
    put_names(out, &options->parse_dates);
    put_names(out, &options->usecols);
    put_names(out, &options->names);
    put_names(out, &options->na_values);
    writer_u32(out, (uint32_t)options->ndtype);
    for (size_t i = 0; i < options->ndtype; i++) {
        writer_text(out, options->dtype[i].name);
        writer_u8(out, (uint8_t)options->dtype[i].type);
    }
    writer_u8(out, options->header);
    writer_u8(out, options->keep_default_na_off);
    writer_u8(out, (uint8_t)options->sep);
    writer_i64(out, options->blocksize);
    writer_text(out, options->include_path_column);
    writer_u8(out, options->infer_all);
    writer_i64(out, options->sample);
    writer_u8(out, options->assume_missing);
}

/* The file may be read from another directory: its path begins at the root. */
static void put_file(struct writer *out, const struct csv_file *file, const char *folder)
{
    size_t nfolder = file->path[0] == '/' ? 0 : strlen(folder) + 1;
    size_t npath = strlen(file->path);
    writer_u32(out, (uint32_t)(nfolder + npath));
    if (nfolder) {
        writer_put(out, folder, nfolder - 1);
        writer_put(out, "/", 1);
    }
    writer_put(out, file->path, npath + 1);
    writer_i64(out, file->nbytes);
    writer_i64(out, file->mtime_ns);
    writer_u32(out, (uint32_t)file->nblocks);
}

/* What the path column shows, in every file the same words, is what was given. */
static void put_paths(struct writer *out, const struct csv_source *source)
{
    if (!source->paths)
        return;
    const struct view *words = &source->paths->view;
    const char *bytes = words->data;
    writer_u32(out, (uint32_t)source->first_file);
    writer_u32(out, (uint32_t)words->nrows);
    for (int64_t i = 0; i < words->nrows; i++) {
        size_t nbytes = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        writer_u32(out, (uint32_t)nbytes);
        writer_put(out, bytes + words->offsets[i], nbytes);
        writer_put(out, "", 1);
    }
}

/* The starts of blocks that are known, so that nobody has to find them again. */
static void put_starts(struct writer *out, const struct csv_source *source)
{
    for (int32_t i = 0; i < source->nblocks; i++) {
        int64_t start = atomic_load(&source->starts[i]);
        if (start <= 0)
            continue;
        writer_u32(out, (uint32_t)i);
        writer_i64(out, start);
    }
    writer_u32(out, UINT32_MAX);
}

static dk_status put_files(struct writer *out, const struct csv_source *source, dk_error *err)
{
    char folder[PATH_MAX];
    if (!getcwd(folder, sizeof(folder)))
        return error_errno(err, errno, "the working directory");
    writer_u32(out, (uint32_t)source->nfiles);
    for (int32_t i = 0; i < source->nfiles; i++)
        put_file(out, &source->files[i], folder);
    put_paths(out, source);
    put_starts(out, source);
    return DK_OK;
}

dk_status csv_source_put(const struct csv_source *source, bool with_files, struct writer *out,
                         dk_error *err)
{
    put_options(out, &source->options);
    writer_u32(out, (uint32_t)source->ncolumns);
    for (int32_t i = 0; i < source->ncolumns; i++) {
        writer_text(out, source->columns[i].name);
        writer_u8(out, (uint8_t)source->columns[i].type);
        writer_u8(out, (uint8_t)source->columns[i].origin);
    }
    writer_put(out, &source->token, sizeof(source->token));
    if (with_files && source->nfiles)
        DK_TRY(put_files(out, source, err));
    else
        writer_u32(out, 0);
    return out->failed ? error_nomem(err) : DK_OK;
}

/* ---- in ---- */

static dk_status damaged(dk_error *err)
{
    return error_set(err, DK_EPARSE, "a source of CSV files is damaged");
}

/* A count of things of which each takes a byte or more. */
static bool get_count(struct cursor *cursor, size_t *count)
{
    *count = cursor_u32(cursor);
    return *count <= cursor_left(cursor);
}

/* They stay where they are: csv_options_init() copies them. */
static dk_status get_names(struct cursor *cursor, struct arena *arena, dk_names *names,
                           dk_error *err)
{
    if (!get_count(cursor, &names->count))
        return damaged(err);
    const char **list = arena_alloc(arena, names->count * sizeof(*list));
    if (!list)
        return error_nomem(err);
    for (size_t i = 0; i < names->count; i++) {
        list[i] = cursor_text(cursor);
        if (!list[i])
            return damaged(err);
    }
    names->names = list;
    return DK_OK;
}

static dk_status get_types(struct cursor *cursor, struct arena *arena, dk_csv_options *options,
                           dk_error *err)
{
    if (!get_count(cursor, &options->ndtype))
        return damaged(err);
    dk_column_type *list = arena_alloc(arena, options->ndtype * sizeof(*list));
    if (!list)
        return error_nomem(err);
    for (size_t i = 0; i < options->ndtype; i++) {
        list[i].name = cursor_text(cursor);
        list[i].type = (dk_type)cursor_u8(cursor);
        if (!list[i].name)
            return damaged(err);
    }
    options->dtype = list;
    return DK_OK;
}

static dk_status get_options(struct cursor *cursor, struct arena *arena, dk_csv_options *options,
                             dk_error *err)
{
    DK_TRY(get_names(cursor, arena, &options->parse_dates, err));
    DK_TRY(get_names(cursor, arena, &options->usecols, err));
    DK_TRY(get_names(cursor, arena, &options->names, err));
    DK_TRY(get_names(cursor, arena, &options->na_values, err));
    DK_TRY(get_types(cursor, arena, options, err));
    options->header = cursor_u8(cursor);
    options->keep_default_na_off = cursor_u8(cursor);
    options->sep = (char)cursor_u8(cursor);
    options->blocksize = cursor_i64(cursor);
    options->include_path_column = cursor_text(cursor);
    options->infer_all = cursor_u8(cursor);
    options->sample = cursor_i64(cursor);
    options->assume_missing = cursor_u8(cursor);
    return cursor->overrun ? damaged(err) : DK_OK;
}

static dk_status get_file(struct cursor *cursor, struct csv_source *source, struct csv_file *file,
                          dk_error *err)
{
    const char *path = cursor_text(cursor);
    file->nbytes = cursor_i64(cursor);
    file->mtime_ns = cursor_i64(cursor);
    uint32_t nblocks = cursor_u32(cursor);
    bool fits = nblocks > 0 && nblocks <= (uint32_t)(NBLOCKS_MAX - source->nblocks);
    if (!path || file->nbytes < 0 || !fits)
        return damaged(err);
    file->path = arena_strdup(&source->arena, path);
    if (!file->path)
        return error_nomem(err);
    file->nblocks = (int32_t)nblocks;
    file->first_block = source->nblocks;
    source->nblocks += file->nblocks;
    return DK_OK;
}

static dk_status get_files(struct cursor *cursor, struct csv_source *source, dk_error *err)
{
    size_t count = 0;
    if (!get_count(cursor, &count) || count > INT32_MAX)
        return damaged(err);
    source->files = arena_calloc(&source->arena, count * sizeof(*source->files));
    if (!source->files)
        return error_nomem(err);
    for (; (size_t)source->nfiles < count; source->nfiles++)
        DK_TRY(get_file(cursor, source, &source->files[source->nfiles], err));
    return csv_blocks_divide(source, err);
}

static dk_status get_words(struct cursor *cursor, size_t count, struct vec *words, dk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *word = cursor_text(cursor);
        if (!word)
            return damaged(err);
        DK_TRY(vec_append_text(words, word, strlen(word)));
    }
    return DK_OK;
}

static dk_status get_paths(struct cursor *cursor, struct csv_source *source, dk_error *err)
{
    struct vec words;
    size_t count = 0;
    if (!source->options.include_path_column)
        return DK_OK;
    uint32_t first = cursor_u32(cursor);
    if (!get_count(cursor, &count) || first > count || (size_t)source->nfiles > count - first)
        return damaged(err);
    source->first_file = (int32_t)first;
    vec_init(&words, source->memory, DK_TEXT);
    dk_status status = get_words(cursor, count, &words, err);
    if (status == DK_OK)
        status = vec_freeze(&words, &source->paths);
    vec_deinit(&words);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static dk_status get_column(struct cursor *cursor, struct csv_source *source, dk_error *err)
{
    struct csv_column *column = &source->columns[source->ncolumns];
    const char *name = cursor_text(cursor);
    column->type = (dk_type)cursor_u8(cursor);
    column->origin = (enum csv_origin)cursor_u8(cursor);
    bool has_path = column->origin == CSV_PATH;
    if (!name || column->type >= DK_TYPE_COUNT || column->type == DK_DURATION ||
        column->origin > CSV_PATH ||
        (has_path && (!source->options.include_path_column || column->type != DK_CATEGORY)))
        return damaged(err);
    column->name = arena_strdup(&source->arena, name);
    if (!column->name)
        return error_nomem(err);
    source->ncolumns++;
    return DK_OK;
}

static dk_status get_columns(struct cursor *cursor, struct csv_source *source, dk_error *err)
{
    size_t count = 0;
    if (!get_count(cursor, &count))
        return damaged(err);
    source->columns = arena_calloc(&source->arena, count * sizeof(*source->columns));
    if (!source->columns)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++)
        DK_TRY(get_column(cursor, source, err));
    return DK_OK;
}

static dk_status get_starts(struct cursor *cursor, struct csv_source *source, dk_error *err)
{
    for (uint32_t i = cursor_u32(cursor); i != UINT32_MAX; i = cursor_u32(cursor)) {
        int64_t start = cursor_i64(cursor);
        if (cursor->overrun || i >= (uint32_t)source->nblocks || start < 0)
            return damaged(err);
        atomic_store(&source->starts[i], start);
    }
    return DK_OK;
}

static dk_status get_source(struct cursor *cursor, struct arena *scratch, struct csv_source *source,
                            dk_error *err)
{
    dk_csv_options options = {.header = false};
    DK_TRY(get_options(cursor, scratch, &options, err));
    DK_TRY(csv_options_init(source, &options, err));
    DK_TRY(get_columns(cursor, source, err));
    cursor_take(cursor, &source->token, sizeof(source->token));
    DK_TRY(get_files(cursor, source, err));
    if (source->nfiles) {
        DK_TRY(get_paths(cursor, source, err));
        DK_TRY(get_starts(cursor, source, err));
    }
    return cursor->overrun ? damaged(err) : DK_OK;
}

dk_status csv_source_get(struct memory *memory, struct cursor *cursor, struct csv_source **out,
                         dk_error *err)
{
    struct arena scratch;
    struct csv_source *source = csv_source_new(memory);
    if (!source)
        return error_nomem(err);
    arena_init(&scratch, memory);
    dk_status status = get_source(cursor, &scratch, source, err);
    arena_deinit(&scratch);
    if (status == DK_OK)
        *out = source;
    else
        csv_source_unref(source);
    return status;
}
