/* The folder for what does not fit into a worker's memory and for files that somebody uploads, and
 * those that dead workers have left.
 *
 * A worker holds the lock of its folder as long as it lives: one whose lock is free was left.
 * Source of the aim: distributed.diskutils.WorkSpace. */
#ifndef NODE_WORKER_SPILL_FOLDER_H
#define NODE_WORKER_SPILL_FOLDER_H

#include <stdbool.h>

#include <cdask/status.h>

/* Zeroes are none. */
struct spill_folder {
    char path[1024];
    int fd; /* that has its lock */
};

/* Makes the parent where it is not there, and removes the folders that were left in it.
 * Errors: DK_EIO (it cannot be made, or nothing can be put there; `err` names it). */
dk_status spill_folder_prepare(const char *parent, dk_error *err) DK_NODISCARD;
/* "PARENT/cdask-worker-XXXXXX", unless there is one already. False when it cannot be made. */
bool spill_folder_make(struct spill_folder *folder, const char *parent);
/* With all that is in it. */
void spill_folder_remove(struct spill_folder *folder);

#endif
