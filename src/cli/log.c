#include "cli/log.h"

#include <stdio.h>
#include <time.h>

#include "node/logs.h"

void log_line(void *self, const char *level, const char *name, const char *text)
{
    struct timespec now;
    char line[LOGS_LINE_MAX];
    (void)self;
    clock_gettime(CLOCK_REALTIME, &now);
    logs_write_line(line, sizeof(line), &now, level, name, text);
    fprintf(stderr, "%s\n", line);
}
