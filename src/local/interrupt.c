/* The handler of SIGINT while somebody watches, and the state of the process that it needs. What
 * the handler reads is atomic; the rest is under a lock that it never takes. */
#include "local/interrupt.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define WATCHERS_MAX 64

typedef void (*plain_handler)(int number);
typedef void (*info_handler)(int number, siginfo_t *info, void *context);

static _Atomic(volatile int *) watchers[WATCHERS_MAX]; /* NULL: free */
static atomic_int nwriting;                            /* handlers that may write to a flag */
static _Atomic(plain_handler) next_plain; /* the handler that was there: one of these, */
static _Atomic(info_handler) next_info;   /* or none */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int nwatchers;
static bool is_installed;
static struct sigaction before;

void interrupt_lock(void)
{
    pthread_mutex_lock(&lock);
}

void interrupt_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

static void set_flags(void)
{
    atomic_fetch_add(&nwriting, 1);
    for (int i = 0; i < WATCHERS_MAX; i++) {
        volatile int *cancel = atomic_load(&watchers[i]);
        if (cancel)
            __atomic_store_n(cancel, 1, __ATOMIC_RELAXED);
    }
    atomic_fetch_sub(&nwriting, 1);
}

static void handle(int number, siginfo_t *info, void *context)
{
    set_flags();
    info_handler with_info = atomic_load(&next_info);
    plain_handler plain = atomic_load(&next_plain);
    if (with_info) {
        with_info(number, info, context);
    } else if (plain) {
        plain(number);
    }
}

/* Interrupts system calls as the handler that was there would: a host may count on it. */
static struct sigaction our_action(void)
{
    struct sigaction action = before;
    bool has_info = before.sa_flags & SA_SIGINFO;
    bool is_default = !has_info && before.sa_handler == SIG_DFL;
    atomic_store(&next_info, has_info ? before.sa_sigaction : NULL);
    atomic_store(&next_plain, has_info || is_default ? NULL : before.sa_handler);
    action.sa_sigaction = handle;
    action.sa_flags |= SA_SIGINFO | (is_default ? SA_RESTART : 0);
    return action;
}

static void install(void)
{
    sigaction(SIGINT, NULL, &before);
    is_installed = before.sa_flags & SA_SIGINFO || before.sa_handler != SIG_IGN;
    if (!is_installed)
        return;
    struct sigaction action = our_action();
    sigaction(SIGINT, &action, NULL);
}

/* Somebody else's handler is not taken away. It may call ours, which then only passes on. */
static void uninstall(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    if (is_installed && now.sa_flags & SA_SIGINFO && now.sa_sigaction == handle)
        sigaction(SIGINT, &before, NULL);
}

static int find_place(void)
{
    int place = 0;
    while (place < WATCHERS_MAX && atomic_load(&watchers[place]))
        place++;
    return place < WATCHERS_MAX ? place : -1;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the handler writes to it. */
dk_status dk_interrupt_begin(volatile int *cancel, dk_interrupt *watch, dk_error *err)
{
    pthread_mutex_lock(&lock);
    watch->place = find_place();
    if (watch->place >= 0) {
        atomic_store(&watchers[watch->place], cancel);
        if (nwatchers++ == 0)
            install();
    }
    pthread_mutex_unlock(&lock);
    if (watch->place >= 0)
        return DK_OK;
    return error_set(err, DK_EOVERFLOW, "more than %d computations watch for interrupts",
                     WATCHERS_MAX);
}

void dk_interrupt_end(dk_interrupt *watch)
{
    if (watch->place < 0)
        return;
    pthread_mutex_lock(&lock);
    atomic_store(&watchers[watch->place], NULL);
    if (--nwatchers == 0)
        uninstall();
    pthread_mutex_unlock(&lock);
    watch->place = -1;
    /* A handler in another thread may have read the place before: it is through in no time, and
     * has no way to tell us. */
    while (atomic_load(&nwriting) > 0)
        sched_yield();
}
