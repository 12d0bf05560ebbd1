/* `cdask scheduler`. */
#ifndef CLI_SCHEDULER_H
#define CLI_SCHEDULER_H

int scheduler_command(int argc, char **argv);

#endif
