/* The worker's core: which task to run, which data to get from whom, what to tell the scheduler.
 *
 * A pure state machine: one event goes in with the time, instructions come out. There is no socket,
 * clock, thread, file or chance in it.   Thread: one at a time.
 *
 * Source: distributed.worker_state_machine.WorkerState. Departures: tasks are chosen to run once
 * all consequences of an event are known, the best first; busy peers and missing data are asked for
 * again at a deadline instead of by timers; data scattered onto a task that is running or coming is
 * ignored; and when a dependency cannot be read, those who wait for it fail as well.
 */
#ifndef CORE_WORKER_WORKER_H
#define CORE_WORKER_WORKER_H

#include "core/worker/event.h"
#include "core/worker/instruction.h"

#define WKR_BUSY_RETRY_US   ((int64_t)150 * 1000)
#define WKR_FIND_MISSING_US ((int64_t)1000 * 1000)
/* What is counted for data of unknown size. */
#define WKR_UNKNOWN_NBYTES 1024

struct wkr;

/* Limits that are 0 stand for Dask's defaults: 10 gathers at a time beyond 10 MB on their way, 50
 * MB in one gather, 300 MB on their way. One task is always fetched, whatever its size. */
struct wkr_options {
    struct wire_bytes address; /* this worker's: tcp://HOST:PORT */
    uint32_t nthreads;
    uint32_t ahead_max; /* short tasks that are given to each thread beside the one it runs */
    const struct wkr_resource *resources;
    size_t nresources;
    uint32_t gathers_max;
    int64_t message_nbytes_max;
    int64_t incoming_nbytes_max;
};

/* What heartbeats and tests tell of a worker. */
struct wkr_counts {
    uint32_t tasks[WKR_NSTATES];
    uint32_t executing; /* cancelled ones, too, as long as they run */
    uint32_t long_running;
    uint32_t in_flight;
    uint32_t gathers;
    uint64_t executed; /* ever */
    uint64_t gathered; /* gathers, ever */
    int64_t incoming_nbytes;
    int64_t nbytes;
};

/* A worker that is running and knows nothing. Copies what it is given.   Errors: DK_ENOMEM. */
dk_status wkr_new(struct memory *memory, const struct wkr_options *options,
                  struct wkr **out) DK_NODISCARD;
void wkr_free(struct wkr *worker);

/* Handles one event and appends to `out` what is to be done.
 *
 * Errors: DK_EINVAL (the event contradicts what is known: `err` names the task, or it needs a
 * resource that the worker does not have, and then nothing has changed), DK_ENOMEM. After the
 * others the worker is broken: it can be asked and freed, every further step fails. */
dk_status wkr_step(struct wkr *worker, const struct wkr_event *event, struct wkr_instructions *out,
                   dk_error *err) DK_NODISCARD;

/* When WKR_DEADLINE is due; INT64_MAX: never. */
int64_t wkr_deadline(const struct wkr *worker);

/* The task with the key; false when there is none. */
bool wkr_find(const struct wkr *worker, struct wire_bytes key, struct wkr_task_id *out);
enum wkr_state wkr_task_state(const struct wkr *worker, struct wkr_task_id task);
/* Borrowed until the step after the one that forgets the task. */
struct wire_bytes wkr_task_key(const struct wkr *worker, struct wkr_task_id task);
/* Borrowed like it; NULL when nobody has asked for the task to be computed. */
struct wire_box *wkr_task_run_spec(const struct wkr *worker, struct wkr_task_id task);
bool wkr_task_is_actor(const struct wkr *worker, struct wkr_task_id task);
/* Whether there are tasks here that depend on it. */
bool wkr_task_is_needed(const struct wkr *worker, struct wkr_task_id task);
/* The number of the task's dependencies, and each. */
size_t wkr_task_ndependencies(const struct wkr *worker, struct wkr_task_id task);
void wkr_task_dependencies(const struct wkr *worker, struct wkr_task_id task,
                           struct wkr_task_id *out);
/* Borrowed until the step after the answer to its gather. */
struct wire_bytes wkr_peer_address(const struct wkr *worker, struct wkr_peer_id peer);
struct wkr_counts wkr_counts(const struct wkr *worker);

/* Looks whether all that must be true of the state is. For tests: walks through everything.
 * Errors: DK_EINVAL; `err` says what is wrong with which task. */
dk_status wkr_validate(const struct wkr *worker, dk_error *err) DK_NODISCARD;

#endif
