/* Reading CSV: a source is the plan (files, blocks, schema), a scan parses one block morsel by
 * morsel.
 *
 * Opening a source reads a sample only (or everything with infer_all). Its blocks are the
 * partitions: they never span files, files are divided evenly, and a block starts after the first
 * line end at or behind its nominal start that is outside quotes; gzip and zstd files are one block
 * each. A scan reads its block in chunks that stay in cache, finds structure with SIMD (AVX2, else
 * portable) and converts only the columns and rows asked for, so its memory does not grow with the
 * block.
 * Source of the cell rules: pandas.read_csv; of partitions and messages: dask.dataframe.read_csv.
 */
#ifndef IO_CSV_H
#define IO_CSV_H

#include <cdask/csv.h>

#include "base/cursor.h"
#include "base/hash.h"
#include "base/writer.h"
#include "column/table.h"
#include "column/vec.h"

struct csv_source; /* immutable, shared by the scans of all threads */

/* Resolves `paths` (each a file or a glob; a glob's matches are sorted bytewise), samples them and
 * fixes the schema. Copies what it needs of `options` (NULL: defaults). Errors: DK_ENOFILE
 * ("PATTERN resolved to no files"), DK_EIO, DK_EPARSE, DK_ECOLUMN, DK_EINVAL. */
dk_status csv_source_open(struct memory *memory, const char *const *paths, size_t npaths,
                          const dk_csv_options *options, struct csv_source **out,
                          dk_error *err) DK_NODISCARD;
struct csv_source *csv_source_ref(struct csv_source *source);
void csv_source_unref(struct csv_source *source);

/* The schema: the columns after usecols, include_path_column last. */
int32_t csv_source_ncolumns(const struct csv_source *source);
const char *csv_source_name(const struct csv_source *source, int32_t column);
dk_type csv_source_type(const struct csv_source *source, int32_t column);

int32_t csv_source_nblocks(const struct csv_source *source);
int32_t csv_source_nfiles(const struct csv_source *source);
/* The file of block `block`, and the block's nominal bytes (compressed ones for compressed files).
 */
const char *csv_source_path(const struct csv_source *source, int32_t block);
int64_t csv_source_nbytes(const struct csv_source *source, int32_t block);
/* A structural hash of paths, sizes, modification times and options. */
struct token csv_source_token(const struct csv_source *source);

/* The file of block `block`, from 0, and which of its blocks that is. */
int32_t csv_source_file_of(const struct csv_source *source, int32_t block, int32_t *nth);
/* The source of one file alone, with the columns of all: what one learns of its blocks the other
 * knows. NULL when out of memory. */
struct csv_source *csv_source_file(struct csv_source *source, int32_t number) DK_NODISCARD;

/* Writes the source for another process, where the paths of its files begin at the root; without
 * its files, which leaves the columns.
 * Errors: DK_EIO, DK_ENOFILE (there is no working directory), DK_ENOMEM. */
dk_status csv_source_put(const struct csv_source *source, bool with_files, struct writer *out,
                         dk_error *err) DK_NODISCARD;
/* Reads what csv_source_put() wrote; no file is opened.   Errors: DK_EPARSE, DK_EINVAL, DK_ENOMEM.
 */
dk_status csv_source_get(struct memory *memory, struct cursor *cursor, struct csv_source **out,
                         dk_error *err) DK_NODISCARD;

struct csv_scan;

/* Starts parsing block `block` for the schema columns `columns[0 .. ncolumns)`.
 * The source must outlive the scan. */
dk_status csv_scan_open(struct memory *memory, const struct csv_source *source, int32_t block,
                        const int32_t *columns, int32_t ncolumns, struct csv_scan **out,
                        dk_error *err) DK_NODISCARD;

/* Finds the next rows, the batch, at most `max_rows`; `*nrows` is 0 at the end of the block. Cells
 * are not looked at before csv_scan_load().
 * Errors name file and line: DK_EPARSE "Expected 3 fields in line 3, saw 4"; unterminated quote
 * with the line it began on; DK_ENOFILE when the file has gone since planning. Lines are counted
 * from the file's start even in later blocks (counted only when an error needs it). */
dk_status csv_scan_next(struct csv_scan *scan, int64_t max_rows, int64_t *nrows,
                        dk_error *err) DK_NODISCARD;

/* Converts columns `first` to `first + ncolumns - 1` of those the scan was opened for, in the rows
 * `rows[0 .. nrows)` of the batch (ascending; NULL: all, then `nrows` is the batch's), to
 * `vecs[0 .. ncolumns)` (of the schema's types, reset here). A batch may be loaded from again and
 * again until the next one is found. Cells of other rows and columns are not looked at: what stands
 * in them is no error.
 * Errors: DK_EPARSE, with file, line and column: "FILE:LINE: column 'high': cannot parse 'abc' as
 * float64 ... pass dtype={'high': 'str'}"; the first row of these with a fault in any of the
 * columns. */
dk_status csv_scan_load(struct csv_scan *scan, int32_t first, int32_t ncolumns, const int32_t *rows,
                        int64_t nrows, struct vec *vecs, dk_error *err) DK_NODISCARD;
/* File bytes read so far (for reports). */
int64_t csv_scan_nbytes(const struct csv_scan *scan);
void csv_scan_close(struct csv_scan *scan);

/* Appends `table` as pandas' to_csv writes it: floats as the shortest text that reads back to the
 * same double (repr), timestamps as pandas, fields quoted where needed. */
struct text;
dk_status csv_format(const dk_table *table, const dk_to_csv_options *options, bool with_header,
                     struct text *out, dk_error *err) DK_NODISCARD;

#endif
