/* Messages whose frames are in use by several: columns lie in them. */
#ifndef NODE_HELD_H
#define NODE_HELD_H

#include <stdatomic.h>

#include "payload/value.h"
#include "wire/message.h"

struct held {
    atomic_uint references;
    struct memory *memory;
    struct message message;
};

/* *Takes* the message, also when it fails: NULL when out of memory. One reference is the caller's.
 */
struct held *held_new(struct memory *memory, struct message *message) DK_NODISCARD;
void held_unref(struct held *held);
/* For payload_unpack_value(). */
struct payload_owner held_owner(struct held *held);

#endif
