/* A client from the inside: a thread with a loop that has the connections, and what any thread may
 * look at, under a lock.
 *
 * The loop's thread alone touches the stream and the pool. Others hand it commands, and wait until
 * they are done; no command waits for a task. */
#ifndef NODE_CLIENT_H
#define NODE_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include <cdask/distributed.h>

#include "core/keys.h"
#include "core/list.h"
#include "node/dialect.h"
#include "node/machine.h"
#include "node/pool.h"
#include "node/stream.h"
#include "wire/build.h"

/* Why a task has failed or was cancelled. */
struct failure {
    uint32_t references; /* results */
    dk_error why;        /* of a cancelled one without its key */
    dk_value raised;
};

/* What the client knows of a key. */
struct result {
    uint32_t references; /* futures */
    dk_future_status status;
    struct failure *failure; /* of a failed one, and of a cancelled one if somebody has said why */
    dk_future *watched;      /* those that are watched, linked by next_watched */
};

struct dk_future {
    dk_client *client;
    uint32_t id;           /* of the key */
    struct wire_bytes key; /* packed: the client's, for as long as a future has it */
    char text[DK_ERROR_KEY_MAX];
    int64_t token; /* of a watched one */
    bool is_watched;
    dk_future *next_watched; /* of the same key */
    struct list done;        /* among the client's */
};

/* Something for the loop's thread to do. It lives where its caller waits. */
struct command {
    struct command *next;
    void (*run)(dk_client *client, struct command *command);
    dk_error *err;
    dk_status status;
    bool is_done;
    bool is_own; /* it needs no connection: it is run when that is lost, too */
};

enum client_state { CLIENT_CONNECTING, CLIENT_OPEN, CLIENT_LOST, CLIENT_CLOSED };

struct dk_client {
    dk_context *dk;
    struct memory *memory;
    struct node_address address;
    struct tls_config *tls; /* for tls:// addresses */
    char name[48];
    dk_cluster *cluster;           /* its own; NULL: somebody else's */
    struct peer_version scheduler; /* which words it understands */
    atomic_uint runners;           /* what workers of a scheduler in Python were seen to run */
    bool is_default;
    dk_direct direct_to_workers;
    char machine[MACHINE_NAME_MAX];
    atomic_bool cannot_map; /* what workers of this machine share */
    dk_client *older;       /* of the same context */
    bool is_disconnected;   /* by its owner */

    pthread_mutex_t lock; /* of all that follows, up to the loop */
    pthread_cond_t changed;
    size_t references; /* futures, and one while it is open: they may outlive its connection */
    enum client_state state;
    dk_error why;    /* of CLIENT_LOST; only the loop's thread writes it */
    bool is_leaving; /* the loop is to end */
    struct command *first;
    struct command *last;
    struct keys keys;
    struct vector results;  /* of struct result, by the key's number */
    struct vector released; /* of char: packed keys, one after the other, to be let go of */
    uint32_t nreleased;
    uint64_t nsubmitted; /* for keys of their own */
    uint64_t nrestarts;  /* of the scheduler's, of which we have heard */
    struct list done;    /* futures that were watched, in the order in which they came to be done */
    bool is_unwatched;   /* nobody waits for them any more */

    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t deadline; /* to be connected within */
    double timeout_s;
    struct comm *comm; /* until it is a stream */
    struct stream stream;
    struct pool *pool;
    struct vector scratch; /* of char */
    bool is_streaming;
    bool is_stopping;
};

/* ---- waiting.c ---- */

/* How long to wait. A flag that cancels is looked at now and then, for a signal handler can only
 * set it. */
struct wait_limit {
    struct timespec deadline; /* of the monotonic clock, if there is one */
    bool has_deadline;
    const volatile int *cancel; /* NULL: none */
};

/* `options` NULL: no limit. */
struct wait_limit limit_begin(const dk_wait_options *options);
/* Waits for a change of what the lock protects, which is held.
 * Errors: DK_EIO (the time is over), DK_ECANCELED. */
