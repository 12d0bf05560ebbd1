/* Cells to timestamps. Rows of a time series share their date with the row before most of the time,
 * so the last date is kept as the 11 bytes "YYYY-MM-DD " and only the time of day is parsed. */
#include "io/csv/cells.h"
#include "io/csv/float.h"

#define SECOND_NBYTES 19 /* "YYYY-MM-DD HH:MM:SS" */

/* "HH:MM:SS" as nanoseconds; false when it is not one. */
static inline bool parse_clock(const char *text, int64_t *out_ns)
{
    /* XOR leaves digits as their values and colons as 0; the addition then carries into the high
     * bit of a byte that is more than 9, or more than 0 where the colons are. */
    uint64_t values = csv_load8(text) ^ UINT64_C(0x30303a30303a3030);
    if (((values + UINT64_C(0x76767f76767f7676)) | values) & CSV_EACH_BYTE * 0x80)
        return false;
    uint64_t pairs = values * 10 + (values >> 8);
    int64_t hour = (int64_t)(pairs & 0xff);
    int64_t minute = (int64_t)(pairs >> 24 & 0xff);
    int64_t second = (int64_t)(pairs >> 48 & 0xff);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out_ns = (hour * 3600 + minute * 60 + second) * NS_PER_SECOND;
    return true;
}

/* The first bytes of a cell, and the last ones of its date. */
static inline bool has_date(const struct csv_converter *converter, const char *text)
{
    return csv_load8(text) == converter->date_head && csv_load8(text + 3) == converter->date_tail;
}

/* Keeps the date of a cell of the usual form whose time is known. */
static void keep_date(struct csv_converter *converter, const char *text, int64_t ns)
{
    int64_t clock_ns;
    if (text[4] != '-' || text[7] != '-' || !parse_clock(text + 11, &clock_ns))
        return;
    converter->date_head = csv_load8(text);
    converter->date_tail = csv_load8(text + 3);
    converter->date_ns = ns - clock_ns;
}

/* Any other cell. `*ok` is false when it is no timestamp; missing ones are marked in `out`. */
static dk_status parse_timestamp(struct csv_converter *converter, const struct csv_cells *cells,
                                 size_t i, struct vec *out, bool *ok)
{
    int64_t *values = out->data;
    struct csv_slice slice;
    DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &slice));
    *ok = true;
    values[i] = 0;
    if (csv_words_is_missing(converter->words, slice.text, slice.nbytes) ||
        timestamp_is_missing_word(slice.text, slice.nbytes)) {
        vec_set_null(out, (int64_t)i);
        return DK_OK;
    }
    slice = csv_slice_strip(slice);
    *ok = timestamp_parse_cached(&converter->cache, slice.text, slice.nbytes, &values[i]);
    if (*ok && slice.nbytes == SECOND_NBYTES)
        keep_date(converter, slice.text, values[i]);
    return DK_OK;
}

dk_status csv_convert_timestamp(struct csv_converter *converter, const struct csv_cells *cells,
                                struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    const struct csv_cells local = *cells; /* what is stored to `values` cannot change it */
    int64_t *values = out->data;
    size_t i = 0;
    *fault = CSV_FAULT_VALUE;
    for (; i < local.nrows; i++) {
        const char *start = csv_cell_start(&local, i);
        int64_t clock_ns;
        if (csv_cell_end(&local, i) - start == SECOND_NBYTES && has_date(converter, start) &&
            parse_clock(start + 11, &clock_ns)) {
            values[i] = converter->date_ns + clock_ns;
            continue;
        }
        bool ok;
        DK_TRY(parse_timestamp(converter, cells, i, out, &ok));
        if (!ok)
            break;
    }
    *nrows = i;
    return DK_OK;
}
