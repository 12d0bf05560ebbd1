/* Chunks of a file, and the rows in them. */
#include "io/csv/rows.h"

#include <string.h>

#include "io/csv/error.h"

/* An irregular batch has at most this many cells, or a single row. */
#define GATHERED_CELLS_MAX 65536u

/* A byte order mark must be in the first chunk as a whole. */
#define CHUNK_NBYTES_MIN 4

static size_t structure_nends(size_t nbytes)
{
    return nbytes / 4 + 2 * CSV_STRUCTURE_SLACK;
}

/* Arrays for `nends` ends and half as many rows; what was found before is lost. */
static dk_status resize_structure(struct csv_rows *rows, size_t nends)
{
    struct csv_structure *structure = &rows->structure;
    size_t max_rows = nends / 2 + CSV_STRUCTURE_SLACK;
    size_t old = structure->max_ends ? structure->max_ends + structure->max_rows + 1 : 0;
    uint32_t *arrays = memory_resize(rows->memory, rows->arrays, old * sizeof *arrays,
                                     (nends + max_rows + 1) * sizeof *arrays);
    if (!arrays)
        return DK_ENOMEM;
    rows->arrays = arrays;
    structure->ends = arrays + 1;
    structure->rows = arrays + 1 + nends;
    structure->max_ends = nends;
    structure->max_rows = max_rows;
    structure->nends = structure->nrows = 0;
    return DK_OK;
}

static dk_status resize_bytes(struct csv_rows *rows, size_t capacity)
{
    size_t old = rows->bytes ? rows->capacity + CSV_PADDING + 1 : 0;
    char *bytes = memory_resize(rows->memory, rows->bytes, old, capacity + CSV_PADDING + 1);
    if (!bytes)
        return DK_ENOMEM;
    rows->bytes = bytes;
    rows->capacity = capacity;
    return DK_OK;
}

dk_status csv_rows_open(struct csv_rows *rows, struct memory *memory,
                        const struct csv_source *source, const struct csv_file *file,
                        int64_t offset, dk_error *err)
{
    size_t chunk = source->tuning.chunk_nbytes;
    if (chunk < CHUNK_NBYTES_MIN)
        chunk = CHUNK_NBYTES_MIN;
    memset(rows, 0, sizeof *rows);
    rows->memory = memory;
    rows->source = source;
    rows->file = file;
    rows->separator = source->options.sep;
    rows->offset = offset;
    rows->limit = INT64_MAX;
    rows->nfields = INT32_MAX;
    DK_TRY(csv_input_open(&rows->input, memory, file, offset, err));
    if (resize_bytes(rows, chunk) != DK_OK ||
        resize_structure(rows, structure_nends(chunk)) != DK_OK) {
        csv_rows_close(rows);
        return error_nomem(err);
    }
    return DK_OK;
}

void csv_rows_close(struct csv_rows *rows)
{
    struct memory *memory = rows->memory;
    const struct csv_structure *structure = &rows->structure;
    if (!memory)
        return;
    csv_input_close(&rows->input);
    if (rows->bytes)
        memory_free(memory, rows->bytes, rows->capacity + CSV_PADDING + 1);
    if (rows->arrays)
        memory_free(memory, rows->arrays,
                    (structure->max_ends + structure->max_rows + 1) * sizeof *rows->arrays);
    memory_free(memory, rows->gathered, rows->gathered_nbytes);
    rows->bytes = NULL;
    rows->arrays = NULL;
    rows->gathered = NULL;
    rows->gathered_nbytes = 0;
}

/* Bytes worth reading: not much more than the block has left. */
static size_t read_size(const struct csv_rows *rows)
{
    size_t room = rows->capacity - rows->filled;
    int64_t left = rows->limit - (rows->offset + rows->filled);
    if (rows->limit == INT64_MAX || left > (int64_t)room)
        return room;
    size_t wanted = (left > 0 ? (size_t)left : 0) + 4096;
    return wanted < room ? wanted : room;
}

/* A byte order mark is no part of the first name. */
static void skip_mark(struct csv_rows *rows)
{
    if (rows->offset == 0 && rows->filled >= 3 && memcmp(rows->bytes, "\xef\xbb\xbf", 3) == 0)
        rows->begin = 3;
}

