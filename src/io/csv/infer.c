/* Type inference. */
#include "io/csv/infer.h"

#include "io/csv/float.h"
#include "io/csv/header.h"

unsigned csv_seen_cell(const struct csv_words *words, struct csv_slice slice)
{
    int64_t whole = 0;
    double value;
    bool flag;
    if (csv_words_is_missing(words, slice.text, slice.nbytes))
        return CSV_SEEN_MISSING;
    if (csv_words_bool(slice.text, slice.nbytes, &flag))
        return CSV_SEEN_BOOL;
    struct csv_slice number = csv_slice_strip(slice);
    switch (csv_whole_parse(number.text, number.nbytes, &whole)) {
    case CSV_WHOLE_INT64:
        if (csv_words_has_number(words, (double)whole))
            return CSV_SEEN_MISSING;
        return whole < 0 ? CSV_SEEN_INT64 | CSV_SEEN_NEGATIVE : CSV_SEEN_INT64;
    case CSV_WHOLE_UINT64:
        return CSV_SEEN_UINT64;
    case CSV_WHOLE_TOO_BIG:
        return CSV_SEEN_BIG;
    case CSV_NOT_WHOLE:
        break;
    }
    if (!csv_float_parse(number.text, number.text + number.nbytes, &value))
        return CSV_SEEN_TEXT;
    if (isinf(value) && number.nbytes != slice.nbytes)
        return CSV_SEEN_TEXT;
    return csv_words_has_number(words, value) ? CSV_SEEN_MISSING : CSV_SEEN_FLOAT;
}

dk_type csv_seen_type(unsigned seen)
{
    unsigned numbers = CSV_SEEN_INT64 | CSV_SEEN_UINT64 | CSV_SEEN_BIG | CSV_SEEN_FLOAT;
    if (seen == 0 || seen & CSV_SEEN_TEXT)
        return DK_TEXT;
    if (seen & CSV_SEEN_BOOL)
        return seen & numbers ? DK_TEXT : DK_BOOL;
    if (seen & CSV_SEEN_FLOAT || seen == CSV_SEEN_MISSING)
        return DK_FLOAT64;
    if (seen & CSV_SEEN_BIG)
        return DK_TEXT;
    if (seen & CSV_SEEN_UINT64)
        return seen & (CSV_SEEN_NEGATIVE | CSV_SEEN_MISSING) ? DK_TEXT : DK_UINT64;
    return seen & CSV_SEEN_MISSING ? DK_FLOAT64 : DK_INT64;
}

dk_type csv_wider_type(dk_type expected, dk_type found)
{
    if (expected == found)
        return found;
    if (expected == DK_UINT64 || found == DK_UINT64)
        return type_is_float(expected) || type_is_float(found) ? DK_FLOAT64 : DK_TEXT;
    if (type_is_number(expected) && type_is_number(found))
        return type_is_float(expected) || type_is_float(found) ? DK_FLOAT64 : DK_INT64;
    return DK_TEXT;
}

/* The columns to infer: their positions in the file at hand, and what was seen of them so far. */
struct inference {
    struct csv_source *source;
    int32_t *columns; /* of the source */
    int32_t *fields;
    unsigned *seen;
    int32_t count;
    int32_t *map; /* of all columns of the source */
    int64_t nrows;
};

static dk_status look_at_cells(struct csv_converter *converter, const struct csv_cells *cells,
                               unsigned *seen)
{
    for (size_t i = 0; i < cells->nrows && !(*seen & CSV_SEEN_TEXT); i++) {
        struct csv_slice slice;
        DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &slice));
        *seen |= csv_seen_cell(converter->words, slice);
    }
    return DK_OK;
}

/* Rows at a time: the cells of as many fit the scratch for trimmed ones. */
#define SAMPLE_ROWS 1024

