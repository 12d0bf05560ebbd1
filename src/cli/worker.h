/* `cdask worker`. */
#ifndef CLI_WORKER_H
#define CLI_WORKER_H

int worker_command(int argc, char **argv);

#endif
