/* All that can happen to a scheduler. Whatever an event points to is borrowed for the step.
 *
 * Keys are in the canonical form of core/keys.h.
 */
#ifndef CORE_SCHEDULER_EVENT_H
#define CORE_SCHEDULER_EVENT_H

#include <stdbool.h>

#include "wire/box.h"

/* Smaller runs first: by the user, then the generation, then the order. */
struct sched_priority {
    int32_t user; /* the negative of the user's priority */
    int32_t order;
    double generation;
};

/* No worker, no client. */
#define SCHED_NOBODY UINT32_MAX

enum sched_event_kind {
    SCHED_ADD_CLIENT,
    SCHED_REMOVE_CLIENT,
    SCHED_UPDATE_GRAPH,
    SCHED_CLIENT_DESIRES,
    SCHED_CLIENT_RELEASES,
    SCHED_REPORT_KEYS, /* tell the client again how its keys are */
    SCHED_CANCEL,
    SCHED_RETRY,
    SCHED_RESTART,         /* every task is forgotten; no client wants anything any longer */
    SCHED_UPDATE_DATA,     /* results that no task made: scattered */
    SCHED_REDUCE_REPLICAS, /* results are to have fewer copies */
    SCHED_MANAGE_MEMORY,   /* the active memory manager is to start, stop or run */
    SCHED_ADD_WORKER,
    SCHED_REMOVE_WORKER,
    SCHED_WORKER_STATUS,
    SCHED_RETIRE_WORKER, /* it is to leave, once others have what it holds */
    SCHED_HEARTBEAT,
    SCHED_TASK_FINISHED,
    SCHED_TASK_ERRED,
    SCHED_RELEASE_DATA, /* a worker holds a result no longer */
    SCHED_ADD_KEYS,     /* a worker holds copies */
    SCHED_DROP_KEYS,    /* it is to drop them, where others have them as well */
    SCHED_LONG_RUNNING, /* a task has seceded */
    SCHED_RESCHEDULE,
    SCHED_REFRESH_WHO_HAS, /* a worker cannot find what it needs */
    SCHED_STEAL_RESPONSE,
    SCHED_TICK
};

enum sched_worker_status { SCHED_INIT, SCHED_RUNNING, SCHED_PAUSED, SCHED_CLOSING, SCHED_CLOSED };

struct sched_keys {
    const struct wire_bytes *list;
    size_t count;
};

/* What a task, or all of a graph, asks of its worker. */
struct sched_wishes {
    const struct wire_value *workers;   /* array or set: addresses, names, hosts; NULL: any */
    const struct wire_value *resources; /* map of name to amount; NULL: none */
    const struct wire_value *annotations;
    int32_t priority; /* the user's: larger is earlier; never INT32_MIN */
    uint16_t retries;
    bool is_loose; /* other workers will do when there are none of `workers` */
    bool is_actor;
};

/* Who can run a task. */
enum sched_language {
    SCHED_NATIVE, /* a function of cdask's workers */
    SCHED_PYTHON, /* what Dask's clients send: Dask's own workers */
    SCHED_HOSTED, /* a callable that cdask's client sends: cdask's workers that have Python */
    SCHED_NLANGUAGES
};

struct sched_new_task {
    struct wire_bytes key;
    struct sched_keys dependencies;
    int32_t order;             /* smaller is earlier, within the graph */
    struct wire_box *run_spec; /* the scheduler takes a reference of its own */
    enum sched_language language;
    const struct sched_wishes *wishes; /* NULL: the graph's */
};

struct sched_update_graph {
    const struct sched_new_task *tasks;
    size_t ntasks;
    struct sched_keys wanted;
    struct sched_wishes wishes;
    bool is_unordered;                  /* `order` says nothing: the scheduler finds one */
    int64_t fifo_timeout_us;            /* graphs this close together are of one generation */
    const struct wire_bytes *submitter; /* the task that submits it; NULL: none */
};

struct sched_add_worker {
    const char *address;
    const char *host;
    const char *nanny; /* NULL: none */
    struct wire_value name;
    struct wire_value registration; /* the whole message */
    enum sched_worker_status status;
    int32_t nthreads;
    int64_t memory_limit;               /* 0: none */
    const struct wire_value *resources; /* map; NULL: none */
    bool has_python;
    bool has_native;
};

struct sched_add_client {
    const char *name;
    bool is_pseudo; /* holds results for what is no client, and is told nothing */
    bool is_native; /* one of cdask's own: is told the texts of exceptions, too */
};

struct sched_data {
    struct wire_bytes key;
    const uint32_t *workers;
    size_t nworkers;
    int64_t nbytes;
};

/* At most `n` copies on these workers, of those there are; never none at all. */
struct sched_reduce {
    struct sched_keys keys;
    const uint32_t *workers;
    size_t nworkers;
    uint32_t n;
};

enum sched_manager_order { SCHED_MANAGER_START, SCHED_MANAGER_STOP, SCHED_MANAGER_RUN };

struct sched_finished {
    struct wire_bytes key;
    int64_t run_id;
    int64_t nbytes;
    const struct wire_value *type; /* NULL: unknown */
    double compute_s;              /* negative: unknown */
    double transfer_s;             /* likewise */
};

struct sched_erred {
    struct wire_bytes key;
    int64_t run_id;
    struct wire_value exception;
    struct wire_value traceback;
    struct wire_value text;
    struct wire_value traceback_text;
};

struct sched_event {
    enum sched_event_kind kind;
    int64_t now_us;       /* monotonic; the only clock there is */
    const char *stimulus; /* what has set it off: for messages and the log */
    uint32_t worker;      /* whom it is from or about */
    uint32_t client;
    union {
        struct sched_add_client add_client;
        struct sched_update_graph graph;
        struct sched_keys
            keys; /* DESIRES, RELEASES, REPORT, RETRY, RELEASE_DATA, ADD_, DROP_KEYS, REFRESH */
        struct {
            struct sched_keys keys;
            bool is_forced;
            struct wire_value reason;
            struct wire_value message;
        } cancel;
        struct {
            const struct sched_data *list;
            size_t count;
        } data;
        struct sched_reduce reduce;
        enum sched_manager_order manager;
        struct sched_add_worker add_worker;
        bool is_expected; /* REMOVE_WORKER: it said that it would leave */
        enum sched_worker_status status;
        struct {
            const struct wire_value *metrics;   /* NULL: none */
            const struct wire_value *executing; /* map of key to seconds so far; NULL: none */
        } heartbeat;
        struct sched_finished finished;
        struct sched_erred erred;
        struct {
            struct wire_bytes key;
            int64_t run_id;
            double compute_s; /* negative: unknown */
        } long_running;
        struct {
            struct wire_bytes key;
            const char *state; /* the worker's; NULL: it does not know the task */
        } steal;
    } as;
};

#endif
