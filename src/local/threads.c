/* The threads scheduler. The calling thread is the first worker. Tasks without dependencies are
 * handed out from the plan's order in batches; a task that becomes ready stays with the worker that
 * made it ready, on its deque, and the first of them runs at once. Idle workers steal, then park.
 */
#include "base/error.h"
#include "local/deque.h"
#include "local/run.h"

#define BATCH_MAX 64

struct pool {
    struct run *run;
    struct thread *threads;
    int32_t nthreads;
    struct vector roots;                  /* uint32_t: the tasks that depend on nothing, in order */
    size_t batch;                         /* roots taken at once */
    _Alignas(64) atomic_size_t next_root; /* everything before it has been handed out */
    _Alignas(64) atomic_size_t ndone;
    _Alignas(64) atomic_int nparked;
    pthread_mutex_t lock; /* for parking */
    pthread_cond_t wake;
    uint64_t bell; /* rung when there may be work again; under the lock */
    bool over;     /* under the lock */
};

struct thread {
    struct pool *pool;
    struct worker worker;
    struct deque deque;
    pthread_t handle;
    size_t ndone; /* not yet added to the pool's */
    uint32_t random;
};

/* The counters of the plan are shared between threads from here on. */
/* NOLINTNEXTLINE(readability-non-const-parameter): it is counted down, by a builtin. */
static inline uint32_t count_down(uint32_t *counter)
{
    return __atomic_sub_fetch(counter, 1, __ATOMIC_ACQ_REL);
}

static void ring_bell(struct pool *pool, bool over)
{
    pthread_mutex_lock(&pool->lock);
    pool->bell++;
    pool->over |= over;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* Called after a push. Adding nothing to `nparked` orders it with a thread that parks: either that
 * one's addition comes first and is seen here, or it comes later and that thread sees the push. */
static void wake_somebody(struct pool *pool)
{
    if (atomic_fetch_add(&pool->nparked, 0) > 0)
        ring_bell(pool, false);
}

/* Counts `id`'s users down. The first that is ready is returned, to run next here; the others go on
 * the deque, the best one last, so that it is popped first. */
static uint32_t release_successors(struct thread *thread, uint32_t id)
{
    struct run *run = thread->pool->run;
    const struct plan *plan = &run->plan;
    uint32_t ready = TASK_NONE;
    uint32_t first = plan->successor_start[id];
    for (uint32_t i = plan->successor_start[id + 1]; i-- > first;) {
        uint32_t successor = plan->successors[i];
        if (count_down(&plan->pending[successor]) > 0)
            continue;
        if (run->ready_ns)
            run->ready_ns[successor] = time_now_ns();
        if (ready != TASK_NONE) {
            if (deque_push(&thread->deque, ready) != DK_OK) {
                run_fail(run, TASK_NONE, DK_ENOMEM, &(dk_error){.message = "out of memory"});
            }
            wake_somebody(thread->pool);
        }
        ready = successor;
    }
    return ready;
}

/* Adds what this thread has done to the common count, rarely: the count is one cache line for all.
 */
static void report_done(struct thread *thread)
{
    struct pool *pool = thread->pool;
    if (!thread->ndone)
        return;
    size_t before = atomic_fetch_add_explicit(&pool->ndone, thread->ndone, memory_order_acq_rel);
    bool all = before + thread->ndone == plan_ntasks(&pool->run->plan);
    thread->ndone = 0;
    if (all)
        ring_bell(pool, true);
}

/* Runs `id` and then, one after the other, the task it made ready. */
static void run_chain(struct thread *thread, uint32_t id)
{
    struct run *run = thread->pool->run;
    while (id != TASK_NONE) {
        if (run_is_stopped(run) || worker_run(&thread->worker, id) != DK_OK) {
            ring_bell(thread->pool, true);
            return;
        }
        run_release_args(run, id, count_down);
        thread->ndone++;
        id = release_successors(thread, id);
    }
}

static bool steal(struct thread *thread, uint32_t *id)
{
    struct pool *pool = thread->pool;
    thread->random = thread->random * 1664525u + 1013904223u;
    int32_t start = (int32_t)((thread->random >> 8) % (uint32_t)pool->nthreads);
    for (int32_t i = 0; i < pool->nthreads; i++) {
        struct thread *victim = &pool->threads[(start + i) % pool->nthreads];
        if (victim != thread && deque_steal(&victim->deque, id))
            return true;
    }
    return false;
}

static void run_deque(struct thread *thread)
{
    uint32_t id = 0;
    while (deque_pop(&thread->deque, &id))
        run_chain(thread, id);
}

/* Takes the next roots, in order: tasks that depend on nothing. The others come by way of these. */
static bool run_batch(struct thread *thread)
{
    struct pool *pool = thread->pool;
    const uint32_t *roots = pool->roots.data;
    size_t at = atomic_fetch_add_explicit(&pool->next_root, pool->batch, memory_order_relaxed);
    size_t end = at + pool->batch < pool->roots.count ? at + pool->batch : pool->roots.count;
    if (at >= end)
        return false;
    for (; at < end; at++) {
        run_chain(thread, roots[at]);
        run_deque(thread);
    }
    return true;
}

static bool anything_to_do(const struct pool *pool)
{
    if (atomic_load(&pool->next_root) < pool->roots.count)
        return true;
    for (int32_t i = 0; i < pool->nthreads; i++) {
        if (!deque_is_empty(&pool->threads[i].deque))
            return true;
    }
    return false;
}

/* Waits for the bell; false when all is over. A pusher that does not see us parked has pushed
 * before we look. */
static bool park(struct thread *thread)
{
    struct pool *pool = thread->pool;
    report_done(thread);
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->nparked, 1);
    uint64_t heard = pool->bell;
    while (!pool->over && pool->bell == heard && !anything_to_do(pool)) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    atomic_fetch_sub(&pool->nparked, 1);
    bool over = pool->over;
    pthread_mutex_unlock(&pool->lock);
    return !over;
}

