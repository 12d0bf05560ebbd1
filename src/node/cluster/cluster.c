/* A cluster on this machine: the process that will have workers forked is forked first, while there
 * is no thread of ours yet; then the scheduler gets its thread, and that process is told its
 * address. */
#include "node/cluster/workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cdask/distributed.h>

#include "base/error.h"
#include "local/cpus.h"
#include "local/machine_memory.h"
#include "node/scheduler/scheduler_node.h"

#define START_MS     30000
#define NWORKERS_MAX 1024
/* How long workers get to end by themselves. */
#define END_MS 2000

struct dk_cluster {
    struct memory *memory;
    struct cluster_workers workers;
    uv_loop_t loop;
    uv_async_t stop;
    uv_async_t greeted; /* all workers are there: from now on the loop listens to them */
    uv_poll_t heard;
    pthread_t thread;
    struct scheduler_node *node;
    bool has_loop;
    bool has_thread;
    char address[ADDRESS_TEXT_MAX];
    char dashboard[DASHBOARD_LINE_MAX]; /* "": none */
    void (*lost)(void *self, const char *why);
    void *self;
};

/* ---- how many ---- */

/* Up to 4 CPUs a process each; beyond that about as many threads as processes. Their product is the
 * number of CPUs.   Source: distributed.deploy.utils.nprocesses_nthreads. */
static int32_t choose_nworkers(int32_t ncpus)
{
    if (ncpus <= 4)
        return ncpus;
    int32_t nworkers = 1;
    while (nworkers * nworkers < ncpus || ncpus % nworkers)
        nworkers++;
    return nworkers;
}

static dk_status read_options(const dk_cluster_options *options,
                              struct cluster_workers_options *out, dk_error *err)
{
    int32_t ncpus = cpus_available();
    int32_t nworkers = options ? options->nworkers : 0;
    int32_t nthreads = options ? options->nthreads : 0;
    int64_t limit = options ? options->memory_limit : 0;
    if (nworkers < 0 || nworkers > NWORKERS_MAX)
        return error_set(err, DK_EINVAL, "nworkers must be 0 to %d, not %d", NWORKERS_MAX,
                         nworkers);
    if (nthreads < 0 || nthreads > NWORKERS_MAX)
        return error_set(err, DK_EINVAL, "nthreads must be 0 to %d, not %d", NWORKERS_MAX,
                         nthreads);
    if (options && (options->port < 0 || options->port > UINT16_MAX))
        return error_set(err, DK_EINVAL, "%d is no port", options->port);
    if (!nworkers)
        nworkers = nthreads ? (ncpus + nthreads - 1) / nthreads : choose_nworkers(ncpus);
    if (!nthreads)
        nthreads = ncpus > nworkers ? ncpus / nworkers : 1;
    out->nthreads = (uint32_t)nthreads;
    out->nworkers = options && options->no_workers ? 0 : (uint32_t)nworkers;
    out->memory_limit = limit > 0 ? limit
                        : limit < 0
                            ? 0
                            : machine_nbytes() / (out->nworkers ? (int64_t)out->nworkers : 1);
    return DK_OK;
}

/* ---- the scheduler ---- */

static void on_stop(uv_async_t *stop)
{
    dk_cluster *cluster = stop->data;
    if (cluster->node)
        scheduler_node_close(cluster->node, "cluster-close");
    uv_close((uv_handle_t *)stop, NULL);
    uv_close((uv_handle_t *)&cluster->greeted, NULL);
    if (uv_handle_get_loop((uv_handle_t *)&cluster->heard))
        uv_close((uv_handle_t *)&cluster->heard, NULL);
}

/* Without workers whoever waits for a result would do so for ever: they are told by the end of the
 * scheduler. */
static void on_heard(uv_poll_t *heard, int status, int events)
{
    dk_cluster *cluster = heard->data;
    (void)events;
    if (status == 0 && !cluster_workers_have_gone(&cluster->workers))
        return;
    uv_poll_stop(heard);
    if (!cluster->node)
        return;
    scheduler_node_close(cluster->node, "workers-lost");
    if (cluster->lost)
        cluster->lost(cluster->self, "the processes of its workers have ended, and with them the "
                                     "one that would start them again");
}

static void on_greeted(uv_async_t *greeted)
{
    dk_cluster *cluster = greeted->data;
    uv_poll_start(&cluster->heard, UV_READABLE, on_heard);
}

static dk_status init_handles(dk_cluster *cluster, dk_error *err)
{
    uv_async_init(&cluster->loop, &cluster->stop, on_stop);
    uv_async_init(&cluster->loop, &cluster->greeted, on_greeted);
    cluster->stop.data = cluster->greeted.data = cluster->heard.data = cluster;
    if (cluster->workers.nworkers &&
        uv_poll_init(&cluster->loop, &cluster->heard, cluster->workers.fd) != 0) {
        cluster->heard.data = NULL;
        return error_set(err, DK_EIO, "cannot listen to the processes of workers");
    }
    return DK_OK;
}

