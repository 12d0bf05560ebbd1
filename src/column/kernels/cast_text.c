/* Casts to and from text. */
#include <math.h>
#include <string.h>

#include "column/kernels/cast.h"
#include "column/kernels/convert.h"
#include "column/kernels/datetime.h"
#include "column/kernels/number_text.h"
#include "column/kernels/validity.h"
#include "column/kernels/words.h"

/* As str() of a pandas Timestamp: digits behind the point only where they are needed. */
static size_t print_timestamp(int64_t ns, char out[NUMBER_TEXT_MAX])
{
    int64_t fraction = ns % NS_PER_SECOND;
    int digits = fraction == 0 ? 0 : fraction % 1000 == 0 ? 6 : 9;
    return timestamp_format(ns, false, digits, out);
}

static size_t print_integer(const struct view *in, int64_t row, char out[NUMBER_TEXT_MAX])
{
    int64_t value;
    convert_find(in->type, DK_INT64)((const char *)in->data + (size_t)row * type_nbytes(in->type),
                                     &value, 1);
    bool negative = value < 0 && in->type != DK_UINT64;
    return number_format_uint64(negative ? 0 - (uint64_t)value : (uint64_t)value, negative, out);
}

static size_t print_value(const struct view *in, int64_t row, char out[NUMBER_TEXT_MAX])
{
    switch (in->type) {
    case DK_BOOL:
        memcpy(out, ((const uint8_t *)in->data)[row] ? "True " : "False", 5);
        return ((const uint8_t *)in->data)[row] ? 4 : 5;
    case DK_FLOAT32:
        return number_format_float32(((const float *)in->data)[row], out);
    case DK_FLOAT64:
        return number_format_float64(((const double *)in->data)[row], out);
    case DK_TIMESTAMP:
        return print_timestamp(((const int64_t *)in->data)[row], out);
    case DK_DURATION:
        return number_format_duration(((const int64_t *)in->data)[row], out);
    default:
        return print_integer(in, row, out);
    }
}

dk_status cast_to_text(const struct view *in, struct vec *out, dk_error *err)
{
    char buffer[NUMBER_TEXT_MAX];
    if (vec_reset(out, 0) != DK_OK || vec_reserve(out, in->nrows) != DK_OK)
        return error_nomem(err);
    for (int64_t i = 0; i < in->nrows; i++) {
        dk_status status = view_is_valid(in, i)
                               ? vec_append_text(out, buffer, print_value(in, i, buffer))
                               : vec_append_null(out);
        if (status != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

static dk_status refuse(struct word word, dk_type to, const char *hint, dk_error *err)
{
    int shown = word.nbytes < 80 ? (int)word.nbytes : 80;
    return error_set(err, DK_EPARSE, "cannot convert '%.*s' to %s%s", shown, word.bytes,
                     dk_type_name(to), hint);
}

static dk_status parse_integer(struct word word, dk_type type, void *to, dk_error *err)
{
    bool negative;
    uint64_t magnitude, largest = INT64_MAX;
    if (!number_parse_uint64(word.bytes, word.nbytes, &negative, &magnitude))
        return refuse(word, type, "", err);
    if (type != DK_INT64)
        largest = type == DK_UINT64 ? UINT64_MAX : (UINT64_C(1) << (8 * type_nbytes(type) - 1)) - 1;
    if (negative && magnitude)
        largest = type == DK_UINT64 ? 0 : largest + 1;
    if (magnitude > largest)
        return refuse(word, type, ": it is out of range", err);
    uint64_t value = negative ? 0 - magnitude : magnitude;
    convert_find(DK_UINT64, type)(&value, to, 1);
    return DK_OK;
}

/* Parses one word to a value of `type` at `to`; `*missing` for text that means a missing value. */
static dk_status parse_value(struct word word, dk_type type, void *to, bool *missing, dk_error *err)
{
    double number;
    switch (type) {
    case DK_BOOL: /* any text but the empty one is true, as in Python */
        *(uint8_t *)to = word.nbytes != 0;
        return DK_OK;
    case DK_FLOAT32:
    case DK_FLOAT64:
        if (!number_parse_float64(word.bytes, word.nbytes, &number))
            return refuse(word, type, "", err);
        convert_find(DK_FLOAT64, type)(&number, to, 1);
        return DK_OK;
    case DK_TIMESTAMP:
        *missing = word.nbytes == 0 || timestamp_is_missing_word(word.bytes, word.nbytes);
        if (!*missing && !timestamp_parse(word.bytes, word.nbytes, to))
            return refuse(word, type, ": write it as 2015-05-05 12:00:00", err);
        return DK_OK;
    default:
        return parse_integer(word, type, to, err);
    }
}

static dk_status copy_words(const struct view *in, struct vec *out, dk_error *err)
{
    if (vec_reset(out, 0) != DK_OK || vec_reserve(out, in->nrows) != DK_OK)
        return error_nomem(err);
    for (int64_t i = 0; i < in->nrows; i++) {
        dk_status status;
        if (view_is_null(in, i)) {
            status = vec_append_null(out);
        } else {
            struct word word = word_at(in, i);
            status = vec_append_text(out, word.bytes, word.nbytes);
        }
        if (status != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

dk_status cast_from_words(const struct view *in, struct vec *out, dk_error *err)
{
    if (out->type == DK_TEXT)
        return copy_words(in, out, err);
    if (vec_reset(out, in->nrows) != DK_OK)
        return error_nomem(err);
    size_t width = type_nbytes(out->type);
    for (int64_t i = 0; i < in->nrows; i++) {
        char *to = (char *)out->data + (size_t)i * width;
        bool missing = view_is_null(in, i);
        if (!missing)
            DK_TRY(parse_value(word_at(in, i), out->type, to, &missing, err));
        if (missing) {
            memset(to, 0, width);
            vec_set_null(out, i);
        }
    }
    return DK_OK;
}
