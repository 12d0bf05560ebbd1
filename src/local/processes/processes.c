/* The processes scheduler: which child gets what, and when. The calling process waits for its
 * children's sockets and for their deaths, keeps every result that leaves a unit, and feeds
 * children before they run dry.
 *
 * A task that fails cancels the rest. A task that takes its process down does not: the others that
 * do not depend on it still run, in a new process, before the error is returned.
 */
#include "base/error.h"
#include "local/processes/processes.h"

/* A child with less work than this, by estimate, is given more. It is well above the time that
 * giving takes. */
#define FEED_BELOW_NS 500000
#define BATCH_NS      500000
#define BATCH_MAX     ((size_t)256)

/* A function that never ran may take long, so one unit at a time. */
#define UNKNOWN_NS FEED_BELOW_NS

/* How soon the caller's wish to cancel is seen: it is a flag, and rings no bell. */
#define CANCEL_WITHIN_MS 50

static void put_drops(struct process *process)
{
    const uint32_t *drops = process->drops.data;
    for (size_t i = 0; i < process->drops.count; i++) {
        outbox_record(&process->out);
        outbox_put_u8(&process->out, ORDER_DROP);
        outbox_put_u32(&process->out, drops[i]);
    }
    process->drops.count = 0;
}

/* Sends along what `head` needs and the child lacks. */
static dk_status put_inputs(struct pool *pool, struct process *process, uint32_t head,
                            dk_error *err)
{
    const struct task *task = graph_task(pool->run->graph, head);
    const dk_value *args = graph_args(pool->run->graph, task);
    for (uint32_t i = 0; i < task->nargs; i++) {
        uint32_t id = args[i].as.task;
        if (args[i].kind != DK_KIND_TASK)
            continue;
        if (results_is_held(&pool->results, id, process->number))
            continue;
        outbox_record(&process->out);
        outbox_put_u8(&process->out, ORDER_KEEP);
        outbox_put_u32(&process->out, id);
        DK_TRY(results_put(&pool->results, id, &process->out, err));
        results_set_held(&pool->results, id, process->number);
        /* Descriptors made for this child only are closed as soon as they are on their way. */
        if (process->out.fds.count < MESSAGE_FDS_MAX)
            continue;
        if (outbox_send(&process->out, process->socket, false) == TRANSFER_NOMEM)
            return error_nomem(err);
    }
    return DK_OK;
}

static dk_status hand_out(struct pool *pool, struct process *process, uint32_t head,
                          int64_t estimate_ns, dk_error *err)
{
    struct handed handed = {head, (uint32_t)estimate_ns};
    if (vector_append(&process->handed, &handed, 1) != DK_OK)
        return error_nomem(err);
    process->queued_ns += handed.estimate_ns;
    DK_TRY(put_inputs(pool, process, head, err));
    int64_t ready_ns = pool->run->ready_ns ? pool->run->ready_ns[head] : 0;
    outbox_record(&process->out);
    outbox_put_u8(&process->out, ORDER_RUN);
    outbox_put_u32(&process->out, head);
    outbox_put(&process->out, &ready_ns, sizeof(ready_ns));
    return process->out.writer.failed ? error_nomem(err) : DK_OK;
}

/* A fair share of what is ready, so that the end comes at the same time for all. */
static size_t batch_limit(const struct pool *pool)
{
    size_t fair = pool->placement.nready / (2 * (size_t)pool->nprocesses) + 1;
    return fair < BATCH_MAX ? fair : BATCH_MAX;
}

static int64_t clamp_ns(int64_t ns)
{
    return ns < 1 ? 1 : ns < UINT32_MAX ? ns : UINT32_MAX;
}

/* Hands out units until their estimated time makes a batch. A function is trusted to be quick for
 * as many units as it has been seen to be. */
static dk_status hand_out_batch(struct pool *pool, struct process *process,
                                bool (*next)(struct placement *, int32_t, uint32_t *),
                                dk_error *err)
{
    size_t limit = batch_limit(pool);
    int64_t batch_ns = 0;
    uint32_t id = 0;
    put_drops(process);
    for (size_t n = 0; n < limit && batch_ns < BATCH_NS; n++) {
        if (process->out.writer.bytes.count >= MESSAGE_NBYTES_MAX)
            break;
        if (!next(&pool->placement, process->number, &id))
            break;
        const struct estimate *estimate = placement_estimate(&pool->placement, id);
        if (!estimate)
            return error_nomem(err);
        bool is_known = estimate->nseen > process_nhanded(process);
        int64_t ns = clamp_ns(is_known ? estimate->ns : UNKNOWN_NS);
        DK_TRY(hand_out(pool, process, id, ns, err));
        batch_ns += ns;
    }
    return DK_OK;
}

/* What the socket does not take now goes when it does; a child with that much to read has not run
 * dry. */
static void feed(struct pool *pool, struct process *process,
                 bool (*next)(struct placement *, int32_t, uint32_t *))
{
    dk_error error = {0};
    dk_status status = hand_out_batch(pool, process, next, &error);
    if (status == DK_OK && outbox_send(&process->out, process->socket, false) == TRANSFER_NOMEM) {
        status = error_nomem(&error);
    }
    if (status != DK_OK)
        pool_stop(pool, TASK_NONE, status, &error);
}

