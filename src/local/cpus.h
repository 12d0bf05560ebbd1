/* How many CPUs this process may use. */
#ifndef LOCAL_CPUS_H
#define LOCAL_CPUS_H

#include <stdint.h>

/* The CPUs of the affinity mask, but no more than the cgroup's quota allows; at least 1.
 * Source: dask.system.CPU_COUNT. */
int32_t cpus_available(void);

#endif
