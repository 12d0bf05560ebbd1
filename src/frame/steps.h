/* The registers of a morsel, and running the steps on them. */
#ifndef FRAME_STEPS_H
#define FRAME_STEPS_H

#include "frame/pass.h"

struct selection {
    int64_t nrows;
    int32_t *rows; /* of the parent domain; room for MORSEL_ROWS; NULL for domain 0 */
};

struct morsel {
    const struct program *program;
    const struct pass_input *input;
    struct csv_scan *scan; /* whose batch the morsel is; borrowed, NULL without files */
    int64_t first_row;     /* of the partition */
    int64_t nrows;
    struct view *views;           /* one a register */
    struct vec *vecs;             /* one a register, for those that are computed */
    struct vec *loads;            /* one a parsed file column, in the order of program->loads */
    struct selection *selections; /* one a domain */
    int32_t *chosen;              /* scratch: rows of a domain as rows of the morsel */
};

dk_status morsel_init(struct morsel *morsel, const struct program *program,
                      const struct pass_input *input, dk_error *err) DK_NODISCARD;
void morsel_deinit(struct morsel *morsel);
/* Runs all steps on its rows, which have been found or are the table's. */
dk_status morsel_run(struct morsel *morsel, const dk_task *task, dk_error *err) DK_NODISCARD;

static inline const struct view *morsel_view(const struct morsel *morsel, int32_t reg)
{
    return &morsel->views[reg];
}

#endif
