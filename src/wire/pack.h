/* A value as msgpack's bytes. */
#ifndef WIRE_PACK_H
#define WIRE_PACK_H

#include "base/vector.h"
#include "wire/value.h"

/* Appends `value` to `frame0`, a vector of char, and the header and frames of each payload in it to
 * `frames`, a vector of struct wire_bytes whose first is reserved for frame 0.
 *
 * Numbers take their shortest form, as Python's msgpack has it; floats are doubles.
 * Errors: DK_EINVAL (nested deeper than WIRE_DEPTH_MAX), DK_ENOMEM. */
dk_status wire_pack(struct vector *frame0, struct vector *frames, const struct wire_value *value,
                    dk_error *err) DK_NODISCARD;

#endif
