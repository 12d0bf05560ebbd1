/* Writing CSV.
 * Source: pandas DataFrame.to_csv with csv.QUOTE_MINIMAL; a lone \r is quoted too, as it would end
 * a line for the reader. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "column/kernels/datetime.h"
#include "io/csv.h"
#include "io/csv/float_repr.h"

/* A column to be written. `digits` behind the seconds and `only_days` hold for all its values. */
struct field {
    struct view view;
    bool only_days;
    int digits;
};

struct printer {
    struct text *out;
    char separator;
    const char *missing;
    size_t missing_nbytes;
    struct field *fields;
    size_t nfields;
};

static bool needs_quotes(const struct printer *printer, const char *bytes, size_t nbytes)
{
    if (nbytes == 0)
        return printer->nfields == 1; /* or the line would look blank */
    for (size_t i = 0; i < nbytes; i++) {
        char c = bytes[i];
        if (c == printer->separator || c == '"' || c == '\n' || c == '\r')
            return true;
    }
    return false;
}

static void put_text(const struct printer *printer, const char *bytes, size_t nbytes)
{
    struct text *out = printer->out;
    if (!needs_quotes(printer, bytes, nbytes)) {
        text_append(out, bytes, nbytes);
        return;
    }
    text_putc(out, '"');
    for (size_t i = 0; i < nbytes; i++) {
        if (bytes[i] == '"')
            text_putc(out, '"');
        text_putc(out, bytes[i]);
    }
    text_putc(out, '"');
}

/* "-1 days +23:59:59.500000", or "-1 days" when all durations of the column are days. */
static void put_duration(const struct printer *printer, const struct field *field, int64_t ns)
{
    int64_t days = ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
    int64_t rest = ns - days * NS_PER_DAY;
    int64_t seconds = rest / NS_PER_SECOND;
    int64_t fraction = rest % NS_PER_SECOND;
    char text[64];
    int length = snprintf(text, sizeof text, "%lld days", (long long)days);
    if (!field->only_days)
        length += snprintf(text + length, sizeof text - (size_t)length, " %s%02d:%02d:%02d",
                           days < 0 ? "+" : "", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                           (int)(seconds % 60));
    if (field->digits) {
        int shown = (int)(field->digits == 9 ? fraction : fraction / 1000);
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ".%0*d", field->digits, shown);
    }
    put_text(printer, text, (size_t)length);
}

static size_t format_integer(const struct view *view, int64_t row, char out[32])
{
    long long value = 0;
    switch (view->type) {
    case DK_INT8:
        value = ((const int8_t *)view->data)[row];
        break;
    case DK_INT16:
        value = ((const int16_t *)view->data)[row];
        break;
    case DK_INT32:
        value = ((const int32_t *)view->data)[row];
        break;
    case DK_UINT64:
        return (size_t)snprintf(out, 32, "%llu",
                                (unsigned long long)((const uint64_t *)view->data)[row]);
    default:
        value = ((const int64_t *)view->data)[row];
    }
    return (size_t)snprintf(out, 32, "%lld", value);
}

static void put_view_text(const struct printer *printer, const struct view *view, int64_t row)
{
    const char *pool = view->data;
    put_text(printer, pool + view->offsets[row],
             (size_t)(view->offsets[row + 1] - view->offsets[row]));
}

static size_t format_number(const struct field *field, int64_t row, char out[64])
{
    const struct view *view = &field->view;
    switch (view->type) {
    case DK_FLOAT32:
        return float_repr_single(((const float *)view->data)[row], out);
    case DK_FLOAT64:
        return float_repr(((const double *)view->data)[row], out);
    case DK_TIMESTAMP:
        return timestamp_format(((const int64_t *)view->data)[row], field->only_days, field->digits,
                                out);
    default:
        return format_integer(view, row, out);
    }
}

