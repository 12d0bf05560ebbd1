/* What the scheduler knows: tasks, workers, clients, and how they hang together.
 *
 * Everything points at everything, by intrusive lists, so that each relation can be left in
 * constant time. Only the files of this folder change it; others look through scheduler.h.
 *
 * Source: distributed.scheduler (TaskState, WorkerState, ClientState, TaskGroup, TaskPrefix).
 */
#ifndef CORE_SCHEDULER_STATE_H
#define CORE_SCHEDULER_STATE_H

#include "core/heap.h"
#include "core/keys.h"
#include "core/scheduler/scheduler.h"
#include "wire/box.h"

/* The result of `from` is an argument of a task, its dependent. It lies in an array of the
 * dependent, and on the list of those that depend on `from`, which is NULL once that was forgotten.
 */
struct sched_edge {
    struct sched_task *from;
    struct sched_edge *previous;
    struct sched_edge *next;
    uint32_t dependent; /* the id of the task */
    bool is_awaited;    /* the dependent cannot run before `from` has a result */
    bool is_waiter;     /* `from` must keep its result, or make it, for the dependent */
};

/* A copy of a result, on a worker. */
struct sched_replica {
    struct sched_task *task;
    struct sched_worker *worker;
    struct sched_replica *next_of_task;
    struct sched_replica *previous_of_worker;
    struct sched_replica *next_of_worker;
};

/* A client wants the result of a task. */
struct sched_desire {
    struct sched_task *task;
    struct sched_client *client;
    struct sched_desire *next_of_task;
    struct sched_desire *previous_of_client;
    struct sched_desire *next_of_client;
};

/* Why a task has no result; shared with those it takes along. */
struct sched_failure {
    struct memory *memory;
    uint32_t references;
    struct wire_box *key; /* of the task that is to blame */
    struct wire_box *exception;
    struct wire_box *traceback;
    struct wire_box *text;
    struct wire_box *traceback_text;
};

/* What a task asks of its worker; most ask nothing and have none. */
struct sched_needs {
    struct vector workers;        /* of char *: addresses, names or hosts */
    struct vector resources;      /* of struct sched_resource */
    struct wire_box *annotations; /* told to the worker; NULL: none */
    bool is_loose;                /* `workers` is a wish */
};

struct sched_resource {
    char *name;
    double amount;
};

struct sched_task {
    uint32_t id; /* of its key */
    uint8_t state;
    uint8_t language; /* enum sched_language: of run_spec */
    bool is_actor : 1;
    bool has_lost_dependencies : 1;
    bool is_marked : 1; /* while an operation collects tasks */
    uint16_t retries;
    uint16_t suspicious; /* how many workers died of it, perhaps */
    uint32_t erred_on;   /* the worker on which it has failed */
    uint32_t ndependencies;
    uint32_t ndependents;
    uint32_t nawaited;
    uint32_t nwaiters;
    uint32_t nreplicas;
    uint32_t ndesires;
    uint32_t queue_place;      /* in the heap of queued tasks */
    uint32_t mark;             /* while an operation counts something of it */
    uint32_t replicated_place; /* 1 + its index among those with several copies; 0: it has not */
    uint32_t recommendation;   /* 1 + its place on the stack; 0: none */
    struct sched_priority priority;
    struct sched_edge *dependencies;
    struct sched_edge *first_dependent;
    struct sched_edge *last_dependent;
    struct sched_replica *replicas;
    struct sched_desire *desires;
    struct sched_run *run; /* while it is processing or without a worker */
    struct sched_group *group;
    int64_t nbytes;            /* of the result; -1: unknown */
    struct wire_box *run_spec; /* NULL: pure data */
    struct wire_box *type;
    struct sched_failure *failure;
    struct sched_needs *needs;
};

