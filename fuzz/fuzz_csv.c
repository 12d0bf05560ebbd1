/* Any bytes, read as a CSV file in several ways that must agree: instruction sets, chunk sizes,
 * block sizes, morsel sizes and chosen rows change nothing but speed. The first bytes choose the
 * options. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/csv/plan.h"
#include "io/csv/float_repr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes);

#define COLUMNS_MAX 64
#define ROWS_CHOSEN 5

/* The bytes of a value: equal values give equal bytes. */
static void put_value(struct text *out, const struct view *view, int64_t row)
{
    if (!view_is_valid(view, row)) {
        text_putc(out, 'N');
    } else if (view->type == DK_TEXT) {
        const char *pool = view->data;
        size_t length = (size_t)(view->offsets[row + 1] - view->offsets[row]);
        text_printf(out, "%zu:", length);
        text_append(out, pool + view->offsets[row], length);
    } else if (view->type == DK_CATEGORY) {
        put_value(out, &view->dictionary->view, ((const int32_t *)view->data)[row]);
    } else {
        size_t size = type_nbytes(view->type);
        text_append(out, (const char *)view->data + (size_t)row * size, size);
    }
}

/* `rows` as csv_scan_load() takes them. */
static dk_status put_rows(struct csv_scan *scan, int32_t ncolumns, const int32_t *rows,
                          int64_t nrows, struct vec *vecs, struct text *out, dk_error *err)
{
    dk_status status = csv_scan_load(scan, 0, ncolumns, rows, nrows, vecs, err);
    for (int64_t row = 0; status == DK_OK && row < nrows; row++)
        for (int32_t i = 0; i < ncolumns; i++) {
            struct view view = vec_view(&vecs[i]);
            put_value(out, &view, row);
        }
    return status;
}

/* A small batch in two parts, each row of which is asked for by its number. */
static dk_status put_chosen(struct csv_scan *scan, int32_t ncolumns, int64_t nrows,
                            struct vec *vecs, struct text *out, dk_error *err)
{
    static const int32_t rows[ROWS_CHOSEN] = {0, 1, 2, 3, 4};
    int64_t half = nrows / 2;
    dk_status status = put_rows(scan, ncolumns, rows, half, vecs, out, err);
    if (status == DK_OK)
        status = put_rows(scan, ncolumns, rows + half, nrows - half, vecs, out, err);
    return status;
}

static dk_status put_block(struct memory *memory, struct csv_source *source, int32_t block,
                           int64_t max_rows, struct text *out, dk_error *err)
{
    struct vec vecs[COLUMNS_MAX];
    int32_t columns[COLUMNS_MAX];
    struct csv_scan *scan = NULL;
    int32_t ncolumns = csv_source_ncolumns(source);
    int64_t nrows = 0;
    if (ncolumns > COLUMNS_MAX)
        ncolumns = COLUMNS_MAX;
    for (int32_t i = 0; i < ncolumns; i++) {
        columns[i] = i;
        vec_init(&vecs[i], memory, csv_source_type(source, i));
    }
    dk_status status = csv_scan_open(memory, source, block, columns, ncolumns, &scan, err);
    while (status == DK_OK) {
        status = csv_scan_next(scan, max_rows, &nrows, err);
        if (status != DK_OK || nrows == 0)
            break;
        status = max_rows <= ROWS_CHOSEN ? put_chosen(scan, ncolumns, nrows, vecs, out, err)
                                         : put_rows(scan, ncolumns, NULL, nrows, vecs, out, err);
    }
    csv_scan_close(scan);
    for (int32_t i = 0; i < ncolumns; i++)
        vec_deinit(&vecs[i]);
    return status;
}

/* Names, types and values, or the error. */
static void read_bytes(struct memory *memory, const char *bytes, size_t nbytes,
                       const dk_csv_options *options, struct csv_tuning tuning, int64_t max_rows,
                       struct text *out)
{
    struct csv_source *source = NULL;
    dk_error err = {0};
    text_init(out, memory);
    dk_status status =
        csv_source_open_bytes(memory, "fuzz", bytes, nbytes, options, tuning, &source, &err);
    if (status == DK_OK) {
        for (int32_t i = 0; i < csv_source_ncolumns(source); i++)
            text_printf(out, "%s:%s ", csv_source_name(source, i),
                        dk_type_name(csv_source_type(source, i)));
        for (int32_t b = 0; b < csv_source_nblocks(source) && status == DK_OK; b++)
            status = put_block(memory, source, b, max_rows, out, &err);
        csv_source_unref(source);
    }
    if (status != DK_OK) {
        /* Rows before the fault may have been given or not. */
        out->length = 0;
        text_puts(out, err.message);
    }
}

static dk_csv_options choose_options(uint8_t choice)
{
    static const dk_column_type types[] = {{"a", DK_CATEGORY}, {"b", DK_INT16}, {"c", DK_FLOAT32}};
    static const char *const names[] = {"t", "a", "b", "c"};
    static const char *const missing[] = {"--", "99"};
    dk_csv_options options = {.blocksize = -1, .infer_all = true};
    if (choice & 1)
        options.parse_dates = (dk_names){names, 1};
    if (choice & 2) {
        options.dtype = types;
        options.ndtype = 3;
    }
    if (choice & 4)
        options.sep = ';';
    if (choice & 8)
        options.names = (dk_names){names, 4};
    if (choice & 16)
        options.na_values = (dk_names){missing, 2};
    /* A type that does not hold makes an error everywhere. */
    options.infer_all = !(choice & 32);
    options.sample = choice & 32 ? 20 : 0;
    if (options.parse_dates.count && !options.names.count)
        options.parse_dates.count = 0;
    return options;
}

/* How far damaged data can be decoded depends on how much is asked for at a time. */
static bool is_compressed(const char *bytes, size_t nbytes)
{
    return nbytes >= 4 &&
           (memcmp(bytes, "\x1f\x8b", 2) == 0 || memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t nbytes)
{
    if (nbytes < 3 || nbytes > 4096)
        return 0;
    dk_csv_options options = choose_options(bytes[0]);
    const char *csv = (const char *)bytes + 3;
    size_t length = nbytes - 3;
    struct csv_tuning plain = {8192, CSV_ENGINE_BEST};
    struct csv_tuning other = {1 + bytes[1] % 100u, (enum csv_engine)(bytes[2] % 3)};
    struct memory *memory = memory_new(NULL, 256 << 20);
    struct text expected;
    struct text found;
    if (!memory)
        return 0;
    read_bytes(memory, csv, length, &options, plain, 1 << 20, &expected);
    options.blocksize = 1 + (bytes[2] >> 2);
    read_bytes(memory, csv, length, &options, other, 1 + bytes[1] % ROWS_CHOSEN, &found);
    if (!is_compressed(csv, length) &&
        (expected.length != found.length ||
         (expected.length && memcmp(expected.data, found.data, expected.length) != 0)))
        abort();
    text_deinit(&expected);
    text_deinit(&found);
    if (memory_use(memory).current != 0)
        abort();
    memory_close(memory);
    return 0;
}
