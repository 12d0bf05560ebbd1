/* All that can happen to a worker, as its core sees it.
 *
 * Keys and addresses come as they are on the wire (canonical bytes, see core/keys.h; text), and are
 * borrowed for the step; whatever the core has named in an instruction comes back by its number.
 *
 * Source: distributed.worker_state_machine (StateMachineEvent and its subclasses).
 */
#ifndef CORE_WORKER_EVENT_H
#define CORE_WORKER_EVENT_H

#include "core/keys.h"
#include "wire/box.h"

struct wkr_task_id {
    uint32_t number;
};

struct wkr_peer_id {
    uint32_t number;
};

enum wkr_event_kind {
    /* The scheduler's wishes. */
    WKR_COMPUTE_TASK,
    WKR_FREE_KEYS,        /* keys: nobody needs them */
    WKR_REMOVE_REPLICAS,  /* keys: other workers have them, too */
    WKR_ACQUIRE_REPLICAS, /* replicas: get copies */
    WKR_REFRESH_WHO_HAS,  /* replicas: who has them now */
    WKR_STEAL_REQUEST,    /* key */
    WKR_CANCEL_COMPUTE,   /* key */
    WKR_REMOVE_WORKER,    /* address: that worker has left */
    /* What somebody scattered. */
    WKR_UPDATE_DATA,
    /* What became of an instruction to execute. */
    WKR_EXECUTE_SUCCEEDED,
    WKR_EXECUTE_FAILED,
    WKR_EXECUTE_RESCHEDULED,
    WKR_SECEDED, /* still runs, but gives up its thread's slot */
    /* What became of an instruction to gather. */
    WKR_GATHER_SUCCEEDED,
    WKR_GATHER_BUSY,
    WKR_GATHER_NETWORK_FAILED,
    WKR_GATHER_FAILED, /* it cannot be read */
    /* The worker's own affairs. */
    WKR_PAUSE,
    WKR_UNPAUSE,
    WKR_DEADLINE /* the time that wkr_deadline() gave has come */
};

/* Smaller goes first: what the user says, the age of the graph, the place in it. */
struct wkr_priority {
    int64_t user;
    double generation;
    int64_t order;
    int64_t arrival; /* the core's own: of equals the latest goes first */
};

/* A key and the workers that are said to have it. */
struct wkr_replicas {
    struct wire_bytes key;
    const struct wire_bytes *addresses;
    size_t naddresses;
    int64_t nbytes;
};

/* An amount of one of the worker's resources. */
struct wkr_resource {
    struct wire_bytes name;
    double amount;
};

struct wkr_compute_task {
    struct wire_bytes key;
    int64_t run_id;
    struct wkr_priority priority;
    const struct wkr_replicas *dependencies;
    size_t ndependencies;
    const struct wkr_resource *resources; /* that it needs */
    size_t nresources;
    struct wire_box *run_spec; /* one more reference is taken */
    bool is_actor;
};

struct wkr_keys {
    const struct wire_bytes *list;
    size_t count;
};

struct wkr_replicas_list {
    const struct wkr_replicas *list;
    size_t count;
};

struct wkr_scattered {
    struct wire_bytes key;
    int64_t nbytes;
};

struct wkr_scattered_list {
    const struct wkr_scattered *list;
    size_t count;
};

/* Times are seconds since the epoch, as they go out. */
struct wkr_executed {
    struct wkr_task_id task;
    int64_t run_id; /* of the instruction */
    int64_t nbytes;
    double start;
    double stop;
    uint64_t thread;
    struct wire_box *error; /* of a failure: opaque; one more reference is taken */
};

struct wkr_seceded {
    struct wkr_task_id task;
    double compute_duration;
};

struct wkr_gathered_task {
    struct wkr_task_id task;
    int64_t nbytes;
};

struct wkr_gathered {
    struct wkr_peer_id peer;
    const struct wkr_gathered_task *tasks; /* that came; the others did not */
    size_t ntasks;
    struct wire_box *error; /* of WKR_GATHER_FAILED */
};

struct wkr_event {
    enum wkr_event_kind kind;
    int64_t now_us; /* the only clock; never goes back */
    union {
        struct wkr_compute_task compute;
        struct wkr_keys keys;
        struct wkr_replicas_list replicas;
        struct wire_bytes key;
        struct wire_bytes address;
        struct wkr_scattered_list scattered;
        struct wkr_executed executed;
        struct wkr_seceded seceded;
        struct wkr_gathered gathered;
    } as;
};

#endif
