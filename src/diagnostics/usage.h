/* What the system says of the process and its children. */
#ifndef DIAGNOSTICS_USAGE_H
#define DIAGNOSTICS_USAGE_H

#include <stdint.h>

struct usage {
    int64_t cpu_ns;          /* since the start of the process; reaped children stay counted */
    int64_t children_cpu_ns; /* of it: children */
    int64_t rss_nbytes;
    int32_t nchildren; /* living ones */
};

/* The process and its children: not their children. */
struct usage usage_now(void);

/* Bytes read through read() by the process and the children it has reaped; -1: the system does not
 * say. */
int64_t usage_read_nbytes(void);
/* Of the process or its largest reaped child, since it started. */
int64_t usage_peak_rss_nbytes(void);

#endif
