/* msgpack's bytes as a value. */
#ifndef WIRE_UNPACK_H
#define WIRE_UNPACK_H

#include "base/arena.h"
#include "wire/value.h"

/* Decodes `bytes`, which hold one object and nothing more. Text and bin stay where they are in
 * `bytes`, all else is in the arena. The special maps come as maps; message.h knows them.
 *
 * Errors: DK_EPARSE (cut off, followed by more, no msgpack, of an extension type, or nested deeper
 * than WIRE_DEPTH_MAX), DK_ENOMEM. */
dk_status wire_unpack(struct arena *arena, struct wire_bytes bytes, struct wire_value *out,
                      dk_error *err) DK_NODISCARD;

#endif
