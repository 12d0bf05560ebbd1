/* Rows of a file: bytes are read in chunks, their structure is found, and batches of cells are
 * handed out. A chunk starts at the row the one before it left incomplete, and grows when a row
 * does not fit. */
#ifndef IO_CSV_ROWS_H
#define IO_CSV_ROWS_H

#include "io/csv/cells.h"
#include "io/csv/input.h"
#include "io/csv/structure.h"

struct csv_rows {
    struct memory *memory;
    struct csv_input input;
    const struct csv_source *source;
    const struct csv_file *file;
    char separator;
    bool at_end;        /* everything has been read; a last line without an end got one */
    bool is_done;       /* no more rows before `limit` */
    bool is_checked;    /* `is_regular` is known for this chunk */
    bool is_regular;    /* every row of the chunk has nfields fields and none can be blank */
    bool is_first;      /* no data row was handed out yet, and the header was just read */
    int32_t nfields;    /* a row's most fields */
    int64_t offset;     /* of bytes[0] in the decoded file */
    int64_t limit;      /* rows that start behind it are the next block's */
    int64_t next_start; /* set with is_done: where the first row behind the limit starts */
    char *bytes;
    size_t capacity; /* without the padding */
    uint32_t begin;  /* the first byte whose structure is not known yet */
    uint32_t filled;
    uint32_t *arrays; /* the memory behind structure.ends and .rows */
    struct csv_structure structure;
    size_t row; /* the next row to hand out, and how many start within the limit */
    size_t nrows;
    uint32_t *gathered; /* cells of irregular chunks */
    size_t gathered_nbytes;
};

/* One row's cells: cell i is bytes[ends[i - 1] + 1 .. ends[i]), the last one possibly with a \r. */
struct csv_row {
    const char *bytes;
    const uint32_t *ends;
    size_t nends;
};

/* Rows, some of them left out (blank ones). Valid until the next call.
 *  first  in the structure
 *  kept   the structure's rows that are in the batch; NULL: all from `first` on
 *  pairs  of before and end, those of the next field `pairs_stride` pairs on; NULL: the structure's
 *         own positions serve */
struct csv_batch {
    size_t nrows;
    size_t first;
    const uint32_t *kept;
    const uint32_t *pairs;
    size_t pairs_stride;
};

/* Starts at `offset`, where a row must start. */
dk_status csv_rows_open(struct csv_rows *rows, struct memory *memory,
                        const struct csv_source *source, const struct csv_file *file,
                        int64_t offset, dk_error *err) DK_NODISCARD;
void csv_rows_close(struct csv_rows *rows);

/* Takes the first row that is not blank; `*found` is false when there is none. */
dk_status csv_rows_header(struct csv_rows *rows, struct csv_row *out, bool *found,
                          dk_error *err) DK_NODISCARD;

/* Rows that start behind `limit` are no longer handed out. */
void csv_rows_set_limit(struct csv_rows *rows, int64_t limit);

/* Moves to the first row that starts behind `target`; its start goes to `*start` (file end: none
 * does). */
dk_status csv_rows_skip(struct csv_rows *rows, int64_t target, int64_t *start,
                        dk_error *err) DK_NODISCARD;

/* The next rows, at most `max_rows`, cut down to the fields asked for (by position in the file). */
dk_status csv_rows_next(struct csv_rows *rows, const int32_t *fields, int32_t nwanted,
                        size_t max_rows, struct csv_batch *out, dk_error *err) DK_NODISCARD;

/* The cells of fields[wanted] in rows chosen[0 .. nrows) of the batch; NULL: in its first `nrows`.
 * `pairs` is scratch for 2 * nrows positions, where chosen cells, and those whose \r has to go, are
 * gathered. */
struct csv_cells csv_batch_cells(const struct csv_rows *rows, const struct csv_batch *batch,
                                 const int32_t *fields, int32_t wanted, const int32_t *chosen,
                                 size_t nrows, uint32_t *pairs);
/* True when csv_batch_cells() writes to `pairs` even if all rows are chosen. */
bool csv_batch_trims(const struct csv_rows *rows, const struct csv_batch *batch, int32_t field);

/* Offset in the decoded file of row i of the batch. */
int64_t csv_batch_offset(const struct csv_rows *rows, const struct csv_batch *batch, size_t i);

/* A cell's end without the \r of a \r\n behind it. */
static inline uint32_t csv_trim_return(const char *bytes, uint32_t before, uint32_t end)
{
    return end != before + 1 && bytes[end] == '\n' && bytes[end - 1] == '\r' ? end - 1 : end;
}

#endif
