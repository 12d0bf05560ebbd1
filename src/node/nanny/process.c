/* The process of the worker: made, listened to, looked at, and told to end. */
#include "node/nanny/parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/process_memory.h"

/* A worker that does not live so long, so often in a row, will not next time. */
#define SHORT_NS   ((uint64_t)1000000000)
#define SHORTS_MAX 5
/* Of the memory limit; a worker with more than that is killed. */
#define TERMINATE 0.95
/* Of the time that a worker has to end: then it is killed, and the rest is for that. */
#define PATIENCE 0.8

static void on_words(uv_poll_t *poll, int status, int events)
{
    struct nanny *nanny = poll->data;
    char words[16];
    (void)events;
    ssize_t count = status == 0 ? recv(nanny->fd, words, sizeof(words), MSG_DONTWAIT) : 0;
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0)
        uv_poll_stop(poll); /* its end is told by its parent */
    for (ssize_t i = 0; i < count; i++) {
        nanny->leaves |= words[i] == NANNY_LEAVES;
        if (words[i] != NANNY_REGISTERED)
            continue;
        nanny->is_registered = true;
        nanny_answer(nanny, true, NULL);
    }
}

static void on_words_closed(uv_handle_t *handle);

static bool listen_to(struct nanny *nanny, int fd)
{
    if (uv_poll_init(nanny->loop, &nanny->words, fd) != 0) {
        close(fd);
        return false;
    }
    nanny->fd = fd;
    nanny->words.data = nanny;
    nanny->nopen++;
    uv_poll_start(&nanny->words, UV_READABLE, on_words);
    return true;
}

bool nanny_start_worker(struct nanny *nanny)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    if (!listen_to(nanny, ends[0])) {
        close(ends[1]);
        return false;
    }
    nanny->is_registered = nanny->leaves = nanny->was_told = nanny->starts_again = false;
    nanny->started_ns = uv_hrtime();
    pid_t pid = nanny->options.start(nanny->options.self, nanny, ends[1]);
    int errnum = errno;
    close(ends[1]);
    nanny->pid = pid > 0 ? pid : 0;
    if (pid > 0)
        return true;
    nanny_say(nanny, "ERROR", "cannot start a process: %s", strerror(errnum));
    uv_close((uv_handle_t *)&nanny->words, on_words_closed);
    return false;
}

static void on_words_closed(uv_handle_t *handle)
{
    struct nanny *nanny = handle->data;
    close(nanny->fd);
    if (nanny->starts_again && nanny->is_last) {
        nanny_end(nanny, 0);
    } else if (nanny->starts_again) {
        nanny_say(nanny, "WARNING", "Restarting worker");
        if (!nanny_start_worker(nanny))
            nanny_end(nanny, 1);
    }
    nanny_part_closed(nanny);
}

/* One that says that it leaves has a reason, and so has one that could not begin. */
static bool should_restart(const struct nanny *nanny, int status)
{
    if (nanny->options.only_waits || nanny->is_last)
        return false;
    return nanny->was_told || ((WIFSIGNALED(status) || nanny->is_registered) && !nanny->leaves &&
                               nanny->nshort < SHORTS_MAX);
}

static int status_of(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void nanny_lost(struct nanny *nanny, int status)
{
    bool is_short = uv_hrtime() - nanny->started_ns < SHORT_NS;
    on_words(&nanny->words, 0, UV_READABLE); /* its last */
    bool is_early =
        is_short && !nanny->is_registered; /* those that tasks kill the scheduler counts */
    nanny->nshort = is_early && status && !nanny->was_told ? nanny->nshort + 1 : 0;
    if (WIFSIGNALED(status))
        nanny_say(nanny, "WARNING", "Worker process %d was killed by signal %d", (int)nanny->pid,
                  WTERMSIG(status));
    nanny->pid = 0;
    nanny->starts_again = should_restart(nanny, status);
    uv_timer_stop(&nanny->patience);
    uv_close((uv_handle_t *)&nanny->words, on_words_closed);
    nanny_answer(nanny, false, NULL);
    if (!nanny->starts_again)
        nanny_end(nanny, nanny->was_told ? 0 : status_of(status));
}

static void lose_patience(uv_timer_t *timer)
{
    struct nanny *nanny = timer->data;
    if (!nanny->pid)
        return;
    nanny_say(nanny, "WARNING", "Worker process %d is still there, killing", (int)nanny->pid);
    kill(nanny->pid, SIGKILL);
}

void nanny_tell(const struct nanny *nanny, char word)
{
    while (send(nanny->fd, &word, 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

void nanny_end_worker(struct nanny *nanny, double timeout_s)
{
    if (!nanny->pid)
        return;
    nanny->was_told = true;
    nanny_tell(nanny, NANNY_END);
    uv_timer_start(&nanny->patience, lose_patience, (uint64_t)(PATIENCE * timeout_s * 1e3), 0);
}

/* ---- memory ---- */

void nanny_look_at_memory(uv_timer_t *timer)
{
    struct nanny *nanny = timer->data;
    double most = TERMINATE * (double)nanny->options.memory_limit;
    if (!nanny->pid || (double)process_memory_nbytes(nanny->pid) <= most)
        return;
    nanny_say(nanny, "WARNING", "Worker process %d exceeded %d%% memory budget. Restarting...",
              (int)nanny->pid, (int)(100 * TERMINATE));
    kill(nanny->pid, SIGKILL);
}

/* ---- in the worker's process ---- */

static void close_fd(uv_handle_t *handle, void *unused)
{
    uv_os_fd_t fd;
    (void)unused;
    if (uv_fileno(handle, &fd) == 0)
        close(fd);
}

void nanny_forget_parent(uv_loop_t *loop)
{
    uv_walk(loop, close_fd, NULL);
    close(uv_backend_fd(loop));
}
