/* Answers GET for a few pages, on the loop: HTTP itself is libmicrohttpd's.
 *
 * Hostile clients are limited: by the number of connections, of all and of one host, by the bytes
 * that a request's head may have, by how long a connection may be silent; and nothing that comes
 * with a request is kept.
 *
 * Thread: the loop's. Nothing blocks. */
#ifndef NODE_HTTP_H
#define NODE_HTTP_H

#include "base/text.h"
#include "node/listening.h"

struct http_server;

struct http_page {
    const char *path; /* "/health" */
    const char *type; /* "text/plain; charset=utf-8" */
    void (*write)(void *self, struct text *out);
};

struct http_options {
    const char *host; /* as listening.h has it */
    struct node_ports ports;
    const char *prefix;            /* stands before each path: "/cluster"; NULL: nothing does */
    const struct http_page *pages; /* these stay, as the prefix does */
    size_t npages;
    void *self;
    void (*closed)(void *self); /* the last call: the server is gone when it returns */
};

/* Listens and answers from now on. What is no page is answered 404, with a list of those there are.
 *
 * Errors: DK_EIO (the port is in use; no descriptors are left), DK_ENOMEM; then there is no server.
 */
dk_status http_server_new(uv_loop_t *loop, struct memory *memory,
                          const struct http_options *options, struct http_server **out,
                          dk_error *err) DK_NODISCARD;
/* Where it listens.   Ownership: borrowed from the server. */
const struct node_address *http_server_address(const struct http_server *server);
/* Closes it and its connections. A second call does nothing. */
void http_server_close(struct http_server *server);

#endif
