#include "node/process_memory.h"

#include <stdio.h>

/* Lines are "VmRSS:     1234 kB". */
static int64_t read_resident(FILE *file)
{
    char line[128];
    long long all = 0, of_files = 0;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %lld", &all) == 0)
            (void)!sscanf(line, "RssFile: %lld", &of_files);
    return (all - of_files) * 1024;
}

int64_t process_memory_nbytes(pid_t pid)
{
    char path[64] = "/proc/self/status";
    if (pid)
        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int64_t nbytes = read_resident(file);
    fclose(file);
    return nbytes;
}
