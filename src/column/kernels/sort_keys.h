/* Values as 64-bit numbers in the same order, which is what argsort and alignment work on. */
#ifndef KERNELS_SORT_KEYS_H
#define KERNELS_SORT_KEYS_H

#include "column/column.h"

/* A value's place in the order and where it stands. */
struct sort_key {
    uint64_t key;
    int64_t row;
};

/* True when every value is there and none is less than the one before. May say false of sorted
 * categories. */
bool view_ascends(const struct view *view);

/* Writes a key for each value of `view` that is not missing, in row order, and returns how many.
 * For text it is the first eight bytes: equal keys are then to be compared in full. Categories have
 * `ranks`, the place of each word in their order. Zeros of both signs are equal. */
int64_t sort_keys_of(const struct view *view, const uint64_t *ranks, struct sort_key *out);

/* Sorts by key, stable; `spare` has the same room. The result is in `keys`. */
void sort_keys_radix(struct sort_key *keys, struct sort_key *spare, int64_t n);

/* Sorts runs of equal keys of a text by the texts themselves, stable. */
void sort_keys_text(const struct view *text, struct sort_key *keys, struct sort_key *spare,
                    int64_t n);

/* < 0, 0 or > 0 as row a of `left` is before, equal to or after row b of `right`, bytewise. */
int text_compare(const struct view *left, int64_t a, const struct view *right, int64_t b);

#endif
