/* Dictionary arrays: the words become a dictionary of ours (each word once, none missing), the
 * codes int32. */
#include <string.h>

#include "column/dictionary.h"
#include "io/arrow/import.h"

/* `numbers[code]`: the number of the word here, -1 for a missing one. */
struct words {
    struct column *dictionary;
    int32_t *numbers;
    int64_t count;
};

static bool is_plain_text(struct arrow_source *words)
{
    if (!arrow_format_find(words->schema->format, &words->format))
        return false;
    return words->format.type == DK_TEXT && !words->schema->dictionary;
}

static dk_status import_words(const struct arrow_source *source, struct column **out)
{
    const struct ArrowArray *array = source->array->dictionary;
    struct arrow_source words = {
        .owner = source->owner,
        .schema = source->schema->dictionary,
        .array = array,
        .offset = array->offset,
        .nrows = array->length,
        .name = source->name,
        .err = source->err,
    };
    if (!is_plain_text(&words)) {
        error_set(source->err, DK_ENOTSUP,
                  "column '%s': a dictionary of Arrow format '%s' is not supported, only of text; "
                  "decode the column",
                  source->name, words.schema->format);
        return DK_ENOTSUP;
    }
    if (!words.nrows)
        return arrow_make_empty(&words, DK_TEXT, 0, out);
    return arrow_import_text(&words, out);
}

static dk_status add_words(struct word_set *set, const struct view *view, int32_t *numbers)
{
    if (!view->validity)
        return word_set_add(set, view, numbers);
    for (int64_t i = 0; i < view->nrows; i++) {
        struct view word = view_slice(view, i, 1);
        numbers[i] = -1;
        if (!view_is_null(view, i))
            DK_TRY(word_set_add(set, &word, &numbers[i]));
    }
    return DK_OK;
}

/* A dictionary with a word twice or a missing one is written anew. */
static dk_status number_words(struct words *words, struct column *imported)
{
    struct word_set set;
    word_set_init(&set, imported->memory);
    dk_status status = add_words(&set, &imported->view, words->numbers);
    if (status == DK_OK && set.words.nrows == imported->view.nrows) {
        words->dictionary = column_ref(imported);
    } else if (status == DK_OK) {
        status = vec_freeze(&set.words, &words->dictionary);
    }
    word_set_deinit(&set);
    return status;
}

static size_t code_nbytes(const struct arrow_source *source)
{
    size_t nbytes = type_nbytes(source->format.type);
    return source->format.way == ARROW_SHARE ? nbytes : nbytes / 2;
}

/* The codes of the rows, at an address that suits them. */
static struct buffer *share_codes(const struct arrow_source *source)
{
    size_t width = code_nbytes(source);
    const char *codes = source->array->buffers[1];
    return arrow_share_aligned(source, codes + (size_t)source->offset * width,
                               (size_t)source->nrows * width, width);
}

static int64_t code_at(char format, const void *codes, int64_t row)
{
    switch (format) {
    case 'c':
        return ((const int8_t *)codes)[row];
    case 'C':
        return ((const uint8_t *)codes)[row];
    case 's':
        return ((const int16_t *)codes)[row];
    case 'S':
        return ((const uint16_t *)codes)[row];
    case 'i':
        return ((const int32_t *)codes)[row];
    case 'I':
        return ((const uint32_t *)codes)[row];
    default: /* 'l', and 'L', whose large values turn negative and are refused as such */
        return ((const int64_t *)codes)[row];
    }
}

static dk_status refuse_code(const struct arrow_source *source, int64_t row, int64_t code,
                             int64_t count)
{
    return error_set(source->err, DK_EINVAL,
                     "column '%s', row %lld: code %lld points outside its dictionary of %lld words",
                     source->name, (long long)row, (long long)code, (long long)count);
}

static dk_status write_codes(const struct arrow_source *source, const struct words *words,
                             const void *from, struct vec *codes)
{
    DK_TRY(vec_reset(codes, source->nrows));
    const uint8_t *bitmap = arrow_has_nulls(source) ? source->array->buffers[0] : NULL;
    char format = source->schema->format[0];
    int32_t *to = codes->data;
    for (int64_t i = 0; i < source->nrows; i++) {
        to[i] = 0;
        bool missing = bitmap && !bit_get(bitmap, source->offset + i);
        if (!missing) {
            int64_t code = code_at(format, from, i);
            if (code < 0 || code >= words->count)
                return refuse_code(source, i, code, words->count);
            missing = words->numbers[code] < 0;
            if (!missing)
                to[i] = words->numbers[code];
        }
        if (missing)
            vec_set_null(codes, i);
    }
    return DK_OK;
}

static dk_status make_codes(const struct arrow_source *source, const struct words *words,
                            struct column **out)
{
    struct vec codes;
    vec_init(&codes, source->owner->memory, DK_CATEGORY);
    codes.dictionary = column_ref(words->dictionary);
    struct buffer *from = share_codes(source);
    dk_status status = from ? write_codes(source, words, from->data, &codes) : DK_ENOMEM;
    buffer_unref(from);
    if (status == DK_OK)
        status = vec_freeze(&codes, out);
    vec_deinit(&codes);
    return status;
}

dk_status arrow_import_dictionary(const struct arrow_source *source, struct column **out)
{
    if (!type_is_integer(source->format.type)) {
        return error_set(source->err, DK_EINVAL,
                         "column '%s': the codes of a dictionary are integers, not of Arrow format "
                         "'%s'",
                         source->name, source->schema->format);
    }
    struct column *imported = NULL;
    DK_TRY(import_words(source, &imported));
    struct memory *memory = source->owner->memory;
    struct words words = {.count = imported->view.nrows};
    size_t nbytes = (size_t)words.count * sizeof(int32_t);
    words.numbers = memory_alloc(memory, nbytes);
    dk_status status = words.numbers ? number_words(&words, imported) : DK_ENOMEM;
    if (status == DK_OK)
        status = make_codes(source, &words, out);
    memory_free(memory, words.numbers, nbytes);
    column_unref(words.dictionary);
    column_unref(imported);
    return status == DK_ENOMEM ? error_nomem(source->err) : status;
}
