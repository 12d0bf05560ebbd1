/* What messages of the scheduler say, as values. */
#ifndef NODE_CLIENT_ANSWER_H
#define NODE_CLIENT_ANSWER_H

#include <cdask/value.h>

#include "wire/value.h"

/* Sets are lists; a map with keys other than texts is a list of its pairs.
 * Errors: as payload_unpack_value(). */
dk_status answer_value(dk_context *dk, const struct wire_value *from, dk_value *out,
                       dk_error *err) DK_NODISCARD;
/* The key with these bytes: a text, an integer, a float, or a list of such.   Errors: DK_ENOMEM. */
dk_status key_value(dk_context *dk, struct wire_bytes key, dk_value *out) DK_NODISCARD;

#endif
