/* Group-by aggregation, and reduction of whole columns (a group-by without a key: one group).
 *
 * Rows are fed morsel by morsel; what has been fed can leave as partial tables, and partials of
 * other partitions can be merged in. The result does not depend on how rows were cut into morsels
 * and partitions, nor on the order of the merges where the function itself does not (first and last
 * follow merge order): float sums are accumulated exactly and rounded once (exact_sum.h). Missing
 * keys are dropped; the result is sorted by key. Missing values are skipped; a group without values
 * gives sum 0, count 0 and missing otherwise; std and var (ddof 1) of fewer than two values are
 * missing. Source: pandas DataFrameGroupBy, Series reductions. */
#ifndef KERNELS_GROUPS_H
#define KERNELS_GROUPS_H

#include "column/table.h"
#include "column/vec.h"

#define AGG_LIST(X)                                                                                \
    X(AGG_SUM, "sum")                                                                              \
    X(AGG_MIN, "min")                                                                              \
    X(AGG_MAX, "max")                                                                              \
    X(AGG_MEAN, "mean")                                                                            \
    X(AGG_COUNT, "count")                                                                          \
    X(AGG_SIZE, "size")                                                                            \
    X(AGG_FIRST, "first")                                                                          \
    X(AGG_LAST, "last")                                                                            \
    X(AGG_STD, "std")                                                                              \
    X(AGG_VAR, "var")                                                                              \
    X(AGG_NUNIQUE, "nunique")

enum agg {
#define AGG_ENUM(name, text) name,
    AGG_LIST(AGG_ENUM)
#undef AGG_ENUM
        AGG_COUNT_OF
};

const char *agg_name(enum agg agg);

/* Type of the result: sum of ints and bools int64 (uint64 stays), of floats the float's own type;
 * mean, std and var float64 (float32 stays float32); min, max, first, last the input's; counts
 * int64. Durations: sum, mean and std stay durations; timestamps: the mean is one, std is a
 * duration, sum is refused; var of both is refused. Text: min, max, first, last, count, size,
 * nunique only; categories: the same without min and max. Errors: DK_ETYPE in pandas' words. */
dk_status agg_type(enum agg agg, dk_type in, dk_type *out, dk_error *err) DK_NODISCARD;

struct agg_spec {
    enum agg agg;
    int32_t input; /* position in the `values` of groups_update(); ignored by AGG_SIZE */
};

struct groups;

/* has_key false: one group, always present. `value_types` are those of the views fed as values.
 * The specs are copied. */
dk_status groups_new(struct memory *memory, bool has_key, dk_type key_type,
                     const dk_type *value_types, int32_t nvalues, const struct agg_spec *specs,
                     int32_t nspecs, struct groups **out, dk_error *err) DK_NODISCARD;
void groups_free(struct groups *groups);

/* Feeds rows. `key` is NULL without a key; values[i] has the rows of `key` (or `nrows`). */
dk_status groups_update(struct groups *groups, const struct view *key, const struct view *values,
                        int64_t nrows, dk_error *err) DK_NODISCARD;

/* Number of tables that carry the state: one, and one more for each input of nunique. */
int32_t groups_npartials(const struct groups *groups);
/* Writes the state into new tables (the caller's): npartials of them. */
dk_status groups_partial(const struct groups *groups, dk_table **out, dk_error *err) DK_NODISCARD;
/* Adds the state that groups_partial() of equal specs wrote; borrows the tables. */
dk_status groups_merge(struct groups *groups, dk_table *const *partial, dk_error *err) DK_NODISCARD;

/* The result: a column for each spec, called names[i], indexed by the sorted keys (index
 * `key_name`). Without a key: one row. */
dk_status groups_result(const struct groups *groups, const char *const *names, const char *key_name,
                        bool is_series, dk_table **out, dk_error *err) DK_NODISCARD;

#endif