dk_status limit_wait(dk_client *client, const struct wait_limit *limit, dk_error *err) DK_NODISCARD;

/* ---- client.c ---- */

/* Drops a reference.   The lock is not held. */
void client_unref(dk_client *client);
/* Has the command run by the loop's thread, and waits until it is done.
 * Errors: DK_EIO (the connection is lost), what the command gives. */
dk_status client_run(dk_client *client, struct command *command, dk_error *err) DK_NODISCARD;
/* The command is done: by the loop's thread. `why` is copied. */
void client_done(dk_client *client, struct command *command, dk_status status, const dk_error *why);
/* Sends one message on the stream, which is `message`'s last use. Blocks until it is encoded. */
dk_status client_send(dk_client *client, const struct wire_value *message,
                      dk_error *err) DK_NODISCARD;
/* Asks the scheduler, and waits for the answer, which is the caller's, as long as the limit allows.
 * Errors: DK_ETASK (the operation has failed there); DK_EIO, DK_ECANCELED as limit_wait(). */
dk_status client_ask(dk_client *client, const struct wire_value *message,
                     const struct wait_limit *limit, struct message *answer,
                     dk_error *err) DK_NODISCARD;
/* The same with the answer of what has failed there, if there is one. */
dk_status client_ask_all(dk_client *client, const struct wire_value *message,
                         const struct wait_limit *limit, struct message *answer, bool *has_answer,
                         dk_error *err) DK_NODISCARD;
/* One of several questions that are asked together. */
struct client_question {
    const struct node_address *worker; /* NULL: the scheduler is asked */
    const struct wire_value *message;
    int64_t timeout_ms; /* 0: no limit of its own */
    bool confirms;      /* see pool.h */
    /* By the loop's thread, before who was asked hears that the answer has come. May be NULL. */
    void (*answered)(void *self, const struct wire_value *answer);
    void *self;
    /* What came of it: the answer is the caller's, whatever became of the others. */
    struct message answer;
    bool has_answer;
    dk_error why; /* DK_OK: the answer is one */
    /* The loop's: */
    dk_client *client;
    struct asking *asking;
    struct pool_call *call;
};
/* Waits until all are answered, or have failed, as long as the limit allows.
 * Errors: as limit_wait(); the connection to the scheduler is lost. */
dk_status client_ask_each(dk_client *client, struct client_question *questions, size_t count,
                          const struct wait_limit *limit, dk_error *err) DK_NODISCARD;
/* DK_OK while connected; the lock is held. */
dk_status client_check(dk_client *client, dk_error *err) DK_NODISCARD;

/* ---- futures.c ---- */

/* A future of a key that somebody begins with, or begins with anew after it was cancelled; it
 * counts as one more of the key.   Errors: DK_ENOMEM. */
dk_status future_new(dk_client *client, struct wire_bytes key, dk_future **out) DK_NODISCARD;
/* One more of the same key, which stays as it is.   Errors: DK_ENOMEM. */
dk_status future_copy(const dk_future *future, dk_future **out) DK_NODISCARD;
/* Waits until none of the keys is pending.   Errors: DK_EIO (the time is over, or the connection is
 * lost), DK_ECANCELED. */
dk_status futures_wait(dk_client *client, dk_future *const *futures, size_t nfutures,
                       const struct wait_limit *limit, dk_error *err) DK_NODISCARD;
/* What is known of a future; the lock is held. */
struct result *future_result(const dk_future *future);
/* A message of the scheduler about a key.   Errors: DK_ENOMEM; then nothing is known of the key. */
dk_status futures_take(dk_client *client, const struct wire_value *message) DK_NODISCARD;
/* Sends what was let go of; the loop's thread. */
void futures_flush(dk_client *client);

/* ---- watch.c; the lock is held ---- */

/* The key is not pending any more: its futures that were watched are done. */
void watch_end(dk_client *client, struct result *result);
/* The future goes. */
void watch_forget(dk_future *future);

/* ---- failure.c ---- */

