#include "core/scheduler/memory_manager.h"

#include "base/error.h"
#include "core/scheduler/messages.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/runs.h"
#include "core/scheduler/tasks.h"

/* What the process has held for longer than this is there to stay (recent-to-old-time). */
#define OLD_US ((int64_t)30000000)
/* From this many waiting tasks on nobody looks where each of them runs. */
#define MANY_WAITERS 20
/* So many tasks with several copies are looked at in a turn: a million of them must not keep
 * everybody waiting. */
#define TURN_TASKS 10000

/* ---- the memory of workers ---- */

static int64_t read_nbytes(const struct wire_value *value)
{
    int64_t nbytes = 0;
    return wire_read_int(value, &nbytes) && nbytes > 0 ? nbytes : 0;
}

/* The least of the last half minute, and of the half minute before: what is old is in both. */
static void learn_unmanaged(struct sched *sched, struct sched_worker *worker, int64_t nbytes)
{
    if (sched->now_us - worker->unmanaged_since_us >= OLD_US || !worker->unmanaged_since_us) {
        bool is_first = !worker->unmanaged_since_us;
        worker->unmanaged_before_nbytes = is_first ? nbytes : worker->unmanaged_nbytes;
        worker->unmanaged_nbytes = nbytes;
        worker->unmanaged_since_us = sched->now_us;
    }
    if (nbytes < worker->unmanaged_nbytes)
        worker->unmanaged_nbytes = nbytes;
}

void sched_learn_memory(struct sched *sched, struct sched_worker *worker,
                        const struct wire_value *metrics)
{
    const struct wire_value *spilled = wire_find(metrics, "spilled_bytes");
    int64_t process_nbytes = read_nbytes(wire_find(metrics, "memory"));
    worker->spilled_nbytes =
        spilled && spilled->kind == WIRE_MAP ? read_nbytes(wire_find(spilled, "memory")) : 0;
    int64_t unmanaged_nbytes = process_nbytes - worker->nbytes + worker->spilled_nbytes;
    learn_unmanaged(sched, worker, unmanaged_nbytes > 0 ? unmanaged_nbytes : 0);
}

int64_t sched_worker_memory(const struct sched_worker *worker)
{
    int64_t old_nbytes = worker->unmanaged_nbytes < worker->unmanaged_before_nbytes
                             ? worker->unmanaged_nbytes
                             : worker->unmanaged_before_nbytes;
    int64_t managed_nbytes = worker->nbytes - worker->spilled_nbytes;
    return (managed_nbytes > 0 ? managed_nbytes : 0) + old_nbytes + worker->promised_nbytes;
}

/* ---- who gets a copy ---- */

bool sched_can_hold(const struct sched_worker *worker, const struct sched_task *task)
{
    return worker->has_native || !task->run_spec || task->language == SCHED_PYTHON;
}

struct sched_worker *sched_find_recipient(const struct sched *sched, const struct sched_task *task)
{
    struct sched_worker *best = NULL;
    for (size_t i = 0; i < sched->workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, (uint32_t)i);
        if (worker && worker->status == SCHED_RUNNING && sched_can_hold(worker, task) &&
            !sched_find_replica(task, worker) &&
            (!best || sched_worker_memory(worker) < sched_worker_memory(best)))
            best = worker;
    }
    return best;
}

/* ---- who drops one ---- */

/* A task that runs there, or is queued there, needs the copy. */
static bool is_used(const struct sched *sched, const struct sched_replica *replica)
{
    for (const struct sched_edge *e = replica->task->first_dependent; e; e = e->next)
        if (e->is_waiter && sched_task_worker(sched_dependent(sched, e)) == replica->worker)
            return true;
    return false;
}

static bool is_among(const struct sched_reduce *reduce, const struct sched_worker *worker)
{
    for (size_t i = 0; reduce && i < reduce->nworkers; i++)
        if (reduce->workers[i] == worker->id)
            return true;
    return !reduce;
}

static bool is_better(const struct sched_replica *replica, const struct sched_replica *best)
{
    bool leaves = replica->worker->status != SCHED_RUNNING;
    bool best_leaves = best && best->worker->status != SCHED_RUNNING;
    if (!best || leaves != best_leaves)
        return !best || leaves;
    return sched_worker_memory(replica->worker) > sched_worker_memory(best->worker);
}

/* The copies of one task, as candidates to be dropped. */
struct candidates {
    struct sched_replica *best;
    uint32_t nfree;          /* that no task uses */
    bool is_used_by_leavers; /* some are used, and those only on workers that do not run */
};

/* `reduce` says on which workers; NULL: on all. */
static struct candidates look_at(const struct sched *sched, const struct sched_task *task,
                                 const struct sched_reduce *reduce)
{
    struct candidates found = {0};
    uint32_t nused = 0, nused_running = 0;
    for (struct sched_replica *r = task->replicas; r; r = r->next_of_task) {
        if (!is_among(reduce, r->worker))
            continue;
        if (is_used(sched, r)) {
            nused++;
            nused_running += r->worker->status == SCHED_RUNNING;
            continue;
        }
        found.nfree++;
        if (is_better(r, found.best))
            found.best = r;
    }
    found.is_used_by_leavers = nused && !nused_running;
    return found;
}

/* The fullest holder that does not need its copy; NULL when none can go. The only copy that is not
 * on a worker that leaves stays, though the leaver still uses its own: it would be made again. */