/* Moves what is left to the front and reads behind it; a full buffer grows. */
static dk_status refill(struct csv_rows *rows, dk_error *err)
{
    bool is_start = rows->offset == 0 && rows->filled == 0;
    size_t ngot;
    rows->filled -= rows->begin;
    rows->offset += rows->begin;
    memmove(rows->bytes, rows->bytes + rows->begin, rows->filled);
    rows->begin = 0;
    if (rows->filled == rows->capacity) {
        if (rows->capacity > UINT32_MAX / 4)
            return csv_error_at(err, DK_EPARSE, rows->source, rows->file, rows->offset,
                                "a row is longer than 1 GB; is a quote missing?");
        if (resize_bytes(rows, rows->capacity * 2) != DK_OK)
            return error_nomem(err);
    }
    size_t wanted = read_size(rows);
    DK_TRY(csv_input_read(&rows->input, rows->bytes + rows->filled, wanted, &ngot, err));
    rows->filled += (uint32_t)ngot;
    if (is_start)
        skip_mark(rows);
    if (ngot < wanted) {
        rows->at_end = true;
        char last = rows->filled > rows->begin ? rows->bytes[rows->filled - 1] : '\n';
        if (last != '\n' && last != '\r')
            rows->bytes[rows->filled++] = '\n';
    }
    memset(rows->bytes + rows->filled, 0, CSV_PADDING);
    return DK_OK;
}

/* The structure of the bytes at hand. A \r at their end waits for what follows it. */
static void find_structure(struct csv_rows *rows)
{
    uint32_t end = rows->filled;
    if (!rows->at_end && end > rows->begin && rows->bytes[end - 1] == '\r')
        end--;
    csv_structure_find(&rows->structure, rows->source->tuning.engine, rows->bytes, rows->begin, end,
                       rows->separator);
}

static dk_status fail_unterminated(const struct csv_rows *rows, dk_error *err)
{
    uint32_t quote =
        csv_structure_open_quote(rows->bytes, rows->begin, rows->filled, rows->separator);
    return csv_error_at(err, DK_EPARSE, rows->source, rows->file, rows->offset + quote,
                        "EOF inside string: the quote opened here is never closed");
}

/* Start of a row of the structure. */
static uint32_t row_start(const struct csv_rows *rows, size_t row)
{
    const struct csv_structure *structure = &rows->structure;
    ptrdiff_t first = row ? (ptrdiff_t)structure->rows[row - 1] : 0;
    return structure->ends[first - 1] + 1;
}

void csv_rows_set_limit(struct csv_rows *rows, int64_t limit)
{
    size_t low = rows->row;
    size_t high = rows->structure.nrows;
    rows->limit = limit;
    if (rows->offset + rows->filled <= limit)
        low = high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->offset + row_start(rows, middle) <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    rows->nrows = low;
    rows->is_checked = false;
}

static void finish(struct csv_rows *rows, int64_t next_start)
{
    rows->is_done = true;
    rows->next_start = next_start;
    rows->row = rows->nrows = 0;
}

/* Lets go of the rows at hand: the next structure begins behind them. */
static void drop_rows(struct csv_rows *rows)
{
    if (rows->structure.nrows > 0)
        rows->begin = csv_structure_tail(&rows->structure);
    rows->structure.nrows = rows->structure.nends = 0;
    rows->row = rows->nrows = 0;
}

/* Loads rows until some are there or none is left. */
static dk_status load(struct csv_rows *rows, dk_error *err)
{
    struct csv_structure *structure = &rows->structure;
    bool needs_bytes = rows->filled == rows->begin || (structure->nrows > 0 && !structure->is_full);
    if (rows->nrows < structure->nrows) {
        finish(rows, rows->offset + row_start(rows, rows->nrows));
        return DK_OK;
    }
    drop_rows(rows);
    for (;;) {
        if (rows->offset + rows->begin > rows->limit ||
            (rows->at_end && rows->begin == rows->filled)) {
            finish(rows, rows->offset + rows->begin);
            return DK_OK;
        }
        if (needs_bytes && !rows->at_end)
            DK_TRY(refill(rows, err));
        find_structure(rows);
        if (structure->nrows > 0)
            break;
        needs_bytes = !structure->is_full;
        if (structure->is_full) {
            if (resize_structure(rows, structure->max_ends * 2) != DK_OK)
                return error_nomem(err);
        } else if (rows->at_end && rows->begin < rows->filled) {
            return fail_unterminated(rows, err);
        }
    }
    csv_rows_set_limit(rows, rows->limit);
    return DK_OK;
}

/* A row of one field of blanks is no row. */
static bool is_blank(const struct csv_rows *rows, size_t row)
{
    const struct csv_structure *structure = &rows->structure;
    size_t first = row ? structure->rows[row - 1] : 0;
    if (structure->rows[row] - first != 1)
        return false;
    uint32_t before = structure->ends[(ptrdiff_t)first - 1];
    uint32_t end = csv_trim_return(rows->bytes, before, structure->ends[first]);
    for (uint32_t at = before + 1; at < end; at++)
        if (rows->bytes[at] != ' ' && rows->bytes[at] != '\t')
            return false;
    return true;
}

