/* What the core knows: tasks, peers, and who has what. Changed by wkr_step() alone.
 *
 * Source: distributed.worker_state_machine (TaskState, WorkerState). Sets are lists in the order in
 * which things were added, so that equal events give equal decisions.
 */
#ifndef CORE_WORKER_STATE_H
#define CORE_WORKER_STATE_H

#include "core/heap.h"
#include "core/list.h"
#include "core/worker/worker.h"

/* What the glue is doing for a task at the moment, wanted or not. */
enum wkr_activity {
    WKR_IDLE,
    WKR_RUNS,
    WKR_RUNS_ASIDE, /* has seceded */
    WKR_COMES       /* from a peer */
};

/* An amount of total_resources[resource]. */
struct wkr_need {
    uint32_t resource;
    double amount;
};

struct wkr_task {
    struct wkr_task_id id;
    enum wkr_state state;
    enum wkr_state previous; /* executing, long-running or flight when cancelled or resumed */
    enum wkr_state next;     /* fetch or waiting when resumed; both WKR_RELEASED else */
    enum wkr_activity activity;
    bool is_done; /* what was going on for it has just ended */
    bool is_actor;
    bool has_priority;
    struct wkr_priority priority;
    int64_t run_id;         /* -1: never asked to compute it */
    int64_t nbytes;         /* -1: not known */
    int64_t brought_nbytes; /* of the value that this event brings */
    struct wire_box *run_spec;
    struct wire_box *error;
    struct wkr_need *needs;
    uint32_t nneeds;
    uint32_t nawaited;       /* dependencies whose data is awaited */
    uint32_t nwaiters;       /* dependents that wait, or waited until they ran */
    uint32_t recommendation; /* its place among those, plus 1; 0: none */
    uint32_t mark;           /* to find doubles */
    uint64_t thread;
    double start; /* of its last run; 0 and 0: none */
    double stop;
    struct wkr_peer *coming_from;
    struct list dependencies; /* of struct wkr_edge, by in_user */
    struct list dependents;   /* of struct wkr_edge, by in_dependency */
    struct list replicas;     /* of struct wkr_replica, by in_task */
    struct list in_state;     /* among those of its state */
    uint32_t queued;          /* its place in ready or constrained */
    uint64_t serial;          /* of equals the one that was known first goes first */
};

struct wkr_edge {
    struct wkr_task *user;
    struct wkr_task *dependency;
    bool is_awaited; /* the user has not got its data yet */
    bool is_waiter;  /* counted in the dependency's nwaiters */
    struct list in_user;
    struct list in_dependency;
};

struct wkr_peer {
    struct wkr_peer_id id;
    bool is_local;   /* on this worker's host */
    bool is_busy;    /* until retry_us */
    bool is_awaited; /* an answer of it is */
    int64_t retry_us;
    uint64_t order;          /* among equals */
    struct vector in_flight; /* of struct wkr_task_id, what is expected */
    int64_t in_flight_nbytes;
    struct list replicas;  /* of struct wkr_replica, by in_peer */
    struct heap needed;    /* of struct wkr_replica whose task is to be fetched */
    struct list in_needed; /* among the peers that are needed */
};

/* A peer that is said to have a task's data. */
struct wkr_replica {
    struct wkr_task *task;
    struct wkr_peer *peer;
    struct list in_task;
    struct list in_peer;
    uint32_t needed; /* its place in the peer's needed */
};

/* A task, and the state it should go to. */
struct wkr_recommendation {
    struct wkr_task *task;
    enum wkr_state target;
    int64_t run_id;
};

struct wkr_supply {
    char *name;
    size_t nbytes;
    double total;
    double available;
};

struct wkr {
    struct memory *memory;
    struct wkr_options options;
    char *address;
    size_t address_nbytes;
    bool is_running; /* not paused */
    bool is_broken;
    struct wkr_supply *resources;
    struct keys keys;                  /* of tasks */
    struct vector tasks;               /* of struct wkr_task *, by number; NULL: none */
    struct keys addresses;             /* of peers */
    struct vector peers;               /* of struct wkr_peer *, by number; NULL: none */
    struct list in_state[WKR_NSTATES]; /* forgotten ones stay until the next step */
    uint32_t count[WKR_NSTATES];
    struct heap ready;
    struct heap constrained;
    struct list needed; /* of struct wkr_peer, by in_needed */
    uint32_t nbusy;
    uint32_t nexecuting;
    uint32_t nlong_running;
    uint32_t nin_flight; /* tasks */
    uint32_t ngathers;   /* peers whose answer is awaited */
    int64_t incoming_nbytes;
    int64_t nbytes;          /* of all values */
    int64_t arrivals;        /* counts down */
    int64_t find_missing_us; /* when to ask again for those missing; INT64_MAX: there are none */
    uint64_t nexecuted;
    double run_s; /* how long runs take; 0: none is known */
    uint64_t ngathered;
    uint32_t mark;
    uint64_t nserials;
    struct vector recommendations; /* of struct recommendation; the newest is the last */
};