static void *work(void *arg)
{
    struct thread *thread = arg;
    struct pool *pool = thread->pool;
    uint32_t id = 0;
    do {
        bool found = true;
        while (found && !atomic_load_explicit(&pool->run->failed, memory_order_relaxed)) {
            run_deque(thread);
            found = run_batch(thread);
            if (!found && steal(thread, &id)) {
                run_chain(thread, id);
                found = true;
            }
        }
    } while (park(thread));
    return NULL;
}

static dk_status threads_init(struct pool *pool, dk_error *err)
{
    struct memory *memory = pool->run->context->memory;
    for (int32_t i = 0; i < pool->nthreads; i++) {
        struct thread *thread = &pool->threads[i];
        thread->pool = pool;
        thread->random = (uint32_t)i * 2654435761u;
        worker_init(&thread->worker, pool->run, i);
        if (deque_init(&thread->deque, memory) != DK_OK)
            return error_nomem(err);
    }
    return DK_OK;
}

static void threads_deinit(struct pool *pool)
{
    for (int32_t i = 0; i < pool->nthreads && pool->threads[i].pool; i++) {
        worker_deinit(&pool->threads[i].worker);
        deque_deinit(&pool->threads[i].deque);
    }
}

/* A thread that cannot be started is one helper fewer: the work gets done all the same. */
static void start_and_join(struct pool *pool)
{
    int32_t started = 1;
    while (started < pool->nthreads) {
        struct thread *thread = &pool->threads[started];
        if (pthread_create(&thread->handle, NULL, work, thread) != 0)
            break;
        started++;
    }
    work(&pool->threads[0]);
    for (int32_t i = 1; i < started; i++)
        pthread_join(pool->threads[i].handle, NULL);
}

static dk_status run_pool(struct pool *pool, dk_error *err)
{
    struct memory *memory = pool->run->context->memory;
    size_t nbytes = (size_t)pool->nthreads * sizeof(struct thread) + 64;
    char *block = memory_calloc(memory, nbytes);
    if (!block)
        return error_nomem(err);
    pool->threads = (struct thread *)(void *)(block + (64 - (uintptr_t)block % 64));
    dk_status status = threads_init(pool, err);
    if (status == DK_OK)
        start_and_join(pool);
    threads_deinit(pool);
    memory_free(memory, block, nbytes);
    return status;
}

static dk_status find_roots(struct pool *pool, dk_error *err)
{
    const struct plan *plan = &pool->run->plan;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        uint32_t id = plan_at(plan, rank);
        if (plan->pending[id])
            continue;
        if (vector_append(&pool->roots, &id, 1) != DK_OK)
            return error_nomem(err);
    }
    size_t fair = pool->roots.count / ((size_t)pool->nthreads * 8) + 1;
    pool->batch = fair < BATCH_MAX ? fair : BATCH_MAX;
    return DK_OK;
}

static dk_status run_threads(struct run *run, int32_t nthreads, dk_error *err)
{
    struct pool pool = {.run = run, .nthreads = nthreads};
    vector_init(&pool.roots, run->context->memory, sizeof(uint32_t));
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    dk_status status = plan_link(&run->plan, err);
    if (status == DK_OK)
        status = find_roots(&pool, err);
    if (status == DK_OK && pool.roots.count)
        status = run_pool(&pool, err);
    pthread_cond_destroy(&pool.wake);
    pthread_mutex_destroy(&pool.lock);
    vector_deinit(&pool.roots);
    return status;
}

dk_status dk_get_threads(dk_context *dk, const dk_graph *graph, const dk_task_id *keys,
                         size_t nkeys, const dk_get_options *options, dk_value *results,
                         dk_error *err)
{
    struct run run;
    DK_TRY(run_init(&run, dk, graph, keys, nkeys, options, err));
    int32_t nthreads = run_num_workers(&run);
    dk_error error = {0};
    dk_status status = run_threads(&run, nthreads, &error);
    if (status != DK_OK)
        run_fail(&run, TASK_NONE, status, &error);
    return run_finish(&run, keys, nkeys, results, err);
}
