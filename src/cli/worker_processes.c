#include "cli/worker_processes.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "cli/log.h"
#include "local/processes/fork.h"

/* The options of one worker: its own name and its share of the ports. */
struct own_options {
    struct worker_options options;
    char name[ADDRESS_TEXT_MAX];
};

static void make_options(const struct worker_options *options, uint32_t number,
                         struct own_options *own)
{
    const struct node_ports *ports = &options->ports;
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    uint32_t first = ports->first + number * nports / options->nworkers;
    uint32_t last = ports->first + (number + 1) * nports / options->nworkers - 1;
    own->options = *options;
    if (ports->first)
        own->options.ports =
            (struct node_ports){(uint16_t)first, (uint16_t)(last < first ? first : last)};
    if (!options->name || options->nworkers == 1)
        return;
    snprintf(own->name, sizeof(own->name), "%.*s-%u", ADDRESS_HOST_MAX - 16, options->name, number);
    own->options.name = own->name;
}

/* One worker's place. */
struct child {
    pid_t pid; /* 0: it has ended, and is not started again */
    int64_t started_ns;
    uint32_t nshort; /* lives in a row that ended at once */
};

struct nursery {
    dk_context *dk;
    int (*run)(dk_context *dk, const struct worker_options *options);
    const struct worker_options *options;
    struct child *children;
    uint32_t nrunning;
    bool is_ending; /* we were asked to: nobody is started again */
    int exit_status;
};

/* A worker that does not live so long, so often in a row, will not next time. */
#define SHORT_NS   ((int64_t)1000000000)
#define SHORTS_MAX 5
/* Of the memory limit; a worker with more than that is killed. It is looked at this often. */
#define TERMINATE  0.95
#define MONITOR_NS 100000000L

static void say(const char *level, const char *format, ...) DK_PRINTF(2, 3);

static void say(const char *level, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_line(NULL, level, "distributed.nanny", text);
}

/* ---- starting ---- */

/* The child lets its tasks end when this process goes. */
static pid_t fork_one(const struct nursery *nursery, uint32_t number)
{
    struct own_options own;
    pid_t parent = getpid(), pid = fork_worker(nursery->dk);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    make_options(nursery->options, number, &own);
    _exit(nursery->run(nursery->dk, &own.options));
}

static void start(struct nursery *nursery, uint32_t number)
{
    struct child *child = &nursery->children[number];
    pid_t pid = fork_one(nursery, number);
    child->started_ns = time_now_ns();
    child->pid = pid > 0 ? pid : 0;
    nursery->nrunning += pid > 0;
    if (pid > 0)
        return;
    say("ERROR", "cannot start a process: %s", strerror(errno));
    nursery->exit_status = 1;
}

/* ---- ending ---- */

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* One that says how it ends has a reason; one that was killed, or has crashed, has none. */
static bool should_restart(const struct nursery *nursery, const struct child *child, int status)
{
    return nursery->options->has_nanny && !nursery->is_ending && WIFSIGNALED(status) &&
           child->nshort < SHORTS_MAX;
}

static void end_child(struct nursery *nursery, uint32_t number, int status)
{
    struct child *child = &nursery->children[number];
    bool is_short = time_now_ns() - child->started_ns < SHORT_NS;
    child->nshort = is_short ? child->nshort + 1 : 0;
    if (WIFSIGNALED(status))
        say("WARNING", "Worker process %d was killed by signal %d", (int)child->pid,
            WTERMSIG(status));
    child->pid = 0;
    nursery->nrunning--;
    if (should_restart(nursery, child, status)) {
        say("WARNING", "Restarting worker");
        start(nursery, number);
    } else if (nursery->exit_status == 0) {
        nursery->exit_status = status_of(status);
    }
}

static void reap(struct nursery *nursery)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (uint32_t i = 0; i < nursery->options->nworkers; i++) {
            if (nursery->children[i].pid == pid) {
                end_child(nursery, i, status);
                break;
            }
        }
    }
}

static void hand_on(struct nursery *nursery, int number)
{
    nursery->is_ending = true;
    for (uint32_t i = 0; i < nursery->options->nworkers; i++)
        if (nursery->children[i].pid)
            kill(nursery->children[i].pid, number);
}

/* ---- memory ---- */

static int64_t process_nbytes(pid_t pid)
{
    char path[64];
    long long pages = 0, resident = 0;
    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lld %lld", &pages, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
}

static void watch_memory(struct nursery *nursery)
{
    double most = TERMINATE * (double)nursery->options->memory_limit;
    for (uint32_t i = 0; i < nursery->options->nworkers; i++) {
        pid_t pid = nursery->children[i].pid;
        if (!pid || (double)process_nbytes(pid) <= most)
            continue;
        say("WARNING", "Worker process %d exceeded %d%% memory budget. Restarting...", (int)pid,
            (int)(100 * TERMINATE));
        kill(pid, SIGKILL);
    }
}

/* ---- all ---- */

/* Waits for a signal, or until it is time to look at the memory. */
static int wait_for_signal(const struct nursery *nursery, const sigset_t *signals)
{
    static const struct timespec interval = {0, MONITOR_NS};
    int number = 0;
    if (nursery->options->has_nanny && nursery->options->memory_limit)
        return sigtimedwait(signals, NULL, &interval);
    return sigwait(signals, &number) == 0 ? number : 0;
}

static void supervise(struct nursery *nursery, const sigset_t *signals)
{
    for (reap(nursery); nursery->nrunning; reap(nursery)) {
        int number = wait_for_signal(nursery, signals);
        if (number == SIGTERM || number == SIGINT)
            hand_on(nursery, number);
        else if (number < 0)
            watch_memory(nursery);
    }
}

int worker_processes_run(dk_context *dk, const struct worker_options *options,
                         int (*run)(dk_context *dk, const struct worker_options *options))
{
    struct nursery nursery = {.dk = dk, .run = run, .options = options};
    sigset_t signals;
    nursery.children = calloc(options->nworkers, sizeof(*nursery.children));
    if (!nursery.children)
        return 1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* none may be missed before they are waited for */
    for (uint32_t i = 0; i < options->nworkers; i++)
        start(&nursery, i);
    supervise(&nursery, &signals);
    free(nursery.children);
    return nursery.exit_status;
}
