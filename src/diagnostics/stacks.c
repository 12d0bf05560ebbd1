/* Sampled stacks: a thread asks each running thread of the process in turn, by a signal that
 * carries the sampler's address, to note where it is. Waiting for each answer keeps one signal
 * under way at a time. */
#define UNW_LOCAL_ONLY
#include "diagnostics/stacks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libunwind.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "graph/context.h"

#define SAMPLING_SIGNAL (SIGRTMIN + 4)

struct dk_stacks {
    struct memory *memory;
    int64_t dt_ns;
    int32_t max_samples;
    struct stack_sample *samples;
    atomic_int next;
    sem_t answered;
    int64_t nunanswered; /* signals whose thread may still come; then nothing can be freed */
    struct sigaction before;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping; /* under the lock */
    bool stopped;
};

/* ---- in the sampled thread ---- */

static int note_frames(void **frames, ucontext_t *context)
{
    unw_cursor_t cursor;
    if (unw_init_local2(&cursor, context, UNW_INIT_SIGNAL_FRAME) != 0)
        return 0;
    int depth = 0;
    do {
        unw_word_t pc = 0;
        if (unw_get_reg(&cursor, UNW_REG_IP, &pc) != 0 || !pc)
            break;
        memcpy(&frames[depth++], &pc, sizeof(pc));
    } while (depth < STACK_DEPTH_MAX && unw_step(&cursor) > 0);
    return depth;
}

static void note_stack(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved_errno = errno;
    struct dk_stacks *stacks = info->si_value.sival_ptr;
    int at = atomic_fetch_add(&stacks->next, 1);
    if (at < stacks->max_samples) {
        struct stack_sample *sample = &stacks->samples[at];
        atomic_store(&sample->depth, note_frames(sample->frames, context));
    }
    sem_post(&stacks->answered);
    errno = saved_errno;
}

/* ---- in the sampling thread ---- */

/* Only a thread that runs has something to tell; "R" follows the name in parentheses. */
static bool is_running(pid_t tid)
{
    char path[64];
    char text[512];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    const char *state = strrchr(text, ')');
    return state && strncmp(state, ") R", 3) == 0;
}

static struct timespec after(clockid_t clock, int64_t ns)
{
    struct timespec time;
    clock_gettime(clock, &time);
    int64_t total_ns = time.tv_nsec + ns;
    time.tv_sec += total_ns / 1000000000;
    time.tv_nsec = total_ns % 1000000000;
    return time;
}

/* A thread that blocks the signal, or has just ended, does not answer: half a second is given. */
static void ask(struct dk_stacks *stacks, pid_t tid)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = stacks;
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SAMPLING_SIGNAL, &info) != 0)
        return;
    struct timespec deadline = after(CLOCK_REALTIME, 500000000);
    int failed = 0;
    do {
        failed = sem_timedwait(&stacks->answered, &deadline);
    } while (failed && errno == EINTR);
    if (failed)
        stacks->nunanswered++;
}

static void sample_threads(struct dk_stacks *stacks)
{
    pid_t self = (pid_t)syscall(SYS_gettid);
    DIR *threads = opendir("/proc/self/task");
    if (!threads)
        return;
    const struct dirent *entry = NULL;
    while ((entry = readdir(threads))) {
        pid_t tid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : self;
        if (tid != self && is_running(tid))
            ask(stacks, tid);
    }
    closedir(threads);
}

static bool wait_for_next(struct dk_stacks *stacks)
{
    struct timespec deadline = after(CLOCK_MONOTONIC, stacks->dt_ns);
    pthread_mutex_lock(&stacks->lock);
    int waited = 0;
    while (!stacks->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&stacks->wake, &stacks->lock, &deadline);
    bool stopping = stacks->stopping;
    pthread_mutex_unlock(&stacks->lock);
    return !stopping;
}

static void *sample(void *arg)
{
    struct dk_stacks *stacks = arg;
    while (wait_for_next(stacks))
        sample_threads(stacks);
    return NULL;
}

/* ---- start and stop ---- */

static dk_status take_signal(struct dk_stacks *stacks, dk_error *err)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = note_stack;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SAMPLING_SIGNAL, &action, &stacks->before) != 0)
        return error_set(err, DK_EIO, "cannot handle signal SIGRTMIN + 4");
    bool is_ours =
        (stacks->before.sa_flags & SA_SIGINFO) && stacks->before.sa_sigaction == note_stack;
    if (is_ours)
        return error_set(err, DK_ENOTSUP, "stacks are being sampled already");
    return DK_OK;
}

