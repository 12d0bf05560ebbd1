/* What children report: results, events for the callbacks, failures, profiles. */
#include <unistd.h>

#include "base/error.h"
#include "local/processes/processes.h"

void pool_stop(struct pool *pool, uint32_t id, dk_status status, const dk_error *error)
{
    run_fail(pool->run, id, status, error);
    pool->is_stopped = true;
}

static void stop_reading(struct pool *pool, enum transfer transfer)
{
    dk_error error = {0};
    dk_status status = transfer_error(transfer, &error);
    pool_stop(pool, TASK_NONE, status, &error);
}

static uint32_t tail_of(const struct run *run, uint32_t head)
{
    uint32_t tail = head;
    while (run->plan.next && run->plan.next[tail] != TASK_NONE)
        tail = run->plan.next[tail];
    return tail;
}

/* Counts the users of a result down; with the last one the children that have it are told to drop
 * it. */
static dk_status release(struct pool *pool, uint32_t id)
{
    if (--pool->run->plan.users[id] > 0)
        return DK_OK;
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        if (!results_is_held(&pool->results, id, i))
            continue;
        DK_TRY(vector_append(&pool->processes[i].drops, &id, 1));
    }
    results_drop(&pool->results, id);
    return DK_OK;
}

static dk_status release_args(struct pool *pool, uint32_t head)
{
    const struct task *task = graph_task(pool->run->graph, head);
    const dk_value *args = graph_args(pool->run->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        if (args[i].kind == DK_KIND_TASK)
            DK_TRY(release(pool, args[i].as.task));
    }
    return DK_OK;
}

static void forget_handed(struct process *process)
{
    process->queued_ns -=
        ((struct handed *)process->handed.data)[process->first_handed].estimate_ns;
    process->first_handed++;
    if (process_nhanded(process))
        return;
    process->handed.count = process->first_handed = 0;
    process->queued_ns = 0;
}

static dk_status finish_unit(struct pool *pool, struct process *process, uint32_t head,
                             struct parcel *parcel, int64_t ns)
{
    const struct plan *plan = &pool->run->plan;
    uint32_t tail = tail_of(pool->run, head);
    DK_TRY(results_keep(&pool->results, tail, parcel));
    /* The child keeps what somebody is going to use. */
    bool is_kept = plan->successor_start[tail] != plan->successor_start[tail + 1];
    if (is_kept)
        results_set_held(&pool->results, tail, process->number);
    struct estimate *estimate = placement_estimate(&pool->placement, head);
    if (estimate)
        estimate_learn(estimate, ns);
    forget_handed(process);
    DK_TRY(release_args(pool, head));
    return placement_release(&pool->placement, process->number, tail);
}

static bool read_result(struct pool *pool, struct process *process, struct cursor *message)
{
    struct parcel parcel;
    uint32_t head = cursor_u32(message);
    bool is_shared = parcel_take(message, &parcel);
    if (is_shared)
        parcel.fd = inbox_take_fd(&process->in);
    int64_t ns = cursor_i64(message);
    const struct handed *handed = process->handed.data;
    bool is_expected = process_nhanded(process) && handed[process->first_handed].head == head;
    if (message->overrun || !is_expected || (is_shared && parcel.fd < 0)) {
        if (is_shared && parcel.fd >= 0)
            close(parcel.fd);
        return false;
    }
    dk_status status = finish_unit(pool, process, head, &parcel, ns);
    if (status == DK_ENOMEM)
        stop_reading(pool, TRANSFER_NOMEM);
    return status == DK_OK || status == DK_ENOMEM;
}

static bool read_event(struct pool *pool, const struct process *process, struct cursor *message)
{
    struct reply_event reply;
    cursor_take(message, &reply, sizeof(reply));
    if (message->overrun || reply.task >= pool->run->graph->tasks.count)
        return false;
    dk_task_event event = {
        .graph = pool->run->graph,
        .task = {reply.task},
        .function = graph_task(pool->run->graph, reply.task)->function->name,
        .worker = process->number,
        .start_ns = reply.start_ns,
    };
    run_pretask(pool->run, &event);
    event.end_ns = reply.end_ns;
    event.status = reply.status;
    event.result_nbytes = reply.result_nbytes;
    run_posttask(pool->run, &event);
    return true;
}

static bool read_failure(struct pool *pool, struct cursor *message)
{
    dk_error error;
    cursor_take(message, &error, sizeof(error));
    if (message->overrun)
        return false;
    pool_stop(pool, TASK_NONE, error.status, &error);
    return true;
}

/* Names of the child's are given places that outlive it. */
static bool read_profile(struct pool *pool, struct cursor *message)
{
    if (!pool->nprofiles_due)
        return false;
    struct registry *registry = &pool->run->context->registry;
    struct profile *profile = &pool->run->options->profile->lines;
    pool->nprofiles_due--;
    profile->is_incomplete |= cursor_u8(message) != 0;
    for (uint32_t n = cursor_u32(message); n > 0 && !message->overrun; n--) {
        struct profile_line line;
        cursor_take(message, &line, sizeof(line));
        const char *name = cursor_skip(message, (uint64_t)cursor_u32(message) + 1);
        line.name = name ? registry_intern(registry, name) : NULL;
        if (line.name)
            profile_add(profile, &line);
        else
            profile->is_incomplete = true;
    }
    return !message->overrun;
}

static bool read_reply(struct pool *pool, struct process *process, struct cursor *message)
{
    switch ((enum reply)cursor_u8(message)) {
    case REPLY_EVENT:
        return read_event(pool, process, message);
    case REPLY_RESULT:
        return read_result(pool, process, message);
    case REPLY_FAILURE:
        return read_failure(pool, message);
    case REPLY_PROFILE:
        return read_profile(pool, message);
    }
    return false;
}

static bool read_messages(struct pool *pool, struct process *process)
{
    struct cursor message;
    while (inbox_next(&process->in, &message)) {
        while (cursor_left(&message)) {
            if (!read_reply(pool, process, &message))
                return false;
        }
    }
    return true;
}

bool replies_read(struct pool *pool, struct process *process)
{
    for (;;) {
        enum transfer transfer = inbox_receive(&process->in, process->socket, false);
        if (transfer == TRANSFER_LATER)
            return true;
        if (transfer == TRANSFER_END)
            return false;
        if (transfer != TRANSFER_DONE) {
            stop_reading(pool, transfer);
            return true;
        }
        if (!read_messages(pool, process))
            return false;
    }
}
