/* The inside of values that do not fit in the struct. */
#ifndef GRAPH_VALUE_H
#define GRAPH_VALUE_H

#include <stdatomic.h>

#include <cdask/value.h>

#include "base/memory.h"

/* Text and bytes: `data` has nbytes bytes and a zero. List and map: nbytes / sizeof(dk_value)
 * items. Object: `type` and `object`. */
struct dk_block {
    atomic_int refs;
    struct memory *memory;
    const dk_object_type *type;
    void *object;
    size_t nbytes;
    uint32_t kinds; /* list and map: 1 << kind for all that is inside, however deep */
    _Alignas(16) char data[];
};

/* The dk_value_ functions for callers that have a ledger and no context. */
dk_status value_text(struct memory *memory, const char *text, size_t nbytes,
                     dk_value *out) DK_NODISCARD;
dk_status value_bytes(struct memory *memory, const void *bytes, size_t nbytes,
                      dk_value *out) DK_NODISCARD;
dk_status value_list(struct memory *memory, const dk_value *items, size_t count,
                     dk_value *out) DK_NODISCARD;
dk_status value_map(struct memory *memory, const dk_value *items, size_t count,
                    dk_value *out) DK_NODISCARD;
dk_status value_object(struct memory *memory, const dk_object_type *type, void *object,
                       dk_value *out) DK_NODISCARD;

/* Whether a list or map has something of `kind` inside, however deep. */
static inline bool value_contains(dk_value value, dk_kind kind)
{
    bool has_items = value.kind == DK_KIND_LIST || value.kind == DK_KIND_MAP;
    return has_items && (value.as.block->kinds >> kind & 1);
}

/* False for the kinds that hold no reference, which the schedulers' inner loops need not release.
 */
static inline bool value_is_counted(dk_value value)
{
    return value.kind >= DK_KIND_TEXT && value.kind <= DK_KIND_OBJECT;
}

#endif
