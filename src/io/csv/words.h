/* The words that mean something in a cell: missing values and booleans.
 * Source: pandas.read_csv (na_values, keep_default_na). */
#ifndef IO_CSV_WORDS_H
#define IO_CSV_WORDS_H

#include "base/arena.h"

#include <cdask/csv.h>

struct csv_word {
    const char *text;
    size_t nbytes;
};

/* Words that are numbers also match cells of the same value: na_values "99" makes 99.0 missing. */
struct csv_words {
    struct csv_word *missing;
    size_t nmissing;
    double *numbers;
    size_t nnumbers;
    size_t longest;
    bool starts[256]; /* a word begins with this byte: most cells are dismissed by it */
};

/* Copies into `arena`. */
dk_status csv_words_init(struct csv_words *words, struct arena *arena,
                         const dk_csv_options *options) DK_NODISCARD;

bool csv_words_search(const struct csv_words *words, const char *text, size_t nbytes);
bool csv_words_has_number(const struct csv_words *words, double value);

/* An empty cell is always missing. */
static inline bool csv_words_is_missing(const struct csv_words *words, const char *text,
                                        size_t nbytes)
{
    if (nbytes == 0)
        return true;
    if (!words->starts[(unsigned char)*text] || nbytes > words->longest)
        return false;
    return csv_words_search(words, text, nbytes);
}

/* "true" and "false" in any case. */
bool csv_words_bool(const char *text, size_t nbytes, bool *out);

#endif
