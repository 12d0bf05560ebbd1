/* What the tests of the CSV reader share: files in a directory of their own, and tables as readable
 * text. */
#ifndef TESTS_CSV_FIXTURE_H
#define TESTS_CSV_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "column/kernels/datetime.h"
#include "io/csv/plan.h"
#include "io/csv/float_repr.h"

#define FIXTURE_COLUMNS 64

struct fixture {
    struct memory *memory;
    dk_error err;
    char folder[64];
    char path[128]; /* of the file written last */
};

static inline void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){.memory = memory_new(NULL, 0), .folder = "/tmp/cdask-csv-XXXXXX"};
    assert_non_null(fixture->memory);
    assert_non_null(mkdtemp(fixture->folder));
}

/* Nothing may be left on the ledger. */
static inline void fixture_close(struct fixture *fixture)
{
    char command[128];
    assert_int_equal(memory_use(fixture->memory).current, 0);
    memory_close(fixture->memory);
    (void)snprintf(command, sizeof command, "rm -r '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
}

static inline const char *fixture_write_bytes(struct fixture *fixture, const char *name,
                                              const void *bytes, size_t nbytes)
{
    (void)snprintf(fixture->path, sizeof fixture->path, "%s/%s", fixture->folder, name);
    FILE *file = fopen(fixture->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, nbytes, file), nbytes);
    assert_int_equal(fclose(file), 0);
    return fixture->path;
}

static inline const char *fixture_write(struct fixture *fixture, const char *name, const char *text)
{
    return fixture_write_bytes(fixture, name, text, strlen(text));
}

static inline void render_cell(struct text *out, const struct view *view, int64_t row)
{
    char number[64];
    if (!view_is_valid(view, row)) {
        text_puts(out, "<NA>");
        return;
    }
    switch (view->type) {
    case DK_BOOL:
        text_puts(out, ((const uint8_t *)view->data)[row] ? "True" : "False");
        break;
    case DK_INT8:
        text_printf(out, "%d", ((const int8_t *)view->data)[row]);
        break;
    case DK_INT16:
        text_printf(out, "%d", ((const int16_t *)view->data)[row]);
        break;
    case DK_INT32:
        text_printf(out, "%d", ((const int32_t *)view->data)[row]);
        break;
    case DK_INT64:
        text_printf(out, "%lld", (long long)((const int64_t *)view->data)[row]);
        break;
    case DK_UINT64:
        text_printf(out, "%llu", (unsigned long long)((const uint64_t *)view->data)[row]);
        break;
    case DK_FLOAT32:
        text_append(out, number, float_repr_single(((const float *)view->data)[row], number));
        break;
    case DK_FLOAT64:
        text_append(out, number, float_repr(((const double *)view->data)[row], number));
        break;
    case DK_TIMESTAMP:
        text_append(out, number,
                    timestamp_format(((const int64_t *)view->data)[row], false, 0, number));
        break;
    case DK_TEXT: {
        const char *pool = view->data;
        const int64_t *offset = view->offsets + row;
        text_append(out, pool + offset[0], (size_t)(offset[1] - offset[0]));
        break;
    }
    case DK_CATEGORY:
        render_cell(out, &view->dictionary->view, ((const int32_t *)view->data)[row]);
        break;
    default:
        fail_msg("type %d", (int)view->type);
    }
}

static inline void render_rows(struct text *out, const struct vec *vecs, int32_t ncolumns,
                               int64_t nrows)
{
    for (int64_t row = 0; row < nrows; row++) {
        for (int32_t i = 0; i < ncolumns; i++) {
            struct view view = vec_view(&vecs[i]);
            assert_int_equal(view.nrows, nrows);
            if (i)
                text_putc(out, '|');
            render_cell(out, &view, row);
        }
        text_putc(out, '\n');
    }
}

/* The next rows with all of the scan's columns. */
static inline dk_status scan_all(struct csv_scan *scan, int64_t max_rows, int32_t ncolumns,
                                 struct vec *vecs, int64_t *nrows, dk_error *err)
{
    dk_status status = csv_scan_next(scan, max_rows, nrows, err);
    if (status != DK_OK || *nrows == 0)
        return status;
    return csv_scan_load(scan, 0, ncolumns, NULL, *nrows, vecs, err);
}

