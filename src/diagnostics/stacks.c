/* Sampled stacks: a thread asks each running thread of the process in turn, by a signal that
 * carries the sampler's address, to note where it is. Waiting for each answer keeps one signal
 * under way at a time, so one place for the answer is enough. */
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
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "diagnostics/human.h"
#include "diagnostics/usage.h"
#include "graph/context.h"

#define SAMPLING_SIGNAL     (SIGRTMIN + 4)
#define ANSWER_WITHIN_NS    500000000
#define DEFAULT_SAMPLES     10000
#define NOTABLE_CHILDREN_NS 1000000

enum answer { ANSWER_NONE, ANSWER_ASKED, ANSWER_BEING_GIVEN };

struct dk_stacks {
    struct memory *memory;
    int64_t dt_ns;
    int32_t max_samples;
    struct stack_sample *samples; /* the sampling thread's until it has been joined */
    atomic_int nsamples;
    atomic_int nthinned;
    struct stack_sample answer; /* of the thread that was asked */
    atomic_int answer_state;    /* enum answer */
    sem_t answered;
    int64_t nasked; /* signals sent to threads that live */
    atomic_llong nhandled;
    int64_t children_ns; /* CPU time of the children: when started, and after the end, meanwhile */
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

/* Who comes so late that nobody waits any more writes nothing. Counting itself is the last thing
 * the handler does with the sampler, which may be freed after. */
static void note_stack(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    int saved_errno = errno;
    struct dk_stacks *stacks = info->si_value.sival_ptr;
    int asked = ANSWER_ASKED;
    if (atomic_compare_exchange_strong(&stacks->answer_state, &asked, ANSWER_BEING_GIVEN)) {
        stacks->answer.depth = note_frames(stacks->answer.frames, context);
        sem_post(&stacks->answered);
    }
    atomic_fetch_add(&stacks->nhandled, 1);
    errno = saved_errno;
}

/* ---- in the sampling thread ---- */

/* The first bytes of a thread's status in /proc hold all we ask for. */
static bool read_status(pid_t tid, char *out, size_t capacity)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, capacity - 1);
    close(fd);
    out[n > 0 ? n : 0] = 0;
    return n > 0;
}

/* Only a thread that runs has something to tell, and only one that does not block the signal will
 * tell it. */
static bool can_answer(pid_t tid)
{
    char text[4096];
    if (!read_status(tid, text, sizeof(text)))
        return false;
    const char *state = strstr(text, "\nState:\t");
    const char *blocked = strstr(text, "\nSigBlk:\t");
    if (!state || !blocked || state[strlen("\nState:\t")] != 'R')
        return false;
    unsigned long long mask = strtoull(blocked + strlen("\nSigBlk:\t"), NULL, 16);
    return !(mask >> (SAMPLING_SIGNAL - 1) & 1);
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

static bool send_signal(struct dk_stacks *stacks, pid_t tid)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = stacks;
    return syscall(SYS_rt_tgsigqueueinfo, getpid(), tid, SAMPLING_SIGNAL, &info) == 0;
}

static bool wait_for_answer(struct dk_stacks *stacks)
{
    struct timespec deadline = after(CLOCK_REALTIME, ANSWER_WITHIN_NS);
    int failed = 0;
    do {
        failed = sem_timedwait(&stacks->answered, &deadline);
    } while (failed && errno == EINTR);
    return !failed;
}

/* Half a second is given to a thread that does not get a CPU; one that has begun is waited for. */
static bool ask(struct dk_stacks *stacks, pid_t tid)
{
    atomic_store(&stacks->answer_state, ANSWER_ASKED);
    if (!send_signal(stacks, tid)) {
        atomic_store(&stacks->answer_state, ANSWER_NONE);
        return false;
    }
    stacks->nasked++;
    bool answered = wait_for_answer(stacks);
    int asked = ANSWER_ASKED;
    if (!answered && !atomic_compare_exchange_strong(&stacks->answer_state, &asked, ANSWER_NONE)) {
        while (sem_wait(&stacks->answered) != 0) {
        }
        answered = true;
    }
    if (!answered && syscall(SYS_tgkill, getpid(), tid, 0) != 0)
        stacks->nasked--; /* it has ended, and its signals with it */
    atomic_store(&stacks->answer_state, ANSWER_NONE);
    return answered;
}

