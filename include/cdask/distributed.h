/* Clusters: a client submits work to a scheduler, cdask's or Dask's, whose workers run it and keep
 * the results until nobody wants them.
 *
 * A client runs a thread of its own for the connection; it never runs tasks. All functions may be
 * called from any thread, several at once, but for dk_client_close(), which is the last.
 * Source: distributed.Client, distributed.Future.
 */
#ifndef CDASK_DISTRIBUTED_H
#define CDASK_DISTRIBUTED_H

#include <cdask/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a cluster on this machine ---- */

typedef struct dk_cluster dk_cluster;

/* Zeroes are the defaults. */
typedef struct dk_cluster_options {
    int32_t nworkers;     /* processes; 0: one for each CPU, or fewer with more threads from 5 on */
    int32_t nthreads;     /* of each; 0: the CPUs, shared out */
    int64_t memory_limit; /* bytes of each; 0: its share of the memory; negative: none */
    bool no_workers;      /* a scheduler alone */
    const char *host;     /* where it listens; NULL: 127.0.0.1 */
    int32_t port;         /* 0: one that is free */
    /* Where the scheduler serves /health, /metrics and /json: ":8787" (NULL) or "HOST:PORT", at
     * another port when that one is in use; "": nowhere. */
    const char *dashboard_address;
    /* All workers have ended and none will be started again (who would do so was killed, too): the
     * scheduler has closed, clients are told. Called once, from another thread. May be NULL. */
    void (*lost)(void *self, const char *why);
    void *self;
} dk_cluster_options;

/* Starts a scheduler in a thread of this process and workers in forked processes, which know the
 * functions and object types that `dk` has registered by now. They end with this process, at the
 * latest. One that was killed, crashes, or takes 95 % of its memory limit is started again by a
 * process that watches over them, and so is that process.
 *
 * Ownership: the caller closes it, before the context.   Blocks: until all workers are there.
 * Errors: DK_EINVAL, DK_EIO (no port, process or thread left; a worker did not come up), DK_ENOMEM.
 * Source: distributed.LocalCluster. */
DK_API dk_status dk_cluster_open(dk_context *dk, const dk_cluster_options *options,
                                 dk_cluster **out, dk_error *err) DK_NODISCARD;
/* Ends scheduler and workers, and what they hold. NULL is ignored. */
DK_API void dk_cluster_close(dk_cluster *cluster);
/* The address of its scheduler.   Ownership: borrowed from the cluster. */
DK_API const char *dk_cluster_address(const dk_cluster *cluster);
/* What people open in a browser: "http://127.0.0.1:8787/status", with the port that was free; NULL
 * without a dashboard.   Ownership: borrowed from the cluster. */
DK_API const char *dk_cluster_dashboard(const dk_cluster *cluster);

/* ---- a worker in this process ---- */

/* Zeroes are the defaults. */
typedef struct dk_worker_options {
    const char *address; /* of the scheduler: "tcp://HOST:PORT", "tls://HOST:PORT" or "HOST:PORT" */
    const char *name;    /* NULL: where it listens */
    const char *host;    /* to listen at; NULL: 127.0.0.1; "0.0.0.0": everywhere */
    int32_t port;        /* 0: any that is free */
    int32_t nthreads;    /* 0: one for each CPU */
    int64_t memory_limit;        /* bytes; 0: the machine's; negative: none */
    const char *local_directory; /* for results that do not fit into memory; NULL: $TMPDIR */
    double death_timeout_s;      /* how long to look for the scheduler; 0: for ever at the start,
                                    not at all when it is lost */
    const char *tls_ca_file;     /* for tls:// addresses, as dk_client_options has them */
    const char *tls_cert;
    const char *tls_key;
    int stop_fd; /* the worker leaves when there is something to read here, and at once the second
                    time; 0: only by itself. A signal handler may write what is read. */
    bool no_shared_memory; /* results go through the network to workers on this machine, too */
    /* Is told a line for the log ("INFO", "distributed.worker", text), by the calling thread;
     * `self` is NULL. NULL: nobody is. */
    void (*log)(void *self, const char *level, const char *name, const char *text);
} dk_worker_options;

/* Is a worker, in the calling thread and more of its own, which run tasks: native ones, and those
 * that the functions and object types of `dk` know how to run.
 *
 * Blocks: until the worker has left.
 * Errors: DK_EINVAL (an option; the scheduler refuses it: its name is taken), DK_EIO (it cannot
 * listen there; no scheduler in time; it was lost), DK_ENOMEM; DK_ECANCELED: it has left, but
 * some task does not end, and the process can only exit without closing `dk`.
 * Source: distributed.Worker. */
