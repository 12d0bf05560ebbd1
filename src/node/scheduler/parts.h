/* What the files of this folder share. */
#ifndef NODE_SCHEDULER_PARTS_H
#define NODE_SCHEDULER_PARTS_H

#include "core/scheduler/adaptive.h"
#include "core/scheduler/copies.h"
#include "core/scheduler/decode.h"
#include "core/scheduler/queries.h"
#include "node/logs.h"
#include "node/pool.h"
#include "node/scheduler/scheduler_node.h"
#include "node/stream.h"

/* The stream of a worker or a client. */
struct peer {
    struct scheduler_node *node;
    struct stream stream;
    struct peer *previous;
    struct peer *next;
    uint32_t id; /* SCHED_NOBODY once the scheduler has forgotten it */
    bool is_worker;
    bool has_said_bye;
    bool has_nanny;
    struct node_address nanny; /* a worker's */
    double heartbeat_s;        /* a client's, as it was told */
};

struct coordination;
struct scattering;

struct scheduler_node {
    struct memory *memory;
    uv_loop_t *loop;
    struct scheduler_node_options options;
    struct logs logs;
    struct server *server;
    struct http_server *dashboard; /* NULL: none */
    char dashboard_link[DASHBOARD_LINE_MAX];
    struct pool *pool;
    struct sched *sched;
    struct sched_outbox out;
    struct coordination *coordination;
    struct vector ops;          /* of struct server_op: all that is answered */
    struct vector worker_peers; /* of struct peer *, by the worker's id */
    struct vector client_peers; /* of struct peer *, by the client's id */
    struct peer *peers;         /* all of them */
    struct vector scratch;      /* of char */
    uv_timer_t timer;
    uv_timer_t idle;         /* idleness.c */
    uint64_t nassigned_then; /* when it last rang: how many tasks had ever been given out, */
    double idle_since;       /* and since when there had been nothing to do; 0: there was */
    int64_t timer_us;        /* when it goes off; INT64_MAX: not */
    char id[48];
    double started;                 /* seconds since 1970 */
    uint64_t nscattered;            /* whose turn it is to be given data */
    struct retirement *retirements; /* that are not answered yet */
    struct restart *restarts;       /* that wait for workers */
    struct scattering *scatterings; /* that wait for workers */
    struct vector plugins;          /* of struct plugin: of workers and nannies */
    struct wire_box *versions;      /* that the last client has told of itself */
    int nclosing;                   /* parts that are still to close */
    bool is_flushing;               /* messages of the core are being sent */
    bool is_closing;
};

/* Lets the core take `event` in, whose time is set here, and sends what follows.
 * Errors: DK_EINVAL (a refused registration); out of memory closes the node. */
dk_status scheduler_take(struct scheduler_node *node, struct sched_event *event,
                         dk_error *err) DK_NODISCARD;
/* The same in two halves, for those who have something to send in between. */
dk_status scheduler_step(struct scheduler_node *node, struct sched_event *event,
                         dk_error *err) DK_NODISCARD;
void scheduler_flush(struct scheduler_node *node);

/* One of what closes by itself is gone; the last one takes the node with it. */
void scheduler_part_closed(struct scheduler_node *node);

void scheduler_log(struct scheduler_node *node, const char *level, const char *format, ...)
    DK_PRINTF(3, 4);
double scheduler_wall_s(void);
/* Monotonic, the time of the cores; and how long it is until then. */
int64_t scheduler_now_us(void);
uint64_t scheduler_ms_until(int64_t at_us);

/* A decoder for one message. */
struct decoding {
    struct sched_decoder decoder;
    struct arena arena;
    struct vector boxes;
};
void decoding_init(struct decoding *decoding, struct scheduler_node *node, dk_error *err);
void decoding_deinit(struct decoding *decoding);

/* ---- peers.c ---- */

void scheduler_register_worker(void *self, struct request *request);
void scheduler_register_client(void *self, struct request *request);
void scheduler_heartbeat_worker(void *self, struct request *request);
void scheduler_unregister(void *self, struct request *request);
struct peer *scheduler_peer_of_worker(struct scheduler_node *node, uint32_t worker);
struct peer *scheduler_peer_of_client(struct scheduler_node *node, uint32_t client);
/* Has a worker leave, and counts on it no more: its stream ends when it has left. */
void scheduler_dismiss_worker(struct peer *peer);
/* The core has let go of the peer: closes its stream. */
void scheduler_drop_peer(struct peer *peer);

