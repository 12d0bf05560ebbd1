#include "node/nanny/nursery.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "local/processes/fork.h"
#include "node/nanny/nanny.h"

struct nursery {
    struct nursery_options options;
    struct memory *memory;
    uv_loop_t loop;
    uv_poll_t signals;
    uv_poll_t stop;
    int signals_fd;
    struct nanny **nannies; /* NULL: has ended */
    uint32_t nnannies;
    uint32_t starting; /* the number of the one that is being made */
    int exit_status;
};

/* ---- nannies ---- */

/* One that is being made is not in the list yet. */
static uint32_t number_of(const struct nursery *nursery, const struct nanny *nanny)
{
    for (uint32_t i = 0; i < nursery->options.nworkers; i++)
        if (nursery->nannies[i] == nanny)
            return i;
    return nursery->starting;
}

static pid_t start_worker(void *self, struct nanny *nanny, int fd)
{
    struct nursery *nursery = self;
    uint32_t number = number_of(nursery, nanny);
    char address[ADDRESS_TEXT_MAX];
    snprintf(address, sizeof(address), "%s", nanny_address(nanny));
    pid_t pid = fork_worker(nursery->options.context);
    if (pid != 0)
        return pid;
    nanny_forget_parent(&nursery->loop);
    _exit(nursery->options.run(nursery->options.self, number, address, fd));
}

static void log_own(void *self, const char *level, const char *name, const char *text)
{
    const struct nursery *nursery = self;
    if (nursery->options.log)
        nursery->options.log(nursery->options.self, level, name, text);
}

static void close_handles(struct nursery *nursery)
{
    uv_close((uv_handle_t *)&nursery->signals, NULL);
    if (nursery->options.stop_fd >= 0)
        uv_close((uv_handle_t *)&nursery->stop, NULL);
}

/* The exit status is that of the first one that has failed. */
static void on_ended(void *self, struct nanny *nanny, int exit_status)
{
    struct nursery *nursery = self;
    uint32_t number = number_of(nursery, nanny);
    nursery->nannies[number] = NULL;
    if (nursery->options.ended)
        nursery->options.ended(nursery->options.self, number, exit_status);
    if (!nursery->exit_status)
        nursery->exit_status = exit_status;
    if (--nursery->nnannies == 0)
        close_handles(nursery);
}

static dk_status start_nanny(struct nursery *nursery, uint32_t number, dk_error *err)
{
    const struct nursery_options *options = &nursery->options;
    struct nanny_options chosen = {
        .memory = nursery->memory,
        .protocol = options->protocol,
        .tls = options->tls,
        .host = options->host,
        .ports = node_ports_share(&options->ports, number, options->nworkers),
        .memory_limit = options->memory_limit,
        .only_waits = options->only_waits,
        .start = start_worker,
        .log = log_own,
        .closed = on_ended,
        .self = nursery,
    };
    nursery->starting = number;
    DK_TRY(nanny_new(&nursery->loop, &chosen, &nursery->nannies[number], err));
    nursery->nnannies++;
    return DK_OK;
}

static void close_all(struct nursery *nursery)
{
    for (uint32_t i = 0; i < nursery->options.nworkers; i++)
        if (nursery->nannies[i])
            nanny_close(nursery->nannies[i]);
}

/* ---- signals ---- */

static void reap(struct nursery *nursery)
{
    for (uint32_t i = 0; i < nursery->options.nworkers; i++) {
        int status;
        pid_t pid = nursery->nannies[i] ? nanny_pid(nursery->nannies[i]) : 0;
        if (pid && waitpid(pid, &status, WNOHANG) == pid)
            nanny_lost(nursery->nannies[i], status);
    }
}

static void take_signal(struct nursery *nursery, const struct signalfd_siginfo *signal)
{
    char text[64];
    bool is_interrupt = signal->ssi_signo == SIGINT;
    if (signal->ssi_signo == SIGCHLD) {
        reap(nursery);
        return;
    }
    snprintf(text, sizeof(text), "Received signal %s (%u)", is_interrupt ? "SIGINT" : "SIGTERM",
             signal->ssi_signo);
    log_own(nursery, "INFO", "distributed.nanny", text);
    close_all(nursery);
}

static void on_signals(uv_poll_t *poll, int status, int events)
{
    struct nursery *nursery = poll->data;
    struct signalfd_siginfo signal;
    (void)status;
    (void)events;
    while (read(nursery->signals_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal))
        take_signal(nursery, &signal);
}

/* They are blocked, so that none is missed; children unblock them. */
static dk_status watch_signals(struct nursery *nursery, dk_error *err)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* whoever ignores it has no children to wait for */
    nursery->signals_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (nursery->signals_fd < 0 ||
        uv_poll_init(&nursery->loop, &nursery->signals, nursery->signals_fd) != 0)
        return error_set(err, DK_EIO, "cannot wait for signals");
    nursery->signals.data = nursery;
    uv_poll_start(&nursery->signals, UV_READABLE, on_signals);
    return DK_OK;
}

/* Whoever has started us has had enough, or has gone. */
static void on_stop(uv_poll_t *stop, int status, int events)
{
    struct nursery *nursery = stop->data;
    (void)status;
    (void)events;
    uv_poll_stop(stop);
    for (uint32_t i = 0; i < nursery->options.nworkers; i++)
        if (nursery->nannies[i])
            nanny_stop(nursery->nannies[i]);
}

static dk_status watch_stop(struct nursery *nursery, dk_error *err)
{
    if (nursery->options.stop_fd < 0)
        return DK_OK;
    if (uv_poll_init(&nursery->loop, &nursery->stop, nursery->options.stop_fd) != 0) {
        nursery->options.stop_fd = -1;
        return error_set(err, DK_EIO, "cannot wait for whoever starts workers");
    }
    nursery->stop.data = nursery;
    uv_poll_start(&nursery->stop, UV_READABLE, on_stop);
    return DK_OK;
}

/* ---- all ---- */

static dk_status start_all(struct nursery *nursery, dk_error *err)
{
    dk_status status = watch_stop(nursery, err);
    for (uint32_t i = 0; i < nursery->options.nworkers && status == DK_OK; i++)
        status = start_nanny(nursery, i, err);
    if (status != DK_OK)
        close_all(nursery);
    if (!nursery->nnannies)
        close_handles(nursery);
    return status;
}

static dk_status serve(struct nursery *nursery, dk_error *err)
{
    if (uv_loop_init(&nursery->loop) != 0)
        return error_set(err, DK_EIO, "cannot make an event loop");
    dk_status status = watch_signals(nursery, err);
    if (status == DK_OK)
        status = start_all(nursery, err);
    uv_run(&nursery->loop, UV_RUN_DEFAULT);
    uv_loop_close(&nursery->loop);
    return status;
}

dk_status nursery_run(const struct nursery_options *options, int *exit_status, dk_error *err)
{
    struct memory *memory = options->context->memory;
    struct nursery nursery = {.options = *options, .memory = memory, .signals_fd = -1};
    size_t nbytes = options->nworkers * sizeof(struct nanny *);
    nursery.nannies = memory_calloc(memory, nbytes);
    if (!nursery.nannies)
        return error_nomem(err);
    dk_status status = serve(&nursery, err);
    if (nursery.signals_fd >= 0)
        close(nursery.signals_fd);
    memory_free(memory, nursery.nannies, nbytes);
    *exit_status = nursery.exit_status;
    return status;
}
