/* Blocks. */
#include "io/csv/blocks.h"

__extension__ typedef __int128 wide;

/* How many blocks a file of `nbytes` makes. */
static int64_t count_blocks(int64_t nbytes, int64_t blocksize)
{
    if (blocksize <= 0 || nbytes <= blocksize)
        return 1;
    return nbytes / blocksize;
}

static dk_status count_file(struct csv_source *source, struct csv_file *file, dk_error *err)
{
    struct csv_input input;
    int64_t count = count_blocks(file->nbytes, source->options.blocksize);
    file->nblocks = 1;
    if (count > 1) {
        DK_TRY(csv_input_open(&input, source->memory, file, 0, err));
        if (input.decoder)
            count = 1;
        csv_input_close(&input);
    }
    if (count > INT32_MAX - source->nblocks)
        return error_set(err, DK_EINVAL, "%s: blocksize %lld makes too many blocks", file->path,
                         (long long)source->options.blocksize);
    file->nblocks = (int32_t)count;
    file->first_block = source->nblocks;
    source->nblocks += file->nblocks;
    return DK_OK;
}

static void divide_file(struct csv_source *source, int32_t file)
{
    const struct csv_file *of = &source->files[file];
    int64_t begin = 0;
    for (int32_t i = 0; i < of->nblocks; i++) {
        struct csv_block *block = &source->blocks[of->first_block + i];
        bool is_last = i + 1 == of->nblocks;
        int64_t end = (int64_t)((wide)of->nbytes * (i + 1) / of->nblocks);
        *block = (struct csv_block){file, begin, is_last ? INT64_MAX : end, end - begin};
        atomic_init(&source->starts[of->first_block + i], i == 0 ? 0 : -1);
        begin = end;
    }
}

dk_status csv_blocks_divide(struct csv_source *source, dk_error *err)
{
    size_t count = (size_t)source->nblocks;
    source->blocks = arena_alloc(&source->arena, count * sizeof *source->blocks);
    source->starts = arena_alloc(&source->arena, count * sizeof *source->starts);
    if (!source->blocks || !source->starts)
        return error_nomem(err);
    for (int32_t i = 0; i < source->nfiles; i++)
        divide_file(source, i);
    return DK_OK;
}

dk_status csv_blocks_plan(struct csv_source *source, dk_error *err)
{
    source->nblocks = 0;
    for (int32_t i = 0; i < source->nfiles; i++)
        DK_TRY(count_file(source, &source->files[i], err));
    return csv_blocks_divide(source, err);
}

/* Two scans may find the same start at once, and find the same. */
static dk_status find_start(struct csv_rows *rows, struct memory *memory,
                            const struct csv_source *source, int32_t block, dk_error *err)
{
    const struct csv_file *file = &source->files[source->blocks[block].file];
    int32_t known = block;
    int64_t start = atomic_load(&source->starts[known]);
    while (start < 0)
        start = atomic_load(&source->starts[--known]);
    DK_TRY(csv_rows_open(rows, memory, source, file, start, err));
    while (known < block) {
        known++;
        dk_status status = csv_rows_skip(rows, source->blocks[known].begin, &start, err);
        if (status != DK_OK) {
            csv_rows_close(rows);
            return status;
        }
        atomic_store(&source->starts[known], start);
    }
    return DK_OK;
}

dk_status csv_blocks_open(struct csv_rows *rows, struct memory *memory,
                          const struct csv_source *source, int32_t block, dk_error *err)
{
    DK_TRY(find_start(rows, memory, source, block, err));
    csv_rows_set_limit(rows, source->blocks[block].end);
    return DK_OK;
}

void csv_blocks_learn(const struct csv_source *source, int32_t block, int64_t next_start)
{
    if (source->blocks[block].end != INT64_MAX)
        atomic_store(&source->starts[block + 1], next_start);
}