/* Appends the rows of one block, morsels of at most `max_rows`. */
static inline dk_status render_block(struct memory *memory, struct csv_source *source,
                                     int32_t block, int64_t max_rows, struct text *out,
                                     dk_error *err)
{
    struct vec vecs[FIXTURE_COLUMNS];
    int32_t columns[FIXTURE_COLUMNS];
    int32_t ncolumns = csv_source_ncolumns(source);
    struct csv_scan *scan = NULL;
    int64_t nrows = 1;
    assert_true(ncolumns <= FIXTURE_COLUMNS);
    for (int32_t i = 0; i < ncolumns; i++) {
        columns[i] = i;
        vec_init(&vecs[i], memory, csv_source_type(source, i));
    }
    dk_status status = csv_scan_open(memory, source, block, columns, ncolumns, &scan, err);
    while (status == DK_OK && nrows > 0) {
        status = scan_all(scan, max_rows, ncolumns, vecs, &nrows, err);
        assert_true(nrows <= max_rows);
        if (status == DK_OK)
            render_rows(out, vecs, ncolumns, nrows);
    }
    csv_scan_close(scan);
    for (int32_t i = 0; i < ncolumns; i++)
        vec_deinit(&vecs[i]);
    return status;
}

/* "name:type name:type\n" and then the rows of all blocks. */
static inline dk_status render_source(struct memory *memory, struct csv_source *source,
                                      int64_t max_rows, struct text *out, dk_error *err)
{
    dk_status status = DK_OK;
    for (int32_t i = 0; i < csv_source_ncolumns(source); i++)
        text_printf(out, "%s%s:%s", i ? " " : "", csv_source_name(source, i),
                    dk_type_name(csv_source_type(source, i)));
    text_putc(out, '\n');
    for (int32_t b = 0; b < csv_source_nblocks(source) && status == DK_OK; b++)
        status = render_block(memory, source, b, max_rows, out, err);
    return status;
}

/* Reads the files of a pattern; the text is the caller's, for text_deinit(). */
static inline dk_status fixture_read(struct fixture *fixture, const char *pattern,
                                     const dk_csv_options *options, struct text *out)
{
    struct csv_source *source;
    text_init(out, fixture->memory);
    memset(&fixture->err, 0, sizeof fixture->err);
    dk_status status =
        csv_source_open(fixture->memory, &pattern, 1, options, &source, &fixture->err);
    if (status != DK_OK)
        return status;
    status = render_source(fixture->memory, source, 1000, out, &fixture->err);
    csv_source_unref(source);
    return status;
}

/* The file `csv` reads as `expected`. */
static inline void expect_table(struct fixture *fixture, const char *csv,
                                const dk_csv_options *options, const char *expected)
{
    struct text text;
    dk_status status = fixture_read(fixture, fixture_write(fixture, "t.csv", csv), options, &text);
    if (status != DK_OK)
        fail_msg("%s\n%s", csv, fixture->err.message);
    assert_string_equal(text.data, expected);
    text_deinit(&text);
}

/* Reading `csv` fails with a message that has `words` in it. */
static inline void expect_error(struct fixture *fixture, const char *csv,
                                const dk_csv_options *options, dk_status expected,
                                const char *words)
{
    struct text text;
    dk_status status = fixture_read(fixture, fixture_write(fixture, "t.csv", csv), options, &text);
    if (status == DK_OK)
        fail_msg("no error for\n%s", csv);
    assert_int_equal(status, expected);
    assert_int_equal(fixture->err.status, expected);
    if (!strstr(fixture->err.message, words))
        fail_msg("'%s' is not in:\n%s", words, fixture->err.message);
    text_deinit(&text);
}

static inline int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture_open(fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

#define fixture_test(function)                                                                     \
    cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

/* xorshift: the same numbers everywhere. */
static inline uint64_t fixture_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
