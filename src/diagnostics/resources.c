/* Readings of CPU and memory by a thread of its own, which sleeps on a condition and so ends at
 * once. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include <cdask/diagnostics.h>

#include "base/error.h"
#include "base/text.h"
#include "base/time.h"
#include "base/vector.h"
#include "diagnostics/usage.h"
#include "graph/context.h"

struct dk_resources {
    dk_context *context;
    int64_t dt_ns;
    struct vector readings; /* dk_resource_reading; the thread's until it has been joined */
    int64_t cpu_ns;         /* at the last reading */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under the lock */
    bool stopped;
};

/* A reading that finds no memory is left out. */
static void take_reading(struct dk_resources *resources)
{
    struct usage usage = usage_now();
    dk_resource_reading reading = {
        .time_ns = time_now_ns(),
        .rss_nbytes = usage.rss_nbytes,
        .ledger_nbytes = memory_use(resources->context->memory).current,
        .nchildren = usage.nchildren,
    };
    size_t count = resources->readings.count;
    if (count) {
        const dk_resource_reading *readings = resources->readings.data;
        double elapsed_ns = (double)(reading.time_ns - readings[count - 1].time_ns);
        double cpu_ns = (double)(usage.cpu_ns - resources->cpu_ns);
        /* A child that has gone takes its time with it until it is reaped. */
        reading.cpu_percent = elapsed_ns > 0 && cpu_ns > 0 ? 100 * cpu_ns / elapsed_ns : 0;
    }
    resources->cpu_ns = usage.cpu_ns;
    dk_resource_reading *kept = vector_push(&resources->readings);
    if (kept)
        *kept = reading;
}

static struct timespec after(int64_t ns)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t total_ns = time.tv_nsec + ns;
    time.tv_sec += total_ns / 1000000000;
    time.tv_nsec = total_ns % 1000000000;
    return time;
}

/* True when it is time for the next reading, false when the thread has to end. */
static bool wait_for_next(struct dk_resources *resources)
{
    struct timespec deadline = after(resources->dt_ns);
    pthread_mutex_lock(&resources->lock);
    int waited = 0;
    while (!resources->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&resources->wake, &resources->lock, &deadline);
    bool stopping = resources->stopping;
    pthread_mutex_unlock(&resources->lock);
    return !stopping;
}

static void *watch(void *arg)
{
    struct dk_resources *resources = arg;
    do {
        take_reading(resources);
    } while (wait_for_next(resources));
    take_reading(resources);
    return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct dk_resources *resources)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&resources->thread, NULL, watch, resources);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void deinit(struct dk_resources *resources)
{
    vector_deinit(&resources->readings);
    pthread_cond_destroy(&resources->wake);
    pthread_mutex_destroy(&resources->lock);
    memory_free(resources->context->memory, resources, sizeof(*resources));
}

static dk_resources *resources_new(dk_context *dk, double dt_s)
{
    dk_resources *resources = memory_calloc(dk->memory, sizeof(*resources));
    if (!resources)
        return NULL;
    resources->context = dk;
    resources->dt_ns = (int64_t)(dt_s * 1e9);
    vector_init(&resources->readings, dk->memory, sizeof(dk_resource_reading));
    pthread_mutex_init(&resources->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&resources->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return resources;
}

dk_status dk_resources_start(dk_context *dk, double dt_s, dk_resources **out, dk_error *err)
{
    double chosen_s = dt_s == 0 ? 1 : dt_s;
    if (!(chosen_s >= 1e-3 && chosen_s <= 86400))
        return error_set(err, DK_EINVAL, "dt_s must be from 0.001 to 86400 seconds, not %g", dt_s);
    dk_resources *resources = resources_new(dk, chosen_s);
    if (!resources)
        return error_nomem(err);
    int failed = start_thread(resources);
    if (failed) {
        deinit(resources);
        return error_set(err, DK_EIO, "cannot start a thread (error %d)", failed);
    }
    *out = resources;
    return DK_OK;
}

void dk_resources_stop(dk_resources *resources)
{
    if (resources->stopped)
        return;
    pthread_mutex_lock(&resources->lock);
    resources->stopping = true;
    pthread_cond_signal(&resources->wake);
    pthread_mutex_unlock(&resources->lock);
    pthread_join(resources->thread, NULL);
    resources->stopped = true;
}

void dk_resources_free(dk_resources *resources)
{
    if (!resources)
        return;
    dk_resources_stop(resources);
    deinit(resources);
}

size_t dk_resources_count(const dk_resources *resources)
{
    return resources->stopped ? resources->readings.count : 0;
}

dk_resource_reading dk_resources_at(const dk_resources *resources, size_t i)
{
    return ((const dk_resource_reading *)resources->readings.data)[i];
}

dk_status dk_resources_csv(const dk_resources *resources, char **out)
{
    struct text text;
    text_init(&text, resources->context->memory);
    text_puts(&text, "time_ns,cpu_percent,rss_nbytes,ledger_nbytes,nchildren\n");
    for (size_t i = 0; i < dk_resources_count(resources); i++) {
        dk_resource_reading reading = dk_resources_at(resources, i);
        text_printf(&text, "%lld,%.1f,%lld,%lld,%d\n", (long long)reading.time_ns,
                    reading.cpu_percent, (long long)reading.rss_nbytes,
                    (long long)reading.ledger_nbytes, reading.nchildren);
    }
    dk_status status = text_export(&text, out);
    text_deinit(&text);
    return status;
}