DK_API dk_status dk_worker_run(dk_context *dk, const dk_worker_options *options,
                               dk_error *err) DK_NODISCARD;

/* ---- clients ---- */

typedef struct dk_client dk_client;

/* Which way results come to a client: from the workers that have them, or from the scheduler, which
 * asks those. What no worker gives the scheduler is asked for in any case. */
typedef enum dk_direct {
    DK_DIRECT_AUTO, /* from workers on this machine; for one call: as the client has it */
    DK_DIRECT_YES,
    DK_DIRECT_NO
} dk_direct;

/* Zeroes are the defaults. */
typedef struct dk_client_options {
    const char *address; /* of the scheduler: "tcp://HOST:PORT" or "HOST:PORT"; NULL: a cluster of
                            the client's own, as dk_cluster_open(dk, NULL, ...) starts it */
    double timeout_s;    /* to connect within; 0: 30 */
    /* For tls:// addresses, files in PEM: the authority that is trusted, a certificate of its for
     * this client, and the key of that (NULL: it is in the same file). */
    const char *tls_ca_file;
    const char *tls_cert;
    const char *tls_key;
    bool no_default; /* computations of the context do not go to the cluster by themselves */
    dk_direct direct_to_workers;
} dk_client_options;

/* Connects to the scheduler. Until the client is closed, computations of `dk` that name no
 * scheduler run on the cluster (unless `no_default`); of several clients on that of the newest.
 *
 * Ownership: the caller closes it, before the context.   Blocks: until connected.
 * Thread: none of the context computes by a default meanwhile, nor while a client is closed.
 * Errors: DK_EINVAL (the address cannot be understood), what dk_cluster_open() gives, DK_EIO
 * (nobody answers there in time; `err` names the address), DK_ENOMEM. */
DK_API dk_status dk_client_open(dk_context *dk, const dk_client_options *options, dk_client **out,
                                dk_error *err) DK_NODISCARD;
/* Lets go of all that its futures hold on the cluster, and disconnects: calls of other threads that
 * wait give DK_EIO, as do all that come later. Once, or by dk_client_close().   Blocks: until the
 * client's thread has ended. */
DK_API void dk_client_disconnect(dk_client *client);
/* Disconnects, and forgets the client, which nobody else may use then. Futures may be freed
 * afterwards, nothing else. */
DK_API void dk_client_close(dk_client *client);

/* The address of its scheduler.   Ownership: borrowed from the client. */
DK_API const char *dk_client_address(const dk_client *client);

/* Whether the connection is there; once lost it does not come back. */
DK_API bool dk_client_is_connected(dk_client *client);

/* Its name among the scheduler's clients.   Ownership: borrowed from the client. */
DK_API const char *dk_client_id(const dk_client *client);

/* How long a call waits. Zeroes: for as long as it takes. */
typedef struct dk_wait_options {
    double timeout_s;           /* if there is such a limit: */
    bool has_timeout;           /* DK_EIO after that time */
    const volatile int *cancel; /* DK_ECANCELED soon after it is non-zero, see also
                                   <cdask/interrupt.h>; NULL: never */
} dk_wait_options;

/* Asks the scheduler anything: `message` is a map with the operation as the text "op", and what
 * that operation is given; tables and objects in it travel as results do. Answers have lists for
 * sets, and for maps with other keys than texts lists of pairs.
 *
 * Ownership: borrows `message`; `*answer` is the caller's.   Blocks: until it is answered.
 * Errors: DK_EINVAL (no such map), DK_ETASK (the operation has failed there; `err` has its words,
 * and `*answer` is a map with what was raised, "exception", as dk_future_raised() has it, or null),
 * DK_EIO (the connection is lost; not in time), DK_ECANCELED, DK_EPARSE and DK_ENOTSUP (an answer
 * that cannot be read), DK_ENOMEM. */
DK_API dk_status dk_client_ask(dk_client *client, dk_value message, const dk_wait_options *options,
                               dk_value *answer, dk_error *err) DK_NODISCARD;
/* Tells it something that is not answered, in the order of all that this client does.
 * Errors: DK_EINVAL, DK_EIO (the connection is lost), DK_ENOMEM. */
DK_API dk_status dk_client_say(dk_client *client, dk_value message, dk_error *err) DK_NODISCARD;

/* Has all workers start anew and all tasks forgotten: every future is cancelled, those of other
 * clients as well. `timeout_s` is for workers to end, and with `wait_for_workers` to be there
 * again.
 *
 * Blocks: until then.   Errors: DK_ETASK (not in time), as dk_client_ask().
 * Source: distributed.Client.restart. */
