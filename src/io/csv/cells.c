/* Cells to numbers and booleans, and the choice of the conversion. */
#include "io/csv/cells.h"

#include <string.h>

#include "base/error.h"
#include "io/csv/float.h"
#include "io/csv/structure.h"

void csv_converter_init(struct csv_converter *converter, struct memory *memory,
                        const struct csv_words *words, dk_type type, bool is_given)
{
    *converter = (struct csv_converter){
        .memory = memory, .words = words, .type = type, .is_given = is_given};
    /* No cell has this as its bytes 3 to 10 and zeros as its bytes 0 to 7. */
    converter->date_tail = UINT64_MAX;
    vec_init(&converter->dictionary, memory, DK_TEXT);
}

void csv_converter_deinit(struct csv_converter *converter)
{
    struct memory *memory = converter->memory;
    if (!memory)
        return;
    memory_free(memory, converter->scratch, converter->scratch_nbytes);
    memory_free(memory, converter->slots, converter->nslots * sizeof *converter->slots);
    vec_deinit(&converter->dictionary);
    column_unref(converter->frozen);
    converter->memory = NULL;
}

static dk_status reserve_scratch(struct csv_converter *converter, size_t nbytes)
{
    if (nbytes + CSV_PADDING <= converter->scratch_nbytes)
        return DK_OK;
    size_t bigger = 2 * nbytes + CSV_PADDING;
    char *scratch = memory_alloc(converter->memory, bigger);
    if (!scratch)
        return DK_ENOMEM;
    memory_free(converter->memory, converter->scratch, converter->scratch_nbytes);
    converter->scratch = scratch;
    converter->scratch_nbytes = bigger;
    return DK_OK;
}

/* Takes the outer quotes off and makes "" one quote; what follows the closing quote stays. */
static size_t unquote(const char *from, const char *end, char *to)
{
    char *at = to;
    bool inside = true;
    for (from++; from < end; from++) {
        if (!inside || *from != '"') {
            *at++ = *from;
        } else if (from + 1 < end && from[1] == '"') {
            *at++ = *from++;
        } else {
            inside = false;
        }
    }
    return (size_t)(at - to);
}

dk_status csv_cell_text(struct csv_converter *converter, const char *start, const char *end,
                        struct csv_slice *out)
{
    *out = (struct csv_slice){start, (size_t)(end - start)};
    if (out->nbytes == 0 || *start != '"')
        return DK_OK;
    DK_TRY(reserve_scratch(converter, out->nbytes));
    *out = (struct csv_slice){converter->scratch, unquote(start, end, converter->scratch)};
    memset(converter->scratch + out->nbytes, 0, CSV_PADDING);
    return DK_OK;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct csv_slice csv_slice_strip(struct csv_slice slice)
{
    while (slice.nbytes && is_space(slice.text[slice.nbytes - 1]))
        slice.nbytes--;
    while (slice.nbytes && is_space(*slice.text)) {
        slice.text++;
        slice.nbytes--;
    }
    return slice;
}

/* The value of up to 19 digits, without the sign. False when there is another character. */
static bool parse_digits(const char *text, size_t nbytes, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < nbytes; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return nbytes > 0;
}

enum csv_whole csv_whole_parse(const char *text, size_t nbytes, int64_t *out)
{
    bool minus = nbytes && *text == '-';
    uint64_t value;
    uint64_t last;
    if (nbytes && (*text == '-' || *text == '+')) {
        text++;
        nbytes--;
    }
    while (nbytes > 1 && *text == '0') {
        text++;
        nbytes--;
    }
    size_t first = nbytes < 19 ? nbytes : 19;
    if (!parse_digits(text, first, &value))
        return CSV_NOT_WHOLE;
    if (nbytes > first) {
        if (!parse_digits(text + first, nbytes - first, &last))
            return CSV_NOT_WHOLE;
        if (nbytes > 20 || minus || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, last, &value))
            return CSV_WHOLE_TOO_BIG;
    }
    if (minus && value > (uint64_t)INT64_MAX + 1)
        return CSV_WHOLE_TOO_BIG;
    *out = (int64_t)(minus ? 0 - value : value);
    return minus || value <= INT64_MAX ? CSV_WHOLE_INT64 : CSV_WHOLE_UINT64;
}

