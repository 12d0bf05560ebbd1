#include "node/dashboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/error.h"
#include "core/prometheus.h"

static bool parse_port(const char *text, uint16_t *out)
{
    struct node_ports ports;
    if (strchr(text, ':') || node_ports_parse(text, &ports, NULL) != DK_OK)
        return false;
    *out = ports.first;
    return true;
}

dk_status dashboard_place_parse(const char *text, struct dashboard_place *out, dk_error *err)
{
    struct node_address address;
    out->host[0] = '\0';
    if (parse_port(*text == ':' ? text + 1 : text, &out->port))
        return DK_OK;
    if (*text == ':')
        return error_set(err, DK_EINVAL, "'%s' has no port: one is from 0 to 65535", text);
    if (strstr(text, "://") || strchr(text, ',') || strlen(text) > ADDRESS_HOST_MAX)
        return error_set(err, DK_EINVAL, "'%s' is no place for a dashboard: HOST:8787 or :8787",
                         text);
    if (!strchr(text, ':')) {
        snprintf(out->host, sizeof(out->host), "%s", text);
        out->port = 0;
        return DK_OK;
    }
    if (node_place_parse(text, &address, NULL) != DK_OK)
        return error_set(err, DK_EINVAL,
                         "'%s' is no place for a dashboard: HOST:8787 or :8787, with a port from 0 "
                         "to 65535",
                         text);
    snprintf(out->host, sizeof(out->host), "%s", address.host);
    out->port = (uint16_t)atoi(address.port);
    return DK_OK;
}

dk_status dashboard_open(uv_loop_t *loop, struct memory *memory,
                         const struct dashboard_place *place, const struct http_options *http,
                         struct http_server **out, char *warning, dk_error *err)
{
    struct http_options chosen = *http;
    chosen.ports = (struct node_ports){place->port, place->port};
    chosen.prefix = place->prefix;
    if (place->host[0])
        chosen.host = place->host;
    warning[0] = '\0';
    dk_status status = http_server_new(loop, memory, &chosen, out, err);
    if (status != DK_EIO || !place->port)
        return status;
    chosen.ports = (struct node_ports){0, 0};
    DK_TRY(http_server_new(loop, memory, &chosen, out, err));
    snprintf(warning, DASHBOARD_LINE_MAX,
             "Port %d is already in use. Perhaps you already have a cluster running? Hosting the "
             "HTTP server on port %s instead",
             place->port, http_server_address(*out)->port);
    return DK_OK;
}

void dashboard_link(const struct http_server *server, char *out)
{
    const struct node_address *address = http_server_address(server);
    bool has_colons = strchr(address->host, ':') != NULL;
    snprintf(out, DASHBOARD_LINE_MAX, has_colons ? "http://[%s]:%s/status" : "http://%s:%s/status",
             address->host, address->port);
}

struct wire_value dashboard_services(const struct http_server *server, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, 1);
    if (server)
        wire_put(&map, "dashboard", wire_int(atoi(http_server_address(server)->port)));
    return wire_end_map(&map);
}

/* ---- what all have ---- */

void dashboard_write_health(void *self, struct text *out)
{
    (void)self;
    text_puts(out, "ok");
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

void dashboard_write_process_metrics(struct text *out, double started_s)
{
    struct rusage usage;
    size_t resident = 0;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metric_write(out, METRIC_COUNTER, "process_cpu_seconds_total",
                     "Total user and system CPU time spent in seconds.",
                     seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
    if (uv_resident_set_memory(&resident) == 0)
        metric_write(out, METRIC_GAUGE, "process_resident_memory_bytes",
                     "Resident memory size in bytes.", (double)resident);
    metric_write(out, METRIC_GAUGE, "process_start_time_seconds",
                 "Start time of the process since unix epoch in seconds.", started_s);
}