DK_API dk_status dk_client_restart(dk_client *client, double timeout_s, bool wait_for_workers,
                                   const dk_wait_options *options, dk_error *err) DK_NODISCARD;

/* ---- futures ---- */

/* A result on the cluster, there or still to come. It stays there until the last future of its key
 * is freed. */
typedef struct dk_future dk_future;

typedef enum dk_future_status {
    DK_FUTURE_PENDING, /* also again, when its only copy was on a worker that has left */
    DK_FUTURE_FINISHED,
    DK_FUTURE_ERROR,
    DK_FUTURE_CANCELLED
} dk_future_status;

typedef struct dk_submit_options {
    const char *key;              /* NULL: one of its own, so that nothing is shared */
    int64_t priority;             /* larger is earlier; 0 is usual */
    int32_t retries;              /* how often a failed task is tried again */
    const char *const *workers;   /* addresses, names or hosts that may run it; nworkers of them */
    size_t nworkers;              /* 0: any */
    bool allow_other_workers;     /* `workers` is a wish */
    const char *const *resources; /* names of resources that it needs, nresources of them, */
    const double *amounts;        /* and how much of each */
    size_t nresources;
    bool as_named; /* dk_client_compute(): results are called as the graph calls them, on the
                      cluster, too, so that equal names are one result; else they get names of their
                      own */
} dk_submit_options;

/* Submits function(args...). The argument dk_value_task(i) stands for the result of futures[i].
 *
 * Ownership: borrows everything; `*out` is the caller's, free with dk_future_free().
 * Blocks: until the message is on its way, not for the task.
 * Errors: DK_EIO (the connection is lost), DK_ENOTSUP (an argument cannot leave its process),
 * DK_EINVAL, DK_ENOMEM. A function that no worker knows is an error of the future. */
DK_API dk_status dk_client_submit(dk_client *client, const char *function, const dk_value *args,
                                  size_t nargs, dk_future *const *futures, size_t nfutures,
                                  const dk_submit_options *options, dk_future **out,
                                  dk_error *err) DK_NODISCARD;

/* Submits function(args[i]) for each of `count` arguments, in one message: out[i] is its future.
 * Ownership: borrows everything; the futures are the caller's on success, `out` is undefined on
 * failure.   Errors: as dk_client_submit(); DK_EINVAL also for options with a key.
 * Source: distributed.Client.map. */
DK_API dk_status dk_client_map(dk_client *client, const char *function, const dk_value *args,
                               size_t count, const dk_submit_options *options, dk_future **out,
                               dk_error *err) DK_NODISCARD;

/* Puts a value on the cluster.   Errors: as dk_client_submit(); DK_EIO also when there is no
 * worker. */
DK_API dk_status dk_client_scatter(dk_client *client, dk_value value, bool broadcast,
                                   dk_future **out, dk_error *err) DK_NODISCARD;

/* Fetches the results of all futures, waiting for them; results[i] is that of futures[i].
 *
 * Ownership: `results` are the caller's on success, untouched on failure.   Blocks: until all are
 * done.
 * Errors: what the first failed task has returned (`err` has its key), DK_ECANCELED, DK_EIO. */
DK_API dk_status dk_client_gather(dk_client *client, dk_future *const *futures, size_t nfutures,
                                  dk_value *results, dk_error *err) DK_NODISCARD;

/* The same, with a limit, and by the way that is asked for.
 * Errors: DK_EIO and DK_ECANCELED by the limit, too. */
DK_API dk_status dk_client_gather_with(dk_client *client, dk_future *const *futures,
                                       size_t nfutures, dk_direct direct,
                                       const dk_wait_options *options, dk_value *results,
                                       dk_error *err) DK_NODISCARD;

/* Begins to compute what `keys` need of a graph: out[i] is the future of keys[i]. Of `options`,
 * which may be NULL, the key does not count.
 *
 * Ownership: borrows everything; the futures are the caller's on success, `out` is untouched on
 * failure.   Blocks: until the message is on its way.   Errors: as dk_client_submit(). */
DK_API dk_status dk_client_compute(dk_client *client, const dk_graph *graph, const dk_task_id *keys,
                                   size_t nkeys, const dk_submit_options *options, dk_future **out,
                                   dk_error *err) DK_NODISCARD;

