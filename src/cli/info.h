/* The subcommand `cdask info`: who listens at an address. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

#include <cdask/context.h>

/* As demo_command(). */
int info_command(dk_context *host, int argc, char **argv);

#endif
