/* Log lines on stderr, as tools parse them (see logs_write_line()). */
#ifndef CLI_LOG_H
#define CLI_LOG_H

/* Fits the `log` of nodes; `self` is not used. */
void log_line(void *self, const char *level, const char *name, const char *text);

#endif