/* `*nrows` is how many rows there were, at most `max_rows`. */
static dk_status look_at_rows(struct inference *inference, struct csv_rows *rows,
                              struct csv_converter *converter, size_t max_rows, size_t *nrows,
                              dk_error *err)
{
    uint32_t trimmed[2 * SAMPLE_ROWS];
    struct csv_batch batch;
    DK_TRY(csv_rows_next(rows, inference->fields, inference->count, max_rows, &batch, err));
    for (int32_t i = 0; i < inference->count; i++) {
        struct csv_cells cells =
            csv_batch_cells(rows, &batch, inference->fields, i, NULL, batch.nrows, trimmed);
        if (look_at_cells(converter, &cells, &inference->seen[i]) != DK_OK)
            return error_nomem(err);
    }
    inference->nrows += (int64_t)batch.nrows;
    *nrows = batch.nrows;
    return DK_OK;
}

/* One row in any case, and then all that start within options.sample. */
static dk_status look_at_sample(struct inference *inference, struct csv_rows *rows,
                                struct csv_converter *converter, dk_error *err)
{
    size_t nrows;
    DK_TRY(look_at_rows(inference, rows, converter, 1, &nrows, err));
    if (!inference->source->options.infer_all)
        csv_rows_set_limit(rows, inference->source->options.sample);
    while (nrows > 0)
        DK_TRY(look_at_rows(inference, rows, converter, SAMPLE_ROWS, &nrows, err));
    return DK_OK;
}

static dk_status look_at_file(struct inference *inference, int32_t file, dk_error *err)
{
    struct csv_source *source = inference->source;
    struct csv_rows rows;
    struct csv_converter converter;
    dk_status status;
    DK_TRY(csv_rows_open(&rows, source->memory, source, &source->files[file], 0, err));
    csv_converter_init(&converter, source->memory, &source->words, DK_TEXT, false);
    DK_TRY_OUT(csv_header_map(&rows, inference->map, err));
    for (int32_t i = 0; i < inference->count; i++)
        inference->fields[i] = inference->map[inference->columns[i]];
    status = look_at_sample(inference, &rows, &converter, err);
out:
    csv_converter_deinit(&converter);
    csv_rows_close(&rows);
    return status;
}

/* The first, the middle and the last file; more of them as long as none had a row. */
static dk_status look_at_files(struct inference *inference, dk_error *err)
{
    int32_t nfiles = inference->source->nfiles;
    int32_t samples[3] = {0, nfiles / 2, nfiles - 1};
    if (inference->source->options.infer_all) {
        for (int32_t i = 0; i < nfiles; i++)
            DK_TRY(look_at_file(inference, i, err));
        return DK_OK;
    }
    for (int i = 0; i < 3; i++)
        if (i == 0 || samples[i] != samples[i - 1])
            DK_TRY(look_at_file(inference, samples[i], err));
    for (int32_t i = 1; i < nfiles && inference->nrows == 0; i++)
        DK_TRY(look_at_file(inference, i, err));
    return DK_OK;
}

dk_status csv_infer(struct csv_source *source, dk_error *err)
{
    struct inference inference = {.source = source};
    size_t ncolumns = (size_t)source->ncolumns;
    struct arena arena;
    dk_status status = DK_OK;
    arena_init(&arena, source->memory);
    inference.columns = arena_calloc(&arena, (ncolumns + 1) * sizeof *inference.columns);
    inference.fields = arena_calloc(&arena, (ncolumns + 1) * sizeof *inference.fields);
    inference.map = arena_calloc(&arena, (ncolumns + 1) * sizeof *inference.map);
    inference.seen = arena_calloc(&arena, (ncolumns + 1) * sizeof *inference.seen);
    if (!inference.columns || !inference.fields || !inference.map || !inference.seen) {
        status = error_nomem(err);
        goto out;
    }
    for (int32_t i = 0; i < source->ncolumns; i++)
        if (source->columns[i].origin == CSV_INFERRED)
            inference.columns[inference.count++] = i;
    /* A first row that does not fit the header is an error even if no type is wanted. */
    DK_TRY_OUT(inference.count ? look_at_files(&inference, err) : look_at_file(&inference, 0, err));
    for (int32_t i = 0; i < inference.count; i++) {
        dk_type type = csv_seen_type(inference.seen[i]);
        if (type == DK_INT64 && source->options.assume_missing)
            type = DK_FLOAT64;
        if (type == DK_UINT64 && source->options.assume_missing)
            type = DK_FLOAT64;
        source->columns[inference.columns[i]].type = type;
    }
out:
    arena_deinit(&arena);
    return status;
}
