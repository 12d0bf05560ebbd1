/* A worker in the calling process, which lives for that: an interpreter that runs its tasks. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cdask/distributed.h>

#include "base/error.h"
#include "graph/context.h"
#include "local/cpus.h"
#include "local/machine_memory.h"
#include "node/worker/worker_node.h"

/* In memory of its own: what still runs when it is given up goes on looking at it. */
struct worker_run {
    struct memory *memory;
    uv_loop_t loop;
    uv_poll_t stop;
    int stop_fd;
    struct tls_config *tls;
    struct worker_node *node;
    void (*log)(void *self, const char *level, const char *name, const char *text);
    dk_error why;
};

static void log_line(void *self, const char *level, const char *name, const char *text)
{
    const struct worker_run *run = self;
    run->log(NULL, level, name, text);
}

static void on_stop(uv_poll_t *stop, int status, int events)
{
    struct worker_run *run = stop->data;
    char bytes[64];
    (void)events;
    if (status < 0 || read(run->stop_fd, bytes, sizeof(bytes)) == 0)
        uv_poll_stop(stop);
    worker_node_retire(run->node, "stopped");
}

static void on_closed(void *self, const dk_error *why)
{
    struct worker_run *run = self;
    if (why)
        run->why = *why;
    if (run->why.status == DK_ECANCELED) /* some task does not end */
        uv_stop(&run->loop);
    else if (run->stop_fd)
        uv_close((uv_handle_t *)&run->stop, NULL);
}

static dk_status watch_stop(struct worker_run *run, dk_error *err)
{
    if (!run->stop_fd)
        return DK_OK;
    if (uv_poll_init(&run->loop, &run->stop, run->stop_fd) != 0)
        return error_set(err, DK_EINVAL, "stop_fd %d cannot be waited for", run->stop_fd);
    run->stop.data = run;
    uv_poll_start(&run->stop, UV_READABLE, on_stop);
    return DK_OK;
}

static dk_status choose(dk_context *dk, const dk_worker_options *options, struct worker_run *run,
                        struct worker_node_options *out, dk_error *err)
{
    struct tls_files files = {options->tls_ca_file, options->tls_cert, options->tls_key};
    const char *folder = getenv("TMPDIR");
    if (options->nthreads < 0)
        return error_set(err, DK_EINVAL, "nthreads must not be negative, as %d is",
                         options->nthreads);
    if (options->port < 0 || options->port > UINT16_MAX)
        return error_set(err, DK_EINVAL, "%d is no port", options->port);
    *out = (struct worker_node_options){
        .context = dk,
        .name = options->name,
        .host = options->host ? options->host : "127.0.0.1",
        .ports = {(uint16_t)options->port, (uint16_t)options->port},
        .nthreads = (uint32_t)(options->nthreads ? options->nthreads : cpus_available()),
        .memory_limit = options->memory_limit > 0   ? options->memory_limit
                        : options->memory_limit < 0 ? 0
                                                    : machine_nbytes(),
        .local_directory = folder && *folder ? folder : "/tmp",
        .death_timeout_s = options->death_timeout_s > 0 ? options->death_timeout_s : -1,
        .no_shared_memory = options->no_shared_memory,
        .log = options->log ? log_line : NULL,
        .closed = on_closed,
        .self = run,
    };
    if (options->local_directory)
        out->local_directory = options->local_directory;
    DK_TRY(node_address_parse(options->address, &out->scheduler, err));
    DK_TRY(tls_config_for(out->scheduler.protocol, &files, &run->tls, err));
    out->tls = run->tls;
    return DK_OK;
}

/* The calling thread is the loop's until the worker has left. */
static dk_status live(struct worker_run *run, const struct worker_node_options *options,
                      dk_error *err)
{
    if (uv_loop_init(&run->loop) != 0)
        return error_set(err, DK_EIO, "cannot make an event loop for the worker");
    dk_status status = worker_node_new(&run->loop, options, &run->node, err);
    if (status == DK_OK) {
        status = watch_stop(run, err);
        if (status != DK_OK) {
            run->stop_fd = 0;
            worker_node_close(run->node);
        }
    }
    uv_run(&run->loop, UV_RUN_DEFAULT);
    if (run->why.status == DK_ECANCELED)
        return DK_ECANCELED;
    uv_loop_close(&run->loop);
    return status;
}

dk_status dk_worker_run(dk_context *dk, const dk_worker_options *options, dk_error *err)
{
    struct worker_node_options chosen = {0};
    struct worker_run *run = memory_calloc(dk->memory, sizeof(*run));
    if (!run)
        return error_nomem(err);
    run->memory = dk->memory;
    run->stop_fd = options->stop_fd;
    run->log = options->log;
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error to report */
    dk_status status = choose(dk, options, run, &chosen, err);
    if (status == DK_OK)
        status = live(run, &chosen, err);
    if (status == DK_OK && run->why.status != DK_OK)
        status = run->why.status;
    if (run->why.status == status && status != DK_OK && err)
        *err = run->why;
    if (run->why.status == DK_ECANCELED)
        return status;
    tls_config_free(run->tls);
    memory_free(dk->memory, run, sizeof(*run));
    return status;
}
