/* Objects on their way between processes, by the functions of their types. */
#ifndef GRAPH_OBJECT_CODEC_H
#define GRAPH_OBJECT_CODEC_H

#include <cdask/graph.h>

#include "base/vector.h"

/* Packs an object value into a bytes value, which the caller takes.
 * Errors: DK_ENOTSUP (its type cannot leave its process, or is not registered), DK_ETYPE (packing
 * gave something else), what packing gives. */
dk_status object_pack(dk_context *dk, dk_value object, dk_value *bytes, dk_error *err) DK_NODISCARD;

struct dk_parts {
    struct vector list; /* of struct held_part */
};

struct held_part {
    dk_part part;
    void (*release)(void *self);
    void *self;
};

void object_parts_init(struct dk_parts *parts, struct memory *memory);
/* Releases them. */
void object_parts_deinit(struct dk_parts *parts);
/* Packs an object of a type with `pack_parts` into at least one part.   Errors: as object_pack().
 */
dk_status object_pack_parts(dk_context *dk, dk_value object, struct dk_parts *parts,
                            dk_error *err) DK_NODISCARD;
/* Errors: as object_unpack(), DK_ENOTSUP (the type does without parts). */
dk_status object_unpack_parts(dk_context *dk, const dk_object_type *type, const dk_part *parts,
                              size_t nparts, dk_value *out, dk_error *err) DK_NODISCARD;

/* Makes an object of the type called `name`.
 * Errors: DK_ENOTSUP (it is not registered here), what unpacking gives, DK_ENOMEM. */
dk_status object_unpack(dk_context *dk, const char *name, const void *bytes, size_t nbytes,
                        dk_value *out, dk_error *err) DK_NODISCARD;

#endif
