/* Scanning one block: rows become typed columns, morsel by morsel. */
#include "io/csv/blocks.h"
#include "io/csv/error.h"
#include "io/csv/header.h"
#include "io/csv/infer.h"

/* A column that is read from the file: where its values go, and how they are made. */
struct target {
    int32_t column;   /* of the source */
    int32_t position; /* in what the caller asked for */
    struct csv_converter converter;
};

struct csv_scan {
    struct memory *memory;
    const struct csv_source *source; /* borrowed */
    int32_t block;
    int32_t ncolumns;
    int32_t ntargets;
    struct target *targets;
    int32_t *fields;  /* in the file, of each target */
    int32_t *columns; /* as asked for */
    struct csv_rows rows;
    struct csv_batch batch;
    int64_t nread;   /* before `rows` was opened */
    uint32_t *pairs; /* scratch of csv_batch_cells() */
    size_t npairs;
};

static void add_targets(struct csv_scan *scan, const int32_t *columns)
{
    const struct csv_source *source = scan->source;
    for (int32_t i = 0; i < scan->ncolumns; i++) {
        const struct csv_column *column = &source->columns[columns[i]];
        scan->columns[i] = columns[i];
        if (column->origin == CSV_PATH)
            continue;
        struct target *target = &scan->targets[scan->ntargets++];
        target->column = columns[i];
        target->position = i;
        csv_converter_init(&target->converter, scan->memory, &source->words, column->type,
                           column->origin == CSV_GIVEN);
    }
}

static struct csv_scan *scan_new(struct memory *memory, const struct csv_source *source,
                                 int32_t block, const int32_t *columns, int32_t ncolumns)
{
    struct csv_scan *scan = memory_calloc(memory, sizeof *scan);
    size_t count = (size_t)ncolumns;
    if (!scan)
        return NULL;
    scan->memory = memory;
    scan->source = source;
    scan->block = block;
    scan->ncolumns = ncolumns;
    scan->targets = memory_calloc(memory, count * sizeof *scan->targets);
    scan->fields = memory_calloc(memory, count * sizeof *scan->fields);
    scan->columns = memory_calloc(memory, count * sizeof *scan->columns);
    if (!scan->targets || !scan->fields || !scan->columns) {
        csv_scan_close(scan);
        return NULL;
    }
    add_targets(scan, columns);
    return scan;
}

/* Opens the rows and finds the columns in this file's own header. */
static dk_status open_rows(struct csv_scan *scan, int32_t *fields, dk_error *err)
{
    const struct csv_source *source = scan->source;
    const struct csv_block *block = &source->blocks[scan->block];
    const struct csv_file *file = &source->files[block->file];
    struct csv_rows *rows = &scan->rows;
    DK_TRY(csv_rows_open(rows, scan->memory, source, file, 0, err));
    DK_TRY(csv_header_map(rows, fields, err));
    if (scan->block == file->first_block) {
        csv_rows_set_limit(rows, block->end);
        return DK_OK;
    }
    int32_t nfields = rows->nfields;
    scan->nread = rows->input.nread;
    csv_rows_close(rows);
    DK_TRY(csv_blocks_open(rows, scan->memory, source, scan->block, err));
    rows->nfields = nfields;
    return DK_OK;
}

static dk_status start(struct csv_scan *scan, dk_error *err)
{
    size_t ncolumns = (size_t)scan->source->ncolumns;
    int32_t *fields = memory_calloc(scan->memory, ncolumns * sizeof *fields);
    if (!fields)
        return error_nomem(err);
    dk_status status = open_rows(scan, fields, err);
    for (int32_t i = 0; i < scan->ntargets; i++)
        scan->fields[i] = fields[scan->targets[i].column];
    memory_free(scan->memory, fields, ncolumns * sizeof *fields);
    return status;
}

dk_status csv_scan_open(struct memory *memory, const struct csv_source *source, int32_t block,
                        const int32_t *columns, int32_t ncolumns, struct csv_scan **out,
                        dk_error *err)
{
    struct csv_scan *scan = scan_new(memory, source, block, columns, ncolumns);
    if (!scan)
        return error_nomem(err);
    dk_status status = start(scan, err);
    if (status == DK_OK)
        *out = scan;
    else
        csv_scan_close(scan);
    return status;
}

void csv_scan_close(struct csv_scan *scan)
{
    if (!scan)
        return;
    struct memory *memory = scan->memory;
    size_t count = (size_t)scan->ncolumns;
    csv_rows_close(&scan->rows);
    for (int32_t i = 0; i < scan->ntargets; i++)
        csv_converter_deinit(&scan->targets[i].converter);
    if (scan->targets)
        memory_free(memory, scan->targets, count * sizeof *scan->targets);
    if (scan->fields)
        memory_free(memory, scan->fields, count * sizeof *scan->fields);
    if (scan->columns)
        memory_free(memory, scan->columns, count * sizeof *scan->columns);
    memory_free(memory, scan->pairs, scan->npairs * 2 * sizeof *scan->pairs);
    memory_free(memory, scan, sizeof *scan);
}

int64_t csv_scan_nbytes(const struct csv_scan *scan)
{
    return scan->nread + scan->rows.input.nread;
}

/* The first of the rows to load that has a fault, in any column. */
struct fault {
    size_t row;
    int32_t target;
    enum csv_fault kind;
};

