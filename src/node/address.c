#include "node/address.h"

#include <ctype.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static dk_status refuse(const char *text, const char *why, dk_error *err)
{
    return error_set(err, DK_EINVAL,
                     "'%s' is no address such as tcp://127.0.0.1:8786 or [::1]:8786: %s", text,
                     why);
}

/* Moves `*rest` behind the protocol, if there is one. */
static dk_status skip_protocol(const char *text, const char **rest, dk_error *err)
{
    const char *mark = strstr(text, "://");
    *rest = mark ? mark + 3 : text;
    if (!mark || strncmp(text, "tcp://", 6) == 0)
        return DK_OK;
    return error_set(err, DK_ENOTSUP, "%s: the protocol '%.*s' is not supported, tcp is", text,
                     (int)(mark - text), text);
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

static dk_status parse_port(const char *text, const char *port, struct node_address *out,
                            dk_error *err)
{
    size_t length = strlen(port);
    if (length == 0 || length > 5 || strspn(port, "0123456789") != length)
        return refuse(text, "its port is no number", err);
    long number = strtol(port, NULL, 10);
    if (number < 1 || number > 65535)
        return refuse(text, "ports are numbers from 1 to 65535", err);
    snprintf(out->port, sizeof(out->port), "%ld", number);
    return DK_OK;
}

dk_status node_address_parse(const char *text, struct node_address *out, dk_error *err)
{
    const char *rest = NULL;
    DK_TRY(skip_protocol(text, &rest, err));
    const char *colon = strrchr(rest, ':');
    /* The colons in brackets are the host's. */
    if (!colon || strchr(colon, ']'))
        return refuse(text, "it has no port (a scheduler's is 8786 by default)", err);
    DK_TRY(parse_host(text, rest, (size_t)(colon - rest), out, err));
    DK_TRY(parse_port(text, colon + 1, out, err));
    bool is_ipv6 = strchr(out->host, ':') != NULL;
    snprintf(out->text, sizeof(out->text), is_ipv6 ? "tcp://[%s]:%s" : "tcp://%s:%s", out->host,
             out->port);
    return DK_OK;
}
