/* Task graphs, the registry of named functions, and `get`, which runs a graph.
 *
 * A task is the name of a registered function and arguments that are values or results of other
 * tasks. The same graph runs under every scheduler.
 */
#ifndef CDASK_GRAPH_H
#define CDASK_GRAPH_H

#include <cdask/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A running task, as its function sees it. */
typedef struct dk_task dk_task;

/* Computes `*result` from the arguments. It must not change them, may run in any thread or process,
 * and several at once. On failure it fills `err` and leaves `*result` alone. Ownership: arguments
 * are borrowed; `*result` is taken by the caller. */
typedef dk_status (*dk_function)(dk_task *task, const dk_value *args, size_t nargs,
                                 dk_value *result, dk_error *err);

/* The context the task runs in; `user` as given to dk_register(); true when the computation has
 * been cancelled, for long functions that want to stop early. */
DK_API dk_context *dk_task_context(const dk_task *task);
DK_API void *dk_task_user(const dk_task *task);
DK_API bool dk_task_is_cancelled(const dk_task *task);
/* The address of the cluster's worker that runs the task; NULL when none does.
 * Ownership: borrowed from the task. */
DK_API const char *dk_task_worker(const dk_task *task);
/* What that is called among the scheduler's, and how many tasks it runs at a time; NULL and 0. */
DK_API const char *dk_task_worker_name(const dk_task *task);
DK_API uint32_t dk_task_worker_nthreads(const dk_task *task);
/* The address of its scheduler. */
DK_API const char *dk_task_scheduler(const dk_task *task);
/* That worker's own folder, where the task may put files; it goes with the worker. */
DK_API const char *dk_task_folder(const dk_task *task);

/* Gives the task's place among those that a worker runs at once up to others, which it may then
 * wait for; on the worker of a cluster, elsewhere it does nothing. dk_task_rejoin() waits for a
 * place again, for a task that goes on computing.   Source: distributed.secede, distributed.rejoin.
 */
DK_API void dk_task_secede(const dk_task *task);
DK_API void dk_task_rejoin(const dk_task *task);

/* What a failing task of a host language has raised, as pickles of the exception and of what it
 * says of where that was raised (`ntraceback` 0: nothing). A worker of a cluster hands them on, see
 * dk_future_raised(); nobody else has a use for them. The function then fails as any other does.
 * Ownership: copies both.   Errors: DK_ENOMEM. */
DK_API dk_status dk_task_raise(dk_task *task, const void *exception, size_t nexception,
                               const void *traceback, size_t ntraceback) DK_NODISCARD;

/* Registers `function` under `name` (copied) for graphs of this context.
 *
 * The name "python" is for what calls Python's callables: a worker whose context has it says so,
 * and the scheduler of a cluster gives tasks that call it to such workers only. Where the same
 * function with the same `user` is registered after that under other names, for people to read, it
 * is "python" to other processes. A worker hands "python.run" what somebody calls beside all tasks
 * (distributed.Client.run): three values, pickles of the function, its arguments and those with
 * names, of which the last two may be null. It hands "python.plugin" what is to be there beside all
 * tasks (distributed.WorkerPlugin): its name, and its pickle, or null when it is to go.
 *
 * Thread: any.
 * Errors: DK_EINVAL (the name is taken by another function, or empty), DK_ENOMEM. */
DK_API dk_status dk_register(dk_context *dk, const char *name, dk_function function, void *user,
                             dk_error *err) DK_NODISCARD;

/* The name of a task's result: a text, or a text and a number ("read-csv-3f2a", 17). */
typedef struct dk_key {
    const char *name;
    int64_t index; /* DK_NO_INDEX: the name alone */
} dk_key;

#define DK_NO_INDEX INT64_MIN

static inline dk_key dk_key_text(const char *name)
{
    dk_key key = {name, DK_NO_INDEX};
    return key;
}

static inline dk_key dk_key_at(const char *name, int64_t index)
{
    dk_key key = {name, index};
    return key;
}

/* A task of one graph: its place in order of mention, from 0. */
typedef struct dk_task_id {
    uint32_t id;
} dk_task_id;

static inline dk_value dk_value_task(dk_task_id task)
{
    dk_value value = {DK_KIND_TASK, {0}};
    value.as.task = task.id;
    return value;
}

typedef struct dk_graph dk_graph;

/* Makes an empty graph.   Ownership: the caller frees it with dk_graph_free().   Errors: DK_ENOMEM.
 */
DK_API dk_status dk_graph_new(dk_context *dk, dk_graph **out) DK_NODISCARD;
DK_API void dk_graph_free(dk_graph *graph);

/* Finds the task called `key`, or announces it: a graph may mention a task before it defines it.
 * Errors: DK_ENOMEM, DK_EOVERFLOW (more than 2^32 - 2 tasks). */
DK_API dk_status dk_graph_task(dk_graph *graph, dk_key key, dk_task_id *out) DK_NODISCARD;

/* Defines the task `key` as function(args...). Arguments made by dk_value_task() stand for results;
 * inside a list or map they are refused.
 *
 * Ownership: *takes* the arguments, also on failure; copies the names.
 * Thread: one at a time for a graph.
 * Errors: DK_EKEY (no such function), DK_EINVAL (the key is defined already; a task inside a list),
 * DK_ENOMEM. */
