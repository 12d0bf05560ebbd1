/* Counts, and sums of integers: one 64-bit integer a group. */
#include <math.h>

#include "column/kernels/group_state.h"

struct tally_state {
    struct group_state head;
    struct group_array tallies; /* of uint64_t */
};

static void tally_free(struct group_state *state)
{
    struct tally_state *tally = (struct tally_state *)state;
    group_array_free(&tally->tallies, state->memory, sizeof(uint64_t));
    memory_free(state->memory, tally, sizeof *tally);
}

static dk_status tally_reserve(struct group_state *state, int64_t ngroups)
{
    struct tally_state *tally = (struct tally_state *)state;
    return group_array_reserve(&tally->tallies, state->memory, sizeof(uint64_t), ngroups);
}

static dk_type count_type(const struct group_state *state, int32_t i)
{
    (void)state, (void)i;
    return DK_INT64;
}

static dk_type sum_type(const struct group_state *state, int32_t i)
{
    (void)i;
    return state->type == DK_UINT64 ? DK_UINT64 : DK_INT64;
}

#define T              uint8_t
#define NAME(function) function##_u8
#include "column/kernels/group_tally.inc.h"

#define T              int8_t
#define NAME(function) function##_i8
#include "column/kernels/group_tally.inc.h"

#define T              int16_t
#define NAME(function) function##_i16
#include "column/kernels/group_tally.inc.h"

#define T              int32_t
#define NAME(function) function##_i32
#include "column/kernels/group_tally.inc.h"

/* Serves uint64 too: the bits of a wrapped sum are the same. */
#define T              int64_t
#define NAME(function) function##_i64
#include "column/kernels/group_tally.inc.h"

typedef void sum_function(uint64_t *sums, const struct group_rows *rows, const void *data);

static sum_function *const sums_of_type[DK_TYPE_COUNT] = {
    [DK_BOOL] = sum_u8,   [DK_INT8] = sum_i8,   [DK_INT16] = sum_i16,
    [DK_INT32] = sum_i32, [DK_INT64] = sum_i64, [DK_UINT64] = sum_i64,
};

static dk_status sum_update(struct group_state *state, const struct group_rows *rows,
                            const struct view *values)
{
    struct tally_state *tally = (struct tally_state *)state;
    group_array_prefetch(&tally->tallies, sizeof(uint64_t), rows);
    sums_of_type[state->type](tally->tallies.data, rows, values->data);
    return DK_OK;
}

/* Counts the rows, whatever is in them. */
static void count_rows(uint64_t *counts, const struct group_rows *rows)
{
    if (rows->scattered) {
        for (int64_t i = 0; i < rows->nrows; i++)
            if (rows->groups[i] != GROUP_NONE)
                counts[rows->groups[i]]++;
        return;
    }
    for (int32_t i = 0; i < rows->nruns; i++)
        counts[rows->groups[i]] += (uint64_t)(rows->ends[i] - rows->starts[i]);
}

#define T              float
#define NAME(function) function##_f32
#include "column/kernels/group_count.inc.h"

#define T              double
#define NAME(function) function##_f64
#include "column/kernels/group_count.inc.h"

static dk_status count_update(struct group_state *state, const struct group_rows *rows,
                              const struct view *values)
{
    struct tally_state *tally = (struct tally_state *)state;
    group_array_prefetch(&tally->tallies, sizeof(uint64_t), rows);
    switch (state->type) {
    case DK_FLOAT32:
        count_f32(tally->tallies.data, rows, values->data);
        break;
    case DK_FLOAT64:
        count_f64(tally->tallies.data, rows, values->data);
        break;
    default:
        count_rows(tally->tallies.data, rows);
    }
    return DK_OK;
}

static dk_status tally_merge(struct group_state *state, const struct group_rows *rows,
                             const struct view *columns)
{
    struct tally_state *tally = (struct tally_state *)state;
    sum_i64(tally->tallies.data, rows, columns->data);
    return DK_OK;
}

static dk_status tally_partial(const struct group_state *state, const struct partial_rows *rows,
                               struct vec *columns)
{
    const struct tally_state *tally = (const struct tally_state *)state;
    const uint64_t *tallies = tally->tallies.data;
    uint64_t *data = columns->data;
    for (int64_t i = 0; i < rows->nrows; i++)
        data[i] = rows->rounds && rows->rounds[i] ? 0 : tallies[rows->groups[i]];
    return DK_OK;
}

static dk_status tally_result(const struct group_state *state, enum agg agg, const int64_t *groups,
                              int64_t n, struct vec *out)
{
    (void)agg;
    return tally_partial(state, &(struct partial_rows){n, groups, NULL}, out);
}

static const char *const count_suffixes[] = {"count"};
static const char *const sum_suffixes[] = {"sum"};

static const struct group_state_ops count_ops = {
    .ncolumns = 1,
    .suffixes = count_suffixes,
    .column_type = count_type,
    .free = tally_free,
    .reserve = tally_reserve,
    .update = count_update,
    .partial = tally_partial,
    .merge = tally_merge,
    .result = tally_result,
};

static const struct group_state_ops sum_ops = {
    .ncolumns = 1,
    .suffixes = sum_suffixes,
    .column_type = sum_type,
    .free = tally_free,
    .reserve = tally_reserve,
    .update = sum_update,
    .partial = tally_partial,
    .merge = tally_merge,
    .result = tally_result,
};

static struct group_state *new_tally(struct memory *memory, dk_type type,
                                     const struct group_state_ops *ops)
{
    struct tally_state *tally = memory_calloc(memory, sizeof *tally);
    if (!tally)
        return NULL;
    tally->head = (struct group_state){ops, memory, type};
    return &tally->head;
}

struct group_state *group_count_new(struct memory *memory, dk_type type)
{
    return new_tally(memory, type, &count_ops);
}

struct group_state *group_sum_new(struct memory *memory, dk_type type)
{
    return new_tally(memory, type, &sum_ops);
}
