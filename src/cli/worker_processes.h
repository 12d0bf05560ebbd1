/* Several workers, or one that is watched over: a process for each, forked from this one.   Source:
 * distributed.nanny. */
#ifndef CLI_WORKER_PROCESSES_H
#define CLI_WORKER_PROCESSES_H

#include "cli/worker_options.h"

/* Starts them, each by `run` with options of its own, hands signals on, and waits for all. Gives
 * the exit status: that of the first one that failed. */
int worker_processes_run(dk_context *dk, const struct worker_options *options,
                         int (*run)(dk_context *dk, const struct worker_options *options));

#endif
