/* Cells of one column, and their conversion to typed values. */
#ifndef IO_CSV_CELLS_H
#define IO_CSV_CELLS_H

#include "column/kernels/datetime.h"
#include "column/vec.h"
#include "io/csv/words.h"

/* Cell i is bytes[before[i * stride] + 1 .. end[i * stride]). CSV_PADDING bytes behind any cell are
 * readable. Positions wrap: `before` of a cell at 0 is the highest uint32. */
struct csv_cells {
    const char *bytes;
    const uint32_t *before;
    const uint32_t *end;
    size_t stride;
    size_t nrows;
};

static inline const char *csv_cell_start(const struct csv_cells *cells, size_t i)
{
    return cells->bytes + (uint32_t)(cells->before[i * cells->stride] + 1);
}

static inline const char *csv_cell_end(const struct csv_cells *cells, size_t i)
{
    return cells->bytes + cells->end[i * cells->stride];
}

/* One cell's text, quotes resolved. CSV_PADDING bytes behind it are readable. */
struct csv_slice {
    const char *text;
    size_t nbytes;
};

/* Turns the cells of one column into values, chunk after chunk of one scan. */
struct csv_converter {
    struct memory *memory;
    const struct csv_words *words;
    dk_type type;
    bool
        is_given; /* by the user: 1.0 then is an integer too, and 1 a bool, as for pandas' astype */
    char *scratch; /* the last quoted cell, unquoted */
    size_t scratch_nbytes;
    /* the date that the last timestamp had, for the many that follow with the same */
    uint64_t date_head;
    uint64_t date_tail;
    int64_t date_ns;
    struct timestamp_cache cache; /* the same for timestamps with fractions */
    /* category: the words met so far, and a hash table of codes into them (-1: free) */
    struct vec dictionary;
    struct column *frozen; /* the dictionary as a column, of `frozen->view.nrows` words */
    int32_t *slots;
    size_t nslots;
};

enum csv_fault { CSV_FAULT_VALUE, CSV_FAULT_MISSING, CSV_FAULT_UTF8 };

void csv_converter_init(struct csv_converter *converter, struct memory *memory,
                        const struct csv_words *words, dk_type type, bool is_given);
void csv_converter_deinit(struct csv_converter *converter);

/* Fills `out` (a vec of the converter's type, reset to cells->nrows rows) and sets `*nrows` to the
 * number of rows before the first one that has a fault, whose kind goes to `*fault`. Errors:
 * DK_ENOMEM only. */
dk_status csv_convert(struct csv_converter *converter, const struct csv_cells *cells,
                      struct vec *out, size_t *nrows, enum csv_fault *fault) DK_NODISCARD;

/* The text of a cell; quoted ones are resolved into the converter's scratch. */
dk_status csv_cell_text(struct csv_converter *converter, const char *start, const char *end,
                        struct csv_slice *out) DK_NODISCARD;

/* The cell without blanks around it, as numbers may have them. */
struct csv_slice csv_slice_strip(struct csv_slice slice);

/* Whole numbers: [sign] digits. False when it is none; out of range is told apart for inference. */
enum csv_whole { CSV_NOT_WHOLE, CSV_WHOLE_INT64, CSV_WHOLE_UINT64, CSV_WHOLE_TOO_BIG };
enum csv_whole csv_whole_parse(const char *text, size_t nbytes, int64_t *out);

/* float_avx.c: reads cells of up to 19 digits, perhaps with a minus and a point, to values[i]
 * from row `first` on. Returns the first row whose cell is another (nrows: none is). */
size_t csv_floats_avx(const struct csv_cells *cells, size_t first, double *values);

/* cells_text.c, cells_time.c: the parts csv_convert() chooses from. */
dk_status csv_convert_text(struct csv_converter *converter, const struct csv_cells *cells,
                           struct vec *out, size_t *nrows, enum csv_fault *fault) DK_NODISCARD;
dk_status csv_convert_category(struct csv_converter *converter, const struct csv_cells *cells,
                               struct vec *out, size_t *nrows, enum csv_fault *fault) DK_NODISCARD;
dk_status csv_convert_timestamp(struct csv_converter *converter, const struct csv_cells *cells,
                                struct vec *out, size_t *nrows, enum csv_fault *fault) DK_NODISCARD;

#endif
