/* The progress bar. */
#include <cdask/diagnostics.h>

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "base/time.h"
#include "graph/context.h"

#define WIDTH_MAX 200
#define LINE_MAX  (WIDTH_MAX + 80)
/* What stands beside the bar: "[", "] | 100% Completed | 59 min 59 s". */
#define BESIDE 34

struct dk_progress {
    struct memory *memory;
    int fd;
    bool is_silent;
    int32_t width;
    int64_t minimum_ns;
    int64_t dt_ns;
    size_t ntasks;
    size_t ndone;
    int64_t start_ns;
    int64_t drawn_ns; /* when it was last drawn */
    size_t nshown;    /* characters on the line now; 0: nothing has been drawn */
};

static int32_t fitting_width(int fd, int32_t wanted)
{
    struct winsize window;
    int32_t width = wanted > 0 ? wanted : 40;
    if (width > WIDTH_MAX)
        width = WIDTH_MAX;
    if (ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
        return width;
    int32_t room = (int32_t)window.ws_col - BESIDE;
    if (room < 10)
        room = 10;
    return width < room ? width : room;
}

/* "1.2 s", which moves every tenth of a second but no more. */
static void print_elapsed(int64_t ns, char out[32])
{
    int64_t tenths = ns / 100000000;
    int64_t s = tenths / 10;
    if (s < 60) {
        snprintf(out, 32, "%d.%d s", (int)s, (int)(tenths % 10));
    } else if (s < 3600) {
        snprintf(out, 32, "%d min %d s", (int)(s / 60), (int)(s % 60));
    } else {
        snprintf(out, 32, "%lld h %d min", (long long)(s / 3600), (int)(s / 60 % 60));
    }
}

static void write_all(int fd, const char *bytes, size_t nbytes)
{
    while (nbytes > 0) {
        ssize_t n = write(fd, bytes, nbytes);
        if (n <= 0)
            return; /* a bar that cannot be drawn is no reason to stop */
        bytes += n;
        nbytes -= (size_t)n;
    }
}

/* Draws over the line that is there; what it was longer is blanked. */
static void draw(struct dk_progress *progress, int64_t now_ns, bool is_last)
{
    double done = progress->ntasks ? (double)progress->ndone / (double)progress->ntasks : 1;
    int filled = (int)(done * progress->width);
    char bar[WIDTH_MAX + 1];
    memset(bar, ' ', sizeof(bar));
    memset(bar, '#', (size_t)filled);
    bar[progress->width] = 0;
    char elapsed[32];
    print_elapsed(now_ns - progress->start_ns, elapsed);

    char line[LINE_MAX + 2];
    size_t length = (size_t)snprintf(line, LINE_MAX, "\r[%s] | %d%% Completed | %s", bar,
                                     (int)(done * 100), elapsed);
    size_t nshown = length;
    while (length < progress->nshown)
        line[length++] = ' ';
    if (is_last)
        line[length++] = '\n';
    progress->nshown = nshown;
    progress->drawn_ns = now_ns;
    write_all(progress->fd, line, length);
}

/* Nothing to draw before the minimum has passed, or so soon after the last time. */
static void draw_if_due(struct dk_progress *progress, int64_t now_ns)
{
    if (progress->is_silent || now_ns - progress->start_ns < progress->minimum_ns)
        return;
    if (progress->nshown && now_ns - progress->drawn_ns < progress->dt_ns)
        return;
    draw(progress, now_ns, false);
}

static void start(void *self, const dk_graph *graph, size_t ntasks)
{
    (void)graph;
    struct dk_progress *progress = self;
    progress->ntasks = ntasks;
    progress->ndone = 0;
    progress->nshown = 0;
    progress->start_ns = time_now_ns();
}

static void pretask(void *self, const dk_task_event *event)
{
    draw_if_due(self, event->start_ns);
}

static void posttask(void *self, const dk_task_event *event)
{
    struct dk_progress *progress = self;
    if (event->status == DK_OK)
        progress->ndone++;
    draw_if_due(progress, event->end_ns);
}

static void finish(void *self, const dk_graph *graph, dk_status status)
{
    (void)graph;
    (void)status;
    struct dk_progress *progress = self;
    int64_t now_ns = time_now_ns();
    if (!progress->is_silent && now_ns - progress->start_ns >= progress->minimum_ns)
        draw(progress, now_ns, true);
}

static dk_status check_options(const dk_progress_options *options, dk_error *err)
{
    if (!(options->minimum_s >= 0) || !(options->dt_s >= 0)) {
        return error_set(err, DK_EINVAL, "progress bar: %s must be seconds from 0 on, not %g",
                         options->minimum_s >= 0 ? "dt_s" : "minimum_s",
                         options->minimum_s >= 0 ? options->dt_s : options->minimum_s);
    }
    if (options->width < 0) {
        return error_set(err, DK_EINVAL, "progress bar: width must be positive, not %d",
                         options->width);
    }
    return DK_OK;
}

static int64_t seconds_ns(double s)
{
    return s < 1e9 ? (int64_t)(s * 1e9) : INT64_MAX;
}

dk_status dk_progress_new(dk_context *dk, int fd, const dk_progress_options *options,
                          dk_progress **out, dk_error *err)
{
    static const dk_progress_options defaults;
    if (!options)
        options = &defaults;
    DK_TRY(check_options(options, err));
    dk_progress *progress = memory_calloc(dk->memory, sizeof(*progress));
    if (!progress)
        return error_nomem(err);
    progress->memory = dk->memory;
    progress->fd = fd;
    progress->is_silent = !options->force && !isatty(fd);
    progress->width = fitting_width(fd, options->width);
    progress->minimum_ns = seconds_ns(options->minimum_s);
    progress->dt_ns = options->dt_s > 0 ? seconds_ns(options->dt_s) : 100000000;
    *out = progress;
    return DK_OK;
}

void dk_progress_free(dk_progress *progress)
{
    if (progress)
        memory_free(progress->memory, progress, sizeof(*progress));
}

dk_callbacks dk_progress_callbacks(dk_progress *progress)
{
    return (dk_callbacks){.start = start,
                          .pretask = pretask,
                          .posttask = posttask,
                          .finish = finish,
                          .self = progress};
}
