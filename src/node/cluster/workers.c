#include "node/cluster/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "local/processes/fork.h"
#include "node/nanny/nanny.h"
#include "node/nanny/nursery.h"
#include "node/worker/worker_node.h"

/* What the parent is told by each worker. */
enum { IS_REGISTERED = '+', HAS_FAILED = '-' };

/* ---- a worker's process ---- */

/* What the process of the nannies knows, and its workers. */
struct group {
    dk_context *dk;
    const struct cluster_workers_options *options;
    int parent_fd;
    struct node_address scheduler;
};

struct worker {
    const struct group *group;
    int nanny_fd;
    uv_loop_t loop;
    uv_poll_t nanny;
    struct worker_node *node;
};

static void tell(int fd, char word)
{
    while (send(fd, &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EINTR)
        continue;
}

static void on_registered(void *self)
{
    const struct worker *worker = self;
    tell(worker->group->parent_fd, IS_REGISTERED);
    tell(worker->nanny_fd, NANNY_REGISTERED);
}

/* Whatever it says: nothing here needs to be handed over. */
static void on_nanny(uv_poll_t *nanny, int status, int events)
{
    struct worker *worker = nanny->data;
    (void)status;
    (void)events;
    uv_poll_stop(nanny);
    worker_node_close(worker->node);
}

static void on_closed(void *self, const dk_error *why)
{
    struct worker *worker = self;
    tell(worker->nanny_fd, NANNY_LEAVES);
    if (why && why->status == DK_ECANCELED) /* some task does not end */
        uv_stop(&worker->loop);
    else
        uv_close((uv_handle_t *)&worker->nanny, NULL);
}

static bool serve(struct worker *worker, const struct worker_node_options *options)
{
    if (uv_loop_init(&worker->loop) != 0 ||
        uv_poll_init(&worker->loop, &worker->nanny, worker->nanny_fd) != 0)
        return false;
    worker->nanny.data = worker;
    if (worker_node_new(&worker->loop, options, &worker->node, NULL) != DK_OK)
        return false;
    uv_poll_start(&worker->nanny, UV_READABLE, on_nanny);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    return true;
}

static int be_worker(void *self, uint32_t number, const char *nanny, int fd)
{
    const struct group *group = self;
    struct worker worker = {.group = group, .nanny_fd = fd};
    char name[16];
    struct worker_node_options options = {.context = group->dk,
                                          .scheduler = group->scheduler,
                                          .name = name,
                                          .host = "127.0.0.1",
                                          .nanny = nanny,
                                          .nthreads = group->options->nthreads,
                                          .memory_limit = group->options->memory_limit,
                                          .local_directory = "/tmp",
                                          .death_timeout_s = -1,
                                          .registered = on_registered,
                                          .closed = on_closed,
                                          .self = &worker};
    snprintf(name, sizeof(name), "%u", number);
    return serve(&worker, &options) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- the process of the nannies ---- */

/* The address, which ends with its terminating zero; false when the parent has gone. */
static bool read_address(int fd, char *address, size_t capacity)
{
    size_t nbytes = 0;
    while (nbytes < capacity) {
        ssize_t taken = recv(fd, address + nbytes, capacity - nbytes, 0);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return false;
        nbytes += (size_t)taken;
        if (!address[nbytes - 1])
            return true;
    }
    return false;
}

static void on_ended(void *self, uint32_t number, int exit_status)
{
    const struct group *group = self;
    (void)number;
    if (exit_status)
        tell(group->parent_fd, HAS_FAILED);
}

static int be_nursery(const struct group *group)
{
    struct nursery_options chosen = {.context = group->dk,
                                     .protocol = NODE_TCP,
                                     .host = "127.0.0.1",
                                     .memory_limit = group->options->memory_limit,
                                     .nworkers = group->options->nworkers,
                                     /* workers let go of what its loop looks at */
                                     .stop_fd = fcntl(group->parent_fd, F_DUPFD_CLOEXEC, 0),
                                     .run = be_worker,
                                     .ended = on_ended,
                                     .self = (void *)(uintptr_t)group};
    int exit_status;
    signal(SIGPIPE, SIG_IGN);
    return nursery_run(&chosen, &exit_status, NULL) == DK_OK ? exit_status : EXIT_FAILURE;
}

/* ---- the process that watches over that one ---- */

/* One that does not live so long, so often in a row, will not next time. */
#define SHORT_NS   ((uint64_t)1000000000)
#define SHORTS_MAX 5

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Until nobody has the other end of the pipe any longer, to which nobody writes. */
static void wait_for_end(int fd)
{
    char byte;
    while (read(fd, &byte, 1) != 0)
        if (errno != EINTR)
            return;
}

/* Forks it and waits for its end: how it ended, as waitpid() says. Its workers, which have the end
 * of a pipe that it has, have ended then, too: else the scheduler could know one by a name that the
 * next would take. */
static int live_through_nursery(const struct group *group)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid_t pid = fork_worker(group->dk);
    if (pid == 0) {
        close(ends[0]);
        _exit(be_nursery(group));
    }
    close(ends[1]);
    int status = pid < 0 ? -1 : wait_for(pid);
    wait_for_end(ends[0]);
    close(ends[0]);
    return status;
}

/* Has the nannies' process started again when it was killed, and its workers with it. It ends when
 * that one ends by itself, and so does not have to end with the thread that has opened the cluster.
 */
static int be_keeper(dk_context *dk, const struct cluster_workers_options *options, int fd)
{
    char address[ADDRESS_TEXT_MAX];
    struct group group = {.dk = dk, .options = options, .parent_fd = fd};
    int nshort = 0, status = -1;
    prctl(PR_SET_PDEATHSIG, 0);
    if (!read_address(fd, address, sizeof(address)) ||
        node_address_parse(address, &group.scheduler, NULL) != DK_OK)
        return EXIT_FAILURE;
    do {
        uint64_t started_ns = uv_hrtime();
        status = live_through_nursery(&group);
        nshort = uv_hrtime() - started_ns < SHORT_NS ? nshort + 1 : 0;
    } while (status != -1 && WIFSIGNALED(status) && nshort < SHORTS_MAX);
    if (status != -1 && WIFEXITED(status))
        return WEXITSTATUS(status);
    tell(fd, HAS_FAILED);
    return EXIT_FAILURE;
}

/* ---- the parent ---- */

dk_status cluster_workers_start(dk_context *dk, const struct cluster_workers_options *options,
                                struct cluster_workers *out, dk_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_errno(err, errno, "a socket for workers");
    pid_t pid = fork_worker(dk);
    if (pid == 0) {
        close(ends[0]);
        _exit(be_keeper(dk, options, ends[1]));
    }
    int errnum = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_errno(err, errnum, "a process for workers");
    }
    *out = (struct cluster_workers){options->nworkers, pid, ends[0]};
    return DK_OK;
}

