/* Tasks out of shared objects. */
#ifndef NODE_WORKER_PRELOAD_H
#define NODE_WORKER_PRELOAD_H

#include <cdask/context.h>

/* Loads `path` and calls its `dk_status cdask_preload(dk_context *)`, which registers tasks. It
 * stays loaded.   Errors: DK_EIO (it cannot be loaded; has no such function), what that gives. */
dk_status preload(dk_context *dk, const char *path, dk_error *err);

#endif
