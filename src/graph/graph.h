/* Task graphs as arrays: dense task ids, arguments in one pool, a hash table only at the edge. */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <cdask/graph.h>

#include "base/arena.h"
#include "base/vector.h"
#include "graph/context.h"

#define TASK_NONE UINT32_MAX

/* `function` NULL: mentioned, not defined. */
struct task {
    const struct function *function;
    int64_t index;
    uint32_t name; /* into graph->names */
    uint32_t nargs;
    uint64_t first_arg; /* into graph->args */
};

struct name {
    const char *text;
    uint64_t hash;
};

/* Open addressing from keys to tasks and from texts to names. Slots hold the number + 1; 0 is free.
 */
struct slots {
    uint32_t *at;
    size_t capacity; /* a power of two */
    size_t used;
};

struct dk_graph {
    dk_context *context;
    struct arena arena;  /* texts of names */
    struct vector names; /* of struct name */
    struct vector tasks; /* of struct task */
    struct vector args;  /* of dk_value */
    struct slots task_slots;
    struct slots name_slots;
    /* The last look-ups: graphs are built a layer at a time. */
    const char *last_name_pointer;
    uint32_t last_name;
    const struct function *last_function;
};

static inline const struct task *graph_task(const dk_graph *graph, uint32_t id)
{
    return &((const struct task *)graph->tasks.data)[id];
}

static inline const dk_value *graph_args(const dk_graph *graph, const struct task *task)
{
    return &((const dk_value *)graph->args.data)[task->first_arg];
}

static inline const char *graph_name(const dk_graph *graph, const struct task *task)
{
    return ((const struct name *)graph->names.data)[task->name].text;
}

#endif
