/* Options. */
#include "io/csv/options.h"

#include <string.h>
#include <unistd.h>

#include <sched.h>

#define DEFAULT_SAMPLE        (256 * 1024)
#define DEFAULT_BLOCKSIZE_MAX 64000000

static dk_status copy_names(struct arena *arena, dk_names *names)
{
    const char **copy = arena_calloc(arena, (names->count + 1) * sizeof *copy);
    if (!copy)
        return DK_ENOMEM;
    for (size_t i = 0; i < names->count; i++) {
        copy[i] = arena_strdup(arena, names->names[i]);
        if (!copy[i])
            return DK_ENOMEM;
    }
    names->names = copy;
    return DK_OK;
}

static dk_status copy_types(struct arena *arena, dk_csv_options *options)
{
    dk_column_type *copy = arena_calloc(arena, (options->ndtype + 1) * sizeof *copy);
    if (!copy)
        return DK_ENOMEM;
    for (size_t i = 0; i < options->ndtype; i++) {
        copy[i] = options->dtype[i];
        copy[i].name = arena_strdup(arena, options->dtype[i].name);
        if (!copy[i].name)
            return DK_ENOMEM;
    }
    options->dtype = copy;
    return DK_OK;
}

static dk_status copy_options(struct arena *arena, dk_csv_options *options)
{
    DK_TRY(copy_names(arena, &options->parse_dates));
    DK_TRY(copy_names(arena, &options->usecols));
    DK_TRY(copy_names(arena, &options->names));
    DK_TRY(copy_names(arena, &options->na_values));
    DK_TRY(copy_types(arena, options));
    if (options->include_path_column) {
        options->include_path_column = arena_strdup(arena, options->include_path_column);
        if (!options->include_path_column)
            return DK_ENOMEM;
    }
    return DK_OK;
}

bool csv_names_have(const dk_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i], name) == 0)
            return true;
    return false;
}

static dk_status check_names(const dk_names *names, dk_error *err)
{
    for (size_t i = 1; i < names->count; i++) {
        dk_names before = {names->names, i};
        if (csv_names_have(&before, names->names[i]))
            return error_set(err, DK_EINVAL, "Duplicate names are not allowed: '%s'",
                             names->names[i]);
    }
    return DK_OK;
}

static dk_status check_types(const dk_csv_options *options, dk_error *err)
{
    for (size_t i = 0; i < options->ndtype; i++) {
        const dk_column_type *given = &options->dtype[i];
        if ((unsigned)given->type >= DK_TYPE_COUNT)
            return error_set(err, DK_EINVAL, "dtype of column '%s': there is no type %d",
                             given->name, (int)given->type);
        if (given->type == DK_DURATION)
            return error_set(
                err, DK_EINVAL,
                "the dtype timedelta64[ns] is not supported for parsing (column '%s'); "
                "read it as 'str'",
                given->name);
    }
    return DK_OK;
}

static dk_status check_options(const dk_csv_options *options, dk_error *err)
{
    if (options->sep == '"' || options->sep == '\n' || options->sep == '\r')
        return error_set(err, DK_EINVAL, "sep cannot be a quote or a line end");
    if (options->blocksize < -1)
        return error_set(err, DK_EINVAL, "blocksize is %lld; it must be positive, 0 or -1",
                         (long long)options->blocksize);
    if (options->sample < 0)
        return error_set(err, DK_EINVAL, "sample is %lld; it must not be negative",
                         (long long)options->sample);
    DK_TRY(check_names(&options->names, err));
    return check_types(options, err);
}

dk_status csv_options_init(struct csv_source *source, const dk_csv_options *given, dk_error *err)
{
    dk_csv_options *options = &source->options;
    if (given)
        *options = *given;
    if (options->sep == 0)
        options->sep = ',';
    DK_TRY(check_options(options, err));
    if (options->sample == 0)
        options->sample = DEFAULT_SAMPLE;
    if (options->blocksize == 0)
        options->blocksize = csv_options_blocksize();
    if (copy_options(&source->arena, options) != DK_OK)
        return error_nomem(err);
    if (csv_words_init(&source->words, &source->arena, options) != DK_OK)
        return error_nomem(err);
    return DK_OK;
}

int64_t csv_options_blocksize(void)
{
    cpu_set_t cpus;
    int64_t ncpus = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    int64_t pages = sysconf(_SC_PHYS_PAGES);
    int64_t page_nbytes = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page_nbytes <= 0)
        return DEFAULT_BLOCKSIZE_MAX;
    int64_t share = pages * page_nbytes / ncpus / 10;
    return share < DEFAULT_BLOCKSIZE_MAX ? share : DEFAULT_BLOCKSIZE_MAX;
}

static struct token mix_bytes(struct token token, const void *bytes, size_t nbytes)
{
    return token_mix(token, token_of(bytes, nbytes));
}

static struct token mix_names(struct token token, const dk_names *names)
{
    token = mix_bytes(token, &names->count, sizeof names->count);
    for (size_t i = 0; i < names->count; i++)
        token = mix_bytes(token, names->names[i], strlen(names->names[i]));
    return token;
}

struct token csv_options_token(const dk_csv_options *options)
{
    int64_t numbers[] = {options->header,        options->keep_default_na_off, options->sep,
                         options->blocksize,     options->infer_all,           options->sample,
                         options->assume_missing};
    struct token token = token_of(numbers, sizeof numbers);
    token = mix_names(token, &options->parse_dates);
    token = mix_names(token, &options->usecols);
    token = mix_names(token, &options->names);
    token = mix_names(token, &options->na_values);
    for (size_t i = 0; i < options->ndtype; i++) {
        int32_t type = options->dtype[i].type;
        token = mix_bytes(token, options->dtype[i].name, strlen(options->dtype[i].name));
        token = mix_bytes(token, &type, sizeof type);
    }
    const char *path = options->include_path_column;
    return path ? mix_bytes(token, path, strlen(path) + 1) : token;
}
