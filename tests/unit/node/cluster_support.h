/* A cluster in one thread: a scheduler, which checks its state after every event, and workers that
 * know a few tasks. Waits for what happens, never by sleeping. */
#ifndef CLUSTER_SUPPORT_H
#define CLUSTER_SUPPORT_H

#include "support/failing_allocator.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <cdask/distributed.h>

#include "base/error.h"
#include "node/scheduler/scheduler_node.h"
#include "node/worker/worker_node.h"

#define CLUSTER_NWORKERS_MAX 2

struct cluster {
    struct dk_context dk;
    uv_loop_t loop;
    uv_async_t order;
    void (*act)(struct cluster *cluster); /* what the loop's thread is told to do */
    sem_t acted;
    sem_t registered;
    pthread_t thread;
    struct scheduler_node *scheduler;
    struct worker_node *workers[CLUSTER_NWORKERS_MAX];
    size_t nworkers;
    char address[ADDRESS_TEXT_MAX];
    bool is_invalid;
    sem_t gate;           /* "gate" waits for it */
    atomic_int nfailures; /* "flaky" fails as often */
};

/* ---- tasks ---- */

static inline dk_status task_add(dk_task *task, const dk_value *args, size_t nargs,
                                 dk_value *result, dk_error *err)
{
    int64_t sum = 0;
    (void)task;
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind != DK_KIND_INT)
            return error_set(err, DK_ETYPE, "add: argument %zu is no integer", i);
        sum += args[i].as.integer;
    }
    *result = dk_value_int(sum);
    return DK_OK;
}

static inline dk_status task_gate(dk_task *task, const dk_value *args, size_t nargs,
                                  dk_value *result, dk_error *err)
{
    struct cluster *cluster = dk_task_user(task);
    while (sem_wait(&cluster->gate) != 0) {
    }
    return task_add(task, args, nargs, result, err);
}

static inline dk_status task_flaky(dk_task *task, const dk_value *args, size_t nargs,
                                   dk_value *result, dk_error *err)
{
    struct cluster *cluster = dk_task_user(task);
    if (atomic_fetch_sub(&cluster->nfailures, 1) > 0)
        return error_set(err, DK_ETASK, "flaky: not this time");
    return task_add(task, args, nargs, result, err);
}

static inline void register_tasks(struct cluster *cluster)
{
    struct dk_context *dk = &cluster->dk;
    assert_int_equal(dk_register(dk, "add", task_add, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "gate", task_gate, cluster, NULL), DK_OK);
    assert_int_equal(dk_register(dk, "flaky", task_flaky, cluster, NULL), DK_OK);
}

/* ---- the thread ---- */

static inline void on_cluster_order(uv_async_t *order)
{
    struct cluster *cluster = order->data;
    if (!cluster->act)
        return;
    cluster->act(cluster);
    cluster->act = NULL;
    sem_post(&cluster->acted);
}

/* Has the loop's thread do something, and waits until it has. */
static inline void cluster_order(struct cluster *cluster, void (*act)(struct cluster *cluster))
{
    cluster->act = act;
    uv_async_send(&cluster->order);
    while (sem_wait(&cluster->acted) != 0) {
    }
}

static inline void *run_cluster(void *self)
{
    uv_run(&((struct cluster *)self)->loop, UV_RUN_DEFAULT);
    return NULL;
}

static inline void on_cluster_log(void *self, const char *level, const char *name, const char *text)
{
    struct cluster *cluster = self;
    (void)name, (void)text;
    cluster->is_invalid |= strcmp(level, "CRITICAL") == 0;
}

/* ---- workers ---- */

static inline void on_registered(void *self)
{
    sem_post(&((struct cluster *)self)->registered);
}

static inline void start_worker(struct cluster *cluster)
{
    struct worker_node_options options = {.context = &cluster->dk,
                                          .host = "127.0.0.1",
                                          .nthreads = 2,
                                          .local_directory = "/tmp",
                                          .death_timeout_s = -1,
                                          .registered = on_registered,
                                          .self = cluster};
    struct worker_node **worker = &cluster->workers[cluster->nworkers++];
    assert_int_equal(node_address_parse(cluster->address, &options.scheduler, NULL), DK_OK);
    assert_int_equal(worker_node_new(&cluster->loop, &options, worker, NULL), DK_OK);
}

/* One more, which is there when this returns. */
static inline void cluster_add_worker(struct cluster *cluster)
{
    cluster_order(cluster, start_worker);
    while (sem_wait(&cluster->registered) != 0) {
    }
}

/* ---- opening and closing ---- */

static inline void cluster_open(struct cluster *cluster, size_t nworkers)
{
    struct scheduler_node_options options = {
        .host = "127.0.0.1", .is_validated = true, .log = on_cluster_log, .self = cluster};
    *cluster = (struct cluster){0};
    signal(SIGPIPE, SIG_IGN);
    assert_true(context_open(&cluster->dk, NULL));
    register_tasks(cluster);
    sem_init(&cluster->acted, 0, 0);
    sem_init(&cluster->registered, 0, 0);
    sem_init(&cluster->gate, 0, 0);
    assert_int_equal(uv_loop_init(&cluster->loop), 0);
    assert_int_equal(uv_async_init(&cluster->loop, &cluster->order, on_cluster_order), 0);
    cluster->order.data = cluster;
    assert_int_equal(
        scheduler_node_new(&cluster->loop, cluster->dk.memory, &options, &cluster->scheduler, NULL),
        DK_OK);
    snprintf(cluster->address, sizeof(cluster->address), "%s",
             scheduler_node_address(cluster->scheduler));
    assert_int_equal(pthread_create(&cluster->thread, NULL, run_cluster, cluster), 0);
    for (size_t i = 0; i < nworkers; i++)
        cluster_add_worker(cluster);
}

/* The workers end with their scheduler. */
static inline void stop_scheduler(struct cluster *cluster)
{
    scheduler_node_close(cluster->scheduler, "test");
}

static inline void stop_orders(struct cluster *cluster)
{
    uv_close((uv_handle_t *)&cluster->order, NULL);
}

/* After stop_scheduler(). */
static inline void cluster_join(struct cluster *cluster)
{
    cluster_order(cluster, stop_orders);
    pthread_join(cluster->thread, NULL);
    assert_int_equal(uv_loop_close(&cluster->loop), 0);
    sem_destroy(&cluster->acted);
    sem_destroy(&cluster->registered);
    sem_destroy(&cluster->gate);
    assert_false(cluster->is_invalid);
    assert_int_equal(context_close(&cluster->dk), 0);
}

static inline void cluster_close(struct cluster *cluster)
{
    cluster_order(cluster, stop_scheduler);
    cluster_join(cluster);
}

#endif
