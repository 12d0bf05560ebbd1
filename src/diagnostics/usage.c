#include "diagnostics/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

/* The first bytes of a file of /proc, terminated; false when it cannot be read. */
static bool read_start(const char *path, char *out, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, capacity - 1);
    close(fd);
    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

int64_t usage_read_nbytes(void)
{
    char text[512];
    if (!read_start("/proc/self/io", text, sizeof(text)))
        return -1;
    const char *line = strstr(text, "rchar: ");
    return line ? strtoll(line + strlen("rchar: "), NULL, 10) : -1;
}

int64_t usage_peak_rss_nbytes(void)
{
    struct rusage self;
    struct rusage children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    long peak = self.ru_maxrss > children.ru_maxrss ? self.ru_maxrss : children.ru_maxrss;
    return (int64_t)peak * 1024;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    if (clock_gettime(clock, &time) != 0)
        return 0;
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t rss_nbytes(const char *statm_path)
{
    char text[128];
    if (!read_start(statm_path, text, sizeof(text)))
        return 0;
    char *resident = strchr(text, ' ');
    return resident ? strtoll(resident, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static void add_child(struct usage *usage, pid_t pid)
{
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0)
        return;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    usage->children_cpu_ns += clock_ns(clock);
    usage->rss_nbytes += rss_nbytes(path);
    usage->nchildren++;
}

/* `path` lists the children that one thread has made: room for two thousand. */
static void add_children_of(struct usage *usage, const char *path)
{
    char text[16384];
    if (!read_start(path, text, sizeof(text)))
        return;
    char *end = text;
    for (;;) {
        const char *at = end;
        long pid = strtol(at, &end, 10);
        if (end == at)
            return;
        add_child(usage, (pid_t)pid);
    }
}

static void add_children(struct usage *usage)
{
    DIR *threads = opendir("/proc/self/task");
    if (!threads)
        return;
    const struct dirent *entry = NULL;
    while ((entry = readdir(threads))) {
        char path[300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/children", entry->d_name);
        add_children_of(usage, path);
    }
    closedir(threads);
}

static int64_t reaped_cpu_ns(void)
{
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    int64_t seconds = children.ru_utime.tv_sec + children.ru_stime.tv_sec;
    int64_t microseconds = children.ru_utime.tv_usec + children.ru_stime.tv_usec;
    return seconds * 1000000000 + microseconds * 1000;
}

struct usage usage_now(void)
{
    struct usage usage = {.children_cpu_ns = reaped_cpu_ns(),
                          .rss_nbytes = rss_nbytes("/proc/self/statm")};
    add_children(&usage);
    usage.cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) + usage.children_cpu_ns;
    return usage;
}
