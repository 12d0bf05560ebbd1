#include "local/run.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/time.h"
#include "graph/value.h"

static const dk_get_options default_options;

static void tell_start(struct run *run)
{
    for (size_t i = 0; i < run->options->ncallbacks; i++) {
        const dk_callbacks *callbacks = &run->options->callbacks[i];
        if (callbacks->start)
            callbacks->start(callbacks->self, run->graph, plan_ntasks(&run->plan));
    }
}

static void tell_finish(struct run *run)
{
    for (size_t i = 0; i < run->options->ncallbacks; i++) {
        const dk_callbacks *callbacks = &run->options->callbacks[i];
        if (callbacks->finish)
            callbacks->finish(callbacks->self, run->graph, run->status);
    }
}

void run_pretask(struct run *run, const dk_task_event *event)
{
    pthread_mutex_lock(&run->lock);
    for (size_t i = 0; i < run->options->ncallbacks; i++) {
        const dk_callbacks *callbacks = &run->options->callbacks[i];
        if (callbacks->pretask)
            callbacks->pretask(callbacks->self, event);
    }
    pthread_mutex_unlock(&run->lock);
}

void run_posttask(struct run *run, const dk_task_event *event)
{
    pthread_mutex_lock(&run->lock);
    for (size_t i = 0; i < run->options->ncallbacks; i++) {
        const dk_callbacks *callbacks = &run->options->callbacks[i];
        if (callbacks->posttask)
            callbacks->posttask(callbacks->self, event);
    }
    pthread_mutex_unlock(&run->lock);
}

static dk_status allocate(struct run *run, dk_error *err)
{
    size_t n = run->graph->tasks.count;
    run->results = memory_calloc(run->context->memory, n * sizeof(dk_value));
    if (!run->results)
        return error_nomem(err);
    if (!run->options->profile)
        return DK_OK;
    run->ready_ns = memory_calloc(run->context->memory, n * sizeof(int64_t));
    if (!run->ready_ns)
        return error_nomem(err);
    int64_t now_ns = time_now_ns();
    for (size_t id = 0; id < n; id++)
        run->ready_ns[id] = now_ns;
    return DK_OK;
}

static void deinit(struct run *run)
{
    size_t n = run->graph->tasks.count;
    for (size_t rank = 0; run->results && rank < plan_ntasks(&run->plan); rank++) {
        dk_value_unref(run->results[plan_at(&run->plan, rank)]);
    }
    memory_free(run->context->memory, run->results, n * sizeof(dk_value));
    memory_free(run->context->memory, run->ready_ns, n * sizeof(int64_t));
    pthread_mutex_destroy(&run->lock);
    plan_deinit(&run->plan);
}

/* Whether tasks must be timed; who only wants to know of start and finish costs nothing per task.
 */
static bool wants_events(const dk_get_options *options)
{
    for (size_t i = 0; i < options->ncallbacks; i++) {
        if (options->callbacks[i].pretask || options->callbacks[i].posttask)
            return true;
    }
    return false;
}

dk_status run_init(struct run *run, dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                   size_t nkeys, const dk_get_options *options, dk_error *err)
{
    *run = (struct run){.context = dk, .graph = graph};
    run->options = options ? options : &default_options;
    run->observed = run->options->profile || wants_events(run->options);
    DK_TRY(plan_init(&run->plan, graph, keys, nkeys, err));
    pthread_mutex_init(&run->lock, NULL);
    dk_status status = allocate(run, err);
    if (status != DK_OK) {
        deinit(run);
        return status;
    }
    if (run->options->profile)
        profile_begin(run->options->profile);
    run->num_workers = run_num_workers(run);
    tell_start(run);
    return DK_OK;
}

dk_status run_finish(struct run *run, const dk_task_id *keys, size_t nkeys, dk_value *results,
                     dk_error *err)
{
    dk_status status = run->status;
    if (run->options->profile)
        profile_end(run->options->profile, run->num_workers);
    tell_finish(run);
    if (status == DK_OK) {
        for (size_t i = 0; i < nkeys; i++)
            results[i] = dk_value_ref(run->results[keys[i].id]);
    } else if (err) {
        *err = run->error;
    }
    deinit(run);
    return status;
}

/* "KEY (function NAME): what the function said". Whatever fails once the caller has cancelled, or
 * because of that, is cancelled. */
