#include "cli/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/log.h"
#include "cli/scheduler_file.h"
#include "cli/worker_options.h"
#include "cli/worker_processes.h"
#include "node/nanny/nanny.h"
#include "node/worker/preload.h"
#include "node/worker/worker_node.h"

/* The running command, for its callbacks. */
struct running {
    struct worker_node *node;
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_poll_t parent;
    bool has_parent;
    uv_poll_t nanny;
    bool has_nanny;
    uint32_t nsignals; /* that have said that it is to leave, */
    uint32_t nwords;   /* and of its nanny */
    bool is_old;       /* its lifetime is over */
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

/* Said again in the same way, it is to be at once. A signal may have reached all processes. */
static void leave(struct running *running, uint32_t *count, const char *reason)
{
    ++*count;
    if (*count > 1 || running->nsignals + running->nwords == 1)
        worker_node_retire(running->node, reason);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct running *running = handle->data;
    char text[64];
    snprintf(text, sizeof(text), "Received signal %s (%d)", number == SIGINT ? "SIGINT" : "SIGTERM",
             number);
    log_own(running, "INFO", "distributed.worker", text);
    leave(running, &running->nsignals, "signal");
}

/* Whoever has started us has had enough, or has gone. */
static void on_parent(uv_poll_t *parent, int status, int events)
{
    struct running *running = parent->data;
    (void)status;
    (void)events;
    uv_poll_stop(parent);
    worker_node_orphan(running->node);
    worker_node_retire(running->node, "its parent has ended");
}

static void on_nanny(uv_poll_t *nanny, int status, int events)
{
    struct running *running = nanny->data;
    char word = NANNY_LEAVE;
    (void)events;
    bool has_word = status == 0 && recv(running->options->nanny_fd, &word, 1, MSG_DONTWAIT) == 1;
    if (!has_word) {
        uv_poll_stop(nanny);
        worker_node_orphan(running->node);
    }
    if (word == NANNY_END)
        worker_node_close(running->node);
    else
        leave(running, &running->nwords, has_word ? "nanny" : "its nanny has ended");
}

static void tell(int fd, char word)
{
    while (fd >= 0 && send(fd, &word, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void on_closed(void *self, const dk_error *why)
{
    struct running *running = self;
    if (!running->is_old || !running->options->has_lifetime_restart)
        tell(running->options->nanny_fd, NANNY_LEAVES);
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
    if (running->has_nanny)
        uv_close((uv_handle_t *)&running->nanny, NULL);
}

static bool watch(struct running *running, int fd, uv_poll_t *poll, uv_poll_cb changed)
{
    if (fd < 0 || uv_poll_init(&running->loop, poll, fd) != 0)
        return false;
    poll->data = running;
    return uv_poll_start(poll, UV_READABLE, changed) == 0;
}

static void on_registered(void *self)
{
    const struct running *running = self;
    tell(running->options->parent_fd, NANNY_REGISTERED);
    tell(running->options->nanny_fd, NANNY_REGISTERED);
}

static void on_aged(void *self)
{
    struct running *running = self;
    running->is_old = true;
}

/* Up to `stagger_s` more or less, at least a millisecond. */
static double lifetime_of(const struct worker_options *options)
{
    uint32_t random = 0;
    if (options->lifetime_s <= 0 || options->lifetime_stagger_s <= 0)
        return options->lifetime_s;
    (void)!getrandom(&random, sizeof(random), 0);
    double share = 2 * ((double)random / UINT32_MAX) - 1;
    double lifetime_s = options->lifetime_s + share * options->lifetime_stagger_s;
    return lifetime_s > 1e-3 ? lifetime_s : 1e-3;
}

/* Ctrl-C reaches all processes of a terminal: where there is a nanny, it says what comes of it. */
static void watch_signals(struct running *running)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(&running->loop, &running->signals[i]);
        running->signals[i].data = running;
        if (numbers[i] == SIGTERM || running->options->nanny_fd < 0)
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
        .contact = options->has_contact ? &options->contact : NULL,
        .dashboard = options->has_dashboard ? &options->dashboard : NULL,
        .nanny = options->nanny,
        .nthreads = options->nthreads,
        .memory_limit = options->memory_limit,
        .local_directory = options->local_directory,
        .resources = options->resources,
        .nresources = options->nresources,
        .death_timeout_s = options->death_timeout_s,
        .lifetime_s = lifetime_of(options),
        .log = log_own,
        .registered = on_registered,
        .aged = on_aged,
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
    running->has_parent = watch(running, options->parent_fd, &running->parent, on_parent);
    running->has_nanny = watch(running, options->nanny_fd, &running->nanny, on_nanny);
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
    if (tls_config_for(options->scheduler.protocol, &options->tls, &running.tls, &err) != DK_OK ||
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
