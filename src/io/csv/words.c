/* Missing values and booleans. */
#include "io/csv/words.h"

#include <string.h>
#include <strings.h>

#include "io/csv/float.h"

static const char *const DEFAULT_MISSING[] = {
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A",      "NA",  "NULL",    "NaN",      "None", "n/a",  "nan",    "null"};

#define DEFAULT_COUNT (sizeof DEFAULT_MISSING / sizeof *DEFAULT_MISSING)

static void add_word(struct csv_words *words, const char *text)
{
    size_t nbytes = strlen(text);
    words->missing[words->nmissing++] = (struct csv_word){text, nbytes};
    words->starts[(unsigned char)*text] = true;
    if (nbytes > words->longest)
        words->longest = nbytes;
}

static dk_status add_given(struct csv_words *words, struct arena *arena, const char *given)
{
    size_t nbytes = strlen(given);
    /* The float parser reads eight bytes at a time. */
    char *text = arena_calloc(arena, nbytes + 16);
    if (!text)
        return DK_ENOMEM;
    memcpy(text, given, nbytes);
    if (nbytes)
        add_word(words, text);
    if (csv_float_parse(text, text + nbytes, &words->numbers[words->nnumbers]))
        words->nnumbers++;
    return DK_OK;
}

dk_status csv_words_init(struct csv_words *words, struct arena *arena,
                         const dk_csv_options *options)
{
    size_t ngiven = options->na_values.count;
    memset(words, 0, sizeof *words);
    words->missing = arena_calloc(arena, (DEFAULT_COUNT + ngiven) * sizeof *words->missing);
    words->numbers = arena_calloc(arena, (ngiven + 1) * sizeof *words->numbers);
    if (!words->missing || !words->numbers)
        return DK_ENOMEM;
    if (!options->keep_default_na_off)
        for (size_t i = 0; i < DEFAULT_COUNT; i++)
            add_word(words, DEFAULT_MISSING[i]);
    for (size_t i = 0; i < ngiven; i++) {
        dk_status status = add_given(words, arena, options->na_values.names[i]);
        if (status != DK_OK)
            return status;
    }
    return DK_OK;
}

bool csv_words_search(const struct csv_words *words, const char *text, size_t nbytes)
{
    for (size_t i = 0; i < words->nmissing; i++) {
        const struct csv_word *word = &words->missing[i];
        if (word->nbytes == nbytes && memcmp(word->text, text, nbytes) == 0)
            return true;
    }
    return false;
}

bool csv_words_has_number(const struct csv_words *words, double value)
{
    for (size_t i = 0; i < words->nnumbers; i++)
        if (words->numbers[i] == value)
            return true;
    return false;
}

bool csv_words_bool(const char *text, size_t nbytes, bool *out)
{
    if (nbytes == 4 && strncasecmp(text, "true", 4) == 0) {
        *out = true;
        return true;
    }
    *out = false;
    return nbytes == 5 && strncasecmp(text, "false", 5) == 0;
}
