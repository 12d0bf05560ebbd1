/* Requests to have workers leave: answered when others hold all that they held.
 *
 * Source: distributed.scheduler.Scheduler.retire_workers. */
#include "base/error.h"
#include "node/scheduler/parts.h"

struct leaver {
    uint32_t worker; /* SCHED_NOBODY: it does not leave after all */
    bool is_rescued;
};

/* One request; `left` workers are still to be rescued. */
struct retirement {
    struct scheduler_node *node;
    struct request *request;
    struct retirement *next;
    struct vector workers; /* of struct leaver */
    uint32_t left;
    bool closes;
};

/* Their identities, of which addresses are enough. */
static void answer(struct retirement *retirement)
{
    struct scheduler_node *node = retirement->node;
    const struct leaver *leavers = retirement->workers.data;
    struct arena arena;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling map = wire_begin_map(&builder, retirement->workers.count);
    for (size_t i = 0; i < retirement->workers.count; i++) {
        const char *address = sched_worker_address(node->sched, leavers[i].worker);
        struct wire_filling identity = wire_begin_map(&builder, 1);
        wire_put(&identity, "type", wire_text("Worker"));
        if (address)
            wire_put_key(&map, wire_copy_text(&builder, address), wire_end_map(&identity));
    }
    struct wire_value reply = wire_end_map(&map);
    request_reply(retirement->request, &reply);
    arena_deinit(&arena);
}

/* Whoever asks for the workers next is told of the others only. */
static void dismiss_workers(struct retirement *retirement)
{
    const struct leaver *leavers = retirement->workers.data;
    for (size_t i = 0; i < retirement->workers.count; i++) {
        struct peer *peer = scheduler_peer_of_worker(retirement->node, leavers[i].worker);
        if (peer)
            scheduler_dismiss_worker(peer);
    }
}

static void free_retirement(struct retirement *retirement)
{
    vector_deinit(&retirement->workers);
    memory_free(retirement->node->memory, retirement, sizeof(*retirement));
}

static void finish(struct retirement *retirement)
{
    struct scheduler_node *node = retirement->node;
    struct retirement **link = &node->retirements;
    while (*link != retirement)
        link = &(*link)->next;
    *link = retirement->next;
    answer(retirement);
    if (retirement->closes)
        dismiss_workers(retirement);
    free_retirement(retirement);
}

static struct leaver *find_leaver(const struct retirement *retirement, uint32_t worker)
{
    struct leaver *leavers = retirement->workers.data;
    for (size_t i = 0; i < retirement->workers.count; i++)
        if (leavers[i].worker == worker)
            return &leavers[i];
    return NULL;
}

static void log_that_it_stays(struct scheduler_node *node, uint32_t worker)
{
    scheduler_log(node, "WARNING",
                  "Tried retiring worker %s, but nobody can take what it holds: it stays",
                  sched_worker_address(node->sched, worker));
    struct peer *peer = scheduler_peer_of_worker(node, worker);
    if (peer)
        peer->has_said_bye = false;
}

void scheduler_worker_retired(struct scheduler_node *node, uint32_t worker, bool may_leave)
{
    if (!may_leave)
        log_that_it_stays(node, worker);

    struct retirement *r = node->retirements;
    while (r) {
        struct leaver *leaver = find_leaver(r, worker);
        struct retirement *next = r->next;
        if (leaver && !leaver->is_rescued) {
            leaver->is_rescued = may_leave;
            if (!may_leave)
                leaver->worker = SCHED_NOBODY;
            if (--r->left == 0) {
                finish(r); /* which may end others, too */
                next = node->retirements;
            }
        }
        r = next;
    }
}

static dk_status add_leaver(struct retirement *retirement, uint32_t worker)
{
    struct leaver leaver = {.worker = worker};
    if (worker == SCHED_NOBODY || find_leaver(retirement, worker))
        return DK_OK;
    return vector_append(&retirement->workers, &leaver, 1);
}

/* Nobody is named: those that are needed least. */
static dk_status choose_workers(struct retirement *retirement, const struct wire_value *message,
                                dk_error *err)
{
    const struct sched *sched = retirement->node->sched;
    struct memory *memory = retirement->node->memory;
    size_t room = (sched_nworkers(sched) + (size_t)1) * sizeof(uint32_t);
    struct sched_shrinking shrinking;
    uint32_t count = 0;
    DK_TRY(scheduler_read_shrinking(retirement->node, message, &shrinking, err));
    uint32_t *chosen = memory_alloc(memory, room);
    dk_status status =
        chosen ? sched_workers_to_close(sched, &shrinking, chosen, &count) : DK_ENOMEM;
    for (uint32_t i = 0; i < count && status == DK_OK; i++)
        status = add_leaver(retirement, chosen[i]);
    memory_free(memory, chosen, room);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status read_workers(struct retirement *retirement, const struct wire_value *message,
                              dk_error *err)
{
    struct scheduler_node *node = retirement->node;
    const struct wire_value *list = wire_find(message, "workers");
    const struct wire_value *names = wire_find(message, "names");
    bool by_name = names && names->kind == WIRE_ARRAY;
    list = by_name ? names : list;
    if (!list || list->kind == WIRE_NIL)
        return choose_workers(retirement, message, err);
    uint32_t count = list->kind == WIRE_ARRAY ? list->count : 0;
    for (uint32_t i = 0; i < count; i++)
        if (add_leaver(retirement, by_name
                                       ? sched_find_worker_by_name(node->sched, list->as.items[i])
                                       : scheduler_find_worker(node, &list->as.items[i])) != DK_OK)
            return error_nomem(err);
    return DK_OK;
}

/* One that cannot be told to leave for want of memory is still to be rescued, as the request is
 * then. */
static void begin(struct retirement *retirement)
{
    struct scheduler_node *node = retirement->node;
    dk_status status = DK_OK;
    for (size_t i = 0; i < retirement->workers.count && status == DK_OK; i++) {
        struct sched_event event = {.kind = SCHED_RETIRE_WORKER, .stimulus = "retire-workers"};
        event.worker = ((const struct leaver *)retirement->workers.data)[i].worker;
        struct peer *peer = scheduler_peer_of_worker(node, event.worker);
        if (peer)
            peer->has_said_bye = true;
        status = scheduler_take(node, &event, NULL);
    }
}

void scheduler_retire_workers(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    const struct wire_value *message = request_message(request);
    struct retirement *retirement = memory_calloc(node->memory, sizeof(*retirement));
    dk_error err = {0};
    if (!retirement) {
        (void)error_nomem(&err);
        request_fail(request, &err);
        return;
    }
    *retirement = (struct retirement){.node = node, .request = request};
    retirement->closes = scheduler_read_flag(wire_find(message, "close_workers"), false);
    vector_init(&retirement->workers, node->memory, sizeof(struct leaver));
    if (read_workers(retirement, message, &err) != DK_OK) {
        request_fail(request, &err);
        free_retirement(retirement);
        return;
    }
    retirement->next = node->retirements;
    node->retirements = retirement;
    retirement->left = (uint32_t)retirement->workers.count + 1;
    begin(retirement);
    if (--retirement->left == 0)
        finish(retirement);
}
