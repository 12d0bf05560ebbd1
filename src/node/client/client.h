/* A client from the inside: a thread with a loop that has the connections, and what any thread may
 * look at, under a lock.
 *
 * The loop's thread alone touches the stream and the pool. Others hand it commands, and wait until
 * they are done; no command waits for a task. */
#ifndef NODE_CLIENT_H
#define NODE_CLIENT_H

#include <pthread.h>

#include <cdask/distributed.h>

#include "core/keys.h"
#include "node/pool.h"
#include "node/stream.h"

/* What the client knows of a key. */
struct result {
    uint32_t references; /* futures */
    dk_future_status status;
    dk_error *why; /* of a failed one */
};

struct dk_future {
    dk_client *client;
    uint32_t id;           /* of the key */
    struct wire_bytes key; /* packed: the client's, for as long as a future has it */
    char text[DK_ERROR_KEY_MAX];
};

/* Something for the loop's thread to do. It lives where its caller waits. */
struct command {
    struct command *next;
    void (*run)(dk_client *client, struct command *command);
    dk_error *err;
    dk_status status;
    bool is_done;
};

enum client_state { CLIENT_CONNECTING, CLIENT_OPEN, CLIENT_LOST, CLIENT_CLOSED };

struct dk_client {
    dk_context *dk;
    struct memory *memory;
    struct node_address address;
    struct tls_config *tls; /* for tls:// addresses */
    char name[48];
    dk_cluster *cluster; /* its own; NULL: somebody else's */
    bool is_native;      /* the scheduler is cdask's: it takes native messages */
    bool is_default;
    dk_get previous_get; /* the context's default before */

    pthread_mutex_t lock; /* of all that follows, up to the loop */
    pthread_cond_t changed;
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

/* ---- client.c ---- */

/* Has the command run by the loop's thread, and waits until it is done.
 * Errors: DK_EIO (the connection is lost), what the command gives. */
dk_status client_run(dk_client *client, struct command *command, dk_error *err) DK_NODISCARD;
/* The command is done: by the loop's thread. `why` is copied. */
void client_done(dk_client *client, struct command *command, dk_status status, const dk_error *why);
/* Sends one message on the stream, which is `message`'s last use. Blocks until it is encoded. */
dk_status client_send(dk_client *client, const struct wire_value *message,
                      dk_error *err) DK_NODISCARD;
/* Asks the scheduler, and waits for the answer, which is the caller's. */
dk_status client_ask(dk_client *client, const struct wire_value *message, struct message *answer,
                     dk_error *err) DK_NODISCARD;
/* DK_OK while connected; the lock is held. */
dk_status client_check(dk_client *client, dk_error *err) DK_NODISCARD;

/* ---- futures.c ---- */

/* A future of the key, which counts as one more of it.   Errors: DK_ENOMEM. */
dk_status future_new(dk_client *client, struct wire_bytes key, dk_future **out) DK_NODISCARD;
/* Waits until none of the keys is pending; `deadline` NULL: for as long as it takes. `cancel` as in
 * dk_get_options. Errors: DK_EIO (in time, or lost), DK_ECANCELED. */
dk_status futures_wait(dk_client *client, dk_future *const *futures, size_t nfutures,
                       const struct timespec *deadline, const volatile int *cancel,
                       dk_error *err) DK_NODISCARD;
/* A message of the scheduler about a key.   Errors: DK_ENOMEM; then nothing is known of the key. */
dk_status futures_take(dk_client *client, const struct wire_value *message) DK_NODISCARD;
/* Sends what was let go of; the loop's thread. */
void futures_flush(dk_client *client);

/* ---- submit.c ---- */

/* One task on its way: `dependencies` are keys. */
struct outgoing_task {
    struct wire_bytes key;
    const struct wire_bytes *dependencies;
    size_t ndependencies;
    struct wire_bytes payload;
    int64_t order;
};

dk_status client_send_graph(dk_client *client, const struct outgoing_task *tasks, size_t ntasks,
                            const struct wire_bytes *wanted, size_t nwanted,
                            const dk_submit_options *options, dk_error *err) DK_NODISCARD;

/* ---- python_graph.c ---- */

/* The same, for a scheduler in Python. */
dk_status client_send_python_graph(dk_client *client, const struct outgoing_task *tasks,
                                   size_t ntasks, const struct wire_bytes *wanted, size_t nwanted,
                                   const dk_submit_options *options, dk_error *err) DK_NODISCARD;

#endif
