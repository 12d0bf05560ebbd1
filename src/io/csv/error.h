/* Errors that name a place in a file. Lines are counted only here. */
#ifndef IO_CSV_ERROR_H
#define IO_CSV_ERROR_H

#include "io/csv/plan.h"

/* The 1-based line of byte `offset` of the (decoded) file; reads the file up to there. */
dk_status csv_error_line(const struct csv_source *source, const struct csv_file *file,
                         int64_t offset, int64_t *line, dk_error *err) DK_NODISCARD;

/* Stores "FILE:LINE: text" and the line in `err` and returns `status`. */
dk_status csv_error_at(dk_error *err, dk_status status, const struct csv_source *source,
                       const struct csv_file *file, int64_t offset, const char *format, ...)
    DK_PRINTF(6, 7);

/* A cell that is not of its column's type; `found` is the type it looks like. */
dk_status csv_error_cell(dk_error *err, const struct csv_source *source,
                         const struct csv_file *file, int64_t offset,
                         const struct csv_column *column, const char *text, size_t nbytes,
                         dk_type found);
/* A hole in an integer column. */
dk_status csv_error_hole(dk_error *err, const struct csv_source *source,
                         const struct csv_file *file, int64_t offset,
                         const struct csv_column *column);

#endif