/* The futures of what persisted frames keep, of those that the tasks of `graph` use (see
 * dk_frame_graph()): each key once. `out` has room for dk_graph_ntasks().
 * Ownership: the futures are the caller's; none on failure.   Errors: DK_ENOMEM.
 * Source: distributed.futures_of. */
DK_API dk_status dk_graph_futures(const dk_graph *graph, dk_future **out,
                                  size_t *count) DK_NODISCARD;

/* The result of a future for graphs and delayed calls: the one argument of a task, or call, of
 * "cluster.result", which is not run but stands for that result where it is. Computed on another
 * cluster it fails.   Ownership: `*out` is the caller's.   Errors: DK_ENOMEM. */
DK_API dk_status dk_future_kept(const dk_future *future, dk_value *out) DK_NODISCARD;

/* Another future of a key, that this client or another has submitted: a text, an integer, a float,
 * or a list of them.   Errors: DK_EINVAL (that is no key), DK_EIO (the connection is lost),
 * DK_ENOMEM. */
DK_API dk_status dk_client_future(dk_client *client, dk_value key, dk_future **out,
                                  dk_error *err) DK_NODISCARD;

/* Whose it is.   Ownership: borrowed; it may be closed, and then only compared. */
DK_API dk_client *dk_future_client(const dk_future *future);
DK_API dk_future_status dk_future_state(const dk_future *future);
/* Waits until it is not pending any longer.   Errors: DK_EIO (not in time; the connection is lost),
 * not that the task has failed.   `timeout_s` negative: no limit. */
DK_API dk_status dk_future_wait(dk_future *future, double timeout_s, dk_error *err) DK_NODISCARD;
/* The same for many; the first that is done is told by dk_client_next_done().
 * Errors: DK_EIO, DK_ECANCELED (by the options). */
DK_API dk_status dk_client_wait(dk_client *client, dk_future *const *futures, size_t nfutures,
                                const dk_wait_options *options, dk_error *err) DK_NODISCARD;
/* The result of one future.   Errors, ownership: as dk_client_gather(). */
DK_API dk_status dk_future_result(dk_future *future, dk_value *result, dk_error *err) DK_NODISCARD;
/* Its key, as Dask shows it.   Ownership: borrowed from the future. */
DK_API const char *dk_future_key(const dk_future *future);
/* The key itself, as dk_client_future() takes it.   Ownership: `*out` is the caller's.
 * Errors: DK_ENOMEM. */
DK_API dk_status dk_future_name(const dk_future *future, dk_value *out) DK_NODISCARD;
/* What a failed task has raised, as its worker has said it: a map with "exception" and "traceback",
 * pickles, as dk_task_raise() was given them, and "traceback_text"; any of them may be null. Of a
 * cancelled one: a map with "reason" and "msg". False: it has not failed, or nobody has said why it
 * was cancelled.   Ownership: `*out` is the caller's, when there is something. */
DK_API bool dk_future_raised(const dk_future *future, dk_value *out);

/* Has dk_client_next_done() tell when the future is not pending any more, once, by `token`. One
 * that is freed before is not told of. */
DK_API void dk_future_watch(dk_future *future, int64_t token);
/* Waits for the next future that is done of those that are watched, in the order in which they come
 * to be.   Errors: DK_EIO (the connection is lost; not in time), DK_ECANCELED (by the options, or
 * dk_client_end_watch()). */
DK_API dk_status dk_client_next_done(dk_client *client, const dk_wait_options *options,
                                     int64_t *token, dk_error *err) DK_NODISCARD;
/* From now on dk_client_next_done() gives DK_ECANCELED, also where it waits. */
DK_API void dk_client_end_watch(dk_client *client);

/* Has the task run to its end, whoever frees its futures.   Errors: DK_EIO, DK_ENOMEM. */
DK_API dk_status dk_client_fire_and_forget(dk_client *client, dk_future *future,
                                           dk_error *err) DK_NODISCARD;
/* Zeroes: if nobody else wants it, and without a reason. */
typedef struct dk_cancel_options {
    bool force;         /* also if other clients want the result */
    const char *reason; /* what everybody is told who asks for it: NULL: "user" */
    const char *msg;    /* more of that; NULL: nothing */
} dk_cancel_options;
/* Stops the task and all that depend on it; the futures are cancelled. `options` NULL: zeroes.
 * Source: distributed.Future.cancel. */
DK_API dk_status dk_future_cancel(dk_future *future, const dk_cancel_options *options,
                                  dk_error *err) DK_NODISCARD;
/* Runs a failed task again, and the failed ones it depends on. */
DK_API dk_status dk_future_retry(dk_future *future, dk_error *err) DK_NODISCARD;
/* NULL is ignored. */
DK_API void dk_future_free(dk_future *future);

