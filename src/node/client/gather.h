/* Fetching results, with a limit. */
#ifndef NODE_CLIENT_GATHER_H
#define NODE_CLIENT_GATHER_H

#include "node/client/client.h"

/* As dk_client_gather_with(). */
dk_status client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                        const struct wait_limit *limit, dk_value *results,
                        dk_error *err) DK_NODISCARD;

#endif
