/* Delayed calls of registered functions, whose arguments may be lazy themselves. */
#ifndef FRAME_DELAYED_H
#define FRAME_DELAYED_H

#include "frame/lower.h"

/* The function of a delayed call that is a result already. */
#define KEPT_VALUE "frame.value"

/* A call of one computation: its place in the graph, and where its frames come from. */
struct lowered_call {
    const struct dk_expression *expression;
    struct place *places; /* one a lazy argument; in the lowering's arena */
    dk_task_id task;      /* once emitted */
};

/* Appends the calls among `frames` and those that they need, users first, and lowers the frames
 * that are their arguments. */
dk_status delayed_lower(struct lowering *lowering, struct vector *calls, const dk_frame *frames,
                        size_t nframes, dk_error *err) DK_NODISCARD;
dk_status delayed_emit(struct lowering *lowering, struct vector *calls, dk_graph *graph,
                       dk_error *err) DK_NODISCARD;
dk_task_id delayed_task(const struct vector *calls, const struct dk_expression *expression);

#endif
