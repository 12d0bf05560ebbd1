/* The one place that forks. */
#ifndef LOCAL_FORK_H
#define LOCAL_FORK_H

#include <sys/types.h>

#include "graph/context.h"

/* fork(), with the hooks of `dk` around it. The child ends with its parent, has none of the host's
 * signal handlers, and leaves an interrupt from the terminal to its parent. -1: errno says why. */
pid_t fork_worker(dk_context *dk);

#endif
