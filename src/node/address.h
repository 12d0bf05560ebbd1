/* Where a node listens: tcp://HOST:PORT. */
#ifndef NODE_ADDRESS_H
#define NODE_ADDRESS_H

#include <cdask/status.h>

#define ADDRESS_HOST_MAX 255

struct node_address {
    char host[ADDRESS_HOST_MAX + 1]; /* a name or a number, without brackets */
    char port[6];
    char text[ADDRESS_HOST_MAX + 16]; /* all of it, for messages */
};

/* Parses "tcp://HOST:PORT" or "HOST:PORT"; an IPv6 HOST stands in brackets.
 *
 * Errors: DK_EINVAL, DK_ENOTSUP (Dask's other protocols); `err` names the address. */
dk_status node_address_parse(const char *text, struct node_address *out,
                             dk_error *err) DK_NODISCARD;

#endif
