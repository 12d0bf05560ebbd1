/* What a node has to say of itself: the library prints nothing, its host does what it likes. */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include <cdask/status.h>

/* Python's names: they are printed. */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

struct node_log {
    /* NULL: nobody listens. Called in the loop's thread. */
    void (*write)(void *self, enum log_level level, const char *logger, const char *text);
    void *self;
    const char *logger; /* "distributed.worker" */
};

/* One line, cut at 1023 bytes. */
void node_log(const struct node_log *log, enum log_level level, const char *format, ...)
    DK_PRINTF(3, 4);
const char *node_log_name(enum log_level level);

#endif
