/* Which group each row of a block belongs to: as runs of rows where neighbours share a group
 * (sorted data), or as a group number for each row. */
#ifndef KERNELS_GROUP_ROWS_H
#define KERNELS_GROUP_ROWS_H

#include "column/column.h"

/* Rows are fed to the aggregators in blocks whose group numbers stay in the first level caches. */
#define GROUP_BLOCK 4096
/* A row that belongs to no group: its key or its value is missing. */
#define GROUP_NONE UINT32_MAX
/* Runs shorter than this on average cost more than they save. */
#define GROUP_RUN_MIN 4

/*  scattered  groups[i] is the group of row i, or GROUP_NONE
 *  else       run i is rows [starts[i], ends[i]) of group groups[i]; runs ascend, rows between runs
 * are skipped */
struct group_rows {
    int64_t nrows;
    bool scattered;
    int32_t nruns;
    const int32_t *starts;
    const int32_t *ends;
    const uint32_t *groups;
};

/* Storage of one group_rows. */
struct group_scratch {
    int32_t starts[GROUP_BLOCK];
    int32_t ends[GROUP_BLOCK];
    uint32_t groups[GROUP_BLOCK];
};

/* The rows of `rows` whose value in `values` is not null (NaN is the aggregator's affair). `out`
 * borrows `scratch`, or is `rows` itself when there are no nulls. */
void group_rows_without_nulls(const struct group_rows *rows, const struct view *values,
                              struct group_scratch *scratch, struct group_rows *out);
/* A group for each row, in either form; `groups` has room for rows->nrows and is used when they are
 * runs. */
const uint32_t *group_rows_scatter(const struct group_rows *rows, uint32_t *groups);

/* The next run of rows in [row, end) that are not null: true and [*start, *stop), or false. */
bool next_valid_run(const struct view *view, int64_t row, int64_t end, int64_t *start,
                    int64_t *stop);

#endif
