/* The subcommand `cdask demo-data`. */
#ifndef CLI_DEMO_DATA_COMMAND_H
#define CLI_DEMO_DATA_COMMAND_H

#include <cdask/context.h>

/* `argv[0]` is the subcommand's name. Prints what is wrong itself; returns the exit status: 0, 1
 * when it failed, 2 when the command line is wrong. */
int demo_data_command(dk_context *host, int argc, char **argv);

#endif
