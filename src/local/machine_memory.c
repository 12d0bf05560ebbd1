#include "local/machine_memory.h"

#include <stdio.h>
#include <unistd.h>

int64_t machine_nbytes(void)
{
    long long limit = 0;
    int64_t nbytes = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "re");
    if (file && fscanf(file, "%lld", &limit) == 1 && limit > 0 && limit < nbytes)
        nbytes = limit;
    if (file)
        fclose(file);
    return nbytes;
}
