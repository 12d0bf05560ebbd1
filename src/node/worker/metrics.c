/* What heartbeats tell.   Source: distributed.worker.Worker.get_metrics,
 * distributed.system_monitor. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "node/process_memory.h"
#include "node/worker/parts.h"
#include "wire/build.h"

static struct wire_value task_counts(struct wire_builder *builder, const struct wkr_counts *counts)
{
    struct wire_filling map = wire_begin_map(builder, WKR_NSTATES);
    for (int state = 0; state < WKR_FORGOTTEN; state++)
        if (counts->tasks[state])
            wire_put(&map, wkr_state_name((enum wkr_state)state), wire_int(counts->tasks[state]));
    return wire_end_map(&map);
}

static struct wire_value nothing(struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, 0);
    return wire_end_map(&map);
}

static struct wire_value transfer(const struct worker_node *node, struct wire_builder *builder,
                                  const struct wkr_counts *counts)
{
    struct wire_filling map = wire_begin_map(builder, 6);
    wire_put(&map, "incoming_bytes", wire_int(counts->incoming_nbytes));
    wire_put(&map, "incoming_count", wire_int(counts->gathers));
    wire_put(&map, "incoming_count_total", wire_int((int64_t)counts->gathered));
    wire_put(&map, "outgoing_bytes", wire_int(node->outgoing_nbytes));
    wire_put(&map, "outgoing_count", wire_int(node->noutgoing));
    wire_put(&map, "outgoing_count_total", wire_int((int64_t)node->noutgoing_ever));
    return wire_end_map(&map);
}

static struct wire_value spilled(const struct worker_node *node, struct wire_builder *builder)
{
    struct wire_filling map = wire_begin_map(builder, 2);
    wire_put(&map, "memory", wire_int(node->store.spilled_nbytes));
    wire_put(&map, "disk", wire_int(node->store.disk_nbytes));
    return wire_end_map(&map);
}

static int64_t count_fds(void)
{
    int64_t count = -3; /* ".", "..", and the directory itself */
    DIR *directory = opendir("/proc/self/fd");
    if (!directory)
        return 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Percent of one CPU since the process began. */
static double cpu_percent(const struct worker_node *node)
{
    struct rusage usage;
    double up_s = (double)uv_now(node->loop) / 1e3 - (double)node->started_ms / 1e3;
    if (getrusage(RUSAGE_SELF, &usage) != 0 || up_s <= 0)
        return 0;
    double used_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                    ((double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_usec) / 1e6;
    return 100 * used_s / up_s;
}

struct wire_value worker_metrics(struct worker_node *node, struct wire_builder *builder)
{
    struct wkr_counts counts = wkr_counts(node->core);
    struct wire_filling map = wire_begin_map(builder, 11);
    wire_put(&map, "task_counts", task_counts(builder, &counts));
    wire_put(&map, "bandwidth", bandwidth_describe(&node->bandwidth, builder));
    wire_put(&map, "digests_total_since_heartbeat", nothing(builder));
    wire_put(&map, "managed_bytes", wire_int(node->store.memory_nbytes));
    wire_put(&map, "spilled_bytes", spilled(node, builder));
    wire_put(&map, "transfer", transfer(node, builder, &counts));
    wire_put(&map, "event_loop_interval", wire_float(0.02));
    wire_put(&map, "cpu", wire_float(cpu_percent(node)));
    wire_put(&map, "time", wire_float(worker_now_s()));
    wire_put(&map, "memory", wire_int(process_memory_nbytes(0)));
    wire_put(&map, "num_fds", wire_int(count_fds()));
    return wire_end_map(&map);
}