static dk_status tell_dead(dk_error *err)
{
    return error_set(err, DK_EIO, "a worker of the cluster died before it was registered");
}

dk_status cluster_workers_tell(const struct cluster_workers *workers, const char *address,
                               dk_error *err)
{
    size_t nbytes = strlen(address) + 1;
    for (size_t sent = 0; sent < nbytes;) {
        ssize_t taken = send(workers->fd, address + sent, nbytes - sent, MSG_NOSIGNAL);
        if (taken < 0 && errno != EINTR)
            return tell_dead(err);
        sent += taken > 0 ? (size_t)taken : 0;
    }
    return DK_OK;
}

bool cluster_workers_have_gone(const struct cluster_workers *workers)
{
    char words[64];
    ssize_t count;
    do
        count = recv(workers->fd, words, sizeof(words), MSG_DONTWAIT);
    while (count > 0 || (count < 0 && errno == EINTR));
    return count == 0 || errno != EAGAIN;
}

/* A byte from one of them. 0: not within the time; negative: none will come. */
static int hear(const struct cluster_workers *workers, int timeout_ms, char *out)
{
    struct pollfd poll_fd = {.fd = workers->fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&poll_fd, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return 0;
    return recv(workers->fd, out, 1, 0) == 1 ? 1 : -1;
}

dk_status cluster_workers_wait(const struct cluster_workers *workers, int timeout_ms, dk_error *err)
{
    for (uint32_t i = 0; i < workers->nworkers; i++) {
        char word = HAS_FAILED;
        int heard = hear(workers, timeout_ms, &word);
        if (heard == 0)
            return error_set(err, DK_EIO, "a worker of the cluster is not registered after %d s",
                             timeout_ms / 1000);
        if (word != IS_REGISTERED)
            return tell_dead(err);
    }
    return DK_OK;
}

void cluster_workers_dismiss(const struct cluster_workers *workers)
{
    if (workers->nworkers)
        shutdown(workers->fd, SHUT_WR);
}

/* Their end of the socket closes when they end; those that were restarted have said so there. They
 * end with their nannies. */
void cluster_workers_end(const struct cluster_workers *workers, int timeout_ms)
{
    char word;
    int heard;
    if (!workers->nworkers)
        return;
    cluster_workers_dismiss(workers);
    do
        heard = hear(workers, timeout_ms, &word);
    while (heard > 0);
    if (heard == 0)
        kill(workers->pid, SIGKILL);
    close(workers->fd);
    while (waitpid(workers->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