/* One step on its way. */
struct wkr_work {
    struct wkr *worker;
    const struct wkr_event *event;
    struct wkr_instructions *out;
    dk_error *err;
};

/* Negative, 0 or positive, as strcmp(). */
int wkr_compare_priority(const struct wkr_task *a, const struct wkr_task *b);

/* ---- relations.c: tasks, peers and what links them ---- */

/* The two kinds of queues: of tasks, and of replicas. */
void wkr_init_tasks(struct heap *heap, struct memory *memory);
void wkr_init_replicas(struct heap *heap, struct memory *memory);
/* Takes the task from its queue, if it is in one. */
void wkr_unqueue(struct wkr *worker, struct wkr_task *task);

/* NULL when there is none, or it is forgotten. */
struct wkr_task *wkr_find_task(const struct wkr *worker, struct wire_bytes key);
/* Finds or makes it.   Errors: DK_ENOMEM. */
dk_status wkr_ensure_task(struct wkr *worker, struct wire_bytes key,
                          struct wkr_task **out) DK_NODISCARD;
void wkr_free_task(struct wkr *worker, struct wkr_task *task);
void wkr_set_state(struct wkr *worker, struct wkr_task *task, enum wkr_state state);
void wkr_set_activity(struct wkr *worker, struct wkr_task *task, enum wkr_activity activity);

struct wkr_peer *wkr_find_peer(const struct wkr *worker, struct wire_bytes address);
dk_status wkr_ensure_peer(struct wkr *worker, struct wire_bytes address,
                          struct wkr_peer **out) DK_NODISCARD;
void wkr_free_peer(struct wkr *worker, struct wkr_peer *peer);
/* Frees it when nothing more is known of it, nor expected. */
void wkr_forget_idle_peer(struct wkr *worker, struct wkr_peer *peer);

dk_status wkr_add_edge(struct wkr *worker, struct wkr_task *user,
                       struct wkr_task *dependency) DK_NODISCARD;
void wkr_remove_edge(struct wkr *worker, struct wkr_edge *edge);
/* `user` neither waits for the dependency's data any more, nor counts as its waiter. */
void wkr_stop_waiting(struct wkr_edge *edge);

/* Makes the task's replicas those at `addresses`, without this worker's own. */
dk_status wkr_update_replicas(struct wkr *worker, struct wkr_task *task,
                              const struct wkr_replicas *whereabouts) DK_NODISCARD;
void wkr_remove_replica(struct wkr *worker, struct wkr_replica *replica);
/* Puts it among what its peer is needed for, or takes it out. */
dk_status wkr_need_replica(struct wkr *worker, struct wkr_replica *replica) DK_NODISCARD;
void wkr_unneed_replica(struct wkr_replica *replica);

/* ---- transitions.c ---- */

/* The newest recommendation for a task is the one that counts.   Errors: DK_ENOMEM. */
dk_status wkr_recommend(struct wkr_work *step, struct wkr_task *task,
                        enum wkr_state target) DK_NODISCARD;
dk_status wkr_recommend_run(struct wkr_work *step, struct wkr_task *task, enum wkr_state target,
                            int64_t run_id) DK_NODISCARD;
/* Follows the recommendations, newest first, until there are none.
 * Errors: DK_EINVAL (there is no way), DK_ENOMEM. */
dk_status wkr_follow_recommendations(struct wkr_work *step) DK_NODISCARD;
/* The data of a task that is to be fetched are nowhere. */
void wkr_miss(struct wkr_work *step, struct wkr_task *task);
/* Takes a task from ready or constrained that execute.c has chosen. */
dk_status wkr_begin_executing(struct wkr_work *step, struct wkr_task *task) DK_NODISCARD;

/* A new instruction about `task` (NULL: none).   NULL when out of memory. */
struct wkr_instruction *wkr_instruct(struct wkr_work *step, enum wkr_instruction_kind kind,
                                     const struct wkr_task *task) DK_NODISCARD;
dk_status wkr_instruct_finished(struct wkr_work *step, const struct wkr_task *task,
                                int64_t run_id) DK_NODISCARD;

/* ---- gather.c, execute.c: what to do next ---- */

dk_status wkr_gather_more(struct wkr_work *step) DK_NODISCARD;
dk_status wkr_execute_more(struct wkr_work *step) DK_NODISCARD;
void wkr_release_resources(struct wkr *worker, const struct wkr_task *task);
/* Learns how long runs take. */
void wkr_note_run(struct wkr *worker, const struct wkr_executed *run);
/* How many tasks may be given out to run. */
uint32_t wkr_nruns_max(const struct wkr *worker);

/* ---- events.c ---- */

dk_status wkr_handle_event(struct wkr_work *step) DK_NODISCARD;

#endif
