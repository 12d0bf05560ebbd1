/* What a pass keeps of each morsel. */
#ifndef FRAME_SINKS_H
#define FRAME_SINKS_H

#include "frame/steps.h"

struct kept {
    const struct program *program;
    const struct sink *sink;
    int64_t nrows;       /* collected so far */
    struct vec *columns; /* collected; the last is the index */
    struct groups *groups;
    struct view *values; /* scratch for groups_update */
};

dk_status sink_open(struct kept *kept, const struct program *program, const struct sink *sink,
                    dk_error *err) DK_NODISCARD;
void sink_close(struct kept *kept);
dk_status sink_feed(struct kept *kept, const struct morsel *morsel, const dk_task *task,
                    dk_error *err) DK_NODISCARD;
/* The table, or the list of partial tables; the sink is empty after. */
dk_status sink_result(struct kept *kept, dk_value *out, dk_error *err) DK_NODISCARD;

#endif
