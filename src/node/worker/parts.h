/* The inside of a worker's node, for the files of this folder. All of it is the loop's thread's,
 * but for what jobs do in the executor's. */
#ifndef NODE_WORKER_PARTS_H
#define NODE_WORKER_PARTS_H

#include "core/worker/worker.h"
#include "graph/context.h"
#include "graph/task.h"
#include "node/logs.h"
#include "node/machine.h"
#include "node/pool.h"
#include "node/server.h"
#include "node/stream.h"
#include "node/worker/bandwidth.h"
#include "node/worker/executor.h"
#include "node/worker/spill_counts.h"
#include "node/worker/spill_folder.h"
#include "node/worker/spilled.h"
#include "node/worker/store.h"
#include "node/worker/worker_node.h"
#include "payload/value.h"

enum worker_status {
    WORKER_INIT, /* not registered */
    WORKER_RUNNING,
    WORKER_PAUSED,
    WORKER_CLOSING_GRACEFULLY, /* its results are being moved to others */
    WORKER_CLOSING
};

struct worker_node {
    struct worker_node_options options;
    struct logs logs;
    struct wkr_resource *resources; /* those of the options, and what cdask's workers have */
    size_t nresources;
    struct memory *memory;
    uv_loop_t *loop;
    enum worker_status status;
    char id[48];
    char address[ADDRESS_TEXT_MAX]; /* others' for us */
    char name[ADDRESS_TEXT_MAX];
    char machine[MACHINE_NAME_MAX];
    bool cannot_map; /* what peers share */
    uint32_t epoch;  /* what was begun for a scheduler that was lost means nothing to the next */
    uint64_t started_ms;
    struct frame_limits limits;

    struct server *server;
    struct http_server *dashboard; /* NULL: none */
    struct pool *pool;
    struct executor *executor;
    uint32_t nopen; /* parts and handles; the last one takes the node with it */

    /* The scheduler: link.c */
    struct comm *link; /* until it is registered */
    struct stream stream;
    bool has_stream;
    int64_t sought_since_us;
    uv_timer_t seek;      /* the next attempt */
    uv_timer_t heartbeat; /* the next one */
    uv_timer_t keep_alive;
    uint64_t heartbeat_ms;
    bool is_heartbeat_open; /* not answered yet */

    /* The core: handle.c */
    struct wkr *core;
    struct wkr_instructions instructions;
    struct store store;
    struct vector failed_gathers; /* of struct wkr_peer_id: those that could not even begin */
    uv_timer_t deadline;
    uint64_t nstimuli;

    bool has_asked_to_join;    /* link.c: the next answer is about that */
    struct wire_box *versions; /* of Python's packages, as the scheduler has them; NULL: unknown */

    struct list replications; /* replicate.c: those that are not answered yet */
    struct list runs;         /* compute.c: tasks that run */

    /* Memory: spill.c */
    uv_timer_t monitor;
    int64_t process_nbytes; /* of the whole process, as last seen */
    int64_t spilling_nbytes;
    uint32_t nspills;  /* under way */
    uint64_t nspilled; /* ever begun */
    struct spill_folder spill_folder;
    struct spill_counts spill_counts;
    struct wire_box *plugins; /* a map of those that joining takes, no task comes before; NULL */
    uint32_t nset_up;         /* so many of them have been begun */
    bool is_setting_up;       /* one of them just now */
    bool has_python;          /* it can run Python's callables */
    int64_t stuck_since_ms;   /* full, without anything that could change it; 0: it is not */
    bool refuses;             /* it has been so for too long: tasks fail instead of waiting */
    char spill_failure[512];  /* why the last result could not be written */

    struct bandwidth bandwidth; /* of what peers send: gather.c */

    /* What peers get: serve.c */
    uint32_t noutgoing;
    uint64_t noutgoing_ever;
    int64_t outgoing_nbytes;
    int64_t outgoing_nbytes_ever;

    /* The end: worker_node.c */
    uv_timer_t lifetime;
    uv_timer_t patience; /* until our tasks have ended */
    uv_timer_t hold;     /* of foreign tasks, before they are given back; then of the pause */
    bool is_away;        /* paused for their sake */
    struct list foreign; /* of struct foreign */
    bool has_told_foreign;
    volatile int cancel; /* tasks that run are asked to stop */
    bool is_retiring;
    bool is_orphan; /* nobody waits for its tasks */
    const char *retire_reason;
    dk_error why;
};

struct wire_builder;

/* What an event brings for a task. */
struct brought {
    struct wkr_task_id task;
    struct wire_bytes key; /* of a scattered task, whose number is not known before; else empty */
    struct content content;
};

/* ---- handle.c ---- */

void worker_init_core(struct worker_node *node);
dk_status worker_open_core(struct worker_node *node, dk_error *err) DK_NODISCARD;
/* Back to as it was initialised. */
void worker_close_core(struct worker_node *node);
/* Lets the core handle the event and does what it says. *Takes* what is brought. */
void worker_handle(struct worker_node *node, struct wkr_event *event, struct wire_bytes stimulus,
                   struct brought *brought, size_t nbrought);
/* The same for an event of the node's own: "NAME-17" is its stimulus. */
void worker_happen(struct worker_node *node, struct wkr_event *event, const char *name,
                   struct brought *brought, size_t nbrought);
/* A message of the scheduler's stream. */
void worker_receive(struct worker_node *node, const struct wire_value *message);
/* Writes "NAME-17" for the next 17. */
struct wire_bytes worker_stimulus(struct worker_node *node, const char *name, char out[64]);

/* ---- compute.c ---- */

