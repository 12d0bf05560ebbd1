/* min, max, first and last of fixed-width values: one value a group. */
#include <math.h>

#include "column/kernels/cpu.h"
#include "column/kernels/group_state.h"

#define AS_IS(value)  (value)
#define ALWAYS(value) ((void)(value), true)

#define T              uint8_t
#define MASK           int8_t
#define NAME(function) function##_u8
#define PRESENT        ALWAYS
#define LOWEST         0
#define HIGHEST        UINT8_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

#define T              int8_t
#define MASK           int8_t
#define NAME(function) function##_i8
#define PRESENT        ALWAYS
#define LOWEST         INT8_MIN
#define HIGHEST        INT8_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

#define T              int16_t
#define MASK           int16_t
#define NAME(function) function##_i16
#define PRESENT        ALWAYS
#define LOWEST         INT16_MIN
#define HIGHEST        INT16_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

#define T              int32_t
#define MASK           int32_t
#define NAME(function) function##_i32
#define PRESENT        ALWAYS
#define LOWEST         INT32_MIN
#define HIGHEST        INT32_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

#define T              int64_t
#define MASK           int64_t
#define NAME(function) function##_i64
#define PRESENT        ALWAYS
#define LOWEST         INT64_MIN
#define HIGHEST        INT64_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

#define T              uint64_t
#define MASK           int64_t
#define NAME(function) function##_u64
#define PRESENT        ALWAYS
#define LOWEST         0
#define HIGHEST        UINT64_MAX
#define CANONICAL      AS_IS
#include "column/kernels/group_pick.inc.h"

/* Which zero of equals came out best depends on the order of the rows: adding zero makes it the
 * positive one. */
#define PLUS_ZERO(value) ((value) + 0)

#define T              float
#define MASK           int32_t
#define NAME(function) function##_f32
#define PRESENT(value) (!isnan(value))
#define LOWEST         (-INFINITY)
#define HIGHEST        INFINITY
#define CANONICAL      PLUS_ZERO
#include "column/kernels/group_pick.inc.h"

#define T              double
#define MASK           int64_t
#define NAME(function) function##_f64
#define PRESENT(value) (!isnan(value))
#define LOWEST         ((double)-INFINITY)
#define HIGHEST        ((double)INFINITY)
#define CANONICAL      PLUS_ZERO
#include "column/kernels/group_pick.inc.h"

/* The functions of a type. */
struct picking {
    size_t cell_nbytes;
    void (*update)(void *array, enum agg agg, const struct group_rows *rows, const void *values);
    void (*write)(const void *array, enum agg agg, const struct partial_rows *rows,
                  struct vec *out);
};

static const struct picking pickings[DK_TYPE_COUNT] = {
    [DK_BOOL] = {sizeof(struct cell_u8), update_u8, write_u8},
    [DK_INT8] = {sizeof(struct cell_i8), update_i8, write_i8},
    [DK_INT16] = {sizeof(struct cell_i16), update_i16, write_i16},
    [DK_INT32] = {sizeof(struct cell_i32), update_i32, write_i32},
    [DK_INT64] = {sizeof(struct cell_i64), update_i64, write_i64},
    [DK_UINT64] = {sizeof(struct cell_u64), update_u64, write_u64},
    [DK_FLOAT32] = {sizeof(struct cell_f32), update_f32, write_f32},
    [DK_FLOAT64] = {sizeof(struct cell_f64), update_f64, write_f64},
    [DK_TIMESTAMP] = {sizeof(struct cell_i64), update_i64, write_i64},
    [DK_DURATION] = {sizeof(struct cell_i64), update_i64, write_i64},
};

struct pick_state {
    struct group_state head;
    enum agg agg;
    struct group_array cells;
};

static void pick_free(struct group_state *state)
{
    struct pick_state *pick = (struct pick_state *)state;
    group_array_free(&pick->cells, state->memory, pickings[state->type].cell_nbytes);
    memory_free(state->memory, pick, sizeof *pick);
}

static dk_type pick_type(const struct group_state *state, int32_t i)
{
    (void)i;
    return state->type;
}

static dk_status pick_reserve(struct group_state *state, int64_t ngroups)
{
    struct pick_state *pick = (struct pick_state *)state;
    return group_array_reserve(&pick->cells, state->memory, pickings[state->type].cell_nbytes,
                               ngroups);
}

static dk_status pick_update(struct group_state *state, const struct group_rows *rows,
                             const struct view *values)
{
    struct pick_state *pick = (struct pick_state *)state;
    group_array_prefetch(&pick->cells, pickings[state->type].cell_nbytes, rows);
    pickings[state->type].update(pick->cells.data, pick->agg, rows, values->data);
    return DK_OK;
}

static dk_status pick_partial(const struct group_state *state, const struct partial_rows *rows,
                              struct vec *columns)
{
    const struct pick_state *pick = (const struct pick_state *)state;
    pickings[state->type].write(pick->cells.data, pick->agg, rows, columns);
    return DK_OK;
}

static dk_status pick_result(const struct group_state *state, enum agg agg, const int64_t *groups,
                             int64_t n, struct vec *out)
{
    (void)agg;
    return pick_partial(state, &(struct partial_rows){n, groups, NULL}, out);
}

static const char *const pick_suffixes[] = {"value"};

static const struct group_state_ops pick_ops = {
    .ncolumns = 1,
    .suffixes = pick_suffixes,
    .column_type = pick_type,
    .free = pick_free,
    .reserve = pick_reserve,
    .update = pick_update,
    .partial = pick_partial,
    .result = pick_result,
};

struct group_state *group_pick_new(struct memory *memory, dk_type type, enum agg agg)
{
    struct pick_state *pick = memory_calloc(memory, sizeof *pick);
    if (!pick)
        return NULL;
    pick->head = (struct group_state){&pick_ops, memory, type};
    pick->agg = agg;
    return &pick->head;
}
