/* How much memory a process has, as the system counts it. */
#ifndef NODE_PROCESS_MEMORY_H
#define NODE_PROCESS_MEMORY_H

#include <stdint.h>
#include <sys/types.h>

/* What is resident of it but pages of files, which the system takes back whenever it needs room; 0
 * when it is not known. `pid` 0: this process.   Thread: any. */
int64_t process_memory_nbytes(pid_t pid);

#endif
