/* Types of columns from their cells.
 * Source: pandas.read_csv: int64, else uint64, float64, bool, else text; a hole makes integers
 * float64. Bools with holes stay bool here, where pandas falls back to objects. */
#ifndef IO_CSV_INFER_H
#define IO_CSV_INFER_H

#include "io/csv/rows.h"

/* What a column's cells were seen to be; a set. */
enum csv_seen {
    CSV_SEEN_MISSING = 1,
    CSV_SEEN_BOOL = 2,
    CSV_SEEN_INT64 = 4,
    CSV_SEEN_NEGATIVE = 8,
    CSV_SEEN_UINT64 = 16, /* 2^63 and above */
    CSV_SEEN_BIG = 32,    /* whole, but for no integer type */
    CSV_SEEN_FLOAT = 64,
    CSV_SEEN_TEXT = 128
};

unsigned csv_seen_cell(const struct csv_words *words, struct csv_slice slice);
dk_type csv_seen_type(unsigned seen);
/* The type that holds values of both. */
dk_type csv_wider_type(dk_type expected, dk_type found);

/* Sets the types of the source's columns that were not given, from samples of the first, the middle
 * and the last file, or from everything with infer_all. */
dk_status csv_infer(struct csv_source *source, dk_error *err) DK_NODISCARD;

#endif
