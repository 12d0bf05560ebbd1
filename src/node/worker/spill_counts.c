#include "node/worker/spill_counts.h"

#include <string.h>

#include "core/prometheus.h"

static const char *const names[] = {
    [SPILL_MEMORY_READ] = "memory-read",
    [SPILL_DISK_READ] = "disk-read",
    [SPILL_DISK_WRITE] = "disk-write",
    [SPILL_SERIALIZE] = "serialize",
};

static void add(atomic_llong *sum, int64_t amount)
{
    atomic_fetch_add_explicit(sum, amount, memory_order_relaxed);
}

void spill_counts_add(struct spill_counts *counts, enum spill_activity activity, int64_t nbytes,
                      uint64_t ns)
{
    add(&counts->count[activity], 1);
    add(&counts->nbytes[activity], nbytes);
    add(&counts->ns[activity], (int64_t)ns);
}

/* Of those that have such an amount. */
static void write_one(struct text *out, const char *name, const char *help,
                      const atomic_llong *sums, enum spill_activity first, enum spill_activity last,
                      double unit)
{
    struct metric metric = metric_begin(out, METRIC_COUNTER, name, help);
    for (int i = (int)first; i <= (int)last; i++) {
        struct wire_bytes activity = {names[i], strlen(names[i])};
        double sum = (double)atomic_load_explicit(&sums[i], memory_order_relaxed);
        metric_put_of(&metric, "activity", activity, sum * unit);
    }
}

void spill_counts_write(const struct spill_counts *counts, struct text *out)
{
    write_one(out, "dask_worker_spill_bytes_total",
              "Total size of memory and disk accesses caused by managed data since the latest "
              "worker restart",
              counts->nbytes, SPILL_MEMORY_READ, SPILL_DISK_WRITE, 1);
    write_one(out, "dask_worker_spill_count_total",
              "Total number of memory and disk accesses caused by managed data since the latest "
              "worker restart",
              counts->count, SPILL_MEMORY_READ, SPILL_DISK_WRITE, 1);
    write_one(out, "dask_worker_spill_time_seconds_total",
              "Total time spent spilling/unspilling since the latest worker restart", counts->ns,
              SPILL_DISK_READ, SPILL_SERIALIZE, 1e-9);
}
