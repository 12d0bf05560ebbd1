/* One question and its answer over a connection of its own, for commands: it blocks. */
#ifndef NODE_RPC_H
#define NODE_RPC_H

#include <stdint.h>

#include "node/address.h"
#include "node/tls.h"
#include "wire/message.h"

/* Sends `request`, a map with the text "op" and the arguments of that operation, and waits for the
 * reply, which is the caller's: free with message_deinit().
 *
 * `tls` is for tls:// addresses, else NULL.
 * Blocks: `timeout_ms` at most, and for as long as a name server may take.
 * Errors: DK_EIO (no such host, refused, closed, no answer in time), DK_EPARSE (the peer does not
 * speak the protocol), DK_ETASK (the operation failed there; `err` has its text), DK_ENOMEM; `err`
 * names the address. */
dk_status node_rpc(struct memory *memory, const struct node_address *address,
                   struct tls_config *tls, const struct wire_value *request, int64_t timeout_ms,
                   struct message *reply, dk_error *err) DK_NODISCARD;

#endif
