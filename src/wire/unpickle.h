/* Python's pickles, read but never run. */
#ifndef WIRE_UNPICKLE_H
#define WIRE_UNPICKLE_H

#include "base/arena.h"
#include "wire/value.h"

/* Reads a pickle (protocols 2 to 5) of None, bool, int, float, str, bytes, bytearray, list, tuple,
 * dict, set and frozenset; tuples become arrays. Texts and bytes stay where they are in `bytes`,
 * all else is in the arena, some 200 times as large as the pickle at most. What a pickle shares is
 * shared.
 *
 * Errors: DK_ENOTSUP (it needs a class or function: `err` names it; a container inside itself),
 * DK_EOVERFLOW (an integer beyond 64 bits), DK_EPARSE (no pickle, or nested deeper than
 * WIRE_DEPTH_MAX), DK_ENOMEM. */
dk_status pickle_unpack(struct arena *arena, struct wire_bytes bytes, struct wire_value *out,
                        dk_error *err) DK_NODISCARD;

/* Finds the payload in the pickle of a dask Task as a scheduler in Python sends it: walks over the
 * opcodes up to the first bytes object. False when there is none, or this is no such pickle. */
bool pickle_find_bytes(struct wire_bytes pickle, struct wire_bytes *out);

/* Finds what an exception says: the last text of its pickle, or of a pickle inside that. False when
 * there is none. */
bool pickle_find_last_text(struct wire_bytes pickle, struct wire_bytes *out);

#endif
