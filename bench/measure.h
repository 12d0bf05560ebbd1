/* What the benchmark programs share: a clock, this process's peak memory, and the line they print.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

static inline double measure_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Peak resident memory. Not getrusage's, which keeps what the process had been before it was
 * exec'd. */
static inline double measure_peak_mb(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kib = 0;

    while (file && fgets(line, sizeof line, file) && sscanf(line, "VmHWM: %ld", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return (double)kib / 1024;
}

/* `checksum` tells whether all contenders found the same. */
static inline void measure_report_table(double seconds, int64_t nrows, double checksum)
{
    printf("{\"seconds\": %.6f, \"rows\": %lld, \"checksum\": %.10f, \"peak_mb\": %.1f}\n", seconds,
           (long long)nrows, checksum, measure_peak_mb());
}

/* `name` says what ran, and in which shape: "threads independent", "flow graph chains". */
static inline void measure_report_tasks(const char *name, const char *version, int64_t ntasks,
                                        double seconds)
{
    printf("{\"name\": \"%s\", \"version\": \"%s\", \"tasks\": %lld, \"seconds\": %.6f, "
           "\"ns_per_task\": %.1f}\n",
           name, version, (long long)ntasks, seconds, seconds / (double)ntasks * 1e9);
}

#endif