static dk_status reserve_pairs(struct csv_scan *scan, size_t count)
{
    if (count <= scan->npairs)
        return DK_OK;
    uint32_t *bigger = memory_alloc(scan->memory, count * 2 * sizeof *bigger);
    if (!bigger)
        return DK_ENOMEM;
    memory_free(scan->memory, scan->pairs, scan->npairs * 2 * sizeof *bigger);
    scan->pairs = bigger;
    scan->npairs = count;
    return DK_OK;
}

static dk_status find_cells(struct csv_scan *scan, int32_t target, const int32_t *rows,
                            size_t nrows, struct csv_cells *out)
{
    if (rows || csv_batch_trims(&scan->rows, &scan->batch, scan->fields[target]))
        DK_TRY(reserve_pairs(scan, nrows + 1)); /* for no rows, too, a place to point at */
    *out =
        csv_batch_cells(&scan->rows, &scan->batch, scan->fields, target, rows, nrows, scan->pairs);
    return DK_OK;
}

/* Converts one column; rows from a fault on that another column has are left out. */
static dk_status convert(struct csv_scan *scan, int32_t i, const int32_t *rows, struct vec *out,
                         struct fault *fault)
{
    struct target *target = &scan->targets[i];
    struct csv_cells cells;
    enum csv_fault kind = CSV_FAULT_VALUE;
    size_t nrows;
    DK_TRY(find_cells(scan, i, rows, fault->row, &cells));
    DK_TRY(vec_reset(out, (int64_t)cells.nrows));
    DK_TRY(csv_convert(&target->converter, &cells, out, &nrows, &kind));
    if (nrows < fault->row)
        *fault = (struct fault){nrows, i, kind};
    return DK_OK;
}

static dk_status fill_path(const struct csv_scan *scan, int64_t nrows, struct vec *out)
{
    const struct csv_source *source = scan->source;
    DK_TRY(vec_reset(out, nrows));
    int32_t *codes = out->data;
    int32_t code = source->first_file + source->blocks[scan->block].file;
    for (int64_t i = 0; i < nrows; i++)
        codes[i] = code;
    column_unref(out->dictionary);
    out->dictionary = column_ref(source->paths);
    return DK_OK;
}

static dk_status fail_utf8(const struct csv_scan *scan, int64_t offset,
                           const struct csv_column *column, dk_error *err)
{
    return csv_error_at(err, DK_EPARSE, scan->source, scan->rows.file, offset,
                        "column '%s': the text is not valid UTF-8; convert the file to UTF-8",
                        column->name);
}

static dk_status fail(struct csv_scan *scan, const int32_t *rows, const struct fault *fault,
                      dk_error *err)
{
    struct target *target = &scan->targets[fault->target];
    const struct csv_source *source = scan->source;
    const struct csv_column *column = &source->columns[target->column];
    const struct csv_file *file = scan->rows.file;
    size_t row = rows ? (size_t)rows[fault->row] : fault->row;
    int64_t offset = csv_batch_offset(&scan->rows, &scan->batch, row);
    struct csv_cells cells;
    struct csv_slice text;
    if (fault->kind == CSV_FAULT_MISSING)
        return csv_error_hole(err, source, file, offset, column);
    if (fault->kind == CSV_FAULT_UTF8)
        return fail_utf8(scan, offset, column, err);
    if (find_cells(scan, fault->target, rows, fault->row + 1, &cells) != DK_OK ||
        csv_cell_text(&target->converter, csv_cell_start(&cells, fault->row),
                      csv_cell_end(&cells, fault->row), &text) != DK_OK)
        return error_nomem(err);
    dk_type found = csv_seen_type(csv_seen_cell(&source->words, text));
    return csv_error_cell(err, source, file, offset, column, text.text, text.nbytes,
                          csv_wider_type(column->type, found));
}

dk_status csv_scan_next(struct csv_scan *scan, int64_t max_rows, int64_t *nrows, dk_error *err)
{
    struct csv_batch *batch = &scan->batch;
    *nrows = 0;
    DK_TRY(csv_rows_next(&scan->rows, scan->fields, scan->ntargets, (size_t)max_rows, batch, err));
    if (batch->nrows == 0)
        csv_blocks_learn(scan->source, scan->block, scan->rows.next_start);
    *nrows = (int64_t)batch->nrows;
    return DK_OK;
}

dk_status csv_scan_load(struct csv_scan *scan, int32_t first, int32_t ncolumns, const int32_t *rows,
                        int64_t nrows, struct vec *vecs, dk_error *err)
{
    struct fault fault = {(size_t)nrows, -1, CSV_FAULT_VALUE};
    for (int32_t i = 0; i < scan->ntargets; i++) {
        int32_t at = scan->targets[i].position - first;
        if (at >= 0 && at < ncolumns && convert(scan, i, rows, &vecs[at], &fault) != DK_OK)
            return error_nomem(err);
    }
    if (fault.target >= 0)
        return fail(scan, rows, &fault, err);
    for (int32_t i = 0; i < ncolumns; i++)
        if (scan->source->columns[scan->columns[first + i]].origin == CSV_PATH &&
            fill_path(scan, nrows, &vecs[i]) != DK_OK)
            return error_nomem(err);
    return DK_OK;
}
