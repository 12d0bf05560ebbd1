#include "cli/worker_processes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What differs from the common command line: of options given twice the later one counts. */
struct own_words {
    char command[8];
    char nworkers[16];
    char ports[32];
    char nthreads[32];
    char memory[48];
    char name[ADDRESS_TEXT_MAX];
};

#define OWN_WORDS_MAX 6

static void make_words(const struct worker_options *options, uint32_t number,
                       struct own_words *words)
{
    const struct node_ports *ports = &options->ports;
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    uint32_t first = ports->first + number * nports / options->nworkers;
    uint32_t last = ports->first + (number + 1) * nports / options->nworkers - 1;
    snprintf(words->command, sizeof(words->command), "worker");
    snprintf(words->nworkers, sizeof(words->nworkers), "--nworkers=1");
    if (ports->first)
        snprintf(words->ports, sizeof(words->ports), "--worker-port=%u:%u", first,
                 last < first ? first : last);
    else
        snprintf(words->ports, sizeof(words->ports), "--worker-port=0");
    snprintf(words->nthreads, sizeof(words->nthreads), "--nthreads=%u", options->nthreads);
    snprintf(words->memory, sizeof(words->memory), "--memory-limit=%lld",
             (long long)options->memory_limit);
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
    own[count++] = words.ports;
    own[count++] = words.nthreads;
    own[count++] = words.memory;
    if (options->name)
        own[count++] = words.name;
    execv("/proc/self/exe", own);
    _exit(127);
}

static pid_t start(int argc, char **argv, const struct worker_options *options, uint32_t number)
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
    become(argc, argv, options, number);
    return -1;
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Takes those that have ended from the list; returns how many are left. */
static uint32_t reap(pid_t *children, uint32_t count, int *exit_status)
{
    int status;
    for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (uint32_t i = 0; i < count; i++) {
            if (children[i] != child)
                continue;
            children[i] = children[--count];
            if (*exit_status == 0)
                *exit_status = status_of(status);
            break;
        }
    }
    return count;
}

static int supervise(pid_t *children, uint32_t count, const sigset_t *signals)
{
    int exit_status = 0;
    while ((count = reap(children, count, &exit_status)) > 0) {
        int number = 0;
        if (sigwait(signals, &number) == 0 && number != SIGCHLD)
            for (uint32_t i = 0; i < count; i++)
                kill(children[i], number);
    }
    return exit_status;
}

int worker_processes_run(int argc, char **argv, const struct worker_options *options)
{
    sigset_t signals;
    uint32_t count = 0;
    pid_t *children = calloc(options->nworkers, sizeof(*children));
    if (!children)
        return 1;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* none may be missed before they are waited for */
    for (uint32_t i = 0; i < options->nworkers; i++) {
        pid_t child = start(argc, argv, options, i);
        if (child < 0)
            perror("cdask worker: fork");
        else
            children[count++] = child;
    }
    int exit_status = supervise(children, count, &signals);
    if (count < options->nworkers && exit_status == 0)
        exit_status = 1;
    free(children);
    return exit_status;
}
