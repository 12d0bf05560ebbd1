/* A scheduler, workers, clients and what lies between them, in virtual time.
 *
 * The scheduler and the workers are the real cores. What they say to each other is packed to bytes,
 * takes its time, and is decoded again; what a process would do around them (nodes) is done here by
 * noting when it ends.
 */
#ifndef SIM_CLUSTER_H
#define SIM_CLUSTER_H

#include "core/scheduler/scheduler.h"
#include "core/worker/worker.h"
#include "sim/agenda.h"
#include "sim/chance.h"
#include "sim/diary.h"
#include "sim/work.h"

/* Bytes under way. */
struct letter {
    struct letter *next;
    size_t nbytes;
    char bytes[];
};

/* Letters arrive in the order in which they are sent. One without bytes says that no more come. */
struct channel {
    struct letter *first;
    struct letter *last;
    int64_t last_at_us;
};

/* A question for data between workers, and its answer. */
struct transfer {
    uint32_t from; /* who asks */
    uint32_t from_life;
    uint32_t of; /* who is asked; SCHED_NOBODY: nobody is there */
    uint32_t of_life;
    struct wkr_peer_id peer;
    enum wkr_event_kind outcome;
    struct vector bytes; /* of char: the question, then the answer */
};

enum sim_status {
    SIM_GONE,
    SIM_CONNECTING, /* tries to register */
    SIM_CONNECTED
};

struct sim_worker {
    uint32_t number;
    uint32_t life; /* how often it has begun anew */
    enum sim_status status;
    bool is_paused;
    bool is_leaving;       /* it is to hand over what it holds */
    bool has_said_bye;     /* the scheduler knows that it leaves */
    bool is_stream_closed; /* by the scheduler */
    uint32_t known_as;     /* the scheduler's number; SCHED_NOBODY: it does not know it */
    uint32_t known_life;   /* the life that it knows */
    char address[40];
    struct wkr *core;
    struct wkr_instructions out;
    struct vector holds; /* of bool, by the core's number of a task: its data is here */
    struct vector runs;  /* of int64_t: since when it runs; 0: it does not */
    struct channel up;
    struct channel down;
    int64_t frozen_until_us;
    int64_t deadline_us; /* when it is woken; INT64_MAX: it is not */
    double slowness;
    int64_t latency_us;
    double bandwidth;
};

enum sim_future { SIM_NO_FUTURE, SIM_PENDING, SIM_DONE, SIM_ERRED, SIM_CANCELLED };

struct sim_client {
    uint32_t number;
    uint32_t known_as;
    char name[24];
    struct channel up;
    struct channel down;
    uint8_t *futures; /* enum sim_future, by number of the task */
    uint32_t npending;
};

/* What the scheduler took, by the computer's clock; until the clients leave. */
struct sim_watch {
    uint64_t nevents; /* but for graphs */
    int64_t step_ns;  /* of these */
    int64_t wire_ns;  /* their messages, in and out */
    int64_t slowest_ns;
    int64_t graph_ns;
    int64_t empty_nbytes; /* of memory, before there was a task */
    int64_t peak_nbytes;
    size_t peak_ntasks;
    uint64_t nmessages;
};

struct cluster {
    const struct sim_options *options;
    struct memory *memory; /* the simulation's own */
    struct memory *scheduler_memory;
    struct memory *worker_memory;
    struct chance chance;
    int64_t now_us;
    struct agenda agenda;
    struct diary diary;
    struct sim_work work;
    struct sched *sched;
    struct sched_outbox out;
    int64_t deadline_us; /* when the scheduler wants to be woken */
    int64_t tick_us;     /* when it is */
    struct sim_worker *workers;
    struct sim_client *clients;
    struct keys addresses;    /* of workers that are there */
    struct vector by_address; /* of uint32_t: the worker, by number of its address */
    struct vector by_known;   /* of uint32_t: the worker, by the scheduler's number */
    struct vector packed;     /* of char: a message that is being packed */
    struct vector frames;     /* unused by what is sent here; wire_pack() wants it */
    struct vector scratch;    /* of char */
    struct vector boxes;      /* of struct wire_box * */
    bool is_calm;             /* the storm is over */
    bool is_over;             /* clients have left */
    int64_t progress_us;      /* when something was last achieved */
    uint64_t nsteps;          /* of the scheduler */
    uint64_t nworker_steps;
    uint64_t nmoved; /* transfers */
    uint64_t ndied;  /* workers that the scheduler lost */
    uint64_t ngarbled;
    struct sim_watch watch;
    bool has_failed;
    uint32_t suspect; /* the key that the failure is about */
    dk_error err;
};

/* The run has failed; the first call counts. */
void sim_fail(struct cluster *cluster, uint32_t key, const char *format, ...) DK_PRINTF(3, 4);
/* The number of a task; SIM_NO_KEY when it is none of the graphs'. */
uint32_t sim_number(const struct cluster *cluster, struct wire_bytes key);

