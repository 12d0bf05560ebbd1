/* Results on the wire: a __Serialized__, which is a header and frames.
 *
 * What any Python can load is a pickle (serializer "pickle"): null, bool, numbers, text, bytes, and
 * lists and maps of them. Tables, objects, and lists and maps with one of them inside are ours
 * (serializer "cdask"): frame 0 is the value as payload/plain.h has it, every other frame is a
 * buffer of a table or a packed object.
 */
#ifndef PAYLOAD_VALUE_H
#define PAYLOAD_VALUE_H

#include <cdask/value.h>

#include "base/arena.h"
#include "base/vector.h"
#include "graph/object_codec.h"
#include "wire/value.h"

/* A value on its way out. Tables are not copied: frames are where their buffers are. */
struct payload_value {
    struct wire_payload payload; /* borrowed from here */
    size_t nbytes;               /* of all frames */
    dk_value value;
    struct arena arena;
    struct vector bytes;   /* of char: frame 0 */
    struct vector frames;  /* of struct wire_bytes */
    struct vector owned;   /* of dk_value: packed objects */
    struct dk_parts parts; /* of a pickle that refers to what lies elsewhere */
};

/* Packs `value` and keeps a reference of it.
 *
 * Ownership: `*out` is the caller's, payload_value_deinit() ends it; undefined on failure.
 * Errors: DK_ENOTSUP (an object whose type cannot leave its process), DK_EINVAL (nested deeper than
 * WIRE_DEPTH_MAX; of the kind DK_KIND_TASK), DK_EOVERFLOW (a text or bytes beyond 4 GiB), what
 * packing an object gives, DK_ENOMEM. */
dk_status payload_pack_value(dk_context *dk, dk_value value, struct payload_value *out,
                             dk_error *err) DK_NODISCARD;
void payload_value_deinit(struct payload_value *packed);

/* What goes in place of a value that cannot be packed: whoever unpacks it gets DK_ETYPE with this
 * text, and Python a TypeError.   Errors: DK_ENOMEM. */
dk_status payload_pack_failure(dk_context *dk, const char *text, struct payload_value *out,
                               dk_error *err) DK_NODISCARD;

/* As a value of a message, which borrows `value`. */
static inline struct wire_value payload_wire(const struct payload_value *value)
{
    return (struct wire_value){.kind = WIRE_SERIALIZED, .as.payload = &value->payload};
}

/* Who keeps the frames of a message: columns on them count as users. Thread: any. */
struct payload_owner {
    void *self;
    void (*ref)(void *self);
    void (*unref)(void *self);
};

/* Makes the value that `from` says: a __Serialized__ or __Pickled__ one, or a plain one in the
 * message itself.
 *
 * Frames that lie at a multiple of 8 become columns where they are, if they have an owner (NULL:
 * all is copied). Pickles are read, never run.
 * Errors: DK_EPARSE (it is not what its header says), DK_ETYPE (it could not be sent), DK_ENOTSUP
 * (only Python can read it; names the class; or an object of a type that is not registered here),
 * DK_ETYPE (a dict with keys other than texts), DK_EOVERFLOW (an integer beyond 64 bits), what
 * unpacking an object gives, DK_ENOMEM.
 */
dk_status payload_unpack_value(dk_context *dk, const struct wire_value *from,
                               const struct payload_owner *owner, dk_value *out,
                               dk_error *err) DK_NODISCARD;

/* The same where nobody's code may run: objects and tables are DK_ENOTSUP. */
dk_status payload_unpack_plain(dk_context *dk, const struct wire_value *from, dk_value *out,
                               dk_error *err) DK_NODISCARD;

/* What Dask calls the type of a value: "int", "str", "cdask.table" ..., and the pickle of the class
 * (of object for those that Python does not have), as task-finished tells them.
 * Ownership: static. */
const char *payload_typename(dk_value value);
struct wire_bytes payload_type(dk_value value);

#endif