/* Up to 16 digits, perhaps with a minus: nearly all integers. */
static inline bool parse_short(const char *start, const char *end, int64_t *out)
{
    bool minus = *start == '-';
    start += minus;
    size_t ndigits = (size_t)(end - start);
    uint64_t value;
    if (ndigits - 1 < 8) {
        uint64_t digits = csv_digit_values(start, ndigits);
        if (!csv_are_digits(digits))
            return false;
        value = csv_eight_digits(digits);
    } else if (ndigits - 1 < 16) {
        uint64_t first = csv_digit_values(start, ndigits - 8);
        uint64_t last = csv_load8(end - 8) ^ CSV_EACH_BYTE * '0';
        if (!csv_are_digits(first) || !csv_are_digits(last))
            return false;
        value = csv_eight_digits(first) * 100000000 + csv_eight_digits(last);
    } else {
        return false;
    }
    *out = minus ? -(int64_t)value : (int64_t)value;
    return true;
}

static inline bool is_missing_number(const struct csv_converter *converter, double value)
{
    return converter->words->nnumbers && csv_words_has_number(converter->words, value);
}

/* A float that is whole is an integer where the user asked for integers. */
static bool parse_whole_float(const struct csv_converter *converter, struct csv_slice slice,
                              int64_t *out)
{
    double value;
    if (!converter->is_given || !csv_float_parse(slice.text, slice.text + slice.nbytes, &value))
        return false;
    if (!(value >= -0x1p63 && value < 0x1p63) || value != trunc(value))
        return false;
    *out = (int64_t)value;
    return true;
}

/* A cell that parse_short() does not know. `*ok` is false, and `*fault` says why, when it is no
 * int64. */
static dk_status parse_signed(struct csv_converter *converter, const char *start, const char *end,
                              int64_t *out, bool *ok, enum csv_fault *fault)
{
    struct csv_slice slice;
    *ok = false;
    DK_TRY(csv_cell_text(converter, start, end, &slice));
    *fault = CSV_FAULT_MISSING;
    if (csv_words_is_missing(converter->words, slice.text, slice.nbytes))
        return DK_OK;
    *fault = CSV_FAULT_VALUE;
    slice = csv_slice_strip(slice);
    *ok = csv_whole_parse(slice.text, slice.nbytes, out) == CSV_WHOLE_INT64 ||
          parse_whole_float(converter, slice, out);
    return DK_OK;
}

#define NAME convert_int8
#define T    int8_t
#define MIN  INT8_MIN
#define MAX  INT8_MAX
#include "io/csv/cells_int.inc.h"

#define NAME convert_int16
#define T    int16_t
#define MIN  INT16_MIN
#define MAX  INT16_MAX
#include "io/csv/cells_int.inc.h"

#define NAME convert_int32
#define T    int32_t
#define MIN  INT32_MIN
#define MAX  INT32_MAX
#include "io/csv/cells_int.inc.h"

#define NAME convert_int64
#define T    int64_t
#define MIN  INT64_MIN
#define MAX  INT64_MAX
#include "io/csv/cells_int.inc.h"

static dk_status convert_uint64(struct csv_converter *converter, const struct csv_cells *cells,
                                struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    uint64_t *values = out->data;
    for (size_t i = 0; i < cells->nrows; i++) {
        struct csv_slice slice;
        int64_t value = -1;
        DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &slice));
        *fault = CSV_FAULT_MISSING;
        *nrows = i;
        if (csv_words_is_missing(converter->words, slice.text, slice.nbytes))
            return DK_OK;
        *fault = CSV_FAULT_VALUE;
        slice = csv_slice_strip(slice);
        enum csv_whole whole = csv_whole_parse(slice.text, slice.nbytes, &value);
        if (whole != CSV_WHOLE_UINT64 && (whole != CSV_WHOLE_INT64 || value < 0))
            return DK_OK;
        values[i] = (uint64_t)value;
    }
    *nrows = cells->nrows;
    return DK_OK;
}

/* A cell that csv_float_fast() does not know. */
static dk_status parse_float(struct csv_converter *converter, const char *start, const char *end,
                             double *out, bool *ok)
{
    struct csv_slice slice;
    *ok = true;
    DK_TRY(csv_cell_text(converter, start, end, &slice));
    *out = NAN;
    if (csv_words_is_missing(converter->words, slice.text, slice.nbytes))
        return DK_OK;
    struct csv_slice number = csv_slice_strip(slice);
    *ok = csv_float_parse(number.text, number.text + number.nbytes, out);
    /* Blanks may surround numbers, but not the words for infinity. */
    if (*ok && isinf(*out) && number.nbytes != slice.nbytes)
        *ok = memchr(number.text, 'n', number.nbytes) == NULL &&
              memchr(number.text, 'N', number.nbytes) == NULL;
    return DK_OK;
}

