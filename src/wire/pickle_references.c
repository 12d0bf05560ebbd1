#include "wire/pickle_references.h"

#include "base/error.h"

#define DEPTH_MAX 2000

/* Of a Task's state, whose slots are in alphabetical order: _data_producer, _dependencies,
 * _is_coro, _repr, _token, args, func, key, kwargs. */
enum { SLOT_PRODUCER = 0, SLOT_DEPENDENCIES = 1, NSLOTS = 9 };

static const char module[] = "dask._task_spec";

void pickle_references_init(struct pickle_references *references, struct pickle_tree *tree,
                            struct pickle_keys *names)
{
    *references = (struct pickle_references){.tree = tree, .names = names};
    references->visit = ++tree->nwriters;
    pickle_keys_init(&references->found, tree->arena);
}

void pickle_references_deinit(struct pickle_references *references)
{
    pickle_keys_deinit(&references->found);
}

static dk_status add(struct pickle_references *references, const struct pickle_node *node)
{
    struct wire_value key;
    DK_TRY(pickle_key_read(references->tree->arena, node, &key));
    return pickle_keys_add(&references->found, key);
}

/* ---- nodes of graphs ---- */

/* The part of a Task's state that lists what it depends on; NULL when this is no Task's. */
static const struct pickle_node *task_dependencies(const struct pickle_node *node)
{
    const struct pickle_node *state = node->kind == PICKLE_NEW ? pickle_node_state(node) : NULL;
    struct pickle_node *const *slots = NULL;
    uint32_t count = 0;
    if (state && state->kind == PICKLE_TUPLE) {
        slots = state->parts;
        count = state->count;
    } else if (state && state->kind == PICKLE_LIST && state->deeds && !state->deeds->next) {
        slots = state->deeds->parts;
        count = state->deeds->count;
    }
    if (count < NSLOTS || slots[SLOT_PRODUCER]->kind != PICKLE_PLAIN)
        return NULL;
    const struct pickle_node *dependencies = slots[SLOT_DEPENDENCIES];
    return dependencies->kind == PICKLE_FROZENSET ? dependencies : NULL;
}

bool pickle_node_is_task(const struct pickle_node *node)
{
    return task_dependencies(node) || pickle_node_is_call(node, module, "Task") ||
           pickle_node_is_call(node, module, "DataNode") ||
           pickle_node_is_call(node, module, "Alias");
}

static dk_status add_all(struct pickle_references *references, const struct pickle_node *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        DK_TRY(add(references, set->parts[i]));
    return DK_OK;
}

/* Task(key, function, argument, ...), which is how cdask's own clients write them. */
static dk_status add_arguments(struct pickle_references *references, const struct pickle_node *task)
{
    bool is_one;
    for (uint32_t i = 2; pickle_node_arg(task, i); i++)
        DK_TRY(pickle_references_of_node(references, pickle_node_arg(task, i), &is_one));
    return DK_OK;
}

dk_status pickle_references_of_node(struct pickle_references *references,
                                    const struct pickle_node *node, bool *is_one)
{
    const struct pickle_node *dependencies = task_dependencies(node);
    *is_one = true;
    if (dependencies)
        return add_all(references, dependencies);
    if (pickle_node_is_call(node, module, "DataNode"))
        return DK_OK;
    if (pickle_node_is_call(node, module, "Task"))
        return add_arguments(references, node);
    if (pickle_node_is_call(node, module, "TaskRef") ||
        pickle_node_is_call(node, "distributed.client", "Future"))
        return add(references, pickle_node_arg(node, 0));
    if (pickle_node_is_call(node, module, "Alias"))
        return add(references, pickle_node_arg(node, pickle_node_arg(node, 1) ? 1 : 0));
    *is_one = false;
    return DK_OK;
}

/* ---- looking around ---- */

static dk_status look(struct pickle_references *references, struct pickle_node *node, int depth);

/* Bare keys in the values of a dict mean nothing. */
static dk_status look_at_value(struct pickle_references *references, struct pickle_node *node,
                               int depth)
{
    bool is_one;
    return references->names ? pickle_references_of_node(references, node, &is_one)
                             : look(references, node, depth);
}

static dk_status look_into(struct pickle_references *references, const struct pickle_node *node,
                           int depth)
{
    for (uint32_t i = 0; i < node->count; i++)
        DK_TRY(look(references, node->parts[i], depth));
    for (const struct pickle_deed *d = node->deeds; d; d = d->next)
        for (uint32_t i = 0; i < d->count; i++) {
            if (node->kind != PICKLE_DICT)
                DK_TRY(look(references, d->parts[i], depth));
            else if (i % 2)
                DK_TRY(look_at_value(references, d->parts[i], depth));
        }
    return DK_OK;
}

/* Takes a bare key that names a task. */
static dk_status take_name(struct pickle_references *references, const struct pickle_node *node,
                           bool *is_name)
{
    struct wire_value key;
    *is_name = false;
    dk_status status =
        references->names ? pickle_key_read(references->tree->arena, node, &key) : DK_ENOTSUP;
    if (status != DK_OK)
        return status == DK_ENOTSUP ? DK_OK : status;
    *is_name = pickle_keys_has(references->names, key);
    return *is_name ? pickle_keys_add(&references->found, key) : DK_OK;
}

static bool is_visited(struct pickle_references *references, struct pickle_node *node)
{
    if (!node->is_shared)
        return false;
    bool is_known = node->written_by == references->visit;
    node->written_by = references->visit;
    return is_known;
}

static dk_status look(struct pickle_references *references, struct pickle_node *node, int depth)
{
    bool is_done;
    if (depth > DEPTH_MAX)
        return DK_ENOTSUP;
    if (is_visited(references, node))
        return DK_OK;
    DK_TRY(pickle_references_of_node(references, node, &is_done));
    if (!is_done)
        DK_TRY(take_name(references, node, &is_done));
    bool is_container = node->kind >= PICKLE_TUPLE && node->kind <= PICKLE_SET;
    return is_done || !is_container ? DK_OK : look_into(references, node, depth + 1);
}

dk_status pickle_references_look(struct pickle_references *references, struct pickle_node *node)
{
    return look(references, node, 0);
}

dk_status pickle_references_take(struct pickle_references *references,
                                 const struct wire_value **keys, uint32_t *count)
{
    const struct vector *values = &references->found.values;
    struct wire_value *copy = arena_alloc(references->tree->arena, values->count * sizeof(*copy));
    if (!copy)
        return DK_ENOMEM;
    if (values->count)
        memcpy(copy, values->data, values->count * sizeof(*copy));
    *keys = copy;
    *count = (uint32_t)values->count;
    return DK_OK;
}
