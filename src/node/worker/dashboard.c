/* The worker's pages. */
#include "node/dashboard.h"

#include <string.h>

#include "base/error.h"
#include "core/prometheus.h"
#include "node/process_memory.h"
#include "node/worker/parts.h"

static struct wire_bytes name_of(const char *text)
{
    return (struct wire_bytes){text, strlen(text)};
}

static void write_tasks(const struct wkr_counts *counts, struct text *out)
{
    struct metric tasks =
        metric_begin(out, METRIC_GAUGE, "dask_worker_tasks", "Number of tasks at worker.");
    for (int state = 0; state < WKR_FORGOTTEN; state++)
        if (counts->tasks[state])
            metric_put_of(&tasks, "state", name_of(wkr_state_name((enum wkr_state)state)),
                          counts->tasks[state]);
}

static void write_memory(const struct worker_node *node, struct text *out)
{
    double process = (double)process_memory_nbytes(0);
    double managed = (double)node->store.memory_nbytes;
    if (managed > process)
        managed = process;
    struct metric memory =
        metric_begin(out, METRIC_GAUGE, "dask_worker_memory_bytes", "Memory breakdown");
    metric_put_of(&memory, "type", name_of("managed"), managed);
    metric_put_of(&memory, "type", name_of("unmanaged"), process - managed);
    metric_put_of(&memory, "type", name_of("spilled"), (double)node->store.disk_nbytes);
}

static void write_transfers(const struct worker_node *node, const struct wkr_counts *counts,
                            struct text *out)
{
    metric_write(out, METRIC_GAUGE, "dask_worker_transfer_incoming_bytes",
                 "Total size of open data transfers from other workers",
                 (double)counts->incoming_nbytes);
    metric_write(out, METRIC_GAUGE, "dask_worker_transfer_incoming_count",
                 "Number of open data transfers from other workers", counts->gathers);
    metric_write(out, METRIC_COUNTER, "dask_worker_transfer_incoming_count_total",
                 "Total number of data transfers from other workers since the worker was started",
                 (double)counts->gathered);
    metric_write(out, METRIC_GAUGE, "dask_worker_transfer_outgoing_bytes",
                 "Total size of open data transfers to other workers",
                 (double)node->outgoing_nbytes);
    metric_write(out, METRIC_GAUGE, "dask_worker_transfer_outgoing_count",
                 "Number of open data transfers to other workers", node->noutgoing);
    metric_write(out, METRIC_COUNTER, "dask_worker_transfer_outgoing_bytes_total",
                 "Total size of data transfers to other workers since the worker was started "
                 "(including in-progress and failed transfers)",
                 (double)node->outgoing_nbytes_ever);
    metric_write(out, METRIC_COUNTER, "dask_worker_transfer_outgoing_count_total",
                 "Total number of data transfers to other workers since the worker was started",
                 (double)node->noutgoing_ever);
}

static void write_metrics(void *self, struct text *out)
{
    const struct worker_node *node = self;
    struct wkr_counts counts = wkr_counts(node->core);
    write_tasks(&counts, out);
    metric_write(out, METRIC_GAUGE, "dask_worker_threads", "Number of worker threads",
                 node->options.nthreads);
    write_memory(node, out);
    write_transfers(node, &counts, out);
    spill_counts_write(&node->spill_counts, out);
    dashboard_write_process_metrics(out, worker_now_s() -
                                             (double)(uv_now(node->loop) - node->started_ms) / 1e3);
}

static const struct http_page pages[] = {
    {"/health", "text/plain; charset=utf-8", dashboard_write_health},
    {"/metrics", PROMETHEUS_TYPE, write_metrics},
};

dk_status worker_open_dashboard(struct worker_node *node, dk_error *err)
{
    struct http_options http = {.host = node->options.host,
                                .pages = pages,
                                .npages = sizeof(pages) / sizeof(*pages),
                                .self = node,
                                .closed = worker_part_closed};
    char line[DASHBOARD_LINE_MAX];
    if (!node->options.dashboard)
        return DK_OK;
    DK_TRY(dashboard_open(node->loop, node->memory, node->options.dashboard, &http,
                          &node->dashboard, line, err));
    node->nopen++;
    if (line[0])
        worker_log(node, "WARNING", "%s", line);
    return DK_OK;
}
