#include "node/cluster/worker_process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "local/processes/fork.h"
#include "node/worker/worker_node.h"

/* ---- the child ---- */

struct child {
    int fd;
    uv_loop_t loop;
    uv_poll_t parent; /* the socket closes when the parent has had enough, or has gone */
    struct worker_node *node;
};

static void say_registered(void *self)
{
    struct child *child = self;
    while (send(child->fd, "+", 1, MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

static void on_parent_gone(uv_poll_t *parent, int status, int events)
{
    struct child *child = parent->data;
    (void)status;
    (void)events;
    uv_poll_stop(parent);
    worker_node_close(child->node);
}

static void on_closed(void *self, const dk_error *why)
{
    struct child *child = self;
    if (why && why->status == DK_ECANCELED) /* some task does not end */
        uv_stop(&child->loop);
    else
        uv_close((uv_handle_t *)&child->parent, NULL);
}

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

static int be_worker(dk_context *dk, const struct worker_process_options *options, int fd)
{
    char address[ADDRESS_TEXT_MAX];
    struct child child = {.fd = fd};
    struct worker_node_options chosen = {.context = dk,
                                         .name = options->name,
                                         .host = "127.0.0.1",
                                         .nthreads = options->nthreads,
                                         .memory_limit = options->memory_limit,
                                         .local_directory = "/tmp",
                                         .death_timeout_s = -1,
                                         .registered = say_registered,
                                         .closed = on_closed,
                                         .self = &child};
    if (!read_address(fd, address, sizeof(address)) ||
        node_address_parse(address, &chosen.scheduler, NULL) != DK_OK ||
        uv_loop_init(&child.loop) != 0 || uv_poll_init(&child.loop, &child.parent, fd) != 0)
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    child.parent.data = &child;
    if (worker_node_new(&child.loop, &chosen, &child.node, NULL) != DK_OK)
        return EXIT_FAILURE;
    uv_poll_start(&child.parent, UV_READABLE, on_parent_gone);
    uv_run(&child.loop, UV_RUN_DEFAULT);
    return EXIT_SUCCESS;
}

/* ---- the parent ---- */

dk_status worker_process_start(dk_context *dk, const struct worker_process_options *options,
                               struct worker_process *out, dk_error *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_errno(err, errno, "a socket for a worker");
    pid_t pid = fork_worker(dk);
    if (pid == 0) {
        close(ends[0]);
        _exit(be_worker(dk, options, ends[1]));
    }
    int errnum = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_errno(err, errnum, "a process for a worker");
    }
    *out = (struct worker_process){pid, ends[0]};
    return DK_OK;
}

static dk_status tell_dead(dk_error *err)
{
    return error_set(err, DK_EIO, "a worker of the cluster died before it was registered");
}

dk_status worker_process_tell(struct worker_process *worker, const char *address, dk_error *err)
{
    size_t nbytes = strlen(address) + 1;
    for (size_t sent = 0; sent < nbytes;) {
        ssize_t taken = send(worker->fd, address + sent, nbytes - sent, MSG_NOSIGNAL);
        if (taken < 0 && errno != EINTR)
            return tell_dead(err);
        sent += taken > 0 ? (size_t)taken : 0;
    }
    return DK_OK;
}

dk_status worker_process_wait(struct worker_process *worker, int timeout_ms, dk_error *err)
{
    char answer;
    struct pollfd poll_fd = {.fd = worker->fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&poll_fd, 1, timeout_ms);
    while (ready < 0 && errno == EINTR);
    if (ready == 0)
        return error_set(err, DK_EIO, "a worker of the cluster is not registered after %d s",
                         timeout_ms / 1000);
    return recv(worker->fd, &answer, 1, 0) == 1 ? DK_OK : tell_dead(err);
}

void worker_process_dismiss(struct worker_process *worker)
{
    shutdown(worker->fd, SHUT_WR);
}

/* Its end of the socket closes when it ends. */
void worker_process_end(struct worker_process *worker, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = worker->fd, .events = POLLIN};
    worker_process_dismiss(worker);
    if (poll(&poll_fd, 1, timeout_ms) <= 0)
        kill(worker->pid, SIGKILL);
    close(worker->fd);
    while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}
