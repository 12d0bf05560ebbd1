/* The inside of a worker's node, for the files of this folder. All of it is the loop's thread's,
 * but for what jobs do in the executor's. */
#ifndef NODE_WORKER_PARTS_H
#define NODE_WORKER_PARTS_H

#include "core/worker/worker.h"
#include "graph/context.h"
#include "node/pool.h"
#include "node/server.h"
#include "node/stream.h"
#include "node/worker/executor.h"
#include "node/worker/store.h"
#include "node/worker/wnode.h"

enum wnode_status {
    WNODE_INIT, /* not registered */
    WNODE_RUNNING,
    WNODE_PAUSED,
    WNODE_CLOSING_GRACEFULLY, /* its results are being moved to others */
    WNODE_CLOSING
};

struct wnode {
    const struct wnode_options *options;
    struct memory *memory;
    dk_context *context;
    uv_loop_t loop;
    enum wnode_status status;
    struct node_address scheduler;
    char id[48];
    char address[ADDRESS_TEXT_MAX]; /* others' for us */
    char name[ADDRESS_TEXT_MAX];
    uint32_t epoch; /* what was begun for a scheduler that was lost means nothing to the next */
    uint64_t started_ms;
    struct frame_limits limits;

    struct server *server;
    struct pool *pool;
    struct executor *executor;
    uint32_t nopen; /* of these three */

    /* The scheduler: link.c */
    struct comm *link; /* until it is registered */
    struct stream stream;
    bool has_stream;
    bool is_registered; /* the scheduler has said OK */
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

    /* What peers get: serve.c */
    uint32_t noutgoing;
    uint64_t noutgoing_ever;
    int64_t outgoing_nbytes;

    /* The end: wnode.c */
    uv_signal_t sigterm;
    uv_signal_t sigint;
    uv_timer_t lifetime;
    uv_timer_t patience; /* for whoever must move our results, then for our own tasks */
    volatile int cancel; /* tasks that run are asked to stop */
    bool is_retiring;
    const char *retire_reason;
    bool is_abandoned; /* threads still use it */
    dk_status outcome;
    dk_error why;
};

/* What an event brings for a task. */
struct brought {
    struct wkr_task_id task;
    struct wire_bytes key; /* of a scattered task, whose number is not known before; else empty */
    struct content content;
};

/* ---- handle.c ---- */

dk_status wnode_open_core(struct wnode *node, dk_error *err) DK_NODISCARD;
void wnode_close_core(struct wnode *node);
/* Lets the core handle the event and does what it says. *Takes* what is brought. */
void wnode_handle(struct wnode *node, struct wkr_event *event, struct wire_bytes stimulus,
                  struct brought *brought, size_t nbrought);
/* The same for an event of the node's own: "NAME-17" is its stimulus. */
void wnode_happen(struct wnode *node, struct wkr_event *event, const char *name,
                  struct brought *brought, size_t nbrought);
/* A message of the scheduler's stream. */
void wnode_receive(struct wnode *node, const struct wire_value *message);
/* Writes "NAME-17" for the next 17. */
struct wire_bytes wnode_stimulus(struct wnode *node, const char *name, char out[64]);

/* ---- compute.c ---- */

dk_status wnode_execute(struct wnode *node, const struct wkr_instruction *instruction) DK_NODISCARD;
/* The error map of a failure, for whoever waits for the task. NULL when out of memory. */
struct wire_box *wnode_error(struct wnode *node, const dk_error *why) DK_NODISCARD;

/* ---- gather.c ---- */

dk_status wnode_gather(struct wnode *node, const struct wkr_instruction *instruction) DK_NODISCARD;
/* The content that a value of a message says, which has to be kept by `owner`, if there is one.
 * What only Python can read is kept in a box. */
struct payload_owner;
dk_status wnode_read_content(struct wnode *node, const struct wire_value *from,
                             const struct payload_owner *owner, struct content *out,
                             dk_error *err) DK_NODISCARD;

/* ---- serve.c ---- */

dk_status wnode_serve(struct wnode *node, dk_error *err) DK_NODISCARD;

/* ---- link.c ---- */

/* Looks for the scheduler from now on. */
void wnode_seek(struct wnode *node);
/* Tells the scheduler, if there is one. */
void wnode_tell(struct wnode *node, const struct wire_value *message);
void wnode_tell_status(struct wnode *node);
void wnode_unlink(struct wnode *node);
const char *wnode_status_name(enum wnode_status status);
double wnode_now_s(void);

/* ---- metrics.c ---- */

struct wire_builder;
struct wire_value wnode_metrics(struct wnode *node, struct wire_builder *builder);
int64_t wnode_process_nbytes(void);

/* ---- wnode.c ---- */

/* Accepts or stops taking tasks: paused, running, closing gracefully. */
void wnode_set_status(struct wnode *node, enum wnode_status status);
/* The scheduler was lost: forgets all that belonged to it.   Errors: DK_ENOMEM. */
dk_status wnode_start_over(struct wnode *node, dk_error *err) DK_NODISCARD;
void wnode_part_closed(void *self);
/* Asks the scheduler to move our results, then leaves. */
void wnode_retire(struct wnode *node, const char *reason);
/* Leaves now. `why` (NULL: nothing is wrong) is what wnode_run() returns. */
void wnode_close(struct wnode *node, const char *reason, const dk_error *why);

#endif
