/* Values as what msgpack and pickles know, and back.
 *
 * What neither knows is a map of one entry whose key is a number; a dk_value's own maps have texts:
 *
 *     {0: k}                          the result called keys[k] (payload/task.c)
 *     {1: schema}, {1: [whole]}       a table; its buffers are frames, or with the schema
 *     {2: type}, {2: [type, bytes]}   an object; its bytes are a frame, or here
 */
#ifndef PAYLOAD_PLAIN_H
#define PAYLOAD_PLAIN_H

#include <cdask/value.h>

#include "base/arena.h"
#include "base/vector.h"
#include "payload/value.h"
#include "wire/value.h"

enum plain_tag { TAG_RESULT, TAG_TABLE, TAG_OBJECT };

struct plain_packer {
    dk_context *dk;
    struct arena *arena;
    struct vector *frames; /* of struct wire_bytes; NULL: nothing leaves the value */
    struct vector *owned;  /* of dk_value: the bytes of objects, which are borrowed */
    int depth;             /* of lists and maps; 0 to begin with */
    dk_error *err;
    struct vector *payloads; /* of struct payload_value *, in the arena: what tables and objects
                                become for a message; NULL: they are part of the value */
};

/* Makes `*out` of `value`, which it borrows, with the arena and what is owned.   Errors: as
 * payload_pack_value(). */
dk_status plain_pack(struct plain_packer *packer, dk_value value,
                     struct wire_value *out) DK_NODISCARD;
/* {tag: content} */
dk_status plain_tag(struct plain_packer *packer, enum plain_tag tag, struct wire_value content,
                    struct wire_value *out) DK_NODISCARD;

struct plain_unpacker {
    dk_context *dk;
    const struct wire_bytes *frames; /* those not used yet */
    size_t nframes;
    const struct payload_owner *owner; /* of the frames; NULL: they are copied */
    bool has_tags;                     /* false: a map with numbers is what it seems */
    dk_error *err;
};

/* Makes the value of `from`; nothing of it is needed after.   Errors: as payload_unpack_value(). */
dk_status plain_unpack(struct plain_unpacker *unpacker, const struct wire_value *from,
                       dk_value *out) DK_NODISCARD;
/* What a map of one entry says under a number; NULL: it is no such map. */
const struct wire_value *plain_tagged(const struct wire_value *value, enum plain_tag *tag);

#endif