dk_status csv_rows_header(struct csv_rows *rows, struct csv_row *out, bool *found, dk_error *err)
{
    *found = false;
    while (!*found) {
        if (rows->row == rows->nrows) {
            if (!rows->is_done)
                DK_TRY(load(rows, err));
            if (rows->is_done)
                return DK_OK;
        }
        *found = !is_blank(rows, rows->row);
        rows->row++;
    }
    size_t first = rows->row > 1 ? rows->structure.rows[rows->row - 2] : 0;
    *out = (struct csv_row){rows->bytes, rows->structure.ends + first,
                            rows->structure.rows[rows->row - 1] - first};
    rows->is_first = true;
    return DK_OK;
}

/* Skips the chunk at hand by its last line end alone, when it holds no quote. */
static bool skip_chunk(struct csv_rows *rows, int64_t target)
{
    const char *from = rows->bytes + rows->begin;
    size_t nbytes = rows->filled - rows->begin;
    if (rows->offset + rows->filled > target || memchr(from, '"', nbytes))
        return false;
    const char *last = memrchr(from, '\n', nbytes);
    if (!last)
        return false;
    rows->begin = (uint32_t)(last + 1 - rows->bytes);
    return true;
}

dk_status csv_rows_skip(struct csv_rows *rows, int64_t target, int64_t *start, dk_error *err)
{
    while (!rows->is_done) {
        while (rows->row < rows->nrows) {
            *start = rows->offset + row_start(rows, rows->row);
            if (*start > target)
                return DK_OK;
            rows->row++;
        }
        drop_rows(rows);
        if (!rows->at_end) {
            DK_TRY(refill(rows, err));
            if (skip_chunk(rows, target))
                continue;
        }
        DK_TRY(load(rows, err));
    }
    *start = rows->next_start;
    return DK_OK;
}

/* Looks once a chunk whether positions can be handed out as they are. */
static void check_regular(struct csv_rows *rows)
{
    const uint32_t *ends = rows->structure.rows;
    uint32_t wanted = (uint32_t)rows->nfields;
    uint32_t previous = rows->row ? ends[rows->row - 1] : 0;
    bool same = rows->nfields > 1;
    for (size_t i = rows->row; i < rows->nrows; i++) {
        same &= ends[i] - previous == wanted;
        previous = ends[i];
    }
    rows->is_regular = same;
    rows->is_checked = true;
}

static dk_status fail_fields(const struct csv_rows *rows, size_t row, dk_error *err)
{
    const struct csv_structure *structure = &rows->structure;
    size_t first = row ? structure->rows[row - 1] : 0;
    long long saw = (long long)(structure->rows[row] - first);
    int64_t offset = rows->offset + row_start(rows, row);
    if (rows->is_first)
        return csv_error_at(
            err, DK_EPARSE, rows->source, rows->file, offset,
            "the first row has %lld fields and there are names for %d; pandas would "
            "take the extra one in front as the index: name every column (names=...)",
            saw, rows->nfields);
    int64_t line;
    DK_TRY(csv_error_line(rows->source, rows->file, offset, &line, err));
    return csv_error_at(err, DK_EPARSE, rows->source, rows->file, offset,
                        "Error tokenizing data: Expected %d fields in line %lld, saw %lld",
                        rows->nfields, (long long)line, saw);
}

static dk_status reserve_gathered(struct csv_rows *rows, size_t count)
{
    size_t nbytes = count * sizeof *rows->gathered;
    if (nbytes <= rows->gathered_nbytes)
        return DK_OK;
    uint32_t *bigger = memory_alloc(rows->memory, nbytes);
    if (!bigger)
        return DK_ENOMEM;
    memory_free(rows->memory, rows->gathered, rows->gathered_nbytes);
    rows->gathered = bigger;
    rows->gathered_nbytes = nbytes;
    return DK_OK;
}

/* The wanted cells of one row as pairs, `nrows` pairs apart. Fields the row lacks are empty. */
static void gather_row(const struct csv_rows *rows, size_t row, const int32_t *fields,
                       int32_t nwanted, uint32_t *pairs, size_t nrows)
{
    const struct csv_structure *structure = &rows->structure;
    size_t first = row ? structure->rows[row - 1] : 0;
    size_t count = structure->rows[row] - first;
    const uint32_t *ends = structure->ends + first;
    for (int32_t i = 0; i < nwanted; i++) {
        size_t field = (size_t)fields[i];
        uint32_t *pair = pairs + 2 * nrows * (size_t)i;
        if (field < count) {
            pair[0] = ends[(ptrdiff_t)field - 1];
            pair[1] = csv_trim_return(rows->bytes, pair[0], ends[field]);
        } else {
            pair[1] = ends[count - 1];
            pair[0] = pair[1] - 1;
        }
    }
}

