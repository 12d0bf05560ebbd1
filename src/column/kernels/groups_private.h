/* What groups.c, group_partial.c and group_result.c share. */
#ifndef KERNELS_GROUPS_PRIVATE_H
#define KERNELS_GROUPS_PRIVATE_H

#include "column/kernels/group_index.h"
#include "column/kernels/group_state.h"
#include "column/kernels/groups.h"

/* A state and where its values come from. Functions that need the same state of the same input
 * share it. */
struct group_input {
    struct group_state *state;
    enum agg kind; /* AGG_MEAN for all that rests on exact sums */
    int32_t input; /* -1: rows are counted */
};

struct group_spec {
    enum agg agg;
    int32_t state; /* position in `states` */
    dk_type type;  /* of the result */
};

struct groups {
    struct memory *memory;
    bool has_key;
    dk_type key_type;
    int32_t nvalues;
    dk_type *value_types;
    int32_t nspecs;
    struct group_spec *specs;
    int32_t nstates;
    struct group_input *states; /* room for nspecs */
    struct group_index index;
    struct group_scratch key_rows;
    struct group_scratch value_rows;
};

int64_t groups_count(const struct groups *groups);
/* Numbers the groups of a block of keys (NULL: all rows are of the one group) and makes their
 * states. */
dk_status groups_map(struct groups *groups, const struct view *key, int64_t nrows,
                     struct group_rows *out) DK_NODISCARD;
/* Announces the views that groups_map() and groups_feed() get blocks of; `key` may be NULL. */
dk_status groups_begin(struct groups *groups, const struct view *key) DK_NODISCARD;
/* Feeds a block to one state; nulls in `values` (NULL: no values) are left out. */
dk_status groups_feed(struct groups *groups, struct group_state *state,
                      const struct group_rows *rows, const struct view *values) DK_NODISCARD;
/* Stores the text of a status that one of these gave. */
dk_status groups_error(dk_status status, dk_error *err);

#endif
