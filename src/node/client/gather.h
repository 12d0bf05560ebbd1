/* Fetching results, with a limit: gather.c, and direct.c from workers. */
#ifndef NODE_CLIENT_GATHER_H
#define NODE_CLIENT_GATHER_H

#include "node/client/client.h"
#include "payload/value.h"

/* As dk_client_gather_with(). */
dk_status client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                        dk_direct direct, const struct wait_limit *limit, dk_value *results,
                        dk_error *err) DK_NODISCARD;

/* One call, for these files. */
struct gathering {
    dk_client *client;
    dk_future *const *futures;
    size_t nfutures;
    dk_direct direct;
    const struct wait_limit *limit;
    dk_value *results;
    bool *is_there; /* those that have come */
    size_t nthere;
};

/* The value of a future in a map, looked for from entry `*at` on, where it is when the answer has
 * the order of the question; `*at` moves on. NULL: there is none.   Errors: DK_ENOMEM. */
dk_status gather_find(const dk_future *future, const struct wire_value *map, uint32_t *at,
                      struct vector *scratch, const struct wire_value **out) DK_NODISCARD;
/* It is there, from now on. Errors: as payload_unpack_value(). */
dk_status gather_take(struct gathering *gathering, size_t i, const struct wire_value *value,
                      const struct payload_owner *owner, dk_error *err) DK_NODISCARD;

/* Whether workers may be asked. */
bool gather_may_be_direct(const struct gathering *gathering);
/* Takes what workers give, which may be nothing.
 * Errors: DK_ENOMEM, what cannot be read, those of the limit, and of the scheduler. */
dk_status gather_directly(struct gathering *gathering, dk_error *err) DK_NODISCARD;

#endif
