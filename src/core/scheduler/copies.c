#include "core/scheduler/copies.h"

#include "base/error.h"
#include "core/heap.h"
#include "core/scheduler/memory_manager.h"
#include "core/scheduler/relations.h"
#include "core/scheduler/tasks.h"

static bool has_copies(const struct sched_task *task)
{
    return task && task->replicas;
}

dk_status sched_missing(const struct sched *sched, const struct sched_keys *keys,
                        struct vector *out)
{
    for (size_t i = 0; i < keys->count; i++)
        if (!has_copies(sched_find_task(sched, keys->list[i])))
            DK_TRY(vector_append(out, &keys->list[i], 1));
    return DK_OK;
}

/* ---- more copies ---- */

static bool is_taker(const struct sched_task *task, const struct sched_worker *worker)
{
    return worker && worker->status == SCHED_RUNNING && !sched_find_replica(task, worker);
}

/* The emptiest first, what was given out in this round included. */
static struct sched_worker *next_taker(const struct sched *sched, const struct sched_task *task,
                                       struct sched_workers workers, const struct vector *copies,
                                       size_t first)
{
    struct sched_worker *best = NULL;
    for (size_t i = 0; i < workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, workers.list[i]);
        const struct sched_copy *given = copies->data;
        bool is_given = false;
        for (size_t j = first; j < copies->count; j++)
            is_given |= given[j].to == workers.list[i];
        if (!is_given && is_taker(task, worker) &&
            (!best || sched_worker_memory(worker) < sched_worker_memory(best)))
            best = worker;
    }
    return best;
}

static uint32_t count_copies(const struct sched_task *task, struct sched_workers workers)
{
    uint32_t count = 0;
    for (const struct sched_replica *r = task->replicas; r; r = r->next_of_task)
        for (size_t i = 0; i < workers.count; i++)
            count += workers.list[i] == r->worker->id;
    return count;
}

static dk_status plan_task(const struct sched *sched, const struct sched_task *task,
                           struct sched_workers workers, uint32_t n, uint32_t branching,
                           struct vector *out)
{
    size_t first = out->count;
    uint32_t count = count_copies(task, workers);
    uint64_t givers = (uint64_t)branching * task->nreplicas;
    uint32_t missing = n > count ? n - count : 0;
    for (uint32_t i = 0; i < missing && i < givers; i++) {
        struct sched_worker *to = next_taker(sched, task, workers, out, first);
        if (!to)
            break;
        struct sched_copy copy = {sched_key(sched, task), to->id, SCHED_NOBODY};
        DK_TRY(vector_append(out, &copy, 1));
        to->promised_nbytes += sched_task_nbytes(task);
    }
    return DK_OK;
}

static void forget_promises(const struct sched *sched, struct sched_workers workers)
{
    for (size_t i = 0; i < workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(sched, workers.list[i]);
        if (worker)
            worker->promised_nbytes = 0;
    }
}

dk_status sched_plan_replication(const struct sched *sched, const struct sched_keys *keys,
                                 struct sched_workers workers, uint32_t n, uint32_t branching,
                                 struct vector *out)
{
    dk_status status = DK_OK;
    for (size_t i = 0; i < keys->count && status == DK_OK; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (has_copies(task) && !task->is_actor)
            status = plan_task(sched, task, workers, n, branching, out);
    }
    forget_promises(sched, workers);
    return status;
}

/* ---- balance ---- */

/* Shares of a worker's memory limit: how far from the average is even enough; below which nothing
 * is sent; above which nothing is received (distributed.worker.memory.rebalance). */
#define HALF_GAP      0.05
#define SENDER_MIN    0.30
#define RECIPIENT_MAX 0.60

/* A worker above, or below, the average: by at most `max`, until at least `min` was moved. */
struct party {
    struct sched_worker *worker;
    int64_t max_nbytes;
    int64_t min_nbytes;
    struct sched_replica *next; /* a sender's, from the oldest on */
    uint32_t place;
};

struct balance {
    const struct sched *sched;
    bool has_keys; /* only marked tasks move */
    struct vector *out;
    struct vector parties; /* of struct party, one a worker */
    struct heap senders;
    struct heap recipients;
};

static bool is_further(const void *a, const void *b)
{
    const struct party *one = a, *other = b;
    return one->max_nbytes != other->max_nbytes ? one->max_nbytes > other->max_nbytes
                                                : one->worker->id < other->worker->id;
}

static uint32_t *place_of(void *party)
{
    return &((struct party *)party)->place;
}

static struct sched_replica *oldest(const struct sched_worker *worker)
{
    struct sched_replica *replica = worker->replicas;
    while (replica && replica->next_of_worker)
        replica = replica->next_of_worker;
    return replica;
}