DK_API dk_status dk_graph_add(dk_graph *graph, dk_key key, const char *function,
                              const dk_value *args, size_t nargs, dk_task_id *out,
                              dk_error *err) DK_NODISCARD;

DK_API size_t dk_graph_ntasks(const dk_graph *graph);

/* Writes the key of `task` ("name", or "('name', 17)" as Dask shows it) into `out`. */
DK_API void dk_graph_key_text(const dk_graph *graph, dk_task_id task, char out[DK_ERROR_KEY_MAX]);

/* What callbacks are told. Times in nanoseconds of one monotonic clock. */
typedef struct dk_task_event {
    const dk_graph *graph;
    dk_task_id task;
    const char *function;
    int32_t worker; /* 0 .. num_workers - 1 */
    int64_t start_ns;
    int64_t end_ns;        /* posttask only */
    dk_status status;      /* posttask only */
    int64_t result_nbytes; /* posttask only */
} dk_task_event;

/* Observers of a computation (Dask's Callback). Any member may be NULL. They are called one at a
 * time, from the thread that runs the task (processes: the calling thread). */
typedef struct dk_callbacks {
    void (*start)(void *self, const dk_graph *graph, size_t ntasks);
    void (*pretask)(void *self, const dk_task_event *event);
    void (*posttask)(void *self, const dk_task_event *event);
    void (*finish)(void *self, const dk_graph *graph, dk_status status);
    void *self;
} dk_callbacks;

struct dk_profile;

typedef struct dk_get_options {
    int32_t num_workers;           /* 0: the context's */
    const dk_callbacks *callbacks; /* ncallbacks of them */
    size_t ncallbacks;
    struct dk_profile *profile; /* collects per function and kernel times; NULL: none */
    const volatile int *cancel; /* the computation stops with DK_ECANCELED once it is non-zero, see
                                   also <cdask/interrupt.h>; NULL: never */
    bool no_fuse;               /* run every task on its own instead of joining linear chains */
    dk_value *raised;           /* on a cluster, what the task that has failed has raised, as
                                   dk_future_raised() gives it: the caller's, where it was null; NULL: not
                                   wanted */
    struct dk_client *client;   /* on a cluster, whose; NULL: the context's default, see
                                   <cdask/distributed.h> */
    const struct dk_submit_options *submit; /* on a cluster, how tasks are run there; the key does
                                               not count; NULL: as usual */
} dk_get_options;

/* Runs what `keys` need and returns their results in that order.
 *
 * The first task that fails cancels the rest; `err` then has its key, its function and its message.
 * Ownership: `results[nkeys]` are the caller's on success, untouched on failure.
 * Thread: any; several gets may run at once.   Blocks: until done.
 * Errors: DK_ECYCLE (naming a key of it), DK_EKEY (a needed task was never defined), DK_ECANCELED,
 * DK_ENOMEM, and what task functions return; processes also DK_ECRASH (the task's process died,
 * naming the signal). Source: dask.get, dask.threaded.get, dask.multiprocessing.get. */
typedef dk_status (*dk_get)(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                            size_t nkeys, const dk_get_options *options, dk_value *results,
                            dk_error *err);

/* In the calling thread, in order(): deterministic, for debugging and profiling. */
DK_API dk_status dk_get_sync(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                             size_t nkeys, const dk_get_options *options, dk_value *results,
                             dk_error *err) DK_NODISCARD;
/* In a pool of threads, of which the caller is one. */
DK_API dk_status dk_get_threads(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                                size_t nkeys, const dk_get_options *options, dk_value *results,
                                dk_error *err) DK_NODISCARD;
/* In a pool of forked processes that exchange tables through shared memory. Functions must not
 * count on threads of the calling process. Objects among the results travel packed and are unpacked
 * where they are used (dk_object_type); those that cannot are DK_ENOTSUP.
 * A task whose process dies does not cancel the rest: what does not depend on it is still run.
 * Each process has a ledger of its own, with the context's limit; shared memory is on none. */
DK_API dk_status dk_get_processes(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                                  size_t nkeys, const dk_get_options *options, dk_value *results,
                                  dk_error *err) DK_NODISCARD;

/* The `get` called `name`: sync, synchronous, single-threaded, threads, threading, processes or
 * multiprocessing, in any case.
 * Errors: DK_EINVAL, listing the accepted names. */
DK_API dk_status dk_find_scheduler(const char *name, dk_get *out, dk_error *err) DK_NODISCARD;

/* The name of a `get` ("threads"); "custom" for one of the program's own. */
DK_API const char *dk_scheduler_name(dk_get get);

/* The order in which a single worker runs what `keys` need: depth first, so that results can be let
 * go soon. `order` has room for dk_graph_ntasks() entries, `*count` gets the number of needed
 * tasks. Errors: DK_ECYCLE, DK_EKEY, DK_ENOMEM.   Source: dask.order. */
DK_API dk_status dk_graph_order(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                                dk_task_id *order, size_t *count, dk_error *err) DK_NODISCARD;

/* Draws the tasks that `keys` need (nkeys 0: all) as a Graphviz DOT document: boxes are results,
 * circles are function calls, as dask.visualize. Ownership: `*out` is the caller's, free with
 * dk_text_free().   Errors: as dk_graph_order(). */
DK_API dk_status dk_graph_to_dot(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                                 char **out, dk_error *err) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
