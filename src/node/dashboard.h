/* The port at which a scheduler or a worker shows itself to people, probes and Prometheus.
 * Source: distributed.node.ServerNode.start_http_server, distributed.utils.clean_dashboard_address.
 */
#ifndef NODE_DASHBOARD_H
#define NODE_DASHBOARD_H

#include "node/http.h"
#include "wire/build.h"

#define DASHBOARD_PORT     8787 /* of schedulers */
#define DASHBOARD_LINE_MAX (ADDRESS_HOST_MAX + 256)

/* Where it is to be. */
struct dashboard_place {
    char host[ADDRESS_HOST_MAX + 1]; /* "": the node's own */
    uint16_t port;                   /* 0: any that is free */
    const char *prefix;              /* as http_options has it; NULL: none */
};

/* Parses ":8787", "8787", "HOST:8787" or "HOST"; an IPv6 HOST stands in brackets. The prefix stays.
 * Errors: DK_EINVAL. */
dk_status dashboard_place_parse(const char *text, struct dashboard_place *out,
                                dk_error *err) DK_NODISCARD;

/* Serves the pages of `http`, whose host is the node's, there, or at another port when that one is
 * in use: then `warning`, of DASHBOARD_LINE_MAX bytes, says so, and else is "".
 * Errors: as http_server_new(). */
dk_status dashboard_open(uv_loop_t *loop, struct memory *memory,
                         const struct dashboard_place *place, const struct http_options *http,
                         struct http_server **out, char *warning, dk_error *err) DK_NODISCARD;

/* "http://HOST:PORT/status", as tools read it from logs; of at most DASHBOARD_LINE_MAX bytes. */
void dashboard_link(const struct http_server *server, char *out);
/* {"dashboard": PORT}, which peers are told; {} without a server (NULL). */
struct wire_value dashboard_services(const struct http_server *server,
                                     struct wire_builder *builder);

/* The page /health: "ok". */
void dashboard_write_health(void *self, struct text *out);
/* What Prometheus looks for in every process. `started_s` is in seconds since 1970. */
void dashboard_write_process_metrics(struct text *out, double started_s);

#endif
