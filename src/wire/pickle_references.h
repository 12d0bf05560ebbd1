/* What a part of a pickle's tree refers to: results of other tasks, by Dask's futures, TaskRefs,
 * Aliases, by tasks within, or (in graphs of tuples) by their bare keys.
 *
 * Source: dask._task_spec (parse_input, convert_legacy_task, GraphNode.dependencies). */
#ifndef WIRE_PICKLE_REFERENCES_H
#define WIRE_PICKLE_REFERENCES_H

#include "wire/pickle_keys.h"

struct pickle_references {
    struct pickle_tree *tree;
    struct pickle_keys found;
    struct pickle_keys *names; /* keys that count where they stand bare; NULL: none do */
    uint64_t visit;
};

void pickle_references_init(struct pickle_references *references, struct pickle_tree *tree,
                            struct pickle_keys *names);
void pickle_references_deinit(struct pickle_references *references);

/* One of Dask's nodes of graphs: a Task or a kind of it, a DataNode, an Alias. */
bool pickle_node_is_task(const struct pickle_node *node);

/* Looks at `node`, and into lists, tuples, sets and dicts.
 * Errors: DK_ENOTSUP (nested too deep, or a reference to what is no key), DK_ENOMEM. */
dk_status pickle_references_look(struct pickle_references *references,
                                 struct pickle_node *node) DK_NODISCARD;
/* The same, if `node` is a task or refers to one, else `*is_one` is false. */
dk_status pickle_references_of_node(struct pickle_references *references,
                                    const struct pickle_node *node, bool *is_one) DK_NODISCARD;
/* What was found so far, in the tree's arena.   Errors: DK_ENOMEM. */
dk_status pickle_references_take(struct pickle_references *references,
                                 const struct wire_value **keys, uint32_t *count) DK_NODISCARD;

#endif
