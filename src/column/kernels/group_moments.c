/* sum of floats and durations, mean, std and var: exact sums of the values and of their squares,
 * and the count.
 */
#include <math.h>

#include "column/kernels/exact_sum.h"
#include "column/kernels/group_state.h"
#include "column/kernels/variance.h"

/* Doubles that carry an exact sum in one row of a partial table; rare sums continue in further
 * rows. */
#define PARTS 3

struct moment {
    struct exact_sum sum;
    int64_t count;
};

struct moments_state {
    struct group_state head;
    bool has_squares;
    struct group_array moments;
    struct group_array squares; /* of exact_sum; empty unless `has_squares` */
};

static void moments_free(struct group_state *state)
{
    struct moments_state *moments = (struct moments_state *)state;
    struct moment *sums = moments->moments.data;
    struct exact_sum *squares = moments->squares.data;
    for (int64_t i = 0; i < moments->moments.capacity; i++)
        exact_sum_deinit(&sums[i].sum, state->memory);
    for (int64_t i = 0; i < moments->squares.capacity; i++)
        exact_sum_deinit(&squares[i], state->memory);
    group_array_free(&moments->moments, state->memory, sizeof *sums);
    group_array_free(&moments->squares, state->memory, sizeof *squares);
    memory_free(state->memory, moments, sizeof *moments);
}

static dk_status moments_reserve(struct group_state *state, int64_t ngroups)
{
    struct moments_state *moments = (struct moments_state *)state;
    DK_TRY(group_array_reserve(&moments->moments, state->memory, sizeof(struct moment), ngroups));
    if (!moments->has_squares)
        return DK_OK;
    return group_array_reserve(&moments->squares, state->memory, sizeof(struct exact_sum), ngroups);
}

static dk_status add_slice_f64(struct moment *moment, struct exact_sum *square, const void *data,
                               int64_t n, struct memory *memory)
{
    const double *values = data;
    int64_t added;
    DK_TRY(exact_sum_add_many(&moment->sum, values, n, true, &added, memory));
    moment->count += added;
    for (int64_t i = 0; square && i < n; i++)
        if (!isnan(values[i]))
            DK_TRY(exact_sum_add_product(square, values[i], values[i], memory));
    return DK_OK;
}

static dk_status add_slice_f32(struct moment *moment, struct exact_sum *square, const void *data,
                               int64_t n, struct memory *memory)
{
    const float *values = data;
    double doubles[256];
    while (n > 0) {
        int64_t count = n < 256 ? n : 256;
        for (int64_t i = 0; i < count; i++)
            doubles[i] = (double)values[i];
        DK_TRY(add_slice_f64(moment, square, doubles, count, memory));
        values += count;
        n -= count;
    }
    return DK_OK;
}

static dk_status add_square(struct exact_sum *sum, int64_t value, struct memory *memory)
{
    return exact_sum_add_scaled(sum, (int128)value * value, 0, memory);
}

/* The square of an unsigned number may need all 128 bits: its halves are added one by one. */
static dk_status add_square_unsigned(struct exact_sum *sum, uint64_t value, struct memory *memory)
{
    uint128 square = (uint128)value * value;
    DK_TRY(exact_sum_add_scaled(sum, (int128)(square >> 64), 64, memory));
    return exact_sum_add_scaled(sum, (int128)(uint64_t)square, 0, memory);
}

#define LOW_WORD(value)  ((int64_t)((value)&0xffffffff))
#define HIGH_WORD(value) ((int64_t)((value) >> 32))
#define NOTHING(value)   0

#define T              uint8_t
#define NAME(function) function##_u8
#define LOW(value)     (value)
#define HIGH           NOTHING
#define SQUARE         add_square
#include "column/kernels/group_moments.inc.h"

#define T              int8_t
#define NAME(function) function##_i8
#define LOW(value)     (value)
#define HIGH           NOTHING
#define SQUARE         add_square
#include "column/kernels/group_moments.inc.h"

#define T              int16_t
#define NAME(function) function##_i16
#define LOW(value)     (value)
#define HIGH           NOTHING
#define SQUARE         add_square
#include "column/kernels/group_moments.inc.h"

