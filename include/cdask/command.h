/* The commands of the executable `cdask`, for programs that bring functions of their own. */
#ifndef CDASK_COMMAND_H
#define CDASK_COMMAND_H

#include <cdask/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is the executable `cdask` with these arguments, of which the first is a program's name; changes
 * their order. It alone, of all functions, prints: the command's output, and log lines to stderr.
 *
 * `worker` and `cluster` run tasks by the functions and object types of `host` (NULL: a context of
 * their own): so does `python -m cdask worker` run Python's callables. They fork, as
 * dk_get_processes() does, and act on SIGINT and SIGTERM.
 *
 * Returns the exit status.   Blocks: until the command is done.   Thread: the process's first. */
DK_API int dk_main(dk_context *host, int argc, char **argv) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