/* Out of memory it closes by itself. Workers that still look for it would do so for ever. */
static void on_node_closed(void *self)
{
    dk_cluster *cluster = self;
    cluster->node = NULL;
    cluster_workers_dismiss(&cluster->workers);
}

static void *run_loop(void *self)
{
    dk_cluster *cluster = self;
    uv_run(&cluster->loop, UV_RUN_DEFAULT);
    return NULL;
}

/* Where it is to be, if it `is_wanted`. */
static dk_status choose_dashboard(const dk_cluster_options *given, struct dashboard_place *out,
                                  bool *is_wanted, dk_error *err)
{
    const char *address = given ? given->dashboard_address : NULL;
    *is_wanted = !address || *address;
    *out = (struct dashboard_place){.port = DASHBOARD_PORT};
    return address && *address ? dashboard_place_parse(address, out, err) : DK_OK;
}

static dk_status start_scheduler(dk_cluster *cluster, const dk_cluster_options *given,
                                 dk_error *err)
{
    uint16_t port = (uint16_t)(given ? given->port : 0);
    struct scheduler_node_options options = {.host =
                                                 given && given->host ? given->host : "127.0.0.1",
                                             .ports = {port, port},
                                             .closed = on_node_closed,
                                             .self = cluster};
    struct dashboard_place dashboard;
    bool has_dashboard;
    DK_TRY(choose_dashboard(given, &dashboard, &has_dashboard, err));
    options.dashboard = has_dashboard ? &dashboard : NULL;
    if (uv_loop_init(&cluster->loop) != 0)
        return error_set(err, DK_EIO, "cannot make an event loop for the scheduler");
    cluster->has_loop = true;
    DK_TRY(init_handles(cluster, err));
    DK_TRY(scheduler_node_new(&cluster->loop, cluster->memory, &options, &cluster->node, err));
    snprintf(cluster->address, sizeof(cluster->address), "%s",
             scheduler_node_address(cluster->node));
    if (scheduler_node_dashboard(cluster->node))
        snprintf(cluster->dashboard, sizeof(cluster->dashboard), "%s",
                 scheduler_node_dashboard(cluster->node));
    if (pthread_create(&cluster->thread, NULL, run_loop, cluster) != 0)
        return error_set(err, DK_EIO, "cannot start a thread for the scheduler");
    cluster->has_thread = true;
    return DK_OK;
}

static void stop_scheduler(dk_cluster *cluster)
{
    if (!cluster->has_loop)
        return;
    uv_async_send(&cluster->stop);
    if (cluster->has_thread)
        pthread_join(cluster->thread, NULL);
    else
        uv_run(&cluster->loop, UV_RUN_DEFAULT);
    uv_loop_close(&cluster->loop);
}

/* ---- opening and closing ---- */

static dk_status greet_workers(dk_cluster *cluster, dk_error *err)
{
    if (!cluster->workers.nworkers)
        return DK_OK;
    DK_TRY(cluster_workers_tell(&cluster->workers, cluster->address, err));
    DK_TRY(cluster_workers_wait(&cluster->workers, START_MS, err));
    uv_async_send(&cluster->greeted);
    return DK_OK;
}

void dk_cluster_close(dk_cluster *cluster)
{
    if (!cluster)
        return;
    stop_scheduler(cluster);
    cluster_workers_end(&cluster->workers, END_MS);
    memory_free(cluster->memory, cluster, sizeof(*cluster));
}

dk_status dk_cluster_open(dk_context *dk, const dk_cluster_options *options, dk_cluster **out,
                          dk_error *err)
{
    struct cluster_workers_options chosen = {0};
    DK_TRY(read_options(options, &chosen, err));
    dk_cluster *cluster = memory_calloc(dk->memory, sizeof(*cluster));
    if (!cluster)
        return error_nomem(err);
    cluster->memory = dk->memory;
    if (options) {
        cluster->lost = options->lost;
        cluster->self = options->self;
    }
    dk_status status = DK_OK;
    if (chosen.nworkers)
        status = cluster_workers_start(dk, &chosen, &cluster->workers, err);
    if (status == DK_OK)
        status = start_scheduler(cluster, options, err);
    if (status == DK_OK)
        status = greet_workers(cluster, err);
    if (status != DK_OK) {
        dk_cluster_close(cluster);
        return status;
    }
    *out = cluster;
    return DK_OK;
}

const char *dk_cluster_address(const dk_cluster *cluster)
{
    return cluster->address;
}

const char *dk_cluster_dashboard(const dk_cluster *cluster)
{
    return cluster->dashboard[0] ? cluster->dashboard : NULL;
}