#define T              int32_t
#define NAME(function) function##_i32
#define LOW(value)     (value)
#define HIGH           NOTHING
#define SQUARE         add_square
#include "column/kernels/group_moments.inc.h"

#define T              int64_t
#define NAME(function) function##_i64
#define LOW            LOW_WORD
#define HIGH           HIGH_WORD
#define SQUARE         add_square
#include "column/kernels/group_moments.inc.h"

#define T              uint64_t
#define NAME(function) function##_u64
#define LOW            LOW_WORD
#define HIGH           HIGH_WORD
#define SQUARE         add_square_unsigned
#include "column/kernels/group_moments.inc.h"

typedef dk_status add_slice_function(struct moment *moment, struct exact_sum *square,
                                     const void *data, int64_t n, struct memory *memory);

static add_slice_function *const add_slice_of_type[DK_TYPE_COUNT] = {
    [DK_BOOL] = add_slice_u8,      [DK_INT8] = add_slice_i8,     [DK_INT16] = add_slice_i16,
    [DK_INT32] = add_slice_i32,    [DK_INT64] = add_slice_i64,   [DK_UINT64] = add_slice_u64,
    [DK_FLOAT32] = add_slice_f32,  [DK_FLOAT64] = add_slice_f64, [DK_TIMESTAMP] = add_slice_i64,
    [DK_DURATION] = add_slice_i64,
};

/* Scattered doubles, the one case worth a loop of its own: no call by pointer for each row. */
static dk_status add_rows_f64(struct moment *moments, const uint32_t *groups, const double *values,
                              int64_t n, struct memory *memory)
{
    for (int64_t i = 0; i < n; i++) {
        if (groups[i] == GROUP_NONE || isnan(values[i]))
            continue;
        struct moment *moment = &moments[groups[i]];
        moment->count++;
        if (!exact_sum_add_quick(&moment->sum, values[i]))
            DK_TRY(exact_sum_add(&moment->sum, values[i], memory));
    }
    return DK_OK;
}

static dk_status add_rows(struct moments_state *moments, const struct group_rows *rows,
                          const struct view *values)
{
    struct group_state *state = &moments->head;
    struct moment *sums = moments->moments.data;
    struct exact_sum *squares = moments->squares.data;
    add_slice_function *add_slice = add_slice_of_type[state->type];
    const char *data = values->data;
    size_t nbytes = type_nbytes(state->type);
    if (state->type == DK_FLOAT64 && !squares)
        return add_rows_f64(sums, rows->groups, values->data, rows->nrows, state->memory);
    for (int64_t i = 0; i < rows->nrows; i++) {
        uint32_t group = rows->groups[i];
        if (group == GROUP_NONE)
            continue;
        DK_TRY(add_slice(&sums[group], squares ? &squares[group] : NULL, data + (size_t)i * nbytes,
                         1, state->memory));
    }
    return DK_OK;
}

static dk_status moments_update(struct group_state *state, const struct group_rows *rows,
                                const struct view *values)
{
    struct moments_state *moments = (struct moments_state *)state;
    struct moment *sums = moments->moments.data;
    struct exact_sum *squares = moments->squares.data;
    const char *data = values->data;
    group_array_prefetch(&moments->moments, sizeof *sums, rows);
    if (rows->scattered)
        return add_rows(moments, rows, values);
    for (int32_t i = 0; i < rows->nruns; i++) {
        uint32_t group = rows->groups[i];
        DK_TRY(add_slice_of_type[state->type](&sums[group], squares ? &squares[group] : NULL,
                                              data + (size_t)rows->starts[i] *
                                                         type_nbytes(state->type),
                                              rows->ends[i] - rows->starts[i], state->memory));
    }
    return DK_OK;
}

static int32_t rounds_of(const struct exact_sum *sum)
{
    double parts[EXACT_SUM_MAX_PARTS];
    if (exact_sum_is_narrow(sum))
        return 1;
    return (exact_sum_parts(sum, parts) + PARTS - 1) / PARTS;
}

