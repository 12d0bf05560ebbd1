/* The scheduler in numbers: for its pages, and for Prometheus.
 *
 * What tasks add up to is counted as they change: neither takes time in proportion to them.
 * Source: distributed.http.scheduler (json, prometheus). */
#ifndef CORE_SCHEDULER_METRICS_H
#define CORE_SCHEDULER_METRICS_H

#include "base/text.h"
#include "core/scheduler/scheduler.h"
#include "wire/build.h"

/* {"bytes": ..., "clients": ..., "cores": ...} as Dask's /json/counts.json. */
struct wire_value sched_describe_counts(const struct sched *sched, struct wire_builder *builder);

/* The metrics dask_scheduler_* and dask_stealing_*, by Dask's names. */
void sched_write_metrics(const struct sched *sched, struct text *out);

#endif
