#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>

void node_log(const struct node_log *log, enum log_level level, const char *format, ...)
{
    char text[1024];
    if (!log->write)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log->write(log->self, level, log->logger, text);
}

const char *node_log_name(enum log_level level)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR"};
    return names[level];
}
