/* A job: the graph that some frames need, on its way from expressions to tasks. */
#ifndef FRAME_JOB_H
#define FRAME_JOB_H

#include "frame/lower.h"

struct job {
    dk_context *dk;
    const dk_frame *frames;
    size_t nframes;
    int32_t limit; /* rows wanted of the first partition of each frame; 0: all */
    struct lowering lowering;
    struct vector calls;  /* struct lowered_call */
    struct place *places; /* one a frame, of those that are not delayed */
    dk_graph *graph;      /* once emitted */
};

/* Lowers and emits: then `graph` is there, which the caller may take by setting it to NULL.
 * To be followed by job_deinit() also when it fails.
 * Errors: those the expressions carry, DK_EINVAL (a groupby, a literal), DK_ENOMEM. */
dk_status job_init(struct job *job, const dk_frame *frames, size_t nframes, int32_t limit,
                   dk_error *err) DK_NODISCARD;
void job_deinit(struct job *job);

/* The task that gives all of frame `i`. */
dk_task_id job_result(const struct job *job, size_t i);
/* Adds a task for each partition of frame `i`, which is not delayed: its rows there.
 * Errors: DK_ENOMEM. */
dk_status job_partitions(struct job *job, size_t i, dk_task_id *out, dk_error *err) DK_NODISCARD;

/* The `get` that the options choose.   Errors: DK_EINVAL (a name that there is not; no client). */
dk_status job_get(dk_context *dk, const dk_compute_options *options, dk_get *get) DK_NODISCARD;

#endif
