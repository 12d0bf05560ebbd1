/* Samples, as the sampling thread keeps them and the reports read them. */
#ifndef DIAGNOSTICS_STACKS_H
#define DIAGNOSTICS_STACKS_H

#include <cdask/diagnostics.h>

#include "base/text.h"

#define STACK_DEPTH_MAX 48

/* Program counters, innermost first. */
struct stack_sample {
    void *frames[STACK_DEPTH_MAX];
    int depth;
};

/* Writes the samples as a tree, hottest branches first; as one line a path, "a;b;c 12". */
dk_status stacks_put_tree(struct memory *memory, const struct stack_sample *samples, size_t count,
                          struct text *text) DK_NODISCARD;
dk_status stacks_put_folded(struct memory *memory, const struct stack_sample *samples, size_t count,
                            struct text *text) DK_NODISCARD;

#endif
