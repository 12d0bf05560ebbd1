/* Native tasks as bytes: the name of a function and its arguments. Results of other tasks are named
 * by their keys, so the bytes mean the same in every process that registers the same functions and
 * object types.
 *
 *     ["cdask", function, [key, ...], [argument, ...]]           msgpack
 *
 * An argument is the value itself as msgpack has it; what msgpack does not have is a map of one
 * entry, whose key is a number (a dk_value's map has texts): see payload/plain.h.
 */
#ifndef PAYLOAD_TASK_H
#define PAYLOAD_TASK_H

#include <cdask/graph.h>

#include "base/vector.h"
#include "graph/registry.h"
#include "wire/value.h"

/* Appends the canonical bytes (core/keys.h) of `key` to `out`, a vector of char.
 * Errors: DK_ENOMEM. */
dk_status payload_pack_key(dk_key key, struct vector *out) DK_NODISCARD;

/* Replaces the content of `out`, a vector of char, with function(args...), by the name that other
 * processes know it by, if it is registered here. The argument dk_value_task(i) is the result of
 * the task whose key's canonical bytes are keys[i].
 *
 * Tables are written out, objects packed.
 * Errors: DK_ENOTSUP (an object whose type cannot leave its process), DK_EINVAL (nested deeper than
 * WIRE_DEPTH_MAX), DK_EOVERFLOW (a text, bytes or buffer beyond 4 GiB), what packing an object
 * gives, DK_ENOMEM. */
dk_status payload_pack_task(dk_context *dk, const char *function, const dk_value *args,
                            size_t nargs, const struct wire_bytes *keys, struct vector *out,
                            dk_error *err) DK_NODISCARD;

/* The same for a task of a graph, which is defined: keys[i] is the key of its task i, of those that
 * the task's arguments name. */
dk_status payload_pack_graph_task(const dk_graph *graph, dk_task_id id,
                                  const struct wire_bytes *keys, struct vector *out,
                                  dk_error *err) DK_NODISCARD;

/* A task that can be run as soon as its dependencies are there. */
struct payload_task {
    struct memory *memory;
    const struct function *function;
    dk_value *args; /* nargs; dk_value_task(i) stands for the result called keys[i] */
    uint32_t nargs;
    uint32_t nkeys;
    struct wire_bytes *keys; /* canonical; each once, in order of first mention */
    size_t nbytes;           /* of the block that they are in */
};

/* Reads what payload_pack_task() wrote. Nothing of `bytes` is needed after. Any bytes may be given:
 * what is built is at most some 32 times as large.
 *
 * Ownership: `*out` is the caller's, payload_task_deinit() ends it; untouched on failure.
 * Errors: DK_EPARSE (no native task; `err` says why), DK_EKEY (no such function here; names it),
 * DK_ENOTSUP (an object of a type that is not registered here; names it), what unpacking an object
 * gives, DK_ENOMEM. */
dk_status payload_unpack_task(dk_context *dk, struct wire_bytes bytes, struct payload_task *out,
                              dk_error *err) DK_NODISCARD;
void payload_task_deinit(struct payload_task *task);

/* True when `bytes` begin as native tasks do. */
bool payload_is_task(struct wire_bytes bytes);
/* True when they are a task that calls REGISTRY_PYTHON. */
bool payload_needs_python(struct wire_bytes bytes);

/* What a scheduler in Python is told that our tasks need: resources that cdask's workers have, and
 * no others. */
#define RESOURCE_NATIVE "cdask"
#define RESOURCE_PYTHON "cdask-python" /* beside the first: workers with an interpreter */

#endif