/* What a message says of a task that has failed; NULL when out of memory. */
struct failure *failure_new(dk_client *client, const struct wire_value *message);
/* Why a task was cancelled; either text may be missing. NULL: both are, or out of memory. */
struct failure *failure_cancelled(dk_client *client, struct wire_bytes reason,
                                  struct wire_bytes msg);
/* A new one has a reference, its maker's. NULL is ignored. */
void failure_unref(dk_client *client, struct failure *failure);

/* ---- submit.c ---- */

/* A future of a key that others have submitted.   Errors: DK_EIO, DK_ENOMEM. */
dk_status future_of_key(dk_client *client, struct wire_bytes key, dk_future **out,
                        dk_error *err) DK_NODISCARD;

/* One task on its way: `dependencies` are keys. */
struct outgoing_task {
    struct wire_bytes key;
    const struct wire_bytes *dependencies;
    size_t ndependencies;
    struct wire_bytes payload;
    int64_t order;
};

/* What results of a graph are called on the cluster. */
enum graph_names {
    NAMES_OWN,       /* as nothing else is */
    NAMES_OF_CLIENT, /* equal graphs of one client have the same */
    NAMES_AS_GIVEN   /* as in the graph */
};

/* Begins to compute what `keys` need: out[i] is the future of keys[i]. Else as
 * dk_client_compute(). */
dk_status client_begin_graph(dk_client *client, const dk_graph *graph, const dk_task_id *keys,
                             size_t nkeys, enum graph_names names, const dk_submit_options *options,
                             dk_future **out, dk_error *err) DK_NODISCARD;

/* Whom a computation runs by; NULL: no client is open. */
dk_client *client_chosen(const dk_context *dk, const dk_get_options *options);

dk_status client_send_graph(dk_client *client, const struct outgoing_task *tasks, size_t ntasks,
                            const struct wire_bytes *wanted, size_t nwanted,
                            const dk_submit_options *options, dk_error *err) DK_NODISCARD;

/* ---- python_graph.c ---- */

/* The same, for a scheduler in Python. */
dk_status client_send_python_graph(dk_client *client, const struct outgoing_task *tasks,
                                   size_t ntasks, const struct wire_bytes *wanted, size_t nwanted,
                                   const dk_submit_options *options, dk_error *err) DK_NODISCARD;
bool client_needs_python(const struct outgoing_task *tasks, size_t ntasks);
/* {"cdask": 1, ...}: what tasks need there that only cdask's workers have, and the options' own. */
struct wire_value client_python_resources(struct wire_builder *builder,
                                          const struct outgoing_task *tasks, size_t ntasks,
                                          const dk_submit_options *options);

/* ---- runners.c ---- */

/* An error when there are workers and none of them can run these tasks: DK_ETASK, with the first
 * one's key. Else as client_ask(). */
dk_status client_check_runners(dk_client *client, const struct outgoing_task *tasks, size_t ntasks,
                               dk_error *err) DK_NODISCARD;

/* ---- flat_graph.c ---- */

/* The same, for one of 2022.12. */
dk_status client_send_flat_graph(dk_client *client, const struct outgoing_task *tasks,
                                 size_t ntasks, const struct wire_bytes *wanted, size_t nwanted,
                                 const dk_submit_options *options, dk_error *err) DK_NODISCARD;

/* ---- words.c ---- */

/* As payload_pack_key(), of which that scheduler takes texts only.   Thread: any. */
dk_status client_pack_key(const dk_client *client, dk_key key, struct vector *out) DK_NODISCARD;

/* The loop's thread: */

/* As stream_push(), and as pool_ask(), of a message in the words of 2026: in those that the
 * scheduler understands. Errors: DK_ENOTSUP (it knows no such message). */
dk_status client_say_in_words(dk_client *client, const struct wire_value *message,
                              dk_error *err) DK_NODISCARD;
dk_status client_ask_in_words(dk_client *client, const struct pool_question *question,
                              struct pool_call **out, dk_error *err) DK_NODISCARD;

#endif
