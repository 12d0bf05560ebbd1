/* Dictionary arrays: the words become a dictionary of ours (each word once, none missing), the
 * codes int32. */
#include <string.h>

#include "column/dictionary.h"
#include "io/arrow_import.h"

/* `numbers[code]`: the number of the word here, -1 for a missing one. */
struct words {
    struct column *dictionary;
    int32_t *numbers;
    int64_t count;
};

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
    const char *format = words.schema->format;
    bool known = arrow_format_find(format, &words.format);
    if (!known || words.format.type != DK_TEXT || words.schema->dictionary) {
        return error_set(source->err, DK_ENOTSUP,
                         "column '%s': a dictionary of Arrow format '%s' is not supported, only of "
                         "text; decode the column",
                         source->name, format);
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

static int64_t code_at(const struct arrow_source *source, int64_t row)
{
    size_t width = source->format.way == ARROW_SHARE ? type_nbytes(source->format.type)
                                                     : type_nbytes(source->format.type) / 2;
    const char *at = source->array->buffers[1];
    at += (size_t)(source->offset + row) * width;
    uint64_t bits = 0;
    for (size_t i = 0; i < width; i++)
        bits |= (uint64_t)(unsigned char)at[i] << (8 * i);
    unsigned unused = (unsigned)(64 - 8 * width);
    if (source->format.way != ARROW_SHARE)
        return (int64_t)bits;
    return (int64_t)(bits << unused) >> unused;
}

static dk_status refuse_code(const struct arrow_source *source, int64_t row, int64_t count)
{
    return error_set(source->err, DK_EINVAL,
                     "column '%s', row %lld: code %lld points outside its dictionary of %lld words",
                     source->name, (long long)row, (long long)code_at(source, row),
                     (long long)count);
}

static dk_status write_codes(const struct arrow_source *source, const struct words *words,
                             struct vec *codes)
{
    DK_TRY(vec_reset(codes, source->nrows));
    const uint8_t *bitmap = arrow_has_nulls(source) ? source->array->buffers[0] : NULL;
    int32_t *to = codes->data;
    for (int64_t i = 0; i < source->nrows; i++) {
        to[i] = 0;
        if (bitmap && !bit_get(bitmap, source->offset + i)) {
            vec_set_null(codes, i);
            continue;
        }
        int64_t code = code_at(source, i);
        if (code < 0 || code >= words->count)
            return refuse_code(source, i, words->count);
        if (words->numbers[code] < 0) {
            vec_set_null(codes, i);
        } else {
            to[i] = words->numbers[code];
        }
    }
    return DK_OK;
}

static dk_status make_codes(const struct arrow_source *source, const struct words *words,
                            struct column **out)
{
    struct vec codes;
    vec_init(&codes, source->owner->memory, DK_CATEGORY);
    codes.dictionary = column_ref(words->dictionary);
    dk_status status = write_codes(source, words, &codes);
    if (status == DK_OK)
        status = vec_freeze(&codes, out);
    vec_deinit(&codes);
    return status;
}

dk_status arrow_import_dictionary(const struct arrow_source *source, struct column **out)
{
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
