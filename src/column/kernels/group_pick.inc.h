/* Keeping one value a group, for one type: define T, MASK (see group_slice.inc.h), NAME(function),
 * PRESENT(value), LOWEST and HIGHEST, and CANONICAL(value), which makes equal values the same bits;
 * all undefined at the end. */

struct NAME(cell) {
    T value;
    bool seen;
};

#define LESS(a, b) ((a) < (b))
#define MORE(a, b) ((a) > (b))

#define SLICE NAME(least_plain)
#define SLICE_TARGET
#define BETTER LESS
#define WORST  HIGHEST
#include "column/kernels/group_slice.inc.h"

#define SLICE NAME(greatest_plain)
#define SLICE_TARGET
#define BETTER MORE
#define WORST  LOWEST
#include "column/kernels/group_slice.inc.h"

#if CPU_X86
#define SLICE        NAME(least_avx2)
#define SLICE_TARGET __attribute__((target("avx2")))
#define BETTER       LESS
#define WORST        HIGHEST
#include "column/kernels/group_slice.inc.h"

#define SLICE        NAME(greatest_avx2)
#define SLICE_TARGET __attribute__((target("avx2")))
#define BETTER       MORE
#define WORST        LOWEST
#include "column/kernels/group_slice.inc.h"
#endif

#undef LESS
#undef MORE

static T NAME(least)(const T *values, int64_t n)
{
#if CPU_X86
    if (cpu_has_avx2())
        return NAME(least_avx2)(values, n);
#endif
    return NAME(least_plain)(values, n);
}

static T NAME(greatest)(const T *values, int64_t n)
{
#if CPU_X86
    if (cpu_has_avx2())
        return NAME(greatest_avx2)(values, n);
#endif
    return NAME(greatest_plain)(values, n);
}

static bool NAME(any_present)(const T *values, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (PRESENT(values[i]))
            return true;
    return false;
}

static void NAME(min_runs)(void *array, const struct group_rows *rows, const T *values)
{
    for (int32_t i = 0; i < rows->nruns; i++) {
        struct NAME(cell) *cell = (struct NAME(cell) *)array + rows->groups[i];
        const T *run = values + rows->starts[i];
        int64_t n = rows->ends[i] - rows->starts[i];
        T best = NAME(least)(run, n);
        /* The worst value may also mean that there was none. */
        if (best == HIGHEST && !NAME(any_present)(run, n))
            continue;
        if (!cell->seen || best < cell->value)
            cell->value = best;
        cell->seen = true;
    }
}

static void NAME(max_runs)(void *array, const struct group_rows *rows, const T *values)
{
    for (int32_t i = 0; i < rows->nruns; i++) {
        struct NAME(cell) *cell = (struct NAME(cell) *)array + rows->groups[i];
        const T *run = values + rows->starts[i];
        int64_t n = rows->ends[i] - rows->starts[i];
        T best = NAME(greatest)(run, n);
        if (best == LOWEST && !NAME(any_present)(run, n))
            continue;
        if (!cell->seen || best > cell->value)
            cell->value = best;
        cell->seen = true;
    }
}

static void NAME(first_runs)(void *array, const struct group_rows *rows, const T *values)
{
    for (int32_t i = 0; i < rows->nruns; i++) {
        struct NAME(cell) *cell = (struct NAME(cell) *)array + rows->groups[i];
        for (int32_t row = rows->starts[i]; row < rows->ends[i] && !cell->seen; row++)
            if (PRESENT(values[row]))
                *cell = (struct NAME(cell)){values[row], true};
    }
}

static void NAME(last_runs)(void *array, const struct group_rows *rows, const T *values)
{
    for (int32_t i = 0; i < rows->nruns; i++) {
        struct NAME(cell) *cell = (struct NAME(cell) *)array + rows->groups[i];
        int32_t row = rows->ends[i];
        while (--row >= rows->starts[i])
            if (PRESENT(values[row]))
                break;
        if (row >= rows->starts[i])
            *cell = (struct NAME(cell)){values[row], true};
    }
}

static void NAME(min_rows)(void *array, const struct group_rows *rows, const T *values)
{
    struct NAME(cell) *cells = array;
    for (int64_t i = 0; i < rows->nrows; i++) {
        if (rows->groups[i] == GROUP_NONE || !PRESENT(values[i]))
            continue;
        struct NAME(cell) *cell = cells + rows->groups[i];
        if (!cell->seen || values[i] < cell->value)
            *cell = (struct NAME(cell)){values[i], true};
    }
}

static void NAME(max_rows)(void *array, const struct group_rows *rows, const T *values)
{
    struct NAME(cell) *cells = array;
    for (int64_t i = 0; i < rows->nrows; i++) {
        if (rows->groups[i] == GROUP_NONE || !PRESENT(values[i]))
            continue;
        struct NAME(cell) *cell = cells + rows->groups[i];
        if (!cell->seen || values[i] > cell->value)
            *cell = (struct NAME(cell)){values[i], true};
    }
}

static void NAME(first_rows)(void *array, const struct group_rows *rows, const T *values)
{
    struct NAME(cell) *cells = array;
    for (int64_t i = 0; i < rows->nrows; i++) {
        if (rows->groups[i] == GROUP_NONE || !PRESENT(values[i]))
            continue;
        struct NAME(cell) *cell = cells + rows->groups[i];
        if (!cell->seen)
            *cell = (struct NAME(cell)){values[i], true};
    }
}

static void NAME(last_rows)(void *array, const struct group_rows *rows, const T *values)
{
    struct NAME(cell) *cells = array;
    for (int64_t i = 0; i < rows->nrows; i++) {
        if (rows->groups[i] == GROUP_NONE || !PRESENT(values[i]))
            continue;
        cells[rows->groups[i]] = (struct NAME(cell)){values[i], true};
    }
}

static void NAME(update)(void *array, enum agg agg, const struct group_rows *rows,
                         const void *values)
{
    bool scattered = rows->scattered;
    switch (agg) {
    case AGG_MIN:
        (scattered ? NAME(min_rows) : NAME(min_runs))(array, rows, values);
        break;
    case AGG_MAX:
        (scattered ? NAME(max_rows) : NAME(max_runs))(array, rows, values);
        break;
    case AGG_FIRST:
        (scattered ? NAME(first_rows) : NAME(first_runs))(array, rows, values);
        break;
    default:
        (scattered ? NAME(last_rows) : NAME(last_runs))(array, rows, values);
    }
}

static void NAME(write)(const void *array, enum agg agg, const struct partial_rows *rows,
                        struct vec *out)
{
    const struct NAME(cell) *cells = array;
    bool exact_bits = agg == AGG_FIRST || agg == AGG_LAST;
    T *data = out->data;
    for (int64_t i = 0; i < rows->nrows; i++) {
        const struct NAME(cell) *cell = cells + rows->groups[i];
        data[i] = exact_bits ? cell->value : CANONICAL(cell->value);
        if (!cell->seen || (rows->rounds && rows->rounds[i]))
            vec_set_null(out, i);
    }
}

#undef T
#undef MASK
#undef NAME
#undef PRESENT
#undef LOWEST
#undef HIGHEST
#undef CANONICAL
