/* Running a program over one partition, morsel by morsel: nothing is materialised that no sink
 * keeps. */
#ifndef FRAME_PASS_H
#define FRAME_PASS_H

#include "frame/program.h"
#include "graph/task.h"

/* Rows a morsel has at most: its columns stay in the second-level cache. */
#define MORSEL_ROWS 16384

struct pass_input {
    dk_table *const *tables; /* one for each input of the steps (none for files) */
    dk_table *const *scalars;
    const struct csv_source *csv; /* the file; NULL without files */
    int32_t block;                /* of the file */
    int64_t first_label;          /* of numbered rows of a table */
};

/* Runs `program` and gives one value a sink, as a list: a table of collected rows, or a list of
 * partial tables (groups_partial). */
dk_status pass_run(const dk_task *task, const struct program *program,
                   const struct pass_input *input, dk_value *out, dk_error *err) DK_NODISCARD;

/* The first row of partition `i` of a table cut into `n`: where the rows do not divide, the first
 * partitions have a row more. */
int64_t pass_first_row(int32_t i, int32_t n, int64_t nrows);

/* An empty state for the groups of `sink`, to merge partials into. */
dk_status pass_groups(const struct program *program, const struct sink *sink, struct groups **out,
                      dk_error *err) DK_NODISCARD;
/* The state of `groups` as a list of tables. */
dk_status pass_partial(struct memory *memory, const struct groups *groups, dk_value *out,
                       dk_error *err) DK_NODISCARD;

#endif