static int32_t moments_nrounds(const struct group_state *state, int64_t group)
{
    const struct moments_state *moments = (const struct moments_state *)state;
    const struct moment *sums = moments->moments.data;
    const struct exact_sum *squares = moments->squares.data;
    int32_t sum = rounds_of(&sums[group].sum), square = squares ? rounds_of(&squares[group]) : 1;
    return sum > square ? sum : square;
}

/* Writes the parts of one round of a sum into row `row` of three columns. */
static void write_parts(const struct exact_sum *sum, int32_t round, struct vec *columns,
                        int64_t row)
{
    double parts[EXACT_SUM_MAX_PARTS];
    int32_t nparts = exact_sum_parts(sum, parts);
    for (int32_t i = 0; i < PARTS; i++) {
        int32_t part = round * PARTS + i;
        ((double *)columns[i].data)[row] = part < nparts ? parts[part] : 0;
    }
}

static dk_status moments_partial(const struct group_state *state, const struct partial_rows *rows,
                                 struct vec *columns)
{
    const struct moments_state *moments = (const struct moments_state *)state;
    const struct moment *sums = moments->moments.data;
    const struct exact_sum *squares = moments->squares.data;
    int64_t *counts = columns[0].data;
    for (int64_t i = 0; i < rows->nrows; i++) {
        int64_t group = rows->groups[i];
        int32_t round = rows->rounds ? rows->rounds[i] : 0;
        counts[i] = round ? 0 : sums[group].count;
        write_parts(&sums[group].sum, round, columns + 1, i);
        if (squares)
            write_parts(&squares[group], round, columns + 1 + PARTS, i);
    }
    return DK_OK;
}

static dk_status merge_parts(struct exact_sum *sum, const struct view *columns, int64_t row,
                             struct memory *memory)
{
    for (int32_t i = 0; i < PARTS; i++) {
        double part = ((const double *)columns[i].data)[row];
        if (part != 0)
            DK_TRY(exact_sum_add(sum, part, memory));
    }
    return DK_OK;
}

static dk_status merge_row(struct moments_state *moments, uint32_t group,
                           const struct view *columns, int64_t row)
{
    struct moment *moment = (struct moment *)moments->moments.data + group;
    struct exact_sum *squares = moments->squares.data;
    moment->count += ((const int64_t *)columns[0].data)[row];
    DK_TRY(merge_parts(&moment->sum, columns + 1, row, moments->head.memory));
    if (!squares)
        return DK_OK;
    return merge_parts(&squares[group], columns + 1 + PARTS, row, moments->head.memory);
}

static dk_status moments_merge(struct group_state *state, const struct group_rows *rows,
                               const struct view *columns)
{
    struct moments_state *moments = (struct moments_state *)state;
    if (rows->scattered) {
        for (int64_t i = 0; i < rows->nrows; i++)
            if (rows->groups[i] != GROUP_NONE)
                DK_TRY(merge_row(moments, rows->groups[i], columns, i));
        return DK_OK;
    }
    for (int32_t i = 0; i < rows->nruns; i++)
        for (int32_t row = rows->starts[i]; row < rows->ends[i]; row++)
            DK_TRY(merge_row(moments, rows->groups[i], columns, row));
    return DK_OK;
}

/* The whole number that a sum of integers is. */
static int128 whole(const struct exact_sum *sum)
{
    double parts[EXACT_SUM_MAX_PARTS];
    int nparts = exact_sum_parts(sum, parts);
    int128 total = 0;
    for (int i = 0; i < nparts; i++)
        total += (int128)parts[i];
    return total;
}

static dk_status compute(const struct group_state *state, enum agg agg, int64_t group, double *out)
{
    const struct moments_state *moments = (const struct moments_state *)state;
    const struct moment *moment = (const struct moment *)moments->moments.data + group;
    const struct exact_sum *squares = moments->squares.data;
    switch (agg) {
    case AGG_SUM:
        *out = exact_sum_round(&moment->sum);
        return DK_OK;
    case AGG_MEAN:
        *out = moment->count ? exact_sum_round(&moment->sum) / (double)moment->count : NAN;
        return DK_OK;
    default:
        DK_TRY(variance(&moment->sum, &squares[group], moment->count, state->memory, out));
        if (agg == AGG_STD)
            *out = sqrt(*out);
        return DK_OK;
    }
}