/* A task that was given to a worker, or waits for one that could run it. */
struct sched_run {
    struct sched_task *task;
    struct sched_worker *worker; /* it is processing there; NULL: nowhere yet */
    struct sched_run *previous;  /* on that worker's list, or among those without a worker */
    struct sched_run *next;
    struct sched_worker *thief; /* the worker is being asked to give it up to this one */
    int64_t id;                 /* tells a report of this run from one of another */
    int64_t incoming_nbytes;    /* of dependencies that the worker has to fetch */
    int64_t since_us;
    uint32_t steal;       /* number of the open question to the worker; 0: none */
    bool is_long_running; /* seceded: takes no slot of its worker */
};

struct sched_prefix {
    uint32_t number;   /* of its name */
    double duration_s; /* average; negative: unknown */
    double max_exec_s; /* the longest that one of them was seen running */
    uint32_t nprocessing;
    uint64_t nentered[SCHED_NSTATES]; /* how often one of them became that, ever */
    uint64_t nsuspicious;             /* how often one was on a worker that died, ever */
    double compute_s;                 /* what they have taken, ever */
    double transfer_s;
    int64_t nbytes;        /* of their results that are there, copies left out */
    struct wire_box *type; /* of the last of their results, shared by all that are alike */
};

struct sched_group {
    uint32_t number; /* of its name */
    struct sched_prefix *prefix;
    uint32_t ntasks[SCHED_NSTATES];
    uint32_t size;              /* tasks that are not forgotten */
    uint32_t nwaited_for;       /* those whose result others wait for */
    struct vector dependencies; /* of struct sched_group *, itself included */
    uint32_t ndependents;       /* groups that list this one */
};

struct sched_prefix_count {
    struct sched_prefix *prefix;
    uint32_t count;
};

struct sched_worker {
    uint32_t id;
    enum sched_worker_status status;
    char *address;
    char *host;
    char *nanny; /* NULL: none */
    struct wire_box *name;
    struct wire_box *registration; /* as it was registered: for identity */
    struct wire_box *metrics;
    int32_t nthreads;
    int64_t memory_limit; /* 0: none */
    bool has_python;
    bool has_native;
    struct vector resources; /* of struct sched_resource: supply */
    struct vector used;      /* the same, in use */
    int64_t last_seen_us;
    struct sched_run *processing;
    uint32_t nprocessing;
    uint32_t nlong_running;
    uint32_t nactors;
    struct sched_replica *replicas;
    uint32_t nreplicas;
    int64_t nbytes;
    struct vector prefixes;  /* of struct sched_prefix_count: what is processing */
    int64_t incoming_nbytes; /* what its tasks need from elsewhere */
    double inflight_s;       /* work that is being stolen for it; negative: from it */
    int32_t ninflight;       /* tasks that are being stolen for it */
    uint32_t slots_place;    /* in the heap of those with open slots */
    uint32_t idle_place;     /* 1 + its index; 0: it is not idle */
    bool is_saturated;
    bool is_retiring;
    bool has_retired;    /* and it was said */
    uint64_t contest;    /* the last in which it held something that a task needs: */
    int64_t held_nbytes; /* so much */
    struct sched_worker *next_holder;
    int64_t asked_us;                /* when others were last asked to copy what it holds */
    int64_t promised_nbytes;         /* while copies are given out */
    int64_t spilled_nbytes;          /* of its results, on disk */
    int64_t unmanaged_nbytes;        /* the least that its process had besides, since */
    int64_t unmanaged_since_us;      /* this; 0: nothing was heard */
    int64_t unmanaged_before_nbytes; /* and in the time before */
};

struct sched_client {
    uint32_t id;
    char *name;
    struct sched_desire *desires;
    uint32_t ndesires;
    bool is_pseudo; /* nobody to send to */
    bool is_native;
    int64_t last_seen_us;
};

/* What a round of stealing has asked for, ever. */
struct sched_steals {
    uint64_t count;
    double cost_s; /* of computing the tasks, and moving what they need */
};

