/* The schedulers by name. */
#include <strings.h>

#include <cdask/graph.h>

#include "base/error.h"

static const struct {
    const char *name;
    dk_get get;
} schedulers[] = {
    {"threads", dk_get_threads},
    {"threading", dk_get_threads},
    {"sync", dk_get_sync},
    {"synchronous", dk_get_sync},
    {"single-threaded", dk_get_sync},
    {"processes", dk_get_processes},
    {"multiprocessing", dk_get_processes},
};

#define NSCHEDULERS (sizeof(schedulers) / sizeof(schedulers[0]))

dk_status dk_find_scheduler(const char *name, dk_get *out, dk_error *err)
{
    for (size_t i = 0; i < NSCHEDULERS; i++) {
        if (strcasecmp(name, schedulers[i].name) != 0)
            continue;
        *out = schedulers[i].get;
        return DK_OK;
    }
    return error_set(err, DK_EINVAL,
                     "unknown scheduler '%s': expected one of multiprocessing, processes, "
                     "single-threaded, sync, synchronous, threading, threads",
                     name);
}

const char *dk_scheduler_name(dk_get get)
{
    for (size_t i = 0; i < NSCHEDULERS; i++) {
        if (schedulers[i].get == get)
            return schedulers[i].name;
    }
    return "custom";
}