static void record_failure(struct run *run, uint32_t id, dk_status status, const dk_error *error)
{
    if (cancel_is_set(run->options->cancel)) {
        run->status = error_set(&run->error, DK_ECANCELED, "the computation was cancelled");
        return;
    }
    run->status = status;
    run->error = *error;
    run->error.status = status;
    if (!*run->error.message) {
        snprintf(run->error.message, DK_ERROR_MESSAGE_MAX, "%s", dk_status_text(status));
    }
    if (id == TASK_NONE)
        return;
    dk_graph_key_text(run->graph, (dk_task_id){id}, run->error.key);
    const struct task *task = graph_task(run->graph, id);
    error_prefix(&run->error, "task %s, function %s", run->error.key, task->function->name);
}

void run_fail(struct run *run, uint32_t id, dk_status status, const dk_error *error)
{
    pthread_mutex_lock(&run->lock);
    if (run->status == DK_OK)
        record_failure(run, id, status, error);
    pthread_mutex_unlock(&run->lock);
    atomic_store(&run->failed, true);
}

bool run_is_stopped(struct run *run)
{
    if (atomic_load_explicit(&run->failed, memory_order_relaxed))
        return true;
    if (!cancel_is_set(run->options->cancel))
        return false;
    run_fail(run, TASK_NONE, DK_ECANCELED, &(dk_error){0});
    return true;
}

int32_t run_num_workers(const struct run *run)
{
    int32_t wanted =
        run->options->num_workers > 0 ? run->options->num_workers : run->context->num_workers;
    size_t ntasks = plan_ntasks(&run->plan);
    if ((size_t)wanted > ntasks)
        wanted = (int32_t)ntasks;
    return wanted > 0 ? wanted : 1;
}

void worker_init(struct worker *worker, struct run *run, int32_t number)
{
    worker->run = run;
    worker->number = number;
    profile_init(&worker->profile, run->context->memory);
    vector_init(&worker->args, run->context->memory, sizeof(dk_value));
}

void worker_deinit(struct worker *worker)
{
    struct run *run = worker->run;
    if (run->options->profile) {
        pthread_mutex_lock(&run->lock);
        profile_merge(&run->options->profile->lines, &worker->profile);
        pthread_mutex_unlock(&run->lock);
    }
    profile_deinit(&worker->profile);
    vector_deinit(&worker->args);
}

/* The arguments with results in place of tasks: the graph's own array when there is nothing to
 * replace. */
static const dk_value *fill_args(struct worker *worker, const struct task *task)
{
    const dk_value *args = graph_args(worker->run->graph, task);
    uint32_t first = 0;
    while (first < task->nargs && args[first].kind != DK_KIND_TASK)
        first++;
    if (first == task->nargs)
        return args;

    if (vector_reserve(&worker->args, task->nargs) != DK_OK)
        return NULL;
    dk_value *filled = worker->args.data;
    for (uint32_t i = 0; i < task->nargs; i++) {
        bool is_task = args[i].kind == DK_KIND_TASK;
        filled[i] = is_task ? worker->run->results[args[i].as.task] : args[i];
    }
    return filled;
}

static dk_status call(struct worker *worker, uint32_t id, dk_error *err)
{
    struct run *run = worker->run;
    const struct task *task = graph_task(run->graph, id);
    const dk_value *args = fill_args(worker, task);
    if (!args && task->nargs)
        return error_nomem(err);
    dk_task running = {.context = run->context,
                       .function = task->function,
                       .cancel = run->options->cancel,
                       .failed = &run->failed,
                       .profile = run->options->profile ? &worker->profile : NULL};
    dk_value result = dk_value_null();
    DK_TRY(task->function->call(&running, args, task->nargs, &result, err));
    run->results[id] = result;
    return DK_OK;
}

static dk_status call_observed(struct worker *worker, uint32_t id, dk_error *err)
{
    struct run *run = worker->run;
    dk_task_event event = {.graph = run->graph,
                           .task = {id},
                           .function = graph_task(run->graph, id)->function->name,
                           .worker = worker->number,
                           .start_ns = time_now_ns()};
    run_pretask(run, &event);
    event.status = call(worker, id, err);
    event.end_ns = time_now_ns();
    event.result_nbytes = event.status == DK_OK ? dk_value_nbytes(run->results[id]) : 0;
    if (run->options->profile) {
        profile_function(&worker->profile, event.function, event.end_ns - event.start_ns,
                         event.start_ns - run->ready_ns[id], event.result_nbytes);
    }
    run_posttask(run, &event);
    return event.status;
}

dk_status worker_run(struct worker *worker, uint32_t id)
{
    dk_error error;
    error.status = DK_OK;
    error.line = 0;
    error.key[0] = 0;
    error.message[0] = 0;
    dk_status status =
        worker->run->observed ? call_observed(worker, id, &error) : call(worker, id, &error);
    if (status != DK_OK)
        run_fail(worker->run, id, status, &error);
    return status;
}