/* ---- channel.c ---- */

struct letter *sim_pack_letter(struct cluster *cluster, const struct wire_value *message);
/* Packs the message; it arrives after the latency, and after all that was sent before. */
void sim_post(struct cluster *cluster, struct channel *channel, const struct wire_value *message,
              struct occasion arrival, int64_t latency_us, double bandwidth);
/* No more letters will come. */
void sim_post_end(struct cluster *cluster, struct channel *channel, struct occasion arrival,
                  int64_t latency_us);
/* The next letter, which is the caller's, to be freed with sim_free_letter(). NULL: was cut off. */
struct letter *sim_take_letter(struct channel *channel);
void sim_free_letter(struct cluster *cluster, struct letter *letter);
void sim_clear_channel(struct cluster *cluster, struct channel *channel);
/* Some of what is under way is lost, the latest first. */
void sim_tear_channel(struct cluster *cluster, struct channel *channel);
/* Notes each key of a message; and the message in the hash. */
void sim_note(struct cluster *cluster, char side, uint32_t who, const struct wire_value *message,
              const struct letter *letter);

/* ---- scheduler.c ---- */

void sim_scheduler_step(struct cluster *cluster, struct sched_event *event);
void sim_letter_from_worker(struct cluster *cluster, struct sim_worker *worker);
void sim_letter_from_client(struct cluster *cluster, struct sim_client *client);
/* A worker registers; false: it was refused. */
bool sim_register(struct cluster *cluster, struct sim_worker *worker);
void sim_heartbeat(struct cluster *cluster, struct sim_worker *worker);
void sim_tick(struct cluster *cluster);

/* ---- worker.c ---- */

void sim_worker_begin(struct cluster *cluster, struct sim_worker *worker, bool is_new);
void sim_worker_end(struct cluster *cluster, struct sim_worker *worker);
/* The connection to the scheduler is lost; all that the worker knows is forgotten. */
void sim_worker_start_over(struct cluster *cluster, struct sim_worker *worker);
void sim_worker_deinit(struct cluster *cluster, struct sim_worker *worker);
void sim_connect(struct cluster *cluster, struct sim_worker *worker);
void sim_worker_step(struct cluster *cluster, struct sim_worker *worker, struct wkr_event *event,
                     struct wire_bytes stimulus);
void sim_letter_to_worker(struct cluster *cluster, struct sim_worker *worker);
void sim_run_goes_on(struct cluster *cluster, const struct occasion *occasion);
void sim_worker_deadline(struct cluster *cluster, struct sim_worker *worker);
void sim_worker_pause(struct cluster *cluster, struct sim_worker *worker, bool is_paused);
void sim_worker_tell(struct cluster *cluster, struct sim_worker *worker,
                     const struct wire_value *message);
static inline bool sim_worker_holds(const struct sim_worker *worker, struct wkr_task_id task)
{
    return task.number < worker->holds.count && ((bool *)worker->holds.data)[task.number];
}

/* ---- transfer.c ---- */

void sim_gather(struct cluster *cluster, struct sim_worker *worker,
                const struct wkr_instruction *instruction);
void sim_data_asked(struct cluster *cluster, struct transfer *transfer);
void sim_data_comes(struct cluster *cluster, struct transfer *transfer);
void sim_free_transfer(struct cluster *cluster, struct transfer *transfer);

/* ---- client.c ---- */

void sim_client_init(struct cluster *cluster, struct sim_client *client);
void sim_client_deinit(struct cluster *cluster, struct sim_client *client);
void sim_submit(struct cluster *cluster, struct sim_client *client, uint32_t graph);
void sim_letter_to_client(struct cluster *cluster, struct sim_client *client);
void sim_client_releases(struct cluster *cluster, struct sim_client *client);
void sim_client_cancels(struct cluster *cluster, struct sim_client *client);

/* ---- faults.c ---- */

void sim_faults_init(struct cluster *cluster);
void sim_fault(struct cluster *cluster, uint32_t fault);
void sim_calm(struct cluster *cluster);

/* ---- verdict.c ---- */

void sim_validate(struct cluster *cluster, const struct sim_worker *worker);
/* All is quiet: every wanted key is there or has failed, and everybody agrees on who holds what. */
void sim_judge(struct cluster *cluster);
/* All have left: nothing is left. */
void sim_judge_end(struct cluster *cluster);
void sim_print_failure(struct cluster *cluster);

/* ---- run.c ---- */

struct sim_result {
    uint64_t hash;
    uint64_t nsteps;
    uint64_t nworker_steps;
    uint64_t nmoved;
    uint64_t ndied;
    int64_t now_us;
    struct sim_watch watch;
    bool has_failed;
};

struct sim_result sim_run(const struct sim_options *options);

#endif
