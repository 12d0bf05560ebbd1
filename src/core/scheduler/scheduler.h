/* The scheduler as a state machine: events in, messages out, no clock and no socket.
 *
 * It knows which tasks there are, who waits for whom, who holds which result and who wants it, and
 * decides where each task runs. Payloads pass through as boxes that are never opened.
 *
 * Thread: one at a time. Nothing here blocks. What it does depends on the events alone, in their
 * order: the same events give the same messages.
 * Source: distributed.scheduler.
 */
#ifndef CORE_SCHEDULER_SCHEDULER_H
#define CORE_SCHEDULER_SCHEDULER_H

#include "core/scheduler/event.h"
#include "core/scheduler/outbox.h"

enum sched_state {
    SCHED_RELEASED,   /* known, nobody needs it now */
    SCHED_WAITING,    /* for the results of others */
    SCHED_NO_WORKER,  /* could run, but no worker may run it */
    SCHED_QUEUED,     /* could run, but every worker has enough root tasks */
    SCHED_PROCESSING, /* given to a worker */
    SCHED_MEMORY,     /* done: its result is held by workers */
    SCHED_ERRED,
    SCHED_FORGOTTEN,
    SCHED_NSTATES
};

/* Dask's name of a state ("no-worker"). */
const char *sched_state_name(enum sched_state state);

/* Zeroes are the defaults, which are Dask's. */
struct sched_options {
    uint32_t allowed_failures;     /* workers a task may lose before it is given up; 0: 3, */
    bool gives_up_at_once;         /* unless it is meant */
    double saturation;             /* root tasks for each thread of a worker; 0: 1.1 */
    double unknown_duration_s;     /* of a task nothing is known about; 0: 0.5 */
    int64_t worker_ttl_us;         /* silence after which a worker is lost; 0: 5 min */
    int64_t steal_interval_us;     /* 0: 1 s */
    int64_t no_workers_timeout_us; /* tasks without a worker fail after it; 0: never */
    int64_t manage_interval_us;    /* of the active memory manager; 0: 2 s */
    double epoch_s; /* of the time 0 of events, since 1970: for those who are told of times */
    bool no_stealing;
    bool no_memory_manager; /* until it is started */
};

struct sched;

/* NULL when out of memory.   Ownership: the caller frees it with sched_free(). */
struct sched *sched_new(struct memory *memory, const struct sched_options *options) DK_NODISCARD;
void sched_free(struct sched *sched);

/* Takes in one event, and puts what has to be sent into `out`, which is only added to.
 *
 * Errors: DK_EINVAL (a worker or client that is refused; `err` says why; nothing has changed),
 * DK_ENOMEM: `out` is empty, and from then on each step fails, for messages are missing; the
 * process should say so and end. */
dk_status sched_step(struct sched *sched, const struct sched_event *event, struct sched_outbox *out,
                     dk_error *err) DK_NODISCARD;

/* When it wants a SCHED_TICK, in the time of events; INT64_MAX: not without another event. */
int64_t sched_deadline_us(const struct sched *sched);

/* SCHED_NOBODY, or NULL, when there is none. */
uint32_t sched_find_worker(const struct sched *sched, const char *address);
uint32_t sched_find_worker_by_name(const struct sched *sched, struct wire_value name);
/* Whether this is the worker's name, its address or its host. */
bool sched_worker_is_called(const struct sched *sched, uint32_t worker, struct wire_value name);
uint32_t sched_find_client(const struct sched *sched, const char *name);
const char *sched_worker_address(const struct sched *sched, uint32_t worker);
/* As it was given.   Ownership: borrowed from the worker. */
struct wire_value sched_worker_name(const struct sched *sched, uint32_t worker);
/* NULL when it has none. */
const char *sched_worker_nanny(const struct sched *sched, uint32_t worker);
bool sched_is_running(const struct sched *sched, uint32_t worker);
const char *sched_worker_host(const struct sched *sched, uint32_t worker);
const char *sched_client_name(const struct sched *sched, uint32_t client);
uint32_t sched_nworkers(const struct sched *sched);
/* Workers are below this; some may have left. */
uint32_t sched_worker_limit(const struct sched *sched);

/* The state of a task; SCHED_FORGOTTEN when there is none with this key. */
enum sched_state sched_task_state(const struct sched *sched, struct wire_bytes key);
size_t sched_ntasks(const struct sched *sched);
uint64_t sched_ntransitions(const struct sched *sched);
/* Whether copies that nobody needs are dropped from time to time. */
bool sched_manages_memory(const struct sched *sched);

/* Checks every invariant there is, in time proportional to the state; false: `err` names the task
 * or worker, and what is wrong with it. For tests and a debugging mode. */
bool sched_validate(const struct sched *sched, dk_error *err);

#endif