/* The worker at an address that a peer has named; SCHED_NOBODY when there is none. */
uint32_t scheduler_find_worker(struct scheduler_node *node, const struct wire_value *address);

/* ---- arguments.c ---- */

bool scheduler_read_flag(const struct wire_value *value, bool otherwise);
/* A number of seconds, or a text as "30 s". */
int64_t scheduler_read_timeout_ms(const struct wire_value *value, double otherwise_s);
/* The workers that an array names, by address, host or name, each once; all of them when it is no
 * array. In the arena.   Errors: DK_EKEY (there is no such worker), DK_ENOMEM. */
dk_status scheduler_find_workers(const struct scheduler_node *node, const struct wire_value *named,
                                 struct arena *arena, struct sched_workers *out,
                                 dk_error *err) DK_NODISCARD;

/* Which workers are to go: "n" says how many, "target" how many are to stay; without either all
 * that are not needed.   Errors: DK_ENOTSUP (they are to be grouped by a callable). */
dk_status scheduler_read_shrinking(const struct scheduler_node *node,
                                   const struct wire_value *message, struct sched_shrinking *out,
                                   dk_error *err) DK_NODISCARD;

/* ---- retire.c ---- */

struct retirement;
void scheduler_retire_workers(void *self, struct request *request);
/* It holds nothing any longer that others do not hold, or it is gone; or else it cannot leave. */
void scheduler_worker_retired(struct scheduler_node *node, uint32_t worker, bool may_leave);

/* Says good-bye to it; what it was running goes to others. SCHED_NOBODY is ignored. */
void scheduler_drop_worker(struct scheduler_node *node, uint32_t worker);

/* ---- restart.c ---- */

void scheduler_restart(void *self, struct request *request);
void scheduler_restart_workers(void *self, struct request *request);
/* There is one worker more. */
void scheduler_worker_came(struct scheduler_node *node);
void scheduler_restarts_close(struct scheduler_node *node);

/* ---- idleness.c ---- */

/* Opens the timer `idle`, which closes the node when it has had no work for its idle timeout. */
void scheduler_watch_idleness(struct scheduler_node *node);

/* ---- relay.c ---- */

struct survey;
/* Asks those that the survey's question names by "workers" and "hosts", or else all. */
void scheduler_ask_all(struct survey *survey, bool asks_nannies, const struct wire_value *question);
void scheduler_broadcast(void *self, struct request *request);
void scheduler_proxy(void *self, struct request *request);
void scheduler_worker_logs(void *self, struct request *request);
void scheduler_call_stack(void *self, struct request *request);

/* ---- plugins.c ---- */

void scheduler_plugins_init(struct scheduler_node *node);
void scheduler_plugins_deinit(struct scheduler_node *node);
/* {name: pickle} for who joins */
struct wire_value scheduler_list_plugins(const struct scheduler_node *node,
                                         struct wire_builder *builder, bool of_nannies);
void scheduler_register_worker_plugin(void *self, struct request *request);
void scheduler_unregister_worker_plugin(void *self, struct request *request);
void scheduler_register_nanny_plugin(void *self, struct request *request);
void scheduler_unregister_nanny_plugin(void *self, struct request *request);
void scheduler_register_scheduler_plugin(void *self, struct request *request);

/* ---- graph.c ---- */

/* "update-graph" of a client in Python. */
void scheduler_update_graph(struct peer *peer, const struct wire_value *message);

/* ---- questions.c ---- */

extern const struct server_op scheduler_ops[];
extern const size_t scheduler_nops;

/* Who it is: at most `nworkers` of its workers. */
struct wire_value scheduler_describe(const struct scheduler_node *node,
                                     struct wire_builder *builder, uint32_t nworkers);

/* ---- dashboard.c ---- */

/* Errors: as http_server_new(). */
dk_status scheduler_open_dashboard(struct scheduler_node *node, dk_error *err) DK_NODISCARD;

/* ---- copies.c ---- */

void scheduler_replicate(void *self, struct request *request);
void scheduler_rebalance(void *self, struct request *request);

/* ---- gather.c, scatter.c ---- */

void scheduler_gather(void *self, struct request *request);
void scheduler_scatter(void *self, struct request *request);
void scheduler_update_data(void *self, struct request *request);
/* There may be workers for those that wait for some. */
void scheduler_scatterings_look(struct scheduler_node *node);
void scheduler_scatterings_close(struct scheduler_node *node);

#endif
