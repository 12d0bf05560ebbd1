/* Dictionaries of category columns: bringing codes under one dictionary. The words of a dictionary
 * differ from one another and none is missing. */
#ifndef COLUMN_DICTIONARY_H
#define COLUMN_DICTIONARY_H

#include "column/vec.h"

/* A growing set of words that numbers them in the order of their arrival. */
struct word_set {
    struct vec words;
    uint32_t *slots; /* number of the word + 1; 0: free */
    size_t nslots;   /* 0, or a power of two */
};

void word_set_init(struct word_set *set, struct memory *memory);
void word_set_deinit(struct word_set *set);
/* Adds the words the set lacks and writes the number of each into `numbers` (NULL: not wanted). */
dk_status word_set_add(struct word_set *set, const struct view *words,
                       int32_t *numbers) DK_NODISCARD;

/* Appends the codes of a category view to `vec`, whose dictionary grows by the words it lacks: a
 * vec without one takes over the view's, and a view without one holds missing values only. Room for
 * the rows must have been reserved; nrows and validity are left to the caller. */
dk_status dictionary_append_codes(struct vec *vec, const struct view *view) DK_NODISCARD;

/* The dictionary with the words of all the category `columns`: sorted when all of theirs are, in
 * order of first appearance otherwise; one of theirs when that has all words already. The reference
 * is the caller's. */
dk_status dictionary_unite(struct memory *memory, struct column *const *columns, size_t ncolumns,
                           struct column **out) DK_NODISCARD;

#endif
