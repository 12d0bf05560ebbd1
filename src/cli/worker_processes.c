#include "cli/worker_processes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/log.h"
#include "cli/scheduler_file.h"
#include "local/processes/fork.h"
#include "node/nanny/nanny.h"

/* The options of one worker: its own name and its share of the ports. */
struct own_options {
    struct worker_options options;
    char name[ADDRESS_TEXT_MAX];
};

/* All workers of the command, each with a nanny that at least waits for it. */
struct nursery {
    dk_context *dk;
    int (*run)(dk_context *dk, const struct worker_options *options);
    const struct worker_options *options;
    struct tls_config *tls;
    uv_loop_t loop;
    uv_poll_t signals;
    int signals_fd;
    struct nanny **nannies; /* NULL: has ended */
    uint32_t nnannies;
    uint32_t starting; /* the number of the one that is being made */
    int exit_status;
};

static struct node_ports share_of(const struct node_ports *ports, uint32_t number, uint32_t count)
{
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    uint32_t first = ports->first + number * nports / count;
    uint32_t last = ports->first + (number + 1) * nports / count - 1;
    if (!ports->first)
        return *ports;
    return (struct node_ports){(uint16_t)first, (uint16_t)(last < first ? first : last)};
}

static void make_options(const struct worker_options *options, uint32_t number,
                         struct own_options *own)
{
    own->options = *options;
    own->options.ports = share_of(&options->ports, number, options->nworkers);
    own->options.pid_file = NULL; /* it is about all of them */
    if (!options->name || options->nworkers == 1)
        return;
    snprintf(own->name, sizeof(own->name), "%.*s-%u", ADDRESS_HOST_MAX - 16, options->name, number);
    own->options.name = own->name;
}

/* ---- nannies ---- */

/* One that is being made is not in the list yet. */
static uint32_t number_of(const struct nursery *nursery, const struct nanny *nanny)
{
    for (uint32_t i = 0; i < nursery->options->nworkers; i++)
        if (nursery->nannies[i] == nanny)
            return i;
    return nursery->starting;
}

/* The child leaves in good order when this process goes. */
static pid_t start_worker(void *self, struct nanny *nanny, int fd)
{
    struct nursery *nursery = self;
    struct own_options own;
    char address[ADDRESS_TEXT_MAX];
    snprintf(address, sizeof(address), "%s", nanny_address(nanny));
    make_options(nursery->options, number_of(nursery, nanny), &own);
    pid_t parent = getpid(), pid = fork_worker(nursery->dk);
    if (pid != 0)
        return pid;
    nanny_forget_parent(&nursery->loop);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    own.options.nanny = address;
    own.options.nanny_fd = fd;
    _exit(nursery->run(nursery->dk, &own.options));
}

static void log_own(void *self, const char *level, const char *name, const char *text)
{
    const struct nursery *nursery = self;
    if (!nursery->options->is_quiet || strcmp(level, "INFO") != 0)
        log_line(NULL, level, name, text);
}

/* The exit status is that of the first one that has failed. */
static void on_ended(void *self, struct nanny *nanny, int exit_status)
{
    struct nursery *nursery = self;
    nursery->nannies[number_of(nursery, nanny)] = NULL;
    if (!nursery->exit_status)
        nursery->exit_status = exit_status;
    if (--nursery->nnannies == 0)
        uv_close((uv_handle_t *)&nursery->signals, NULL);
}

static dk_status start_nanny(struct nursery *nursery, uint32_t number, dk_error *err)
{
    const struct worker_options *options = nursery->options;
    struct nanny_options chosen = {
        .memory = nursery->dk->memory,
        .protocol = options->scheduler.protocol,
        .tls = nursery->tls,
        .host = options->host,
        .ports = share_of(&options->nanny_ports, number, options->nworkers),
        .memory_limit = options->memory_limit,
        .only_waits = !options->has_nanny,
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
    for (uint32_t i = 0; i < nursery->options->nworkers; i++)
        if (nursery->nannies[i])
            nanny_close(nursery->nannies[i]);
}

/* ---- signals ---- */

static void reap(struct nursery *nursery)
{
    for (uint32_t i = 0; i < nursery->options->nworkers; i++) {
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
    nursery->signals_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (nursery->signals_fd < 0 ||
        uv_poll_init(&nursery->loop, &nursery->signals, nursery->signals_fd) != 0)
        return error_set(err, DK_EIO, "cannot wait for signals");
    nursery->signals.data = nursery;
    uv_poll_start(&nursery->signals, UV_READABLE, on_signals);
    return DK_OK;
}

/* ---- all ---- */

static dk_status start_all(struct nursery *nursery, dk_error *err)
{
    dk_status status = pid_file_write(nursery->options->pid_file, err) ? DK_OK : DK_EIO;
    for (uint32_t i = 0; i < nursery->options->nworkers && status == DK_OK; i++)
        status = start_nanny(nursery, i, err);
    if (status != DK_OK)
        close_all(nursery);
    if (!nursery->nnannies)
        uv_close((uv_handle_t *)&nursery->signals, NULL);
    return status;
}

static dk_status serve(struct nursery *nursery, dk_error *err)
{
    DK_TRY(
        tls_open(nursery->options->scheduler.protocol, &nursery->options->tls, &nursery->tls, err));
    if (uv_loop_init(&nursery->loop) != 0)
        return error_set(err, DK_EIO, "cannot make an event loop");
    dk_status status = watch_signals(nursery, err);
    if (status == DK_OK)
        status = start_all(nursery, err);
    uv_run(&nursery->loop, UV_RUN_DEFAULT);
    uv_loop_close(&nursery->loop);
    file_remove(nursery->options->pid_file);
    return status;
}

int worker_processes_run(dk_context *dk, const struct worker_options *options,
                         int (*run)(dk_context *dk, const struct worker_options *options))
{
    struct nursery nursery = {.dk = dk, .run = run, .options = options, .signals_fd = -1};
    dk_error err = {0};
    nursery.nannies = calloc(options->nworkers, sizeof(struct nanny *));
    if (!nursery.nannies)
        return 1;
    if (serve(&nursery, &err) != DK_OK) {
        fprintf(stderr, "cdask worker: %s\n", err.message);
        nursery.exit_status = 1;
    }
    if (nursery.signals_fd >= 0)
        close(nursery.signals_fd);
    tls_config_free(nursery.tls);
    free(nursery.nannies);
    return nursery.exit_status;
}
