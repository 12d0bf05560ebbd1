/* A value that outlives its message: an owned copy of it, payloads included, in one block; or all
 * but the frames of a payload, which somebody else keeps.
 *
 * So the scheduler keeps what it never opens: the code of a task, an exception, the type of a
 * result.   Thread: any; the count is atomic and the value never changes.
 */
#ifndef WIRE_BOX_H
#define WIRE_BOX_H

#include <stdatomic.h>

#include "base/memory.h"
#include "wire/value.h"

struct wire_box {
    struct memory *memory;
    size_t nbytes; /* of the block */
    atomic_uint references;
    bool frames_stay; /* where they were; then a struct frame_keeper comes first in the block */
    struct wire_value value;
};

/* A copy of `value` with one reference; NULL when out of memory. */
struct wire_box *wire_box_new(struct memory *memory, const struct wire_value *value) DK_NODISCARD;

/* The same of a payload whose frames stay where they are. *Takes* a reference of their owner,
 * unless it is out of memory. */
struct wire_box *wire_box_keep(struct memory *memory, const struct wire_value *value, void *owner,
                               void (*unref_owner)(void *owner)) DK_NODISCARD;

/* One more reference, and one less. NULL stays NULL and is ignored. */
struct wire_box *wire_box_ref(struct wire_box *box);
void wire_box_unref(struct wire_box *box);

/* Whether it is a copy of such a value. Says so of plain values and payloads only: of containers it
 * never does. */
bool wire_box_holds(const struct wire_box *box, const struct wire_value *value);

/* The value, nil for NULL.   Ownership: borrowed from the box. */
static inline struct wire_value wire_box_value(const struct wire_box *box)
{
    return box ? box->value : wire_nil();
}

#endif
