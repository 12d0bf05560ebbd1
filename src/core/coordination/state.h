/* What is coordinated: things by name, and who waits at them.
 *
 * Only the files of this folder change it; others look through coordination.h. */
#ifndef CORE_COORDINATION_STATE_H
#define CORE_COORDINATION_STATE_H

#include "core/coordination/coordination.h"
#include "core/coordination/table.h"
#include "core/coordination/waiting.h"

/* ---- variables.c: the last value that was set, or a result ---- */

struct coord_token { /* a client was told of a result, and has not said yet that it holds it */
    uint64_t number;
    uint32_t client;
};

struct coord_variable_hold {
    struct coord_thing thing; /* by the key of the result */
    struct vector tokens;     /* of struct coord_token */
};

struct coord_variable {
    struct coord_thing thing;
    struct coord_place place; /* those who get, while it is not set */
    bool is_set;
    bool has_held;
    struct wire_box *data;
    struct coord_variable_hold *hold; /* what it is set to; NULL: `data` */
    struct coord_table holds;
};

/* ---- queues.c ---- */

struct coord_queue_hold {
    struct coord_thing thing; /* by the key of the result */
    uint32_t nqueued;         /* records of it in the queue, */
    uint32_t ngiven;          /* and on their way to clients that do not hold it yet */
};

struct coord_record {
    struct list link;
    struct wire_box *data;
    struct coord_queue_hold *hold; /* NULL: `data` */
};

struct coord_queue {
    struct coord_thing thing;
    struct coord_place getters;
    struct coord_place putters;
    struct list records;
    uint32_t nrecords;
    uint32_t nopen;  /* how often it was opened and not closed; 0: only `holds` are left */
    int64_t maxsize; /* 0: none */
    bool has_held;
    struct coord_table holds;
};

/* ---- semaphores.c: Semaphore, and Lock, which is one of a single lease ---- */

struct coord_lease {
    struct coord_thing thing; /* by its id */
    struct coord_timer timer;
    struct coord_semaphore *semaphore;
};

struct coord_semaphore {
    struct coord_thing thing;
    struct coord_place place;
    struct coord_table *table; /* it is in */
    struct coord_table leases;
    int64_t max_leases;
    double lease_timeout_s; /* 0: leases do not end by themselves */
    double waited_s;        /* for a lease, on average; half of it is the last one's */
    uint64_t ngiven;        /* leases, ever */
    uint64_t nended;
    bool is_registered; /* else it goes when nobody needs it: a Lock of 2022, or one closed */
};

/* ---- multi_locks.c ---- */

/* One user's place in the row of those who want one lock; who is first has it. */
struct coord_claim {
    struct list of_user;
    struct list of_lock;
    struct coord_user *user;
    struct coord_multi_lock *lock;
};

struct coord_user {
    struct coord_thing thing; /* by its id */
    struct coord_place place; /* it waits for itself */
    struct list claims;
    int64_t nmissing; /* locks that it still needs */
};

struct coord_multi_lock {
    struct coord_thing thing;
    struct list claims;
    size_t nclaims;
};

/* ---- flags.c: Event ---- */

struct coord_flag {
    struct coord_thing thing;
    struct coord_place place;
    bool is_set;
};

/* ---- datasets.c ---- */

struct coord_dataset {
    struct coord_thing thing;
    struct wire_box *data;
    struct wire_box *keys; /* array; nil: none */
};

/* A client's word that all it had said on its stream before has come. */
struct coord_flush {
    struct coord_thing thing; /* by its uid */
    struct coord_place place;
    uint32_t client;
    bool has_come;
};

/* ---- metadata.c ---- */

struct coord_metadata {
    struct coord_thing thing;
    struct wire_box *value;       /* NULL: it is a map, of */
    struct coord_table *children; /* of struct coord_metadata */
    bool is_of_task;              /* goes with the task of that name; at the top only */
};

/* ---- task_metadata.c ---- */

struct coord_collection {
    struct coord_thing thing;
    struct coord_table known; /* of struct coord_thing: the tasks that were there before */
    struct coord_table tasks; /* those that have ended since */
};

/* ---- topics.c ---- */

struct coord_topic {
    struct coord_thing thing;
    struct vector events; /* of struct wire_box *: a ring once it is full */
    size_t oldest;
    struct vector subscribers; /* of uint32_t: clients */
};

struct coord {
    struct memory *memory;
    const struct sched *sched;
    bool has_failed; /* out of memory in this step */
    int64_t now_us;  /* of the event at hand */
    double wall_s;
    struct coord_instructions *out;
    struct vector name_scratch; /* of char: the name and the key in the message at hand */
    struct vector key_scratch;
    struct heap timers;
    struct list woken;   /* of struct coord_place */
    struct list waiting; /* of struct coord_ask, by of_all */
    size_t nwaiting;
    uint64_t next_token;
    struct coord_place
        unknown_tasks; /* those who bring keys that the scheduler does not know yet */
    struct coord_table variables;
    struct coord_table queues;
    struct coord_table semaphores;
    struct coord_table locks; /* of struct coord_semaphore: of 2022 */
    struct coord_table users;
    struct coord_table multi_locks;
    struct coord_table flags;
    struct coord_table datasets;
    struct coord_table flushes;
    struct coord_metadata metadata; /* the root */
    size_t ntasks_described;        /* entries of its that are of tasks */
    size_t sweep_at;                /* so many of them: time to look which tasks are forgotten */
    struct coord_table collections;
    struct coord_table topics;
};

#endif
