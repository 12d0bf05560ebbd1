/* The files by which processes find each other. */
#ifndef CLI_SCHEDULER_FILE_H
#define CLI_SCHEDULER_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <cdask/status.h>

/* Write who the scheduler is (Dask's JSON, with its "address"), or the process's number. A NULL
 * path is nothing to do, and true. False: `err` says why. Whole or not at all: others may be
 * reading. */
bool scheduler_file_write(const char *path, const char *identity, dk_error *err);
bool pid_file_write(const char *path, dk_error *err);
/* Whether they will be able to: its folder is there, and is ours to write in. NULL: yes. */
bool file_is_possible(const char *path, dk_error *err);
/* NULL is ignored. */
void file_remove(const char *path);

/* The address in a scheduler file, at most `capacity` bytes with the terminating zero. Waits for
 * the file when it is not there, or not whole yet; negative seconds: for ever. */
bool scheduler_file_await(const char *path, double timeout_s, char *address, size_t capacity,
                          dk_error *err);

#endif
