/* Fetching results, with a flag that cancels. */
#ifndef NODE_CLIENT_GATHER_H
#define NODE_CLIENT_GATHER_H

#include "node/client/client.h"

/* As dk_client_gather(); `cancel` as in dk_get_options.   Errors: DK_ECANCELED, too. */
dk_status client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                        const volatile int *cancel, dk_value *results, dk_error *err) DK_NODISCARD;

#endif