dk_status worker_execute(struct worker_node *node,
                         const struct wkr_instruction *instruction) DK_NODISCARD;
/* {key: seconds} of tasks that run. */
struct wire_value worker_running(struct worker_node *node, struct wire_builder *builder);
/* The error map of a failure, for whoever waits for the task. NULL when out of memory. */
struct wire_box *worker_error(struct worker_node *node, const dk_error *why) DK_NODISCARD;

/* ---- gather.c ---- */

dk_status worker_gather(struct worker_node *node,
                        const struct wkr_instruction *instruction) DK_NODISCARD;
/* The content of what a message says: ours becomes a value where it lies, all else is kept in a
 * box; `owner`, if there is one, keeps what is large. Errors: DK_EPARSE, DK_ENOMEM. */
dk_status worker_read_content(struct worker_node *node, const struct wire_value *from,
                              const struct payload_owner *owner, struct content *out,
                              dk_error *err) DK_NODISCARD;

/* ---- serve.c ---- */

dk_status worker_serve(struct worker_node *node, dk_error *err) DK_NODISCARD;

/* ---- run.c ---- */

struct request;
void worker_run_native(void *self, struct request *request);
void worker_preload_native(void *self, struct request *request);

/* ---- replicate.c ---- */

void worker_gather_copies(void *self, struct request *request);
/* Answers those that have come to an end; and all of them, at an end of the worker's own. */
void worker_check_replications(struct worker_node *node);
void worker_end_replications(struct worker_node *node);

/* ---- foreign.c ---- */

/* A task that this worker cannot run, for lack of Python. */
struct foreign {
    struct list link;
    void (*decide)(struct foreign *foreign, bool others_can); /* the last call */
};

/* Finds out whether others can run it, and says so. */
void worker_hold_foreign(struct worker_node *node, struct foreign *foreign);
/* No longer, since the worker closes. */
void worker_drop_foreign(struct worker_node *node);

/* ---- run_aside.c ---- */

/* Calls what the request has brought in a thread, and answers it later. False: there is nobody here
 * who can. */
bool worker_run_aside(struct worker_node *node, struct request *request);
/* The same for a plug-in that is to come or to go. */
bool worker_change_plugin(struct worker_node *node, struct request *request);
/* Sets up those that the scheduler names, a map, one after another, and then begins with tasks.
 * False: there is nothing to be set up. */
bool worker_set_up_plugins(struct worker_node *node, const struct wire_value *plugins);

/* ---- spill.c ---- */

/* Spills and pauses as far as it is needed. */
void worker_watch_memory(struct worker_node *node);
/* By the ledger, no task may begin.   Thread: any. */
bool worker_is_full(const struct worker_node *node);
/* `nbytes` more would not fill it.   Thread: any. */
bool worker_has_room(const struct worker_node *node, int64_t nbytes);
/* DK_ENOMEM, with how full it is and why nothing helps. */
dk_status worker_refuse_full(const struct worker_node *node, dk_error *err) DK_NODISCARD;
/* As spilled_new(), and counts it.   Thread: any. */
dk_status worker_write_spilled(struct worker_node *node, uint64_t number,
                               const struct wire_value *value, struct spilled **out,
                               dk_error *err) DK_NODISCARD;
/* As spilled_read(), and counts it.   Thread: any. */
dk_status worker_read_spilled(struct worker_node *node, const struct spilled *spilled,
                              struct held **out, dk_error *err) DK_NODISCARD;
/* As spilled_view_open(), and counts it.   Thread: any. */
dk_status worker_view_spilled(struct worker_node *node, const struct spilled *spilled,
                              struct spilled_view *out, dk_error *err) DK_NODISCARD;
/* A result was looked up: in memory, unless it is spilled, which is counted when it is read. */
void worker_count_use(struct worker_node *node, const struct content *content);
/* From now on, also looks at the process now and then. */
void worker_monitor_memory(struct worker_node *node);

/* ---- ship.c ---- */

void worker_get_data(void *self, struct request *request);

/* ---- link.c ---- */

/* Looks for the scheduler from now on. */
void worker_seek(struct worker_node *node);
/* All that joining takes has been done: tasks may come. */
void worker_begin_work(struct worker_node *node);
/* Tells the scheduler, if there is one. */
void worker_tell(struct worker_node *node, const struct wire_value *message);
void worker_tell_status(struct worker_node *node);
void worker_unlink(struct worker_node *node);
const char *worker_status_name(enum worker_status status);
double worker_now_s(void);

/* ---- metrics.c ---- */

struct wire_value worker_metrics(struct worker_node *node, struct wire_builder *builder);

/* ---- dashboard.c ---- */

/* Errors: as http_server_new(). */
dk_status worker_open_dashboard(struct worker_node *node, dk_error *err) DK_NODISCARD;

/* ---- worker_node.c ---- */

/* What tasks may know of us.   Thread: any. */
struct task_worker worker_for_tasks(const struct worker_node *node);

void worker_log(struct worker_node *node, const char *level, const char *format, ...)
    DK_PRINTF(3, 4);
/* Accepts or stops taking tasks: paused, running, closing gracefully. */
void worker_set_status(struct worker_node *node, enum worker_status status);
/* The scheduler was lost: forgets all that belonged to it.   Errors: DK_ENOMEM. */
dk_status worker_start_over(struct worker_node *node, dk_error *err) DK_NODISCARD;
/* Leaves now. `why` (NULL: nothing is wrong) is what `closed` is told; then its tasks' end is not
 * waited for: nobody wants it. */
void worker_leave(struct worker_node *node, const char *reason, const dk_error *why);
/* One part less. */
void worker_part_closed(void *self);

#endif
