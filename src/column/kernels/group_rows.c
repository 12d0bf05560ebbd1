#include "column/kernels/group_rows.h"

#include <string.h>

/* Up to 64 validity bits from bit `at`, `n` of them meaningful. Reads only bytes that hold them. */
static uint64_t bits_at(const uint8_t *bits, int64_t at, int64_t n)
{
    const uint8_t *bytes = bits + (at >> 3);
    int skip = (int)(at & 7);
    int64_t nbytes = (skip + n + 7) >> 3;
    uint64_t word = 0;
    memcpy(&word, bytes, (size_t)(nbytes < 8 ? nbytes : 8));
    word >>= skip;
    if (nbytes > 8)
        word |= (uint64_t)bytes[8] << (64 - skip);
    return n < 64 ? word & ((UINT64_C(1) << n) - 1) : word;
}

/* The first row in [row, end) whose bit is `valid`, or `end`. */
static int64_t find_row(const struct view *view, int64_t row, int64_t end, bool valid)
{
    while (row < end) {
        int64_t n = end - row < 64 ? end - row : 64;
        uint64_t word = bits_at(view->validity, view->validity_offset + row, n);
        if (!valid)
            word = ~word & (n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX);
        if (word)
            return row + __builtin_ctzll(word);
        row += n;
    }
    return end;
}

bool next_valid_run(const struct view *view, int64_t row, int64_t end, int64_t *start,
                    int64_t *stop)
{
    if (view->validity) {
        *start = find_row(view, row, end, true);
        *stop = find_row(view, *start, end, false);
    } else {
        *start = row;
        *stop = end;
    }
    return *start < end;
}

/* The parts of the runs that are not null; false when they have become too many for runs to pay. */
static bool cut_runs(const struct group_rows *rows, const struct view *values,
                     struct group_scratch *scratch, struct group_rows *out)
{
    int64_t limit = rows->nrows / GROUP_RUN_MIN;
    int32_t n = 0;
    for (int32_t i = 0; i < rows->nruns; i++) {
        int64_t start, stop = rows->starts[i];
        while (next_valid_run(values, stop, rows->ends[i], &start, &stop)) {
            if (n > limit)
                return false;
            scratch->starts[n] = (int32_t)start;
            scratch->ends[n] = (int32_t)stop;
            scratch->groups[n++] = rows->groups[i];
        }
    }
    *out =
        (struct group_rows){rows->nrows, false, n, scratch->starts, scratch->ends, scratch->groups};
    return true;
}

static void spread_runs(const struct group_rows *rows, uint32_t *groups)
{
    int32_t row = 0;
    for (int32_t i = 0; i < rows->nruns; i++) {
        while (row < rows->starts[i])
            groups[row++] = GROUP_NONE;
        while (row < rows->ends[i])
            groups[row++] = rows->groups[i];
    }
    while (row < rows->nrows)
        groups[row++] = GROUP_NONE;
}

void group_rows_without_nulls(const struct group_rows *rows, const struct view *values,
                              struct group_scratch *scratch, struct group_rows *out)
{
    if (!values->validity) {
        *out = *rows;
        return;
    }
    if (!rows->scattered && cut_runs(rows, values, scratch, out))
        return;
    if (rows->scattered)
        memcpy(scratch->groups, rows->groups, (size_t)rows->nrows * sizeof *scratch->groups);
    else
        spread_runs(rows, scratch->groups);
    for (int64_t i = 0; i < rows->nrows; i++)
        if (view_is_null(values, i))
            scratch->groups[i] = GROUP_NONE;
    *out = (struct group_rows){.nrows = rows->nrows, .scattered = true, .groups = scratch->groups};
}

const uint32_t *group_rows_scatter(const struct group_rows *rows, uint32_t *groups)
{
    if (rows->scattered)
        return rows->groups;
    spread_runs(rows, groups);
    return groups;
}