/* Half of the samples make room for what comes, from here on at half the pace: those kept stand
 * for the whole time evenly, however long it gets. */
static void thin(struct dk_stacks *stacks)
{
    int count = atomic_load(&stacks->nsamples);
    int kept = (count + 1) / 2;
    for (int i = 0; i < kept; i++)
        stacks->samples[i] = stacks->samples[i * 2];
    atomic_store(&stacks->nsamples, kept);
    atomic_fetch_add(&stacks->nthinned, count - kept);
    stacks->dt_ns *= 2;
}

static void keep_answer(struct dk_stacks *stacks)
{
    if (stacks->answer.depth == 0)
        return;
    if (atomic_load(&stacks->nsamples) == stacks->max_samples)
        thin(stacks);
    stacks->samples[atomic_load(&stacks->nsamples)] = stacks->answer;
    atomic_fetch_add(&stacks->nsamples, 1);
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
        if (tid != self && can_answer(tid) && ask(stacks, tid))
            keep_answer(stacks);
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
    stacks->samples = memory_alloc(dk->memory, samples_nbytes(stacks));
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
    stacks->children_ns = usage_now().children_cpu_ns;
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
    if (max_samples < 0 || max_samples == 1)
        return error_set(err, DK_EINVAL, "max_samples must be 2 or more, not %d", max_samples);
    dk_stacks *stacks = stacks_new(dk, chosen_s, max_samples ? max_samples : DEFAULT_SAMPLES);
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
    stacks->children_ns = usage_now().children_cpu_ns - stacks->children_ns;
    stacks->stopped = true;
}

/* A thread that was asked and has not come may be at the handler's door: what it would write to is
 * left alone then. */
void dk_stacks_free(dk_stacks *stacks)
{
    if (!stacks)
        return;
    dk_stacks_stop(stacks);
    if (atomic_load(&stacks->nhandled) == stacks->nasked)
        deinit(stacks);
}

size_t dk_stacks_count(const dk_stacks *stacks)
{
    return (size_t)atomic_load(&stacks->nsamples);
}

size_t dk_stacks_ndropped(const dk_stacks *stacks)
{
    return (size_t)atomic_load(&stacks->nthinned);
}

static void put_heading(const struct dk_stacks *stacks, struct text *text, size_t count)
{
    char a[HUMAN_MAX];
    char b[HUMAN_MAX];
    text_printf(text, "%s samples of running threads, %s apart\n", human_count((int64_t)count, a),
                human_duration(stacks->dt_ns, b));
    if (stacks->stopped && stacks->children_ns >= NOTABLE_CHILDREN_NS)
        text_printf(text,
                    "child processes used %s of CPU time: their stacks are out of reach, the table "
                    "of the profile covers them\n",
                    human_duration(stacks->children_ns, a));
}

dk_status dk_stacks_text(const dk_stacks *stacks, char **out)
{
    size_t count = stacks->stopped ? dk_stacks_count(stacks) : 0;
    struct text text;
    text_init(&text, stacks->memory);
    put_heading(stacks, &text, count);
    dk_status status = stacks_put_tree(stacks->memory, stacks->samples, count, &text);
    if (status == DK_OK)
        status = text_export(&text, out);
    text_deinit(&text);
    return status;
}

dk_status dk_stacks_folded(const dk_stacks *stacks, char **out)
{
    size_t count = stacks->stopped ? dk_stacks_count(stacks) : 0;
    struct text text;
    text_init(&text, stacks->memory);
    dk_status status = stacks_put_folded(stacks->memory, stacks->samples, count, &text);
    if (status == DK_OK)
        status = text_export(&text, out);
    text_deinit(&text);
    return status;
}
