/* What an open source knows: files, their blocks, the columns and the settings. Internal to the CSV
 * reader. Everything is immutable once opened, except the starts of blocks, which scans learn on
 * the way. */
#ifndef IO_CSV_PLAN_H
#define IO_CSV_PLAN_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/error.h"
#include "io/csv.h"
#include "io/csv/structure.h"
#include "io/csv/words.h"

/* `bytes` is set for files in memory, which only tests have. */
struct csv_file {
    const char *path;
    const char *bytes;
    int64_t nbytes;
    int64_t mtime_ns;
    int32_t first_block;
    int32_t nblocks;
};

/* Rows that start behind `begin` (block 0: at 0 or behind) and not behind `end` are the block's. */
struct csv_block {
    int32_t file;
    int64_t begin;
    int64_t end; /* INT64_MAX in the last block of a file */
    int64_t nbytes;
};

/* How sure a column's type is decides what an error advises. */
enum csv_origin { CSV_INFERRED, CSV_GIVEN, CSV_DATE, CSV_PATH };

struct csv_column {
    const char *name;
    dk_type type;
    enum csv_origin origin;
};

/* Knobs for tests: small chunks, and the slower engines. */
struct csv_tuning {
    uint32_t chunk_nbytes;
    enum csv_engine engine;
};

struct csv_source {
    atomic_int refs;
    struct memory *memory;
    struct csv_source *whole; /* what it is one file of, and whose arrays it uses; NULL: none */
    int32_t first_file;       /* its number there */
    struct arena arena;       /* every string and array below */
    /* Where the first row of each block starts; -1 while nobody has looked. Atomic and no lock, so
     * that a process forked meanwhile finds none taken. */
    _Atomic int64_t *starts;
    dk_csv_options options; /* a deep copy, zeros replaced by the defaults */
    struct csv_words words;
    struct csv_tuning tuning;
    struct csv_file *files;
    int32_t nfiles;
    struct csv_block *blocks;
    int32_t nblocks;
    struct csv_column *columns;
    int32_t ncolumns;
    struct column *paths; /* the dictionary of the path column */
    struct token token;
};

/* The default chunk: it stays in the second-level cache with the positions found in it. */
#define CSV_CHUNK_NBYTES (256u * 1024)

/* An empty source with one reference; NULL when out of memory. */
struct csv_source *csv_source_new(struct memory *memory) DK_NODISCARD;

/* Opens a source over one file in memory. Borrows `bytes`. For tests and fuzzing. */
dk_status csv_source_open_bytes(struct memory *memory, const char *name, const char *bytes,
                                size_t nbytes, const dk_csv_options *options,
                                struct csv_tuning tuning, struct csv_source **out,
                                dk_error *err) DK_NODISCARD;

#endif
