/* Starting and ending children. Each is forked from the state of the moment, so it has everything
 * that tasks may need without being sent any of it. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "local/processes/fork.h"
#include "local/processes/processes.h"

/* By number, as C libraries older than the system calls lack the functions. */
static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void kill_process(const struct process *process)
{
    /* By descriptor where there is one: a number may be another process's by now if the host reaps
     * children. */
    if (process->pidfd >= 0) {
        syscall(SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0);
    } else {
        kill(process->pid, SIGKILL);
    }
}

/* Closes what belongs to the caller's side. */
static void close_foreign(const struct pool *pool, const struct process *self, int socket)
{
    close(socket);
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        const struct process *process = &pool->processes[i];
        if (process == self || !process->pid)
            continue;
        close(process->socket);
        if (process->pidfd >= 0)
            close(process->pidfd);
    }
    results_close_fds(&pool->results);
}

dk_status process_start(struct pool *pool, struct process *process, dk_error *err)
{
    int sockets[2];
    atomic_store(&pool->progress[process->number].head, TASK_NONE);
    if (vector_reserve(&process->out.writer.bytes, FAILURE_NBYTES) != DK_OK)
        return error_nomem(err);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        return error_errno(err, errno, "cannot start a worker process");
    }
    pid_t pid = fork_worker(pool->run->context);
    int errnum = errno;
    if (pid == 0) {
        close_foreign(pool, process, sockets[0]);
        child_main(pool->run, sockets[1], &process->out, &pool->progress[process->number]);
    }
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return error_errno(err, errnum, "cannot start a worker process");
    }
    process->pid = pid;
    process->pidfd = open_pidfd(pid);
    process->socket = sockets[0];
    return DK_OK;
}

int process_end(struct process *process)
{
    int status = 0;
    kill_process(process);
    pid_t reaped = 0;
    do {
        reaped = waitpid(process->pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    close(process->socket);
    if (process->pidfd >= 0)
        close(process->pidfd);
    process->pid = 0;
    return reaped < 0 ? -1 : status;
}

static void init_process(struct process *process, struct memory *memory, int32_t number)
{
    process->number = number;
    outbox_init(&process->out, memory);
    inbox_init(&process->in, memory);
    vector_init(&process->handed, memory, sizeof(struct handed));
    vector_init(&process->drops, memory, sizeof(uint32_t));
}

static void deinit_process(struct process *process)
{
    if (process->pid)
        process_end(process);
    outbox_deinit(&process->out);
    inbox_deinit(&process->in);
    vector_deinit(&process->handed);
    vector_deinit(&process->drops);
}

static size_t progress_nbytes(const struct pool *pool)
{
    return (size_t)pool->nprocesses * sizeof(struct progress);
}

static dk_status allocate(struct pool *pool, dk_error *err)
{
    struct memory *memory = pool->run->context->memory;
    size_t n = (size_t)pool->nprocesses;
    pool->processes = memory_calloc(memory, n * sizeof(*pool->processes));
    if (!pool->processes)
        return error_nomem(err);
    for (size_t i = 0; i < n; i++)
        init_process(&pool->processes[i], memory, (int32_t)i);
    pool->polled = memory_calloc(memory, 2 * n * sizeof(*pool->polled));
    if (!pool->polled)
        return error_nomem(err);
    void *shared = mmap(NULL, progress_nbytes(pool), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return error_nomem(err);
    pool->progress = shared;
    DK_TRY(results_init(&pool->results, pool->run, pool->nprocesses, err));
    return placement_init(&pool->placement, pool->run, &pool->results, pool->nprocesses, err);
}

dk_status pool_init(struct pool *pool, struct run *run, int32_t nprocesses, dk_error *err)
{
    *pool = (struct pool){.run = run, .nprocesses = nprocesses};
    DK_TRY(allocate(pool, err));
    for (int32_t i = 0; i < nprocesses; i++) {
        dk_status status = process_start(pool, &pool->processes[i], err);
        if (status == DK_OK)
            continue;
        if (i == 0 || status == DK_ENOMEM)
            return status;
        break;
    }
    return DK_OK;
}

void pool_deinit(struct pool *pool)
{
    struct memory *memory = pool->run->context->memory;
    size_t n = (size_t)pool->nprocesses;
    /* All are told before any is waited for. */
    for (size_t i = 0; pool->processes && i < n; i++) {
        if (pool->processes[i].pid)
            kill_process(&pool->processes[i]);
    }
    for (size_t i = 0; pool->processes && i < n; i++)
        deinit_process(&pool->processes[i]);
    placement_deinit(&pool->placement);
    results_deinit(&pool->results);
    if (pool->progress)
        munmap(pool->progress, progress_nbytes(pool));
    memory_free(memory, pool->polled, 2 * n * sizeof(*pool->polled));
    memory_free(memory, pool->processes, n * sizeof(*pool->processes));
}
