/* `cdask cluster`. */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

#include <cdask/context.h>

int cluster_command(dk_context *host, int argc, char **argv);

#endif
