/* Opening a source: files, names, types, blocks. */
#include <stdio.h>
#include <string.h>

#include "io/csv/blocks.h"
#include "io/csv/header.h"
#include "io/csv/infer.h"
#include "io/csv/options.h"
#include "io/csv/paths.h"

static dk_type given_type(const dk_csv_options *options, const char *name, enum csv_origin *origin)
{
    *origin = CSV_DATE;
    if (csv_names_have(&options->parse_dates, name))
        return DK_TIMESTAMP;
    for (size_t i = 0; i < options->ndtype; i++) {
        if (strcmp(options->dtype[i].name, name) != 0)
            continue;
        *origin = options->dtype[i].type == DK_TIMESTAMP ? CSV_DATE : CSV_GIVEN;
        return options->dtype[i].type;
    }
    *origin = CSV_INFERRED;
    return DK_TEXT;
}

static dk_status add_column(struct csv_source *source, const char *name, dk_error *err)
{
    struct csv_column *column = &source->columns[source->ncolumns];
    column->name = arena_strdup(&source->arena, name);
    if (!column->name)
        return error_nomem(err);
    column->type = given_type(&source->options, name, &column->origin);
    source->ncolumns++;
    return DK_OK;
}

/* "'a', 'b', 'c'", as many names as fit. */
static void list_names(const dk_names *names, char *out, size_t capacity)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < names->count; i++) {
        size_t room = capacity - used;
        int n = snprintf(out + used, room, "%s'%s'", i ? ", " : "", names->names[i]);
        if (n < 0 || (size_t)n >= room) {
            out[used] = '\0';
            return;
        }
        used += (size_t)n;
    }
}

/* The name that an option gives must be one of `have`; `message` has pandas' words. */
static dk_status check_name(const struct csv_source *source, const dk_names *have, const char *name,
                            const char *message, dk_error *err)
{
    char list[512];
    if (csv_names_have(have, name))
        return DK_OK;
    list_names(have, list, sizeof list);
    return error_set(err, DK_ECOLUMN, "%s: '%s'; there are %s in %s", message, name, list,
                     source->files[0].path);
}

static dk_status check_names(const struct csv_source *source, const dk_names *names, dk_error *err)
{
    const dk_csv_options *options = &source->options;
    const char *path_column = options->include_path_column;
    const dk_names *kept = options->usecols.count ? &options->usecols : names;
    for (size_t i = 0; i < options->usecols.count; i++)
        DK_TRY(check_name(source, names, options->usecols.names[i],
                          "Usecols do not match columns, columns expected but not found", err));
    for (size_t i = 0; i < options->parse_dates.count; i++)
        DK_TRY(check_name(source, kept, options->parse_dates.names[i],
                          "Missing column provided to 'parse_dates'", err));
    for (size_t i = 0; i < options->ndtype; i++)
        DK_TRY(check_name(source, names, options->dtype[i].name,
                          "Missing column provided to 'dtype'", err));
    if (path_column && csv_names_have(names, path_column))
        return error_set(
            err, DK_EINVAL,
            "Files already contain the column name: '%s', so the path column cannot use "
            "this name. Please set `include_path_column` to a unique name.",
            path_column);
    return DK_OK;
}

/* The columns: those of the first file that usecols keeps, and the path column. */
static dk_status add_columns(struct csv_source *source, const struct csv_names *names,
                             dk_error *err)
{
    const dk_csv_options *options = &source->options;
    dk_names all = {names->names, names->count};
    DK_TRY(check_names(source, &all, err));
    if (names->count > INT32_MAX / 2)
        return error_set(err, DK_EPARSE, "%s: too many columns", source->files[0].path);
    source->columns = arena_calloc(&source->arena, (names->count + 1) * sizeof *source->columns);
    if (!source->columns)
        return error_nomem(err);
    for (size_t i = 0; i < names->count; i++)
        if (options->usecols.count == 0 || csv_names_have(&options->usecols, names->names[i]))
            DK_TRY(add_column(source, names->names[i], err));
    if (!options->include_path_column)
        return DK_OK;
    DK_TRY(add_column(source, options->include_path_column, err));
    source->columns[source->ncolumns - 1].type = DK_CATEGORY;
    source->columns[source->ncolumns - 1].origin = CSV_PATH;
    return DK_OK;
}

static dk_status read_names(struct csv_source *source, dk_error *err)
{
    struct csv_rows rows;
    struct arena arena;
    struct csv_names names;
    DK_TRY(csv_rows_open(&rows, source->memory, source, &source->files[0], 0, err));
    arena_init(&arena, source->memory);
    dk_status status = csv_header_names(&rows, &arena, &names, err);
    if (status == DK_OK)
        status = add_columns(source, &names, err);
    arena_deinit(&arena);
    csv_rows_close(&rows);
    return status;
}