static bool is_hungry(const struct process *process)
{
    return process->pid && process->queued_ns < FEED_BELOW_NS && outbox_is_empty(&process->out);
}

/* First everybody gets what is meant for it or for nobody, then those with nothing take from the
 * others. */
static void feed_all(struct pool *pool)
{
    for (int32_t i = 0; i < pool->nprocesses && pool->placement.nready; i++) {
        if (is_hungry(&pool->processes[i]))
            feed(pool, &pool->processes[i], placement_next);
    }
    for (int32_t i = 0; i < pool->nprocesses && pool->placement.nready; i++) {
        struct process *process = &pool->processes[i];
        if (is_hungry(process) && !process_nhanded(process))
            feed(pool, process, placement_steal);
    }
}

static bool is_cancelled(struct pool *pool)
{
    return cancel_is_set(pool->run->options->cancel) && run_is_stopped(pool->run);
}

static bool is_working(const struct pool *pool)
{
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        if (process_nhanded(&pool->processes[i]))
            return true;
    }
    return false;
}

static void serve(struct pool *pool, struct process *process, const struct pollfd polled[2])
{
    bool is_alive = true;
    if (polled[0].revents & POLLOUT)
        outbox_send(&process->out, process->socket, false);
    if (polled[0].revents & ~POLLOUT || polled[1].revents)
        is_alive = replies_read(pool, process);
    /* What a process sent before it died has been read by now. */
    if (!is_alive || polled[1].revents)
        process_died(pool, process);
}

static void wait_and_serve(struct pool *pool)
{
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        const struct process *process = &pool->processes[i];
        bool is_sending = !outbox_is_empty(&process->out);
        pool->polled[2 * i] = (struct pollfd){.fd = process->pid ? process->socket : -1,
                                              .events = is_sending ? POLLIN | POLLOUT : POLLIN};
        pool->polled[2 * i + 1] =
            (struct pollfd){.fd = process->pid ? process->pidfd : -1, .events = POLLIN};
    }
    int timeout_ms = pool->run->options->cancel ? CANCEL_WITHIN_MS : -1;
    if (poll(pool->polled, 2 * (nfds_t)pool->nprocesses, timeout_ms) <= 0)
        return;
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        if (pool->processes[i].pid)
            serve(pool, &pool->processes[i], &pool->polled[2 * i]);
    }
}

static void work(struct pool *pool)
{
    while (!pool->is_stopped && !is_cancelled(pool)) {
        feed_all(pool);
        /* What could not be fed may stand half written in an outbox: nothing more is sent. */
        if (pool->is_stopped || !is_working(pool))
            break;
        wait_and_serve(pool);
    }
}

/* From here on children may go. */
static void collect_profiles(struct pool *pool)
{
    bool is_anyone_left = true;
    pool->is_stopped = true;
    for (int32_t i = 0; i < pool->nprocesses; i++) {
        struct process *process = &pool->processes[i];
        if (!process->pid)
            continue;
        pool->nprofiles_due++;
        outbox_record(&process->out);
        outbox_put_u8(&process->out, ORDER_FINISH);
        if (process->out.writer.failed)
            process_end(process);
    }
    while (is_anyone_left) {
        is_anyone_left = false;
        for (int32_t i = 0; i < pool->nprocesses; i++) {
            if (pool->processes[i].pid)
                is_anyone_left = true;
        }
        if (is_anyone_left)
            wait_and_serve(pool);
    }
    pool->run->options->profile->lines.is_incomplete |= pool->nprofiles_due > 0;
}

static void decode_wanted(struct pool *pool, const dk_task_id *keys, size_t nkeys)
{
    dk_error error = {0};
    for (size_t i = 0; i < nkeys; i++) {
        dk_status status = results_decode(&pool->results, keys[i].id, &error);
        if (status == DK_OK)
            continue;
        pool_stop(pool, keys[i].id, status, &error);
        return;
    }
}

static dk_status run_pool(struct run *run, const dk_task_id *keys, size_t nkeys, dk_error *err)
{
    struct pool pool;
    DK_TRY(plan_link(&run->plan, err));
    if (!run->options->no_fuse)
        DK_TRY(plan_fuse(&run->plan, err));
    dk_status status = pool_init(&pool, run, run_num_workers(run), err);
    if (status == DK_OK) {
        work(&pool);
        if (run->status == DK_OK && run->options->profile)
            collect_profiles(&pool);
        if (run->status == DK_OK)
            decode_wanted(&pool, keys, nkeys);
    }
    pool_deinit(&pool);
    return status;
}

dk_status dk_get_processes(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                           size_t nkeys, const dk_get_options *options, dk_value *results,
                           dk_error *err)
{
    struct run run;
    DK_TRY(run_init(&run, dk, graph, keys, nkeys, options, err));
    dk_error error = {0};
    dk_status status = DK_OK;
    if (plan_ntasks(&run.plan))
        status = run_pool(&run, keys, nkeys, &error);
    if (status != DK_OK)
        run_fail(&run, TASK_NONE, status, &error);
    return run_finish(&run, keys, nkeys, results, err);
}
