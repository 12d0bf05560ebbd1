/* The subcommand `cdask info`: who listens at an address. */
#ifndef CLI_INFO_H
#define CLI_INFO_H

/* As demo_command(). */
int info_command(int argc, char **argv);

#endif
