/* Where a node listens: tcp://HOST:PORT, or tls://HOST:PORT. */
#ifndef NODE_ADDRESS_H
#define NODE_ADDRESS_H

#include <stdint.h>

#include <cdask/status.h>

#define ADDRESS_HOST_MAX 255
#define ADDRESS_TEXT_MAX (ADDRESS_HOST_MAX + 16)

struct sockaddr;

enum node_protocol { NODE_TCP, NODE_TLS };

struct node_address {
    enum node_protocol protocol;
    char host[ADDRESS_HOST_MAX + 1]; /* a name or a number, without brackets */
    char port[6];
    char text[ADDRESS_TEXT_MAX]; /* all of it, as peers are told it */
};

/* Parses "tcp://HOST:PORT", "tls://HOST:PORT" or "HOST:PORT" (tcp); an IPv6 HOST stands in
 * brackets.
 *
 * Errors: DK_EINVAL, DK_ENOTSUP (Dask's other protocols); `err` names the address. */
dk_status node_address_parse(const char *text, struct node_address *out,
                             dk_error *err) DK_NODISCARD;
/* The same of a place to listen at: port 0 is any that is free. */
dk_status node_place_parse(const char *text, struct node_address *out, dk_error *err) DK_NODISCARD;

/* Of a host, a name or a number without brackets, and a port.   Errors: DK_EINVAL. */
dk_status node_address_make(enum node_protocol protocol, const char *host, uint16_t port,
                            struct node_address *out, dk_error *err) DK_NODISCARD;

/* Of an end of a connection, in numbers.   Errors: DK_EIO (no internet address). */
dk_status node_address_of(enum node_protocol protocol, const struct sockaddr *end,
                          struct node_address *out, dk_error *err) DK_NODISCARD;

/* The ports one may listen at: "0" (any that is free), "8786", "3000:3010" (the first that is
 * free); as Dask's --worker-port.   Errors: DK_EINVAL. */
struct node_ports {
    uint16_t first;
    uint16_t last;
};
dk_status node_ports_parse(const char *text, struct node_ports *out, dk_error *err) DK_NODISCARD;
/* The part that number `number` of `count` has of them, at least one port; all of {0, 0}. */
struct node_ports node_ports_share(const struct node_ports *ports, uint32_t number, uint32_t count);

#endif
