/* How much memory this process may use. */
#ifndef LOCAL_MACHINE_MEMORY_H
#define LOCAL_MACHINE_MEMORY_H

#include <stdint.h>

/* Bytes of the machine's memory, but no more than the cgroup allows.
 * Source: distributed.system.memory_limit. */
int64_t machine_nbytes(void);

#endif
