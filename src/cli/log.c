#include "cli/log.h"

#include <stdio.h>
#include <time.h>

/* What peers call themselves may hold anything; a terminal gets no control characters. */
static void clean(const char *text, char *out, size_t capacity)
{
    size_t i = 0;
    for (; text[i] && i + 1 < capacity; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i];
    out[i] = '\0';
}

void log_line(void *self, const char *level, const char *name, const char *text)
{
    (void)self;
    struct timespec now;
    struct tm local;
    char when[32] = "", shown[1200];
    clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &local))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    clean(text, shown, sizeof(shown));
    fprintf(stderr, "%s,%03d - %s - %s - %s\n", when, (int)(now.tv_nsec / 1000000), name, level,
            shown);
}
