/* `cdask cluster`. */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

int cluster_command(int argc, char **argv);

#endif
