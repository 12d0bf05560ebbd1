/* `cdask worker`. */
#ifndef CLI_WORKER_H
#define CLI_WORKER_H

#include <cdask/context.h>

int worker_command(dk_context *host, int argc, char **argv);

#endif
