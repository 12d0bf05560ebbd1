/* What an aggregation keeps of every group: one kind of state for each family of functions. */
#ifndef KERNELS_GROUP_STATE_H
#define KERNELS_GROUP_STATE_H

#include "column/kernels/group_rows.h"
#include "column/kernels/groups.h"

struct group_state;

/* The rows of a partial table: groups[i] is the group of row i. A state that does not fit one row
 * continues in further rows of the same group; `rounds` counts them from 0, where other states
 * write nothing (a missing value or zero). NULL: every row is a first one. */
struct partial_rows {
    int64_t nrows;
    const int64_t *groups;
    const int32_t *rounds;
};

/*  ncolumns, suffixes  columns of the partial table and the ends of their names
 *  column_type         type of column i
 *  begin               announces the view whose blocks update() gets next; NULL: need not know
 *  reserve             makes cleared states for groups up to `ngroups`
 *  update              adds rows whose value is not null (floats: may be NaN, which is skipped)
 *  nrounds             rows the partial table needs for a group; NULL: one
 *  partial             writes columns of rows->nrows rows
 *  merge               adds partial columns; NULL: the column is fed to update without its nulls
 *  pairs               the distinct pairs of group and value it has met, which go into a table of
 * their own that is merged by update(); NULL: none. Ownership: `*groups` (*npairs) and `*values`
 * are the caller's result              the function's value for each group in `groups` */
struct group_state_ops {
    int32_t ncolumns;
    const char *const *suffixes;
    dk_type (*column_type)(const struct group_state *state, int32_t i);
    void (*free)(struct group_state *state);
    dk_status (*begin)(struct group_state *state, const struct view *values);
    dk_status (*reserve)(struct group_state *state, int64_t ngroups);
    dk_status (*update)(struct group_state *state, const struct group_rows *rows,
                        const struct view *values);
    int32_t (*nrounds)(const struct group_state *state, int64_t group);
    dk_status (*partial)(const struct group_state *state, const struct partial_rows *rows,
                         struct vec *columns);
    dk_status (*merge)(struct group_state *state, const struct group_rows *rows,
                       const struct view *columns);
    dk_status (*pairs)(const struct group_state *state, int64_t **groups, int64_t *npairs,
                       struct column **values);
    dk_status (*result)(const struct group_state *state, enum agg agg, const int64_t *groups,
                        int64_t n, struct vec *out);
};

#define GROUP_STATE_COLUMNS_MAX 7

/* The head of every state. */
struct group_state {
    const struct group_state_ops *ops;
    struct memory *memory;
    dk_type type; /* of the values */
};

/* Constructors, one file each. NULL when out of memory. */
/* min, max, first and last of fixed-width values. */
struct group_state *group_pick_new(struct memory *memory, dk_type type, enum agg agg) DK_NODISCARD;
/* min, max, first and last of text; category: first and last. */
struct group_state *group_text_new(struct memory *memory, dk_type type, enum agg agg) DK_NODISCARD;
/* Count of values, and sum of integers, booleans and durations. */
struct group_state *group_count_new(struct memory *memory, dk_type type) DK_NODISCARD;
struct group_state *group_sum_new(struct memory *memory, dk_type type) DK_NODISCARD;
/* Sum and count, and the sum of the squares when `squares`: sum, mean, std, var. */
struct group_state *group_moments_new(struct memory *memory, dk_type type,
                                      bool squares) DK_NODISCARD;
struct group_state *group_nunique_new(struct memory *memory, dk_type type) DK_NODISCARD;

/* An array with an element for each group; cleared when it grows. */
struct group_array {
    void *data;
    int64_t capacity;
};
dk_status group_array_reserve(struct group_array *array, struct memory *memory,
                              size_t element_nbytes, int64_t n) DK_NODISCARD;
/* Has the elements of scattered rows fetched, where there are too many to be in the caches anyway.
 */
void group_array_prefetch(const struct group_array *array, size_t element_nbytes,
                          const struct group_rows *rows);
void group_array_free(struct group_array *array, struct memory *memory, size_t element_nbytes);

#endif
