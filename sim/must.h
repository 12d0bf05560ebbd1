/* The simulation's own memory: without it there is nothing to simulate. */
#ifndef SIM_MUST_H
#define SIM_MUST_H

#include <stdio.h>
#include <stdlib.h>

#include <cdask/status.h>

static inline void *must(void *block)
{
    if (!block) {
        fputs("cdask-sim: out of memory\n", stderr);
        abort();
    }
    return block;
}

static inline void must_do(dk_status status)
{
    static char there;
    must(status == DK_OK ? &there : NULL);
}

#endif