/* The dictionary of the path column: every path, so that all blocks share it. */
static dk_status make_paths(struct csv_source *source, dk_error *err)
{
    struct vec paths;
    dk_status status = DK_OK;
    if (!source->options.include_path_column)
        return DK_OK;
    vec_init(&paths, source->memory, DK_TEXT);
    for (int32_t i = 0; i < source->nfiles; i++) {
        const char *path = source->files[i].path;
        DK_TRY_OUT(vec_append_text(&paths, path, strlen(path)));
    }
    status = vec_freeze(&paths, &source->paths);
out:
    vec_deinit(&paths);
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

static void make_token(struct csv_source *source)
{
    struct token token = csv_options_token(&source->options);
    for (int32_t i = 0; i < source->nfiles; i++) {
        const struct csv_file *file = &source->files[i];
        int64_t numbers[2] = {file->nbytes, file->mtime_ns};
        token = token_mix(token, token_of(file->path, strlen(file->path)));
        token = token_mix(token, token_of(numbers, sizeof numbers));
    }
    source->token = token;
}

static struct csv_source *source_new(struct memory *memory, struct csv_tuning tuning)
{
    struct csv_source *source = memory_calloc(memory, sizeof *source);
    if (!source)
        return NULL;
    atomic_init(&source->refs, 1);
    source->memory = memory;
    source->tuning = tuning;
    arena_init(&source->arena, memory);
    return source;
}

static dk_status plan(struct csv_source *source, dk_error *err)
{
    DK_TRY(read_names(source, err));
    DK_TRY(csv_infer(source, err));
    DK_TRY(csv_blocks_plan(source, err));
    DK_TRY(make_paths(source, err));
    make_token(source);
    return DK_OK;
}

struct csv_source *csv_source_new(struct memory *memory)
{
    return source_new(memory, (struct csv_tuning){CSV_CHUNK_NBYTES, CSV_ENGINE_BEST});
}

dk_status csv_source_open(struct memory *memory, const char *const *paths, size_t npaths,
                          const dk_csv_options *options, struct csv_source **out, dk_error *err)
{
    struct csv_source *source = csv_source_new(memory);
    dk_status status = source ? DK_OK : error_nomem(err);
    if (status == DK_OK)
        status = csv_options_init(source, options, err);
    if (status == DK_OK)
        status = csv_paths_resolve(source, paths, npaths, err);
    if (status == DK_OK)
        status = plan(source, err);
    if (status == DK_OK)
        *out = source;
    else
        csv_source_unref(source);
    return status;
}

static dk_status set_bytes(struct csv_source *source, const char *name, const char *bytes,
                           size_t nbytes, dk_error *err)
{
    source->files = arena_calloc(&source->arena, sizeof *source->files);
    char *path = arena_strdup(&source->arena, name);
    if (!source->files || !path)
        return error_nomem(err);
    source->nfiles = 1;
    source->files[0] = (struct csv_file){.path = path, .bytes = bytes, .nbytes = (int64_t)nbytes};
    return DK_OK;
}

dk_status csv_source_open_bytes(struct memory *memory, const char *name, const char *bytes,
                                size_t nbytes, const dk_csv_options *options,
                                struct csv_tuning tuning, struct csv_source **out, dk_error *err)
{
    struct csv_source *source = source_new(memory, tuning);
    dk_status status = source ? DK_OK : error_nomem(err);
    if (status == DK_OK)
        status = csv_options_init(source, options, err);
    if (status == DK_OK)
        status = set_bytes(source, name, bytes, nbytes, err);
    if (status == DK_OK)
        status = plan(source, err);
    if (status == DK_OK)
        *out = source;
    else
        csv_source_unref(source);
    return status;
}

struct csv_source *csv_source_ref(struct csv_source *source)
{
    atomic_fetch_add_explicit(&source->refs, 1, memory_order_relaxed);
    return source;
}

void csv_source_unref(struct csv_source *source)
{
    if (!source)
        return;
    if (atomic_fetch_sub_explicit(&source->refs, 1, memory_order_acq_rel) != 1)
        return;
    csv_source_unref(source->whole);
    column_unref(source->paths);
    arena_deinit(&source->arena);
    memory_free(source->memory, source, sizeof *source);
}

int32_t csv_source_file_of(const struct csv_source *source, int32_t block, int32_t *nth)
{
    int32_t file = source->blocks[block].file;
    *nth = block - source->files[file].first_block;
    return file;
}

/* Its blocks, which are those of file 0. */
static struct csv_block *blocks_of(struct csv_source *part, const struct csv_file *file)
{
    size_t count = (size_t)file->nblocks;
    struct csv_block *blocks = arena_alloc(&part->arena, count * sizeof(*blocks));
    for (size_t i = 0; blocks && i < count; i++) {
        blocks[i] = part->whole->blocks[(size_t)file->first_block + i];
        blocks[i].file = 0;
    }
    return blocks;
}

struct csv_source *csv_source_file(struct csv_source *source, int32_t number)
{
    const struct csv_file *file = &source->files[number];
    struct csv_source *part = source_new(source->memory, source->tuning);
    if (!part)
        return NULL;
    part->whole = csv_source_ref(source);
    part->first_file = source->first_file + number;
    part->starts = source->starts + file->first_block;
    part->options = source->options;
    part->words = source->words;
    part->columns = source->columns;
    part->ncolumns = source->ncolumns;
    part->paths = source->paths ? column_ref(source->paths) : NULL;
    part->token = source->token;
    part->nfiles = 1;
    part->nblocks = file->nblocks;
    part->files = arena_alloc(&part->arena, sizeof(*part->files));
    part->blocks = blocks_of(part, file);
    if (part->files && part->blocks) {
        part->files[0] = *file;
        part->files[0].first_block = 0;
        return part;
    }
    csv_source_unref(part);
    return NULL;
}

int32_t csv_source_ncolumns(const struct csv_source *source)
{
    return source->ncolumns;
}

const char *csv_source_name(const struct csv_source *source, int32_t column)
{
    return source->columns[column].name;
}

dk_type csv_source_type(const struct csv_source *source, int32_t column)
{
    return source->columns[column].type;
}

int32_t csv_source_nblocks(const struct csv_source *source)
{
    return source->nblocks;
}

int32_t csv_source_nfiles(const struct csv_source *source)
{
    return source->nfiles;
}

const char *csv_source_path(const struct csv_source *source, int32_t block)
{
    return source->files[source->blocks[block].file].path;
}

int64_t csv_source_nbytes(const struct csv_source *source, int32_t block)
{
    return source->blocks[block].nbytes;
}

struct token csv_source_token(const struct csv_source *source)
{
    return source->token;
}
