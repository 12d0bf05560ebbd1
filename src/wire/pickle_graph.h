/* The graph in the pickle of one of Dask's expressions: its tasks, what each depends on, and each
 * as a pickle of its own, found without running any of it.
 *
 *     client.submit, client.get({...})   LLGExpr({key: task, ...})
 *     client.map                         _MapExpr(function, iterables, ...)
 *
 * Source: dask._expr, dask._task_spec, distributed.client, 2026. */
#ifndef WIRE_PICKLE_GRAPH_H
#define WIRE_PICKLE_GRAPH_H

#include "wire/pickle_tree.h"

struct pickle_graph_task {
    struct wire_value key;
    const struct wire_value *dependencies; /* keys, each once */
    uint32_t ndependencies;
    struct pickle_node *value; /* what the expression says about it; NULL in a map */
};

struct pickle_map;

struct pickle_graph {
    struct pickle_tree tree;
    const struct wire_bytes *buffers;
    struct pickle_graph_task *tasks;
    uint32_t ntasks;
    struct pickle_map *map; /* NULL: an LLGExpr */
};

/* Lives in the arena, and in `pickle` and `buffers`, which came beside it.
 *
 * Errors: DK_ENOTSUP (another expression, or one that cannot be told apart without Python: `err`
 * says what), DK_EPARSE (no pickle of an expression), DK_ENOMEM. */
dk_status pickle_graph_read(struct pickle_graph *graph, struct arena *arena,
                            struct wire_bytes pickle, const struct wire_bytes *buffers,
                            uint32_t nbuffers, dk_error *err) DK_NODISCARD;

/* Appends the pickle of task `i`, as a worker in Python wants it, to `out`, a vector of char, and
 * the numbers of the buffers it takes, of those that came with the expression, to `buffers`, of
 * uint32_t. Tasks may be written in any order, one at a time.
 * Errors: DK_ENOTSUP, DK_ENOMEM. */
dk_status pickle_graph_write(struct pickle_graph *graph, uint32_t i, struct vector *out,
                             struct vector *buffers, dk_error *err) DK_NODISCARD;

#endif
