#include "node/address.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const char *const prefixes[] = {[NODE_TCP] = "tcp://", [NODE_TLS] = "tls://"};

static dk_status refuse(const char *text, const char *why, dk_error *err)
{
    return error_set(err, DK_EINVAL,
                     "'%s' is no address such as tcp://127.0.0.1:8786 or [::1]:8786: %s", text,
                     why);
}

/* Moves `*rest` behind the protocol; without one it is tcp. */
static dk_status parse_protocol(const char *text, const char **rest, enum node_protocol *protocol,
                                dk_error *err)
{
    const char *mark = strstr(text, "://");
    *rest = mark ? mark + 3 : text;
    *protocol = strncmp(text, prefixes[NODE_TLS], 6) == 0 ? NODE_TLS : NODE_TCP;
    if (!mark || strncmp(text, prefixes[*protocol], 6) == 0)
        return DK_OK;
    return error_set(err, DK_ENOTSUP, "%s: the protocol '%.*s' is not supported, tcp and tls are",
                     text, (int)(mark - text), text);
}

static dk_status parse_host(const char *text, const char *host, size_t length,
                            struct node_address *out, dk_error *err)
{
    if (length >= 2 && host[0] == '[' && host[length - 1] == ']') {
        host++;
        length -= 2;
    } else if (memchr(host, ':', length)) {
        return refuse(text, "an IPv6 host stands in brackets", err);
    }
    if (length == 0)
        return refuse(text, "it names no host", err);
    if (length > ADDRESS_HOST_MAX)
        return refuse(text, "its host is too long", err);
    for (size_t i = 0; i < length; i++) {
        if (!isgraph((unsigned char)host[i]) || strchr("/@[]", host[i]))
            return refuse(text, "its host has characters that no host has", err);
    }
    memcpy(out->host, host, length);
    out->host[length] = 0;
    return DK_OK;
}

/* A number of up to five digits; -1 when it is none. */
static long parse_number(const char *text, size_t length)
{
    if (length == 0 || length > 5 || strspn(text, "0123456789") < length)
        return -1;
    return strtol(text, NULL, 10);
}

static dk_status parse_port(const char *text, const char *port, long least,
                            struct node_address *out, dk_error *err)
{
    long number = parse_number(port, strlen(port));
    if (number < 0)
        return refuse(text, "its port is no number", err);
    if (number < least || number > 65535)
        return refuse(
            text, least ? "ports are numbers from 1 to 65535" : "ports are numbers from 0 to 65535",
            err);
    snprintf(out->port, sizeof(out->port), "%ld", number);
    return DK_OK;
}

static void write_text(struct node_address *address)
{
    bool is_ipv6 = strchr(address->host, ':') != NULL;
    snprintf(address->text, sizeof(address->text), is_ipv6 ? "%s[%s]:%s" : "%s%s:%s",
             prefixes[address->protocol], address->host, address->port);
}

static dk_status parse(const char *text, long least_port, struct node_address *out, dk_error *err)
{
    const char *rest = NULL;
    DK_TRY(parse_protocol(text, &rest, &out->protocol, err));
    const char *colon = strrchr(rest, ':');
    /* The colons in brackets are the host's. */
    if (!colon || strchr(colon, ']'))
        return refuse(text, "it has no port (a scheduler's is 8786 by default)", err);
    DK_TRY(parse_host(text, rest, (size_t)(colon - rest), out, err));
    DK_TRY(parse_port(text, colon + 1, least_port, out, err));
    write_text(out);
    return DK_OK;
}

dk_status node_address_parse(const char *text, struct node_address *out, dk_error *err)
{
    return parse(text, 1, out, err);
}

dk_status node_place_parse(const char *text, struct node_address *out, dk_error *err)
{
    return parse(text, 0, out, err);
}

dk_status node_address_make(enum node_protocol protocol, const char *host, uint16_t port,
                            struct node_address *out, dk_error *err)
{
    if (strlen(host) > ADDRESS_HOST_MAX)
        return error_set(err, DK_EINVAL, "'%s' is too long for a host", host);
    out->protocol = protocol;
    snprintf(out->host, sizeof(out->host), "%s", host);
    snprintf(out->port, sizeof(out->port), "%d", port);
    write_text(out);
    return DK_OK;
}

/* A socket of IPv6 shows a peer of IPv4 as ::ffff:1.2.3.4. */
static void strip_mapping(struct node_address *address)
{
    static const char mapped[] = "::ffff:";
    size_t length = sizeof(mapped) - 1;
    if (strncmp(address->host, mapped, length) == 0 && strchr(address->host, '.'))
        memmove(address->host, address->host + length, strlen(address->host + length) + 1);
}

dk_status node_address_of(enum node_protocol protocol, const struct sockaddr *end,
                          struct node_address *out, dk_error *err)
{
    bool is_ipv6 = end->sa_family == AF_INET6;
    if (!is_ipv6 && end->sa_family != AF_INET)
        return error_set(err, DK_EIO, "no internet address, but of family %d", end->sa_family);
    socklen_t length = is_ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    int result = getnameinfo(end, length, out->host, sizeof(out->host), out->port,
                             sizeof(out->port), NI_NUMERICHOST | NI_NUMERICSERV);
    if (result != 0)
        return error_set(err, DK_EIO, "no internet address: %s", gai_strerror(result));
    out->protocol = protocol;
    strip_mapping(out);
    write_text(out);
    return DK_OK;
}

dk_status node_ports_parse(const char *text, struct node_ports *out, dk_error *err)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    long first = parse_number(text, length);
    long last = colon ? parse_number(colon + 1, strlen(colon + 1)) : first;
    if (first < 0 || last < first || last > 65535 || (colon && first == 0)) {
        return error_set(err, DK_EINVAL,
                         "'%s' is no port (0 is any that is free) or range such as 3000:3010",
                         text);
    }
    *out = (struct node_ports){(uint16_t)first, (uint16_t)last};
    return DK_OK;
}

struct node_ports node_ports_share(const struct node_ports *ports, uint32_t number, uint32_t count)
{
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    uint32_t first = ports->first + number * nports / count;
    uint32_t last = ports->first + (number + 1) * nports / count - 1;
    if (!ports->first)
        return *ports;
    return (struct node_ports){(uint16_t)first, (uint16_t)(last < first ? first : last)};
}
