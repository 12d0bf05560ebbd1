/* Column names. */
#include "io/csv/header.h"

#include <stdio.h>
#include <string.h>

/* How often a name was used, in an open hash table. */
struct use {
    const char *name;
    int64_t count;
};

struct uses {
    struct use *slots;
    size_t nslots;
};

static dk_status uses_init(struct uses *uses, struct arena *arena, size_t count)
{
    uses->nslots = 16;
    while (uses->nslots < 4 * count)
        uses->nslots *= 2;
    uses->slots = arena_calloc(arena, uses->nslots * sizeof *uses->slots);
    return uses->slots ? DK_OK : DK_ENOMEM;
}

static struct use *find_use(const struct uses *uses, const char *name)
{
    size_t mask = uses->nslots - 1;
    size_t slot = (size_t)hash_bytes(name, strlen(name)) & mask;
    while (uses->slots[slot].name && strcmp(uses->slots[slot].name, name) != 0)
        slot = (slot + 1) & mask;
    uses->slots[slot].name = uses->slots[slot].name ? uses->slots[slot].name : name;
    return &uses->slots[slot];
}

static char *numbered(struct arena *arena, const char *name, int64_t number)
{
    size_t nbytes = strlen(name) + 24;
    char *text = arena_alloc(arena, nbytes);
    if (text)
        (void)snprintf(text, nbytes, "%s.%lld", name, (long long)number);
    return text;
}

/* Gives name i a number when it is in use already. `header` has the names as the file has them. */
static dk_status make_unique(const struct uses *header, const struct uses *uses,
                             struct arena *arena, const char **name)
{
    const char *unique = *name;
    struct use *old = find_use(uses, *name);
    int64_t count = old->count;
    while (count > 0) {
        old->count = count + 1;
        unique = numbered(arena, *name, count);
        if (!unique)
            return DK_ENOMEM;
        count = find_use(header, unique)->count ? count + 1 : find_use(uses, unique)->count;
    }
    find_use(uses, unique)->count = count + 1;
    *name = unique;
    return DK_OK;
}

/* Named columns keep their names; what clashes with them among the unnamed ones gets a number. */
static dk_status make_all_unique(struct arena *arena, struct csv_names *names, const bool *unnamed)
{
    struct uses header;
    struct uses uses;
    DK_TRY(uses_init(&header, arena, 2 * names->count));
    DK_TRY(uses_init(&uses, arena, 2 * names->count));
    for (size_t i = 0; i < names->count; i++)
        find_use(&header, names->names[i])->count++;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < names->count; i++)
            if (unnamed[i] == (pass == 1))
                DK_TRY(make_unique(&header, &uses, arena, &names->names[i]));
    return DK_OK;
}

static dk_status copy_name(struct csv_converter *converter, struct arena *arena,
                           const struct csv_row *row, size_t i, bool *unnamed, const char **out)
{
    struct csv_slice slice;
    uint32_t before = row->ends[(ptrdiff_t)i - 1];
    uint32_t end = row->ends[i];
    if (i + 1 == row->nends)
        end = csv_trim_return(row->bytes, before, end);
    DK_TRY(csv_cell_text(converter, row->bytes + (uint32_t)(before + 1), row->bytes + end, &slice));
    *unnamed = slice.nbytes == 0;
    char *name = arena_alloc(arena, slice.nbytes + 32);
    if (!name)
        return DK_ENOMEM;
    if (*unnamed) {
        (void)snprintf(name, 32, "Unnamed: %zu", i);
    } else {
        memcpy(name, slice.text, slice.nbytes);
        name[slice.nbytes] = 0;
    }
    *out = name;
    return DK_OK;
}

static dk_status copy_names(struct arena *arena, const struct csv_rows *rows,
                            const struct csv_row *row, struct csv_names *out)
{
    dk_status status = DK_OK;
    struct csv_converter converter;
    bool *unnamed = arena_calloc(arena, row->nends);
    out->count = row->nends;
    out->names = arena_calloc(arena, row->nends * sizeof *out->names);
    if (!out->names || !unnamed)
        return DK_ENOMEM;
    csv_converter_init(&converter, rows->memory, &rows->source->words, DK_TEXT, false);
    for (size_t i = 0; i < row->nends; i++)
        DK_TRY_OUT(copy_name(&converter, arena, row, i, &unnamed[i], &out->names[i]));
    status = make_all_unique(arena, out, unnamed);
out:
    csv_converter_deinit(&converter);
    return status;
}

static dk_status read_header(struct csv_rows *rows, struct csv_row *row, dk_error *err)
{
    bool found;
    DK_TRY(csv_rows_header(rows, row, &found, err));
    if (found)
        return DK_OK;
    return error_set(err, DK_EPARSE, "%s: No columns to parse from file", rows->file->path);
}

dk_status csv_header_names(struct csv_rows *rows, struct arena *arena, struct csv_names *out,
                           dk_error *err)
{
    const dk_csv_options *options = &rows->source->options;
    struct csv_row row;
    if (options->names.count == 0) {
        DK_TRY(read_header(rows, &row, err));
        return copy_names(arena, rows, &row, out) == DK_OK ? DK_OK : error_nomem(err);
    }
    if (options->header)
        DK_TRY(read_header(rows, &row, err));
    rows->is_first = true;
    out->count = options->names.count;
    out->names = arena_calloc(arena, out->count * sizeof *out->names);
    if (!out->names)
        return error_nomem(err);
    memcpy(out->names, options->names.names, out->count * sizeof *out->names);
    return DK_OK;
}

/* Columns mostly come in the order of the file: the search goes on where the last one ended. */
static int32_t find_field(const struct csv_names *names, const char *name, size_t *at)
{
    for (size_t i = 0; i < names->count; i++) {
        size_t field = *at + i < names->count ? *at + i : *at + i - names->count;
        if (strcmp(names->names[field], name) == 0) {
            *at = field + 1 < names->count ? field + 1 : 0;
            return (int32_t)field;
        }
    }
    return -1;
}

static dk_status map_columns(const struct csv_rows *rows, const struct csv_names *names,
                             int32_t *fields, dk_error *err)
{
    const struct csv_source *source = rows->source;
    size_t at = 0;
    for (int32_t i = 0; i < source->ncolumns; i++) {
        const struct csv_column *column = &source->columns[i];
        fields[i] = -1;
        if (column->origin == CSV_PATH)
            continue;
        fields[i] = find_field(names, column->name, &at);
        if (fields[i] < 0)
            return error_set(err, DK_ECOLUMN,
                             "%s: the file has no column '%s', which the first file, %s, has",
                             rows->file->path, column->name, source->files[0].path);
    }
    return DK_OK;
}

dk_status csv_header_map(struct csv_rows *rows, int32_t *fields, dk_error *err)
{
    struct arena arena;
    struct csv_names names;
    arena_init(&arena, rows->memory);
    dk_status status = csv_header_names(rows, &arena, &names, err);
    if (status == DK_OK) {
        rows->nfields = (int32_t)names.count;
        status = map_columns(rows, &names, fields, err);
    }
    arena_deinit(&arena);
    return status;
}
