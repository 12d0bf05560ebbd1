/* Several workers, or one that is watched over: a process for each, as if each had been started by
 * itself.   Source: distributed.nanny. */
#ifndef CLI_WORKER_PROCESSES_H
#define CLI_WORKER_PROCESSES_H

#include "cli/worker_options.h"

/* Starts them from this command line, hands signals on, and waits for all. Gives the exit status:
 * that of the first one that failed. */
int worker_processes_run(int argc, char **argv, const struct worker_options *options);

#endif
