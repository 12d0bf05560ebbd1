#include "local/cpus.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>

static int32_t affinity_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

/* cgroup v2: "QUOTA PERIOD" or "max PERIOD"; v1 keeps the two numbers in files of their own. */
static double quota_cpus(void)
{
    double quota = 0;
    double period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file) {
        int found = fscanf(file, "%lf %lf", &quota, &period);
        fclose(file);
        return found == 2 && period > 0 ? quota / period : INFINITY;
    }
    file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re");
    if (!file)
        return INFINITY;
    int found = fscanf(file, "%lf", &quota);
    fclose(file);
    file = found == 1 && quota > 0 ? fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re") : NULL;
    if (!file)
        return INFINITY;
    found = fscanf(file, "%lf", &period);
    fclose(file);
    return found == 1 && period > 0 ? quota / period : INFINITY;
}

int32_t cpus_available(void)
{
    double allowed = ceil(quota_cpus());
    int32_t count = affinity_count();
    if (allowed < count)
        count = (int32_t)allowed;
    return count > 0 ? count : 1;
}
