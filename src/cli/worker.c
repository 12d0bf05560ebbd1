#include "cli/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/log.h"
#include "node/worker/preload.h"
#include "cli/scheduler_file.h"
#include "cli/worker_options.h"
#include "cli/worker_processes.h"
#include "node/worker/worker_node.h"

/* The running command, for its callbacks. */
struct running {
    struct worker_node *node;
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_poll_t parent;
    bool has_parent;
    const struct worker_options *options;
    dk_error why;
    struct tls_config *tls;
};

static int complain(const char *message)
{
    fprintf(stderr, "cdask worker: %s\n", message);
    return 1;
}

static void log_own(void *self, const char *level, const char *name, const char *text)
{
    const struct running *running = self;
    if (!running->options->is_quiet || strcmp(level, "INFO") != 0)
        log_line(NULL, level, name, text);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct running *running = handle->data;
    char text[64];
    snprintf(text, sizeof(text), "Received signal %s (%d)", number == SIGINT ? "SIGINT" : "SIGTERM",
             number);
    log_own(running, "INFO", "distributed.worker", text);
    worker_node_retire(running->node, "signal");
}

/* Whoever has started us has had enough, or has gone. */
static void on_parent(uv_poll_t *parent, int status, int events)
{
    struct running *running = parent->data;
    (void)status;
    (void)events;
    uv_poll_stop(parent);
    worker_node_retire(running->node, "its parent has ended");
}

static void on_closed(void *self, const dk_error *why)
{
    struct running *running = self;
    if (why)
        running->why = *why;
    if (running->why.status == DK_ECANCELED) {
        uv_stop(&running->loop);
        return;
    }
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&running->signals[i], NULL);
    if (running->has_parent)
        uv_close((uv_handle_t *)&running->parent, NULL);
}

static void watch_parent(struct running *running, int fd)
{
    if (fd < 0 || uv_poll_init(&running->loop, &running->parent, fd) != 0)
        return;
    running->has_parent = true;
    running->parent.data = running;
    uv_poll_start(&running->parent, UV_READABLE, on_parent);
}

static void on_registered(void *self)
{
    const struct running *running = self;
    while (running->options->parent_fd >= 0 &&
           send(running->options->parent_fd, "+", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void watch_signals(struct running *running)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&running->loop, &running->signals[i]);
        running->signals[i].data = running;
        uv_signal_start(&running->signals[i], on_signal, numbers[i]);
    }
}

static struct worker_node_options node_options(const struct worker_options *options, dk_context *dk,
                                               struct running *running)
{
    return (struct worker_node_options){
        .context = dk,
        .scheduler = options->scheduler,
        .tls = running->tls,
        .name = options->name,
        .host = options->host,
        .ports = options->ports,
        .dashboard = options->has_dashboard ? &options->dashboard : NULL,
        .nthreads = options->nthreads,
        .memory_limit = options->memory_limit,
        .local_directory = options->local_directory,
        .resources = options->resources,
        .nresources = options->nresources,
        .death_timeout_s = options->death_timeout_s,
        .lifetime_s = options->lifetime_s,
        .log = log_own,
        .registered = on_registered,
        .closed = on_closed,
        .self = running,
    };
}

static int serve(const struct worker_options *options, dk_context *dk, struct running *running)
{
    struct worker_node_options chosen = node_options(options, dk, running);
    dk_error err = {0};
    if (worker_node_new(&running->loop, &chosen, &running->node, &err) != DK_OK) {
        uv_run(&running->loop, UV_RUN_DEFAULT);
        return complain(err.message);
    }
    watch_signals(running);
    watch_parent(running, options->parent_fd);
    if (!pid_file_write(options->pid_file, &err)) {
        complain(err.message);
        worker_node_close(running->node);
    }
    uv_run(&running->loop, UV_RUN_DEFAULT);
    file_remove(options->pid_file);
    log_own(running, "INFO", "distributed.dask_worker", "End worker");
    if (running->why.status == DK_ECANCELED)
        _exit(1); /* its threads still run tasks */
    return running->why.status != DK_OK || err.status != DK_OK;
}

static dk_status load_tasks(const struct worker_options *options, dk_context *dk, dk_error *err)
{
    dk_status status = DK_OK;
    for (uint32_t i = 0; i < options->npreloads && status == DK_OK; i++)
        status = preload(dk, options->preloads[i], err);
    return status;
}

static int run_worker(dk_context *dk, const struct worker_options *options)
{
    struct running running = {.options = options};
    dk_error err = {0};
    int exit_status = 1;
    if (tls_open(options->scheduler.protocol, &options->tls, &running.tls, &err) != DK_OK ||
        load_tasks(options, dk, &err) != DK_OK) {
        complain(err.message);
    } else if (uv_loop_init(&running.loop) != 0) {
        complain("cannot make an event loop");
    } else {
        exit_status = serve(options, dk, &running);
        uv_loop_close(&running.loop);
    }
    tls_config_free(running.tls);
    return exit_status;
}

int worker_command(dk_context *host, int argc, char **argv)
{
    struct worker_options options;
    dk_context *dk = host;
    dk_error err = {0};
    if (!worker_options_read(argc, argv, &options))
        return 2;
    if (options.help) {
        worker_options_print_usage();
        return 0;
    }
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error to report */
    if (!host && dk_open_with(NULL, &dk, &err) != DK_OK)
        return complain(err.message);
    int exit_status = options.nworkers > 1 || options.has_nanny
                          ? worker_processes_run(dk, &options, run_worker)
                          : run_worker(dk, &options);
    if (!host)
        dk_close(dk);
    return exit_status;
}