static void put_value(const struct printer *printer, const struct field *field, int64_t row)
{
    const struct view *view = &field->view;
    char text[64];
    if (!view_is_valid(view, row)) {
        put_text(printer, printer->missing, printer->missing_nbytes);
    } else if (view->type == DK_TEXT) {
        put_view_text(printer, view, row);
    } else if (view->type == DK_CATEGORY) {
        put_view_text(printer, &view->dictionary->view, ((const int32_t *)view->data)[row]);
    } else if (view->type == DK_DURATION) {
        put_duration(printer, field, ((const int64_t *)view->data)[row]);
    } else if (view->type == DK_BOOL) {
        bool value = ((const uint8_t *)view->data)[row];
        put_text(printer, value ? "True" : "False", value ? 4 : 5);
    } else {
        put_text(printer, text, format_number(field, row, text));
    }
}

/* How many digits all of a column's times need: none, 3 (timestamps only), 6 or 9. */
static void choose_digits(struct field *field)
{
    const int64_t *values = field->view.data;
    bool days = true;
    bool seconds = true;
    bool millis = field->view.type == DK_TIMESTAMP;
    bool micros = true;
    for (int64_t i = 0; i < field->view.nrows; i++) {
        if (!view_is_valid(&field->view, i))
            continue;
        days &= values[i] % NS_PER_DAY == 0;
        seconds &= values[i] % NS_PER_SECOND == 0;
        millis &= values[i] % 1000000 == 0;
        micros &= values[i] % 1000 == 0;
    }
    field->only_days = days;
    field->digits = seconds ? 0 : millis ? 3 : micros ? 6 : 9;
}

static void add_field(struct printer *printer, const struct view *view)
{
    struct field *field = &printer->fields[printer->nfields++];
    field->view = *view;
    if (view->type == DK_TIMESTAMP || view->type == DK_DURATION)
        choose_digits(field);
}

static void put_header(const struct printer *printer, const dk_table *table, bool with_index)
{
    if (with_index) {
        const char *name = table->index_name ? table->index_name : "";
        put_text(printer, name, strlen(name));
    }
    for (int32_t i = 0; i < table->ncolumns; i++) {
        const char *name = table->names[i] ? table->names[i] : "0";
        if (i || with_index)
            text_putc(printer->out, printer->separator);
        put_text(printer, name, strlen(name));
    }
    text_putc(printer->out, '\n');
}

static void put_rows(const struct printer *printer, int64_t nrows)
{
    for (int64_t row = 0; row < nrows; row++) {
        for (size_t i = 0; i < printer->nfields; i++) {
            if (i)
                text_putc(printer->out, printer->separator);
            put_value(printer, &printer->fields[i], row);
        }
        text_putc(printer->out, '\n');
    }
}

dk_status csv_format(const dk_table *table, const dk_to_csv_options *options, bool with_header,
                     struct text *out, dk_error *err)
{
    static const dk_to_csv_options DEFAULTS = {0};
    const dk_to_csv_options *given = options ? options : &DEFAULTS;
    const char *missing = given->na_rep ? given->na_rep : "";
    struct printer printer = {.out = out,
                              .separator = given->sep ? given->sep : ',',
                              .missing = missing,
                              .missing_nbytes = strlen(missing)};
    size_t nbytes = ((size_t)table->ncolumns + 1) * sizeof *printer.fields;
    struct column *index = NULL;
    if (!given->no_index) {
        index = table_index_column(table);
        if (!index)
            return error_nomem(err);
    }
    printer.fields = memory_calloc(out->memory, nbytes);
    if (printer.fields) {
        if (index)
            add_field(&printer, &index->view);
        for (int32_t i = 0; i < table->ncolumns; i++)
            add_field(&printer, &table->columns[i]->view);
        if (with_header && !given->no_header)
            put_header(&printer, table, index != NULL);
        put_rows(&printer, table->nrows);
        memory_free(out->memory, printer.fields, nbytes);
    }
    column_unref(index);
    return printer.fields && text_status(out) == DK_OK ? DK_OK : error_nomem(err);
}