/* What is still queued is dropped by ignoring it first: the old action may end the process. */
static void give_signal_back(struct dk_stacks *stacks)
{
    struct sigaction ignore;
    memset(&ignore, 0, sizeof(ignore));
    ignore.sa_handler = SIG_IGN;
    sigaction(SAMPLING_SIGNAL, &ignore, NULL);
    sigaction(SAMPLING_SIGNAL, &stacks->before, NULL);
}

static size_t samples_nbytes(const struct dk_stacks *stacks)
{
    return (size_t)stacks->max_samples * sizeof(struct stack_sample);
}

static void deinit(struct dk_stacks *stacks)
{
    pthread_cond_destroy(&stacks->wake);
    pthread_mutex_destroy(&stacks->lock);
    sem_destroy(&stacks->answered);
    memory_free(stacks->memory, stacks->samples, samples_nbytes(stacks));
    memory_free(stacks->memory, stacks, sizeof(*stacks));
}

static dk_stacks *stacks_new(dk_context *dk, double dt_s, int32_t max_samples)
{
    dk_stacks *stacks = memory_calloc(dk->memory, sizeof(*stacks));
    if (!stacks)
        return NULL;
    stacks->memory = dk->memory;
    stacks->dt_ns = (int64_t)(dt_s * 1e9);
    stacks->max_samples = max_samples;
    stacks->samples = memory_calloc(dk->memory, samples_nbytes(stacks));
    sem_init(&stacks->answered, 0, 0);
    pthread_mutex_init(&stacks->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&stacks->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (stacks->samples)
        return stacks;
    deinit(stacks);
    return NULL;
}

static dk_status start(struct dk_stacks *stacks, dk_error *err)
{
    DK_TRY(take_signal(stacks, err));
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&stacks->thread, NULL, sample, stacks);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return DK_OK;
    give_signal_back(stacks);
    return error_set(err, DK_EIO, "cannot start a thread (error %d)", failed);
}

dk_status dk_stacks_start(dk_context *dk, double dt_s, int32_t max_samples, dk_stacks **out,
                          dk_error *err)
{
    double chosen_s = dt_s == 0 ? 0.01 : dt_s;
    if (!(chosen_s >= 1e-3 && chosen_s <= 86400))
        return error_set(err, DK_EINVAL, "dt_s must be from 0.001 to 86400 seconds, not %g", dt_s);
    if (max_samples < 0)
        return error_set(err, DK_EINVAL, "max_samples must not be negative");
    dk_stacks *stacks = stacks_new(dk, chosen_s, max_samples ? max_samples : 10000);
    if (!stacks)
        return error_nomem(err);
    dk_status status = start(stacks, err);
    if (status != DK_OK) {
        deinit(stacks);
        return status;
    }
    *out = stacks;
    return DK_OK;
}

void dk_stacks_stop(dk_stacks *stacks)
{
    if (stacks->stopped)
        return;
    pthread_mutex_lock(&stacks->lock);
    stacks->stopping = true;
    pthread_cond_signal(&stacks->wake);
    pthread_mutex_unlock(&stacks->lock);
    pthread_join(stacks->thread, NULL);
    give_signal_back(stacks);
    stacks->stopped = true;
}

/* A thread that never answered may be inside the handler: what it writes to is left alone then. */
void dk_stacks_free(dk_stacks *stacks)
{
    if (!stacks)
        return;
    dk_stacks_stop(stacks);
    if (!stacks->nunanswered)
        deinit(stacks);
}

/* Both look at the counter once: it may move while sampling goes on. */
size_t dk_stacks_count(const dk_stacks *stacks)
{
    int taken = atomic_load(&stacks->next);
    return (size_t)(taken < stacks->max_samples ? taken : stacks->max_samples);
}

size_t dk_stacks_ndropped(const dk_stacks *stacks)
{
    int taken = atomic_load(&stacks->next);
    return (size_t)(taken > stacks->max_samples ? taken - stacks->max_samples : 0);
}

dk_status dk_stacks_text(const dk_stacks *stacks, char **out)
{
    size_t count = stacks->stopped ? dk_stacks_count(stacks) : 0;
    struct text text;
    text_init(&text, stacks->memory);
    text_printf(&text, "%zu samples, %.3g ms apart, %zu more than were kept\n", count,
                (double)stacks->dt_ns * 1e-6, dk_stacks_ndropped(stacks));
    dk_status status = stacks_put_tree(stacks->memory, stacks->samples, count, &text);
    if (status == DK_OK)
        status = text_export(&text, out);
    text_deinit(&text);
    return status;
}