static struct sched_replica *find_dropper(const struct sched *sched, const struct sched_task *task,
                                          const struct sched_reduce *reduce)
{
    if (task->nreplicas < 2 || task->is_actor)
        return NULL;
    struct candidates found = look_at(sched, task, reduce);
    if (found.nfree == 1 && found.best->worker->status == SCHED_RUNNING && found.is_used_by_leavers)
        return NULL;
    return found.best;
}

void sched_drop_replica(struct sched *sched, struct sched_replica *replica)
{
    sched_tell_remove_replica(sched, replica->worker->id, sched_key(sched, replica->task));
    sched_remove_replica(sched, replica);
}

/* ---- too many copies ---- */

dk_status sched_count_replicas(struct sched *sched, struct sched_task *task)
{
    struct vector *list = &sched->replicated;
    if (task->nreplicas > 1 && !task->replicated_place) {
        if (!list->count)
            sched->next_manage_us = sched->now_us + sched->options.manage_interval_us;
        DK_TRY(vector_append(list, &task, 1));
        task->replicated_place = (uint32_t)list->count;
    } else if (task->nreplicas < 2 && task->replicated_place) {
        struct sched_task **tasks = list->data;
        struct sched_task *last = tasks[--list->count];
        tasks[task->replicated_place - 1] = last;
        last->replicated_place = task->replicated_place;
        task->replicated_place = 0;
    }
    return DK_OK;
}

/* How many workers have tasks that wait for this one; those that are nowhere yet count each. As
 * many as there are copies are enough to know. */
static uint32_t count_users(const struct sched *sched, const struct sched_task *task)
{
    const struct sched_worker *workers[MANY_WAITERS];
    uint32_t nusers = 0, nworkers = 0;
    if (task->nwaiters >= MANY_WAITERS)
        return task->nwaiters;
    const struct sched_edge *e = task->first_dependent;
    for (; e && nusers < task->nreplicas; e = e->next) {
        if (!e->is_waiter)
            continue;
        const struct sched_worker *worker = sched_task_worker(sched_dependent(sched, e));
        uint32_t i = 0;
        while (i < nworkers && workers[i] != worker)
            i++;
        if (worker && i < nworkers)
            continue;
        nusers++;
        if (worker)
            workers[nworkers++] = worker;
    }
    return nusers;
}

static void reduce_replicas(struct sched *sched, struct sched_task *task, uint32_t nwanted,
                            const struct sched_reduce *reduce)
{
    for (uint32_t count = task->nreplicas; count > nwanted; count--) {
        struct sched_replica *replica = find_dropper(sched, task, reduce);
        if (!replica)
            return;
        sched_drop_replica(sched, replica);
    }
}

/* Looks at so many tasks, or at all, going on from where the last turn ended. One that leaves the
 * list is replaced by its last, which was looked at: they are taken from the end. */
static void reduce_some(struct sched *sched, size_t ntasks)
{
    size_t place = sched->next_replicated;
    for (; ntasks && sched->replicated.count; ntasks--) {
        if (!place || place > sched->replicated.count)
            place = sched->replicated.count;
        struct sched_task *task = ((struct sched_task **)sched->replicated.data)[--place];
        uint32_t nusers = count_users(sched, task);
        reduce_replicas(sched, task, nusers > 1 ? nusers : 1, NULL);
    }
    sched->next_replicated = place;
}

void sched_manage_memory(struct sched *sched, enum sched_manager_order order)
{
    switch (order) {
    case SCHED_MANAGER_START:
        if (!sched->manages_memory)
            sched->next_manage_us = sched->now_us + sched->options.manage_interval_us;
        sched->manages_memory = true;
        break;
    case SCHED_MANAGER_STOP:
        sched->manages_memory = false;
        break;
    default:
        sched->next_replicated = 0;
        reduce_some(sched, sched->replicated.count);
        break;
    }
}

void sched_check_memory(struct sched *sched)
{
    if (!sched->manages_memory || !sched->replicated.count || sched->now_us < sched->next_manage_us)
        return;
    sched->next_manage_us = sched->now_us + sched->options.manage_interval_us;
    size_t count = sched->replicated.count;
    reduce_some(sched, count < TURN_TASKS ? count : TURN_TASKS);
}

int64_t sched_manage_deadline_us(const struct sched *sched)
{
    return sched->manages_memory && sched->replicated.count ? sched->next_manage_us : INT64_MAX;
}

/* ---- on request ---- */

static uint32_t count_among(const struct sched_task *task, const struct sched_reduce *reduce)
{
    uint32_t count = 0;
    for (const struct sched_replica *r = task->replicas; r; r = r->next_of_task)
        count += is_among(reduce, r->worker);
    return count;
}

void sched_reduce_replicas(struct sched *sched, const struct sched_reduce *reduce)
{
    for (size_t i = 0; i < reduce->keys.count; i++) {
        struct sched_task *task = sched_find_task(sched, reduce->keys.list[i]);
        uint32_t count = task ? count_among(task, reduce) : 0;
        if (count > reduce->n)
            reduce_replicas(sched, task, task->nreplicas - (count - reduce->n), reduce);
    }
}

void sched_worker_drops(struct sched *sched, struct sched_worker *worker,
                        const struct sched_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        struct sched_replica *replica = task ? sched_find_replica(task, worker) : NULL;
        if (replica && task->nreplicas > 1 && !task->is_actor)
            sched_drop_replica(sched, replica);
    }
}