/* Rows of a chunk where some are blank, short or too long. `*nrows` is how many of the structure's
 * rows were taken; it stops before a row that is too long unless that one is the first. */
static dk_status gather(struct csv_rows *rows, const int32_t *fields, int32_t nwanted,
                        size_t *nrows, struct csv_batch *out, dk_error *err)
{
    size_t most = GATHERED_CELLS_MAX / ((size_t)nwanted + 1);
    size_t count = *nrows < most ? *nrows : most ? most : 1;
    size_t kept = 0;
    size_t taken = 0;
    if (reserve_gathered(rows, count * (2 * (size_t)nwanted + 1)) != DK_OK)
        return error_nomem(err);
    uint32_t *pairs = rows->gathered + count;
    for (; taken < count; taken++) {
        size_t row = rows->row + taken;
        size_t first = row ? rows->structure.rows[row - 1] : 0;
        if (is_blank(rows, row))
            continue;
        if (rows->structure.rows[row] - first > (size_t)rows->nfields) {
            if (kept > 0)
                break;
            return fail_fields(rows, row, err);
        }
        gather_row(rows, row, fields, nwanted, pairs + 2 * kept, count);
        rows->gathered[kept++] = (uint32_t)row;
    }
    *nrows = taken;
    *out = (struct csv_batch){kept, rows->row, rows->gathered, pairs, count};
    return DK_OK;
}

dk_status csv_rows_next(struct csv_rows *rows, const int32_t *fields, int32_t nwanted,
                        size_t max_rows, struct csv_batch *out, dk_error *err)
{
    *out = (struct csv_batch){0};
    while (out->nrows == 0 && !rows->is_done) {
        if (rows->row == rows->nrows) {
            DK_TRY(load(rows, err));
            continue;
        }
        if (!rows->is_checked)
            check_regular(rows);
        size_t count = rows->nrows - rows->row;
        if (count > max_rows)
            count = max_rows;
        if (rows->is_regular)
            *out = (struct csv_batch){.nrows = count, .first = rows->row};
        else
            DK_TRY(gather(rows, fields, nwanted, &count, out, err));
        rows->row += count;
        if (out->nrows)
            rows->is_first = false;
    }
    return DK_OK;
}

bool csv_batch_trims(const struct csv_rows *rows, const struct csv_batch *batch, int32_t field)
{
    return !batch->pairs && rows->structure.has_return && field == rows->nfields - 1;
}

/* The cells of fields[wanted] where the structure has them. */
static struct csv_cells find_cells(const struct csv_rows *rows, const struct csv_batch *batch,
                                   const int32_t *fields, int32_t wanted, size_t nrows)
{
    const struct csv_structure *structure = &rows->structure;
    if (batch->pairs) {
        const uint32_t *pairs = batch->pairs + 2 * batch->pairs_stride * (size_t)wanted;
        return (struct csv_cells){rows->bytes, pairs, pairs + 1, 2, nrows};
    }
    size_t first = batch->first ? structure->rows[batch->first - 1] : 0;
    const uint32_t *end = structure->ends + first + fields[wanted];
    return (struct csv_cells){rows->bytes, end - 1, end, (size_t)rows->nfields, nrows};
}

struct csv_cells csv_batch_cells(const struct csv_rows *rows, const struct csv_batch *batch,
                                 const int32_t *fields, int32_t wanted, const int32_t *chosen,
                                 size_t nrows, uint32_t *pairs)
{
    struct csv_cells cells = find_cells(rows, batch, fields, wanted, nrows);
    bool trims = csv_batch_trims(rows, batch, fields[wanted]);
    if (!chosen && !trims)
        return cells;
    for (size_t i = 0; i < nrows; i++) {
        size_t at = (chosen ? (size_t)chosen[i] : i) * cells.stride;
        uint32_t before = cells.before[at];
        uint32_t end = cells.end[at];
        pairs[2 * i] = before;
        pairs[2 * i + 1] = trims ? csv_trim_return(rows->bytes, before, end) : end;
    }
    return (struct csv_cells){rows->bytes, pairs, pairs + 1, 2, nrows};
}

int64_t csv_batch_offset(const struct csv_rows *rows, const struct csv_batch *batch, size_t i)
{
    return rows->offset + row_start(rows, batch->kept ? batch->kept[i] : batch->first + i);
}
