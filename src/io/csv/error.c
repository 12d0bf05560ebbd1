/* Messages with file and line. */
#include "io/csv/error.h"

#include <stdio.h>
#include <string.h>

#include "io/csv/input.h"

#define COUNT_NBYTES (64u * 1024)

/* \n, and \r unless a \n follows it; `last` is the byte before. */
static int64_t count_lines(const char *bytes, size_t nbytes, char *last)
{
    int64_t lines = 0;
    for (size_t i = 0; i < nbytes; i++) {
        lines += bytes[i] == '\r' || (bytes[i] == '\n' && *last != '\r');
        *last = bytes[i];
    }
    return lines;
}

dk_status csv_error_line(const struct csv_source *source, const struct csv_file *file,
                         int64_t offset, int64_t *line, dk_error *err)
{
    struct csv_input input;
    dk_status status = DK_OK;
    char last = 0;
    char *bytes = memory_alloc(source->memory, COUNT_NBYTES);
    if (!bytes)
        return error_nomem(err);
    status = csv_input_open(&input, source->memory, file, 0, err);
    if (status != DK_OK) {
        memory_free(source->memory, bytes, COUNT_NBYTES);
        return status;
    }
    *line = 1;
    while (offset > 0) {
        size_t ngot;
        size_t wanted = offset < COUNT_NBYTES ? (size_t)offset : COUNT_NBYTES;
        DK_TRY_OUT(csv_input_read(&input, bytes, wanted, &ngot, err));
        *line += count_lines(bytes, ngot, &last);
        offset = ngot < wanted ? 0 : offset - (int64_t)ngot;
    }
out:
    csv_input_close(&input);
    memory_free(source->memory, bytes, COUNT_NBYTES);
    return status;
}

dk_status csv_error_at(dk_error *err, dk_status status, const struct csv_source *source,
                       const struct csv_file *file, int64_t offset, const char *format, ...)
{
    int64_t line;
    va_list args;
    DK_TRY(csv_error_line(source, file, offset, &line, err));
    va_start(args, format);
    (void)error_setv(err, status, format, args);
    va_end(args);
    error_prefix(err, "%s:%lld", file->path, (long long)line);
    if (err)
        err->line = line;
    return status;
}

/* At most this much of a cell is shown. */
#define SHOWN_BYTES 64

dk_status csv_error_cell(dk_error *err, const struct csv_source *source,
                         const struct csv_file *file, int64_t offset,
                         const struct csv_column *column, const char *text, size_t nbytes,
                         dk_type found)
{
    int shown = nbytes > SHOWN_BYTES ? SHOWN_BYTES : (int)nbytes;
    const char *more = nbytes > SHOWN_BYTES ? "..." : "";
    if (column->origin == CSV_DATE)
        return csv_error_at(
            err, DK_EPARSE, source, file, offset,
            "column '%s' failed to properly parse as dates: cannot parse '%.*s%s' as "
            "an ISO 8601 timestamp; take it out of parse_dates to read it as text",
            column->name, shown, text, more);
    if (column->origin == CSV_GIVEN)
        return csv_error_at(err, DK_EPARSE, source, file, offset,
                            "column '%s': cannot parse '%.*s%s' as %s, the type given for it; it "
                            "looks like %s: pass dtype={'%s': '%s'}",
                            column->name, shown, text, more, dk_type_name(column->type),
                            dk_type_name(found), column->name, dk_type_name(found));
    return csv_error_at(
        err, DK_EPARSE, source, file, offset,
        "column '%s': cannot parse '%.*s%s' as %s.\n"
        "Mismatched dtypes: column '%s', found %s, expected %s (inferred from a sample of the "
        "files).\nSpecify the type, dtype={'%s': '%s'}, or let infer_all=True look at all rows%s.",
        column->name, shown, text, more, dk_type_name(column->type), column->name,
        dk_type_name(found), dk_type_name(column->type), column->name, dk_type_name(found),
        found == DK_FLOAT64 ? ". Alternatively, assume_missing=True interprets all unspecified "
                              "integer columns as floats"
                            : "");
}

dk_status csv_error_hole(dk_error *err, const struct csv_source *source,
                         const struct csv_file *file, int64_t offset,
                         const struct csv_column *column)
{
    const char *advice =
        column->origin == CSV_GIVEN
            ? ""
            : ", or assume_missing=True to interpret all unspecified integer columns "
              "as floats, or infer_all=True to look at all rows";
    return csv_error_at(
        err, DK_EPARSE, source, file, offset,
        "column '%s': Integer column has NA values: a value is missing, expected %s, "
        "found float64.\nSpecify the type, dtype={'%s': 'float64'}%s.",
        column->name, dk_type_name(column->type), column->name, advice);
}
