/* Objects on their way between processes, by the functions of their types. */
#ifndef GRAPH_OBJECT_CODEC_H
#define GRAPH_OBJECT_CODEC_H

#include <cdask/graph.h>

/* Packs an object value into a bytes value, which the caller takes.
 * Errors: DK_ENOTSUP (its type cannot leave its process, or is not registered), DK_ETYPE (packing
 * gave something else), what packing gives. */
dk_status object_pack(dk_context *dk, dk_value object, dk_value *bytes, dk_error *err) DK_NODISCARD;

/* Makes an object of the type called `name`.
 * Errors: DK_ENOTSUP (it is not registered here), what unpacking gives, DK_ENOMEM. */
dk_status object_unpack(dk_context *dk, const char *name, const void *bytes, size_t nbytes,
                        dk_value *out, dk_error *err) DK_NODISCARD;

#endif