/* Puts the worker among senders or recipients, or nowhere. */
static dk_status take_sides(struct balance *balance, struct party *party, int64_t mean)
{
    const struct sched_worker *worker = party->worker;
    int64_t nbytes = sched_worker_memory(worker);
    double limit = (double)worker->memory_limit;
    int64_t half_gap = (int64_t)(HALF_GAP * limit);
    if (worker->replicas && nbytes >= mean + half_gap && (double)nbytes >= SENDER_MIN * limit) {
        party->max_nbytes = nbytes - mean;
        party->min_nbytes = party->max_nbytes - half_gap;
        party->next = oldest(worker);
        return heap_push(&balance->senders, party);
    }
    if (nbytes < mean - half_gap &&
        (!worker->memory_limit || (double)nbytes < RECIPIENT_MAX * limit)) {
        party->max_nbytes = mean - nbytes;
        party->min_nbytes = party->max_nbytes - half_gap;
        return heap_push(&balance->recipients, party);
    }
    return DK_OK;
}

static dk_status choose_sides(struct balance *balance, struct sched_workers workers)
{
    int64_t sum = 0;
    DK_TRY(vector_reserve(&balance->parties, workers.count)); /* heaps point into it */
    for (size_t i = 0; i < workers.count; i++) {
        struct sched_worker *worker = sched_worker_at(balance->sched, workers.list[i]);
        struct party party = {.worker = worker, .place = HEAP_NOWHERE};
        if (!worker)
            continue;
        sum += sched_worker_memory(worker);
        DK_TRY(vector_append(&balance->parties, &party, 1));
    }
    struct party *parties = balance->parties.data;
    for (size_t i = 0; i < balance->parties.count; i++)
        DK_TRY(take_sides(balance, &parties[i], sum / (int64_t)balance->parties.count));
    return DK_OK;
}

/* The recipient that is furthest from the average, has room and no copy yet. Those that have one
 * are passed over, and wait where the caller puts them back. */
static dk_status find_recipient(struct balance *balance, const struct sched_task *task,
                                struct party **out)
{
    struct vector passed;
    dk_status status = DK_OK;
    *out = NULL;
    vector_init(&passed, balance->parties.memory, sizeof(struct party *));
    while (status == DK_OK) {
        struct party *party = heap_first(&balance->recipients);
        if (!party || sched_task_nbytes(task) > party->max_nbytes)
            break;
        if (sched_can_hold(party->worker, task) && !sched_find_replica(task, party->worker)) {
            *out = party;
            break;
        }
        status = vector_append(&passed, &party, 1);
        heap_remove(&balance->recipients, party);
    }
    for (size_t i = 0; i < passed.count && status == DK_OK; i++)
        status = heap_push(&balance->recipients, ((struct party **)passed.data)[i]);
    vector_deinit(&passed);
    return status;
}

static void count_move(struct heap *heap, struct party *party, int64_t nbytes)
{
    party->max_nbytes -= nbytes;
    party->min_nbytes -= nbytes;
    if (party->min_nbytes > 0)
        heap_update(heap, party);
    else
        heap_remove(heap, party);
}

/* Moves one result away from the sender; one that has none to move is a sender no longer. */
static dk_status move_one(struct balance *balance, struct party *sender)
{
    while (sender->next) {
        struct sched_task *task = sender->next->task;
        struct party *recipient = NULL;
        int64_t nbytes = sched_task_nbytes(task);
        sender->next = sender->next->previous_of_worker;
        if ((balance->has_keys && !task->is_marked) || task->is_actor ||
            nbytes > sender->max_nbytes)
            continue; /* the sender would be below the average */
        DK_TRY(find_recipient(balance, task, &recipient));
        if (!recipient)
            continue;
        struct sched_copy copy = {sched_key(balance->sched, task), recipient->worker->id,
                                  sender->worker->id};
        count_move(&balance->senders, sender, nbytes);
        count_move(&balance->recipients, recipient, nbytes);
        return vector_append(balance->out, &copy, 1);
    }
    heap_remove(&balance->senders, sender);
    return DK_OK;
}

static dk_status find_moves(struct balance *balance, struct sched_workers workers)
{
    DK_TRY(choose_sides(balance, workers));
    while (heap_count(&balance->senders) && heap_count(&balance->recipients))
        DK_TRY(move_one(balance, heap_first(&balance->senders)));
    return DK_OK;
}

static void mark(const struct sched *sched, const struct sched_keys *keys, bool is_marked)
{
    for (size_t i = 0; keys && i < keys->count; i++) {
        struct sched_task *task = sched_find_task(sched, keys->list[i]);
        if (task)
            task->is_marked = is_marked;
    }
}

dk_status sched_plan_balance(struct sched *sched, const struct sched_keys *keys,
                             struct sched_workers workers, struct vector *out)
{
    struct balance balance = {.sched = sched, .has_keys = keys != NULL, .out = out};
    vector_init(&balance.parties, sched->memory, sizeof(struct party));
    heap_init(&balance.senders, sched->memory, is_further, place_of);
    heap_init(&balance.recipients, sched->memory, is_further, place_of);
    mark(sched, keys, true);
    dk_status status = find_moves(&balance, workers);
    mark(sched, keys, false);
    heap_deinit(&balance.senders);
    heap_deinit(&balance.recipients);
    vector_deinit(&balance.parties);
    return status;
}
