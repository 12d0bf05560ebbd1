/* `cdask scheduler`. */
#ifndef CLI_SCHEDULER_H
#define CLI_SCHEDULER_H

#include <cdask/context.h>

int scheduler_command(dk_context *host, int argc, char **argv);

#endif