/* ---- the cluster ---- */

/* Questions and orders to the scheduler. `*out` is the caller's, a value as Dask's scheduler has
 * it. Where `workers` are given they are addresses, and none means all.   Blocks: until answered.
 * Errors: as dk_client_ask(). */

/* The scheduler and its workers: a map with "address", "workers" ...
 * Source: Client.scheduler_info. */
DK_API dk_status dk_client_scheduler_info(dk_client *client, dk_value *out,
                                          dk_error *err) DK_NODISCARD;
/* {address: threads} */
DK_API dk_status dk_client_nthreads(dk_client *client, dk_value *out, dk_error *err) DK_NODISCARD;
/* {key: [address ...]} of the futures, or of all that is in memory (nfutures 0); keys as
 * dk_future_key() shows them. */
DK_API dk_status dk_client_who_has(dk_client *client, dk_future *const *futures, size_t nfutures,
                                   dk_value *out, dk_error *err) DK_NODISCARD;
/* {address: [key ...]} */
DK_API dk_status dk_client_has_what(dk_client *client, const char *const *workers, size_t nworkers,
                                    dk_value *out, dk_error *err) DK_NODISCARD;
/* The last lines of the scheduler's log, or of workers' logs ({address: ...}), or of the logs of
 * their nannies: a list of [level, line], the newest first; `nlines` at most, 0: all that are kept.
 * Source: Client.get_scheduler_logs, get_worker_logs. */
DK_API dk_status dk_client_scheduler_logs(dk_client *client, int64_t nlines, dk_value *out,
                                          dk_error *err) DK_NODISCARD;
DK_API dk_status dk_client_worker_logs(dk_client *client, int64_t nlines,
                                       const char *const *workers, size_t nworkers, bool of_nannies,
                                       dk_value *out, dk_error *err) DK_NODISCARD;
/* Has workers hand their results to others and leave; gives who did. Where none are given those
 * leave that are idle, as far as others have twice the memory for what all hold. */
DK_API dk_status dk_client_retire_workers(dk_client *client, const char *const *workers,
                                          size_t nworkers, dk_value *out,
                                          dk_error *err) DK_NODISCARD;
/* Runs function(args...) on each worker, at once, beside its tasks: {address: what it gave}.
 * Errors: DK_ETASK (it fails on one: `err` names it; a worker is not cdask's), DK_EINVAL (an
 * argument is a future).   Source: Client.run. */
DK_API dk_status dk_client_run(dk_client *client, const char *function, const dk_value *args,
                               size_t nargs, const char *const *workers, size_t nworkers,
                               dk_value *out, dk_error *err) DK_NODISCARD;
/* Loads a shared object with tasks on each worker that is there, as `cdask worker --preload` does.
 * It may register functions under names that are free.
 * Errors: DK_ENOFILE, DK_EIO (the file), DK_ETASK (a worker cannot load it).
 * Source: Client.upload_file. */
DK_API dk_status dk_client_upload_file(dk_client *client, const char *path,
                                       dk_error *err) DK_NODISCARD;

/* Keeps futures on the cluster under a name, for other clients and after this one has gone.
 * Errors: DK_ETASK (the name is taken and is not to be replaced).   Source: publish_dataset. */
DK_API dk_status dk_client_publish(dk_client *client, const char *name, dk_future *const *futures,
                                   size_t nfutures, bool replaces, dk_error *err) DK_NODISCARD;
DK_API dk_status dk_client_unpublish(dk_client *client, const char *name,
                                     dk_error *err) DK_NODISCARD;
/* The names that there are, a list. */
DK_API dk_status dk_client_datasets(dk_client *client, dk_value *out, dk_error *err) DK_NODISCARD;
/* The futures under a name: `*count` of them, of which the first `room` are given.
 * Ownership: they are the caller's; none on failure.
 * Errors: DK_EKEY (there is no such name).   Source: get_dataset. */
DK_API dk_status dk_client_dataset(dk_client *client, const char *name, dk_future **out,
                                   size_t room, size_t *count, dk_error *err) DK_NODISCARD;

/* ---- computing ---- */

/* A `get` (see <cdask/graph.h>): runs the graph on the cluster of the context's client.
 * Errors: as those; DK_EINVAL (no client is open), DK_EIO, DK_ENOTSUP (a value cannot travel). */
DK_API dk_status dk_get_distributed(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                                    size_t nkeys, const dk_get_options *options, dk_value *results,
                                    dk_error *err) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
