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

/* What differs from the common command line: of options given twice the later one counts. */
struct own_words {
    char command[8];
    char nworkers[16];
    char nanny[16];
    char ports[32];
    char nthreads[32];
    char memory[48];
    char name[ADDRESS_TEXT_MAX];
};

#define OWN_WORDS_MAX 7

static void make_words(const struct worker_options *options, uint32_t number,
                       struct own_words *words)
{
    const struct node_ports *ports = &options->ports;
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    uint32_t first = ports->first + number * nports / options->nworkers;
    uint32_t last = ports->first + (number + 1) * nports / options->nworkers - 1;
    snprintf(words->command, sizeof(words->command), "worker");
    snprintf(words->nworkers, sizeof(words->nworkers), "--nworkers=1");
    snprintf(words->nanny, sizeof(words->nanny), "--no-nanny");
    if (ports->first)
        snprintf(words->ports, sizeof(words->ports), "--worker-port=%u:%u", first,
                 last < first ? first : last);
    else
        snprintf(words->ports, sizeof(words->ports), "--worker-port=0");
    snprintf(words->nthreads, sizeof(words->nthreads), "--nthreads=%u", options->nthreads);
    snprintf(words->memory, sizeof(words->memory), "--memory-limit=%lld",
             (long long)options->memory_limit);
    if (options->nworkers > 1)
        snprintf(words->name, sizeof(words->name), "--name=%.*s-%u", ADDRESS_HOST_MAX - 16,
                 options->name ? options->name : "", number);
}

/* In the child: becomes one worker. */
static void become(int argc, char **argv, const struct worker_options *options, uint32_t number)
{
    struct own_words words;
    char **own = calloc((size_t)argc + OWN_WORDS_MAX + 1, sizeof(*own));
    int count = 0;
    if (!own)
        _exit(127);
    make_words(options, number, &words);
    own[count++] = argv[0];
    own[count++] = words.command;
    for (int i = 1; i < argc; i++)
        own[count++] = argv[i];
    own[count++] = words.nworkers;
    own[count++] = words.nanny;
    own[count++] = words.ports;
    own[count++] = words.nthreads;
    own[count++] = words.memory;
    if (options->name && options->nworkers > 1)
        own[count++] = words.name;
    execv("/proc/self/exe", own);
    _exit(127);
}

/* One worker's place. */
struct child {
    pid_t pid; /* 0: it has ended, and is not started again */
    int64_t started_ns;
    uint32_t nshort; /* lives in a row that ended at once */
};

struct nursery {
    int argc;
    char **argv;
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

static pid_t fork_worker_process(const struct nursery *nursery, uint32_t number)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child != 0)
        return child;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* nobody else would end it */
    if (getppid() != parent)
        _exit(127);
    become(nursery->argc, nursery->argv, nursery->options, number);
    return -1;
}

static void start(struct nursery *nursery, uint32_t number)
{
    struct child *child = &nursery->children[number];
    pid_t pid = fork_worker_process(nursery, number);
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

int worker_processes_run(int argc, char **argv, const struct worker_options *options)
{
    struct nursery nursery = {.argc = argc, .argv = argv, .options = options};
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
