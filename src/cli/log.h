/* Log lines on stderr, as Python's logging writes them and as tools parse them:
 * "2026-11-22 21:37:20,123 - distributed.scheduler - INFO - text". */
#ifndef CLI_LOG_H
#define CLI_LOG_H

/* Fits the `log` of nodes; `self` is not used. Control characters become '?'. */
void log_line(void *self, const char *level, const char *name, const char *text);

#endif