static void drop_missing_numbers(const struct csv_converter *converter, double *values,
                                 size_t nrows)
{
    if (converter->words->nnumbers == 0)
        return;
    for (size_t i = 0; i < nrows; i++)
        if (csv_words_has_number(converter->words, values[i]))
            values[i] = NAN;
}

static size_t floats_portable(const struct csv_cells *cells, size_t first, double *values)
{
    size_t i = first;
    while (i < cells->nrows &&
           csv_float_fast(csv_cell_start(cells, i), csv_cell_end(cells, i), &values[i]))
        i++;
    return i;
}

/* Reads usual cells from row `first` on. Returns the first row whose cell is another. */
static inline size_t read_floats(const struct csv_cells *cells, size_t first, double *values)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx") && __builtin_cpu_supports("bmi"))
        return csv_floats_avx(cells, first, values);
#endif
    return floats_portable(cells, first, values);
}

static dk_status convert_float64(struct csv_converter *converter, const struct csv_cells *cells,
                                 struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    double *values = out->data;
    size_t i = 0;
    *fault = CSV_FAULT_VALUE;
    while ((i = read_floats(cells, i, values)) < cells->nrows) {
        bool ok;
        DK_TRY(parse_float(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &values[i],
                           &ok));
        if (!ok)
            break;
        i++;
    }
    *nrows = i;
    drop_missing_numbers(converter, values, i);
    return DK_OK;
}

/* By way of a double, as pandas does. */
static dk_status convert_float32(struct csv_converter *converter, const struct csv_cells *cells,
                                 struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    float *values = out->data;
    size_t i = 0;
    *fault = CSV_FAULT_VALUE;
    for (; i < cells->nrows; i++) {
        double value;
        bool ok;
        DK_TRY(
            parse_float(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &value, &ok));
        if (!ok)
            break;
        drop_missing_numbers(converter, &value, 1);
        values[i] = (float)value;
    }
    *nrows = i;
    return DK_OK;
}

static bool parse_bool(const struct csv_converter *converter, struct csv_slice slice, bool *out)
{
    if (csv_words_bool(slice.text, slice.nbytes, out))
        return true;
    *out = slice.nbytes == 1 && *slice.text == '1';
    return converter->is_given && slice.nbytes == 1 && (*slice.text == '1' || *slice.text == '0');
}

static dk_status convert_bool(struct csv_converter *converter, const struct csv_cells *cells,
                              struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    uint8_t *values = out->data;
    size_t i = 0;
    *fault = CSV_FAULT_VALUE;
    for (; i < cells->nrows; i++) {
        struct csv_slice slice;
        bool value = false;
        DK_TRY(csv_cell_text(converter, csv_cell_start(cells, i), csv_cell_end(cells, i), &slice));
        if (csv_words_is_missing(converter->words, slice.text, slice.nbytes))
            vec_set_null(out, (int64_t)i);
        else if (!parse_bool(converter, slice, &value))
            break;
        values[i] = value;
    }
    *nrows = i;
    return DK_OK;
}

dk_status csv_convert(struct csv_converter *converter, const struct csv_cells *cells,
                      struct vec *out, size_t *nrows, enum csv_fault *fault)
{
    typedef dk_status convert(struct csv_converter *, const struct csv_cells *, struct vec *,
                              size_t *, enum csv_fault *);
    static convert *const BY_TYPE[DK_TYPE_COUNT] = {
        [DK_BOOL] = convert_bool,
        [DK_INT8] = convert_int8,
        [DK_INT16] = convert_int16,
        [DK_INT32] = convert_int32,
        [DK_INT64] = convert_int64,
        [DK_UINT64] = convert_uint64,
        [DK_FLOAT32] = convert_float32,
        [DK_FLOAT64] = convert_float64,
        [DK_TEXT] = csv_convert_text,
        [DK_CATEGORY] = csv_convert_category,
        [DK_TIMESTAMP] = csv_convert_timestamp,
    };
    return BY_TYPE[converter->type](converter, cells, out, nrows, fault);
}
