/* How often results were read in memory and on disk, and what that has cost: for Prometheus.
 *
 * Thread: any, but for writing.   Source: distributed.spill.SpillBuffer.cumulative_metrics. */
#ifndef NODE_WORKER_SPILL_COUNTS_H
#define NODE_WORKER_SPILL_COUNTS_H

#include <stdatomic.h>

#include "base/text.h"

enum spill_activity {
    SPILL_MEMORY_READ,
    SPILL_DISK_READ,
    SPILL_DISK_WRITE,
    SPILL_SERIALIZE,
    SPILL_NACTIVITIES
};

struct spill_counts {
    atomic_llong count[SPILL_NACTIVITIES];
    atomic_llong nbytes[SPILL_NACTIVITIES];
    atomic_llong ns[SPILL_NACTIVITIES];
};

/* One more. */
void spill_counts_add(struct spill_counts *counts, enum spill_activity activity, int64_t nbytes,
                      uint64_t ns);
/* The metrics dask_worker_spill_*, by Dask's names. */
void spill_counts_write(const struct spill_counts *counts, struct text *out);

#endif
