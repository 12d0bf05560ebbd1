/* Samples, as the signal handler leaves them and the report reads them. */
#ifndef DIAGNOSTICS_STACKS_H
#define DIAGNOSTICS_STACKS_H

#include <stdatomic.h>

#include <cdask/diagnostics.h>

#include "base/text.h"

#define STACK_DEPTH_MAX 48

/* Program counters, innermost first. A sample counts once `depth` is set. */
struct stack_sample {
    void *frames[STACK_DEPTH_MAX];
    atomic_int depth;
};

struct dk_stacks;

const struct stack_sample *stacks_samples(const struct dk_stacks *stacks, size_t *count);

/* Writes the samples as a tree, hottest branches first (stacks_text.c). */
dk_status stacks_put_tree(struct memory *memory, const struct stack_sample *samples, size_t count,
                          struct text *text) DK_NODISCARD;

#endif
