/* Key values to dense group numbers, in the order in which they are first met. */
#ifndef KERNELS_GROUP_INDEX_H
#define KERNELS_GROUP_INDEX_H

#include "column/kernels/group_rows.h"
#include "column/vec.h"

/* A slot of the open-addressing table; `number` GROUP_NONE: free. */
struct group_slot {
    uint64_t key; /* the key itself as 64 bits, or the hash of a text */
    uint32_t number;
};

struct group_index {
    struct memory *memory;
    dk_type type;
    uint32_t count;
    uint64_t mask; /* slots - 1 */
    int shift;     /* 64 - log2(slots) */
    struct group_slot *slots;
    uint64_t *words; /* keys of fixed width by number */
    size_t words_capacity;
    struct vec texts; /* text and category: keys by number */
    /* Category: number of each code of the dictionary that is being read. */
    uint32_t *codes;
    size_t codes_capacity;
};

/* Also on failure the index is for group_index_deinit(). */
dk_status group_index_init(struct group_index *index, struct memory *memory,
                           dk_type type) DK_NODISCARD;
void group_index_deinit(struct group_index *index);

/* Announces that rows of `keys` come next (they may share a dictionary that earlier ones did not
 * have). */
dk_status group_index_begin(struct group_index *index, const struct view *keys) DK_NODISCARD;
/* Numbers the groups of a block of at most GROUP_BLOCK keys; missing keys (null, NaN) belong to
 * none. `out` borrows `scratch`.   Errors: DK_ENOMEM, DK_EOVERFLOW (too many groups). */
dk_status group_index_map(struct group_index *index, const struct view *keys,
                          struct group_scratch *scratch, struct group_rows *out) DK_NODISCARD;
/* The same with a number for each row; GROUP_NONE where `keep[i]` is GROUP_NONE (NULL: keep all).
 */
dk_status group_index_scatter(struct group_index *index, const struct view *keys,
                              const uint32_t *keep, uint32_t *groups) DK_NODISCARD;
/* All keys in the order of their numbers; a category's are text. */
dk_status group_index_column(const struct group_index *index, struct column **out) DK_NODISCARD;

#endif
