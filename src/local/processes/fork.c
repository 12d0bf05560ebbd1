/* Forking in a host that may have threads, signal handlers and an interpreter. From the outside in:
 * the hooks, which may wait for the interpreter and run its code, so no lock of ours is held and
 * signals come as ever; all signals blocked, until the child has let go of the host's handlers; our
 * locks that tasks may take (local/fork_guard.h).
 */
#include "local/processes/fork.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static int lock_nothing(void)
{
    return 0;
}

static void do_nothing(void)
{
}

static void unlock_nothing(int locked)
{
    (void)locked;
}

static const dk_fork_hooks no_hooks = {lock_nothing, do_nothing, do_nothing, do_nothing,
                                       unlock_nothing};

static void die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_SUCCESS);
}

/* The host's handlers are about the host. Ctrl-C reaches the children too, and is left to the
 * caller to act on. */
static void reset_signals(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0 || action.sa_handler == SIG_IGN)
            continue;
        if (action.sa_handler == SIG_DFL && number != SIGINT)
            continue;
        action = (struct sigaction){.sa_handler = number == SIGINT ? SIG_IGN : SIG_DFL};
        sigaction(number, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* No handler of the host may run in the child before it has been reset. */
static pid_t fork_blocked(void)
{
    sigset_t all;
    sigset_t before;
    pid_t parent = getpid();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        die_with(parent);
        reset_signals();
        return 0;
    }
    int errnum = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return pid;
}

pid_t fork_worker(dk_context *dk)
{
    const dk_fork_hooks *hooks = dk->fork_hooks.lock ? &dk->fork_hooks : &no_hooks;
    int locked = hooks->lock();
    hooks->before();
    pid_t pid = fork_blocked();
    int errnum = errno;
    if (pid == 0) {
        hooks->in_child();
    } else {
        hooks->in_parent();
    }
    hooks->unlock(locked);
    errno = errnum;
    return pid;
}
