/* Text, whether it stands in a text column or behind the codes of a category column. */
#ifndef KERNELS_WORDS_H
#define KERNELS_WORDS_H

#include <string.h>

#include "column/vec.h"

struct word {
    const char *bytes;
    size_t nbytes;
};

/* The text of row `row`, which must not be missing. */
static inline struct word word_at(const struct view *view, int64_t row)
{
    if (view->type == DK_CATEGORY) {
        row = ((const int32_t *)view->data)[row];
        view = &view->dictionary->view;
    }
    int64_t start = view->offsets[row];
    return (struct word){(const char *)view->data + start,
                         (size_t)(view->offsets[row + 1] - start)};
}

/* Bytewise order, which is the order of code points. */
static inline int word_compare(struct word a, struct word b)
{
    size_t shorter = a.nbytes < b.nbytes ? a.nbytes : b.nbytes;
    int order = shorter ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order ? order : (a.nbytes > b.nbytes) - (a.nbytes < b.nbytes);
}

static inline bool word_equal(struct word a, struct word b)
{
    return a.nbytes == b.nbytes && (a.nbytes == 0 || memcmp(a.bytes, b.bytes, a.nbytes) == 0);
}

/* Room for `nbytes` more bytes in the pool of a text vec. */
dk_status words_reserve(struct vec *vec, size_t nbytes) DK_NODISCARD;

/* Gives the category vec the dictionary of `view`, with a reference of its own. */
void words_share_dictionary(struct vec *vec, const struct view *view);

#endif
