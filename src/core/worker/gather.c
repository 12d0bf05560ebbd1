/* What to get from whom.   Source: WorkerState._ensure_communicating and its helpers. */
#include "base/error.h"
#include "core/worker/state.h"

/* A limit on the number of gathers does not count while little data is on its way. */
#define THROTTLE_NBYTES ((int64_t)10000000)

static bool is_throttled(const struct wkr *worker)
{
    const struct wkr_options *options = &worker->options;
    return worker->incoming_nbytes >= options->incoming_nbytes_max ||
           (worker->ngathers >= options->gathers_max && worker->incoming_nbytes >= THROTTLE_NBYTES);
}

static struct wkr_task *first_needed(const struct wkr_peer *peer)
{
    const struct wkr_replica *first = heap_first(&peer->needed);
    return first->task;
}

/* By the best task that it has, those on our host first, then by how much it has. */
static bool is_better(const struct wkr_peer *a, const struct wkr_peer *b)
{
    int order = wkr_compare_priority(first_needed(a), first_needed(b));
    if (order)
        return order < 0;
    if (a->is_local != b->is_local)
        return a->is_local;
    if (heap_count(&a->needed) != heap_count(&b->needed))
        return heap_count(&a->needed) > heap_count(&b->needed);
    return a->order < b->order;
}

static struct wkr_peer *choose(const struct wkr *worker)
{
    struct wkr_peer *best = NULL;
    LIST_EACH (at, &worker->needed) {
        struct wkr_peer *peer = LIST_ENTRY(at, struct wkr_peer, in_needed);
        if (!peer->is_awaited && !peer->is_busy && (!best || is_better(peer, best)))
            best = peer;
    }
    return best;
}

static int64_t expected_nbytes(const struct wkr_task *task)
{
    return task->nbytes >= 0 ? task->nbytes : WKR_UNKNOWN_NBYTES;
}

/* Something is always fetched; and the first of a message, whatever a message may hold. */
static bool is_too_much(const struct wkr *worker, const struct wkr_task *task,
                        int64_t message_nbytes)
{
    if (!worker->incoming_nbytes && !message_nbytes)
        return false;
    int64_t allowance = worker->options.incoming_nbytes_max - worker->incoming_nbytes;
    if (message_nbytes) {
        if (allowance > worker->options.message_nbytes_max)
            allowance = worker->options.message_nbytes_max;
        allowance -= message_nbytes;
    }
    return expected_nbytes(task) > allowance;
}

/* Moves tasks from what the peer is needed for into one instruction; none when all are too much. */
static dk_status fill(struct wkr_work *step, struct wkr_peer *peer, struct wkr_instruction *gather)
{
    struct wkr *worker = step->worker;
    while (heap_count(&peer->needed)) {
        struct wkr_task *task = first_needed(peer);
        if (is_too_much(worker, task, gather->nbytes))
            break;
        DK_TRY(vector_append(&step->out->tasks, &task->id, 1));
        DK_TRY(vector_append(&peer->in_flight, &task->id, 1));
        LIST_EACH (at, &task->replicas)
            wkr_unneed_replica(LIST_ENTRY(at, struct wkr_replica, in_task));
        task->coming_from = peer;
        gather->nbytes += expected_nbytes(task);
        gather->ntasks++;
        DK_TRY(wkr_recommend(step, task, WKR_FLIGHT));
    }
    return DK_OK;
}

/* `*is_full`: the peer has nothing that may be fetched now. */
static dk_status gather_from(struct wkr_work *step, struct wkr_peer *peer, bool *is_full)
{
    struct wkr *worker = step->worker;
    struct wkr_instruction *gather = wkr_instruct(step, WKR_GATHER, NULL);
    if (!gather)
        return DK_ENOMEM;
    gather->peer = peer->id;
    DK_TRY(fill(step, peer, gather));
    *is_full = gather->ntasks == 0;
    if (*is_full) {
        step->out->list.count--;
        return DK_OK;
    }
    peer->is_awaited = true;
    peer->in_flight_nbytes = gather->nbytes;
    worker->incoming_nbytes += gather->nbytes;
    worker->ngathers++;
    worker->ngathered++;
    return DK_OK;
}

dk_status wkr_gather_more(struct wkr_work *step)
{
    struct wkr *worker = step->worker;
    bool is_full = false;
    while (worker->is_running && !is_full && !is_throttled(worker)) {
        struct wkr_peer *peer = choose(worker);
        if (!peer)
            break;
        DK_TRY(gather_from(step, peer, &is_full));
    }
    return wkr_follow_recommendations(step);
}
