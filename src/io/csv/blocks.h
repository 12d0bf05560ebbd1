/* Blocks: how files are divided, and where their first rows really start. */
#ifndef IO_CSV_BLOCKS_H
#define IO_CSV_BLOCKS_H

#include "io/csv/rows.h"

/* Fills source->blocks. A file larger than the blocksize is divided evenly, into as many blocks as
 * fit in it whole; compressed files are one block.   Source: fsspec read_bytes, which Dask uses. */
dk_status csv_blocks_plan(struct csv_source *source, dk_error *err) DK_NODISCARD;

/* The same when nblocks and those of the files are known. */
dk_status csv_blocks_divide(struct csv_source *source, dk_error *err) DK_NODISCARD;

/* Opens `rows` at the first row of block `block`, with its limit set. A block that is not its
 * file's first is found from the nearest block whose start is known, since only the bytes before it
 * tell whether a line end is inside quotes; chunks without quotes are passed over at the speed of
 * memory. */
dk_status csv_blocks_open(struct csv_rows *rows, struct memory *memory,
                          const struct csv_source *source, int32_t block,
                          dk_error *err) DK_NODISCARD;

/* Remembers where the block behind `block` starts. */
void csv_blocks_learn(const struct csv_source *source, int32_t block, int64_t next_start);

#endif
