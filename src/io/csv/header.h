/* Column names, and where a file has the columns of the schema.
 * Source: pandas.read_csv (a, a.1, a.2 for names given twice; "Unnamed: 2" for none). */
#ifndef IO_CSV_HEADER_H
#define IO_CSV_HEADER_H

#include "io/csv/rows.h"

struct csv_names {
    const char **names;
    size_t count;
};

/* The names of a file's fields: those of the options, or those of the header, which is taken from
 * `rows` (open at the file's start). The strings live in `arena`. */
dk_status csv_header_names(struct csv_rows *rows, struct arena *arena, struct csv_names *out,
                           dk_error *err) DK_NODISCARD;

/* Takes the header from `rows`, tells them how many fields to expect, and fills fields[0 ..
 * ncolumns) with the position in this file of each column of the source (the path column: -1).
 * Fields that are no column of the source, because usecols left them out or because the first file
 * has none of that name, are passed over.   Errors: DK_ECOLUMN (a column is not in this file). */
dk_status csv_header_map(struct csv_rows *rows, int32_t *fields, dk_error *err) DK_NODISCARD;

#endif
