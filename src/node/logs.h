/* The last lines of a node's log, for whoever asks: 10,000 of them, and 4 MiB, at most.
 *
 * Thread: the loop's.   Source: distributed.node.Node.get_logs. */
#ifndef NODE_LOGS_H
#define NODE_LOGS_H

#include <time.h>

#include "core/list.h"
#include "node/server.h"

struct logs {
    struct memory *memory;
    struct list lines; /* the oldest first */
    size_t count;
    size_t nbytes;
};

void logs_init(struct logs *logs, struct memory *memory);
void logs_deinit(struct logs *logs);
/* Keeps it, as of now, unless memory is short. `level` stays. */
void logs_add(struct logs *logs, const char *level, const char *name, const char *text);
/* Answers "get_logs": [[level, line] ...], the newest first; with "timestamps" [[time, level, line]
 * ...], and no more than "n" of them, none older than "start". */
void logs_reply(const struct logs *logs, struct request *request);

/* Writes the line as Python's logging does, "2026-11-22 21:37:20,123 - distributed.scheduler - INFO
 * - text", cut at `capacity` and terminated. What peers call themselves may hold anything: control
 * characters, and what is not UTF-8, become '?'. */
#define LOGS_LINE_MAX 1200
void logs_write_line(char *out, size_t capacity, const struct timespec *when, const char *level,
                     const char *name, const char *text);

#endif
