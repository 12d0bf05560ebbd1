#include "node/listening.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "node/comm_parts.h"

static void set_port(struct sockaddr_storage *end, uint16_t port)
{
    if (end->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)end)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)end)->sin_port = htons(port);
}

/* A socket that listens, or -errno. libuv would tell of an address in use too late for a second
 * attempt. */
static int open_socket(const struct addrinfo *at, uint16_t port)
{
    static const int yes = 1;
    struct sockaddr_storage end = {0};
    memcpy(&end, at->ai_addr, at->ai_addrlen);
    set_port(&end, port);
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (bind(fd, (struct sockaddr *)&end, at->ai_addrlen) == 0 &&
        listen(fd, LISTENING_BACKLOG) == 0)
        return fd;
    int result = -errno;
    close(fd);
    return result;
}

/* The first port of the first address that can be had, or -errno. */
static int open_any(const struct addrinfo *found, struct node_ports ports)
{
    int result = -EADDRNOTAVAIL;
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        for (unsigned port = ports.first; port <= ports.last; port++) {
            result = open_socket(at, (uint16_t)port);
            if (result != -EADDRINUSE)
                break;
        }
        if (result >= 0)
            break;
    }
    return result;
}

static dk_status fail_to_listen(const struct listening *where, int uv_status, dk_error *err)
{
    struct node_address wanted = {.text = ""};
    struct node_ports ports = where->ports;
    dk_status status = node_address_make(where->protocol, where->host, ports.first, &wanted, err);
    if (status != DK_OK)
        return status;
    if (ports.last > ports.first) {
        return error_set(err, comm_status_of(uv_status),
                         "%s, or any port up to %d: cannot listen: %s", wanted.text, ports.last,
                         uv_strerror(uv_status));
    }
    return error_set(err, comm_status_of(uv_status), "%s: cannot listen: %s", wanted.text,
                     uv_strerror(uv_status));
}

/* A socket that listens, or what libuv said. */
static int open_host(uv_loop_t *loop, const struct listening *where)
{
    static const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    uv_getaddrinfo_t lookup;
    int status = uv_getaddrinfo(loop, &lookup, NULL, where->host, "0", &hints);
    if (status < 0)
        return status;
    int fd = open_any(lookup.addrinfo, where->ports);
    uv_freeaddrinfo(lookup.addrinfo);
    return fd < 0 ? uv_translate_sys_error(-fd) : fd;
}

static bool is_any(const struct sockaddr_storage *end)
{
    static const struct in6_addr any = IN6ADDR_ANY_INIT;
    struct sockaddr_in6 v6;
    struct sockaddr_in v4;
    memcpy(&v6, end, sizeof(v6));
    memcpy(&v4, end, sizeof(v4));
    if (end->ss_family == AF_INET6)
        return memcmp(&v6.sin6_addr, &any, sizeof(any)) == 0;
    return v4.sin_addr.s_addr == INADDR_ANY;
}

/* The address of this machine that its peers most likely see: the one it would send from. Nothing
 * is sent; the destination is one that nobody has. Source: distributed.utils.get_ip. */
static void find_outward(struct sockaddr_storage *end)
{
    struct sockaddr_in outside = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in ours = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof(ours);
    inet_pton(AF_INET, "192.0.2.1", &outside.sin_addr);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&outside, sizeof(outside)) == 0)
        getsockname(fd, (struct sockaddr *)&ours, &length);
    if (fd >= 0)
        close(fd);
    memcpy(end, &ours, sizeof(ours));
}

static dk_status find_address(enum node_protocol protocol, int fd, struct node_address *address,
                              dk_error *err)
{
    struct sockaddr_storage end = {0};
    socklen_t length = sizeof(end);
    if (getsockname(fd, (struct sockaddr *)&end, &length) < 0)
        return error_errno(err, errno, "the socket that listens");
    if (is_any(&end)) {
        struct sockaddr_in v4; /* IPv6 has the port there, too */
        memcpy(&v4, &end, sizeof(v4));
        find_outward(&end);
        set_port(&end, ntohs(v4.sin_port));
    }
    return node_address_of(protocol, (struct sockaddr *)&end, address, err);
}

dk_status listening_open(uv_loop_t *loop, const struct listening *where, int *fd,
                         struct node_address *address, dk_error *err)
{
    struct listening chosen = *where;
    if (!chosen.host || !*chosen.host)
        chosen.host = "0.0.0.0";
    *fd = open_host(loop, &chosen);
    if (*fd < 0)
        return fail_to_listen(&chosen, *fd, err);
    dk_status status = find_address(chosen.protocol, *fd, address, err);
    if (status != DK_OK)
        close(*fd);
    return status;
}
