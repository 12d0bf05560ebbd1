#include "node/worker/executor.h"

#include <pthread.h>
#include <signal.h>

#include "base/error.h"

/* Jobs wait no longer than twice that for one that was before them. */
#define PATIENCE_MS 5

struct executor {
    struct memory *memory;
    uint32_t nthreads; /* that take jobs */
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    pthread_cond_t place; /* there is one for a job that returns */
    struct list waiting;  /* under the lock, as all down to is_closing */
    struct list finished;
    struct list leaving; /* jobs that have left, and the loop has not heard of it */
    uint64_t nbegun;
    uint32_t nrunning_threads; /* also those whose jobs have left */
    uint32_t nreturning;       /* jobs that wait for a place */
    uint32_t nplaces;          /* for them */
    bool is_closing;
    uv_async_t wake;
    uv_timer_t patience;    /* while jobs wait */
    uint64_t nbegun_before; /* when it last rang */
    uint32_t nclosing;      /* handles */
    uint32_t njobs;
    void (*closed)(void *self);
    void *closed_self;
};

static struct job *take_first(struct list *jobs)
{
    struct job *job = LIST_ENTRY(jobs->next, struct job, link);
    list_remove(&job->link);
    return job;
}

/* ---- the threads' side ---- */

/* Gives the place to a job that returns. */
static bool make_way(struct executor *executor)
{
    if (!executor->nreturning)
        return false;
    executor->nreturning--;
    executor->nplaces++;
    pthread_cond_signal(&executor->place);
    return true;
}

/* Returns whether its thread still takes jobs. */
static bool finish(struct executor *executor, struct job *job)
{
    bool stays = !job->has_left;
    if (job->is_telling)
        list_remove(&job->link);
    list_append(&executor->finished, &job->link);
    uv_async_send(&executor->wake);
    return stays;
}

static void *work(void *self)
{
    struct executor *executor = self;
    pthread_mutex_lock(&executor->lock);
    for (;;) {
        while (list_is_empty(&executor->waiting) && !executor->is_closing && !executor->nreturning)
            pthread_cond_wait(&executor->wanted, &executor->lock);
        if (executor->is_closing || make_way(executor))
            break;
        struct job *job = take_first(&executor->waiting);
        executor->nbegun++;
        pthread_mutex_unlock(&executor->lock);
        job->run(job);
        pthread_mutex_lock(&executor->lock);
        if (!finish(executor, job))
            break;
    }
    executor->nrunning_threads--;
    uv_async_send(&executor->wake); /* under the lock: the loop may free all once it has it */
    pthread_mutex_unlock(&executor->lock);
    return NULL;
}

/* ---- the loop's side ---- */

static void free_executor(struct executor *executor)
{
    pthread_mutex_destroy(&executor->lock);
    pthread_cond_destroy(&executor->wanted);
    pthread_cond_destroy(&executor->place);
    memory_free(executor->memory, executor, sizeof(*executor));
}

static void on_closed(uv_handle_t *handle)
{
    struct executor *executor = handle->data;
    if (--executor->nclosing)
        return;
    void (*closed)(void *self) = executor->closed;
    void *self = executor->closed_self;
    free_executor(executor);
    if (closed)
        closed(self);
}

static void tell(struct executor *executor, struct list *jobs)
{
    while (!list_is_empty(jobs)) {
        struct job *job = take_first(jobs);
        executor->njobs--;
        job->done(job);
    }
}

static struct job *next_leaving(struct executor *executor)
{
    struct job *job = NULL;
    pthread_mutex_lock(&executor->lock);
    if (!list_is_empty(&executor->leaving)) {
        job = take_first(&executor->leaving);
        job->is_telling = false;
    }
    pthread_mutex_unlock(&executor->lock);
    return job;
}

/* All of `from` to the end of `to`. */
static void move_all(struct list *from, struct list *to)
{
    while (!list_is_empty(from)) {
        struct list *link = from->next;
        list_remove(link);
        list_append(to, link);
    }
}

/* Nothing has begun for a while. */
static void on_patience(uv_timer_t *patience)
{
    struct executor *executor = patience->data;
    struct list jobs;
    list_init(&jobs);
    pthread_mutex_lock(&executor->lock);
    if (executor->nbegun == executor->nbegun_before)
        move_all(&executor->waiting, &jobs);
    executor->nbegun_before = executor->nbegun;
    bool is_empty = list_is_empty(&executor->waiting);
    pthread_mutex_unlock(&executor->lock);
    if (is_empty)
        uv_timer_stop(patience);
    tell(executor, &jobs);
}

