/* What happens when a child dies: one task is to blame at most, and nothing else is lost, because
 * the caller has every result that was reported and knows what was not. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "base/time.h"
#include "local/processes/processes.h"

/* A machine that kills every process it is given will not do the work. */
#define CRASHES_MAX 3

static dk_status describe(int status, dk_error *error)
{
    if (status < 0)
        return error_set(error, DK_ECRASH, "the worker process died");
    if (WIFEXITED(status)) {
        return error_set(error, DK_ECRASH, "the worker process exited with status %d",
                         WEXITSTATUS(status));
    }
    int number = WTERMSIG(status);
    const char *name = sigabbrev_np(number);
    const char *hint = number == SIGKILL ? ", perhaps by the system for want of memory" : "";
    return error_set(error, DK_ECRASH, "the worker process was killed by SIG%s (signal %d)%s",
                     name ? name : "?", number, hint);
}

static const struct handed *first_handed(const struct process *process)
{
    return (const struct handed *)process->handed.data + process->first_handed;
}

/* The observers have not heard of the task yet. */
static void tell_crash(struct pool *pool, const struct process *process, uint32_t task)
{
    dk_task_event event = {
        .graph = pool->run->graph,
        .task = {task},
        .function = graph_task(pool->run->graph, task)->function->name,
        .worker = process->number,
        .start_ns = atomic_load(&pool->progress[process->number].start_ns),
    };
    run_pretask(pool->run, &event);
    event.end_ns = time_now_ns();
    event.status = DK_ECRASH;
    run_posttask(pool->run, &event);
}

/* Backwards, because the newest is taken first. */
static dk_status give_back(struct pool *pool, struct process *process, uint32_t blamed)
{
    const struct handed *handed = first_handed(process);
    for (size_t i = process_nhanded(process); i-- > 0;) {
        if (handed[i].head == blamed)
            continue;
        DK_TRY(placement_add(&pool->placement, process->number, handed[i].head));
    }
    return DK_OK;
}

static void reset(struct pool *pool, struct process *process)
{
    struct memory *memory = pool->run->context->memory;
    outbox_deinit(&process->out);
    outbox_init(&process->out, memory);
    inbox_deinit(&process->in);
    inbox_init(&process->in, memory);
    process->handed.count = process->first_handed = 0;
    process->queued_ns = 0;
    process->drops.count = 0;
    results_forget_process(&pool->results, process->number);
}

static bool is_anyone_left(const struct pool *pool)
{
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        if (pool->processes[i].pid)
            return true;
    }
    return false;
}

static void replace(struct pool *pool, struct process *process)
{
    dk_error error = {0};
    dk_status status = process_start(pool, process, &error);
    if (status != DK_OK && !is_anyone_left(pool))
        pool_stop(pool, TASK_NONE, status, &error);
}

/* Dying between units is nobody's fault, as long as it does not happen all the time. */
static void blame(struct pool *pool, const struct process *process, uint32_t head, int status)
{
    dk_error error = {0};
    describe(status, &error);
    if (head != TASK_NONE) {
        uint32_t task = atomic_load(&pool->progress[process->number].task);
        if (pool->run->observed)
            tell_crash(pool, process, task);
        run_fail(pool->run, task, DK_ECRASH, &error);
    }
    if (++pool->ncrashes >= CRASHES_MAX)
        pool_stop(pool, TASK_NONE, DK_ECRASH, &error);
}

void process_died(struct pool *pool, struct process *process)
{
    uint32_t head = atomic_load(&pool->progress[process->number].head);
    int status = process_end(process);
    if (pool->is_stopped)
        return;
    blame(pool, process, head, status);
    if (give_back(pool, process, head) != DK_OK) {
        dk_error error = {0};
        pool_stop(pool, TASK_NONE, error_nomem(&error), &error);
    }
    reset(pool, process);
    if (!pool->is_stopped)
        replace(pool, process);
}