#define SCHED_NSTEAL_ROUNDS 4

struct sched_recommendation {
    struct sched_task *task; /* NULL: withdrawn */
    enum sched_state target;
};

struct sched {
    struct memory *memory;
    struct sched_options options;
    bool has_failed; /* out of memory in the middle of a step */
    int64_t now_us;  /* of the event at hand */
    const char *stimulus;
    struct sched_outbox *out;
    struct keys keys;
    struct vector tasks;   /* of struct sched_task *, by id */
    struct vector workers; /* of struct sched_worker *, by id; NULL: left */
    struct vector clients; /* of struct sched_client *, by id; NULL: left */
    struct keys addresses; /* of workers */
    struct keys client_names;
    struct keys group_names;
    struct keys prefix_names;
    struct vector groups;   /* of struct sched_group *, by number of their names */
    struct vector prefixes; /* of struct sched_prefix *, the same */
    struct vector recommendations;
    struct heap queued;           /* of tasks */
    struct heap open_slots;       /* of workers that take more root tasks */
    struct vector idle;           /* of struct sched_worker * */
    struct vector replicated;     /* of struct sched_task *: those with several copies */
    size_t next_replicated;       /* above the one of them that is looked at next */
    struct sched_run *unrunnable; /* in the state no-worker */
    uint32_t nworkers;
    uint32_t nretiring;
    uint32_t nable[SCHED_NLANGUAGES]; /* workers that can run tasks of each */
    bool was_able[SCHED_NLANGUAGES];  /* there was one, which may come back */
    uint32_t nrunning;
    int64_t unrunnable_us;       /* no task can have waited too long for a worker before */
    int64_t no_workers_since_us; /* tasks could run, and no worker does; INT64_MAX: it is not so */
    int64_t silent_us;           /* no worker can have been silent for too long before */
    int64_t total_nthreads;
    int64_t total_memory;
    uint64_t nassigned; /* how many tasks were ever given out */
    uint64_t ncontests; /* how often workers were ever compared for a task */
    int64_t next_run_id;
    double generation;
    bool has_graphs;
    int64_t last_graph_us;         /* when the generation began */
    int64_t total_incoming_nbytes; /* what all that is processing needs from elsewhere */
    double bandwidth;              /* bytes a second, between workers */
    double total_work_s;           /* what all that is processing is expected to take */
    uint32_t nworking;             /* tasks that count as work: processing, and not seceded */
    uint32_t fire_and_forget;      /* the pseudo-client */
    int64_t next_steal_us;
    int64_t next_manage_us; /* when copies that nobody needs are dropped */
    bool manages_memory;
    uint32_t last_steal;   /* number of the last question */
    uint32_t nsteals;      /* questions that are not answered yet */
    struct vector scratch; /* of char: a key while it is looked up */
    uint64_t ntransitions;
    struct {
        uint64_t clients_added, clients_removed, workers_added, workers_removed;
        struct sched_steals steals[SCHED_NSTEAL_ROUNDS];
    } ever;
};

static inline struct sched_task *sched_task_at(const struct sched *sched, uint32_t id)
{
    return ((struct sched_task **)sched->tasks.data)[id];
}

static inline struct sched_task *sched_dependent(const struct sched *sched,
                                                 const struct sched_edge *edge)
{
    return sched_task_at(sched, edge->dependent);
}

static inline struct sched_worker *sched_worker_at(const struct sched *sched, uint32_t id)
{
    return id < sched->workers.count ? ((struct sched_worker **)sched->workers.data)[id] : NULL;
}

static inline struct sched_client *sched_client_at(const struct sched *sched, uint32_t id)
{
    return id < sched->clients.count ? ((struct sched_client **)sched->clients.data)[id] : NULL;
}

static inline struct wire_bytes sched_key(const struct sched *sched, const struct sched_task *task)
{
    return keys_packed(&sched->keys, task->id);
}

#endif