static void close_handles(struct executor *executor)
{
    executor->nclosing = 2;
    uv_close((uv_handle_t *)&executor->patience, on_closed);
    uv_close((uv_handle_t *)&executor->wake, on_closed);
}

static void on_wake(uv_async_t *wake)
{
    struct executor *executor = wake->data;
    struct list jobs;
    list_init(&jobs);
    for (struct job *job; (job = next_leaving(executor));)
        job->left(job);
    pthread_mutex_lock(&executor->lock);
    move_all(&executor->finished, &jobs);
    if (executor->is_closing)
        move_all(&executor->waiting, &jobs);
    bool is_over = executor->is_closing && !executor->nrunning_threads;
    pthread_mutex_unlock(&executor->lock);
    tell(executor, &jobs);
    if (!is_over || uv_is_closing((uv_handle_t *)wake))
        return;
    close_handles(executor);
}

/* Signals are for the thread that waits for them. Nobody joins it, it may end at any time: its last
 * deed is to tell the loop. The lock is held. */
static bool start_thread(struct executor *executor)
{
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool has_started = pthread_create(&thread, NULL, work, executor) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (has_started)
        pthread_detach(thread);
    executor->nrunning_threads += has_started;
    return has_started;
}

/* As many as can be made. */
static void start(struct executor *executor, uint32_t nthreads)
{
    pthread_mutex_lock(&executor->lock);
    while (executor->nthreads < nthreads && start_thread(executor))
        executor->nthreads++;
    pthread_mutex_unlock(&executor->lock);
}

dk_status executor_new(uv_loop_t *loop, struct memory *memory, uint32_t nthreads,
                       struct executor **out, dk_error *err)
{
    struct executor *executor = memory_calloc(memory, sizeof(*executor));
    if (!executor)
        return error_nomem(err);
    executor->memory = memory;
    pthread_mutex_init(&executor->lock, NULL);
    pthread_cond_init(&executor->wanted, NULL);
    pthread_cond_init(&executor->place, NULL);
    list_init(&executor->waiting);
    list_init(&executor->finished);
    list_init(&executor->leaving);
    if (uv_async_init(loop, &executor->wake, on_wake) != 0) {
        free_executor(executor);
        return error_nomem(err);
    }
    uv_timer_init(loop, &executor->patience);
    executor->wake.data = executor->patience.data = executor;
    start(executor, nthreads);
    if (!executor->nthreads) {
        close_handles(executor);
        return error_set(err, DK_EIO, "cannot start a thread");
    }
    *out = executor;
    return DK_OK;
}

void executor_submit(struct executor *executor, struct job *job)
{
    bool is_beyond = ++executor->njobs > executor->nthreads;
    pthread_mutex_lock(&executor->lock);
    list_append(&executor->waiting, &job->link);
    uint64_t nbegun = executor->nbegun;
    pthread_cond_signal(&executor->wanted);
    pthread_mutex_unlock(&executor->lock);
    if (!is_beyond || uv_is_active((uv_handle_t *)&executor->patience))
        return;
    executor->nbegun_before = nbegun;
    uv_timer_start(&executor->patience, on_patience, PATIENCE_MS, PATIENCE_MS);
}

void executor_leave(struct executor *executor, struct job *job)
{
    pthread_mutex_lock(&executor->lock);
    if (!job->has_left && start_thread(executor)) {
        job->has_left = true;
        if (!job->is_telling)
            list_append(&executor->leaving, &job->link);
        job->is_telling = true;
        uv_async_send(&executor->wake);
    }
    pthread_mutex_unlock(&executor->lock);
}

void executor_return(struct executor *executor, struct job *job)
{
    pthread_mutex_lock(&executor->lock);
    if (job->has_left) {
        executor->nreturning++;
        pthread_cond_signal(&executor->wanted);
        while (!executor->nplaces && !executor->is_closing)
            pthread_cond_wait(&executor->place, &executor->lock);
        if (executor->nplaces) {
            executor->nplaces--;
            job->has_left = false;
        }
    }
    pthread_mutex_unlock(&executor->lock);
}

void executor_close(struct executor *executor, void (*closed)(void *self), void *self)
{
    executor->closed = closed;
    executor->closed_self = self;
    pthread_mutex_lock(&executor->lock);
    executor->is_closing = true;
    pthread_cond_broadcast(&executor->wanted);
    pthread_cond_broadcast(&executor->place);
    uv_async_send(&executor->wake);
    pthread_mutex_unlock(&executor->lock);
}

uint32_t executor_njobs(const struct executor *executor)
{
    return executor->njobs;
}