static dk_status write_duration_sum(const struct moment *moment, int64_t *out)
{
    int128 sum = whole(&moment->sum);
    if (sum <= INT64_MIN || sum > INT64_MAX) /* the lowest integer is no duration in pandas */
        return DK_EOVERFLOW;
    *out = (int64_t)sum;
    return DK_OK;
}

/* Means and standard deviations of times are whole nanoseconds, cut off as pandas does. */
static dk_status write_time(const struct group_state *state, enum agg agg, int64_t group,
                            struct vec *out, int64_t row)
{
    const struct moments_state *moments = (const struct moments_state *)state;
    const struct moment *moment = (const struct moment *)moments->moments.data + group;
    int64_t *data = out->data;
    double value;
    data[row] = 0;
    if (agg == AGG_SUM)
        return write_duration_sum(moment, &data[row]);
    if (agg == AGG_MEAN && moment->count) {
        data[row] = (int64_t)(whole(&moment->sum) / moment->count);
        return DK_OK;
    }
    DK_TRY(compute(state, agg, group, &value));
    if (value >= 0x1p63)
        return DK_EOVERFLOW;
    if (isnan(value))
        vec_set_null(out, row);
    else
        data[row] = (int64_t)value;
    return DK_OK;
}

static dk_status write_value(const struct group_state *state, enum agg agg, int64_t group,
                             struct vec *out, int64_t row)
{
    const struct moments_state *moments = (const struct moments_state *)state;
    const struct moment *moment = (const struct moment *)moments->moments.data + group;
    double value;
    if (out->type == DK_TIMESTAMP || out->type == DK_DURATION)
        return write_time(state, agg, group, out, row);
    if (out->type == DK_FLOAT32 && agg == AGG_SUM) {
        ((float *)out->data)[row] = exact_sum_round_float(&moment->sum);
        return DK_OK;
    }
    DK_TRY(compute(state, agg, group, &value));
    if (out->type == DK_FLOAT32)
        ((float *)out->data)[row] = (float)value;
    else
        ((double *)out->data)[row] = value;
    return DK_OK;
}

static dk_status moments_result(const struct group_state *state, enum agg agg,
                                const int64_t *groups, int64_t n, struct vec *out)
{
    for (int64_t i = 0; i < n; i++)
        DK_TRY(write_value(state, agg, groups[i], out, i));
    return DK_OK;
}

static dk_type moments_type(const struct group_state *state, int32_t i)
{
    (void)state;
    return i == 0 ? DK_INT64 : DK_FLOAT64;
}

static const char *const suffixes[] = {"count",      "sum.hi",      "sum.mid",   "sum.lo",
                                       "squares.hi", "squares.mid", "squares.lo"};

static const struct group_state_ops moments_ops = {
    .ncolumns = 1 + PARTS,
    .suffixes = suffixes,
    .column_type = moments_type,
    .free = moments_free,
    .reserve = moments_reserve,
    .update = moments_update,
    .nrounds = moments_nrounds,
    .partial = moments_partial,
    .merge = moments_merge,
    .result = moments_result,
};

static const struct group_state_ops squares_ops = {
    .ncolumns = 1 + 2 * PARTS,
    .suffixes = suffixes,
    .column_type = moments_type,
    .free = moments_free,
    .reserve = moments_reserve,
    .update = moments_update,
    .nrounds = moments_nrounds,
    .partial = moments_partial,
    .merge = moments_merge,
    .result = moments_result,
};

struct group_state *group_moments_new(struct memory *memory, dk_type type, bool squares)
{
    struct moments_state *moments = memory_calloc(memory, sizeof *moments);
    if (!moments)
        return NULL;
    moments->head = (struct group_state){squares ? &squares_ops : &moments_ops, memory, type};
    moments->has_squares = squares;
    return &moments->head;
}
