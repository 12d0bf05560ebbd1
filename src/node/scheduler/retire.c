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
    vector_deinit(&retirement->workers);
    memory_free(node->memory, retirement, sizeof(*retirement));
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

static dk_status read_workers(struct retirement *retirement, const struct wire_value *message)
{
    struct scheduler_node *node = retirement->node;
    const struct wire_value *list = wire_find(message, "workers");
    const struct wire_value *names = wire_find(message, "names");
    bool by_name = names && names->kind == WIRE_ARRAY;
    list = by_name ? names : list;
    uint32_t count = list && list->kind == WIRE_ARRAY ? list->count : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t worker = by_name ? sched_find_worker_by_name(node->sched, list->as.items[i])
                                  : scheduler_find_worker(node, &list->as.items[i]);
        struct leaver leaver = {.worker = worker};
        if (worker != SCHED_NOBODY && !find_leaver(retirement, worker))
            DK_TRY(vector_append(&retirement->workers, &leaver, 1));
    }
    return DK_OK;
}

void scheduler_retire_workers(void *self, struct request *request)
{
    struct scheduler_node *node = self;
    const struct wire_value *message = request_message(request);
    struct retirement *retirement = memory_calloc(node->memory, sizeof(*retirement));
    if (!retirement) {
        request_fail(request, &(dk_error){.status = DK_ENOMEM, .message = "out of memory"});
        return;
    }
    *retirement = (struct retirement){.node = node, .request = request, .next = node->retirements};
    retirement->closes = scheduler_read_flag(wire_find(message, "close_workers"), false);
    vector_init(&retirement->workers, node->memory, sizeof(struct leaver));
    node->retirements = retirement;
    dk_status status = read_workers(retirement, message);
    retirement->left = (uint32_t)retirement->workers.count + 1;
    for (size_t i = 0; i < retirement->workers.count && status == DK_OK; i++) {
        struct sched_event event = {.kind = SCHED_RETIRE_WORKER, .stimulus = "retire-workers"};
        event.worker = ((const struct leaver *)retirement->workers.data)[i].worker;
        struct peer *peer = scheduler_peer_of_worker(node, event.worker);
        if (peer)
            peer->has_said_bye = true;
        status = scheduler_take(node, &event, NULL);
    }
    if (--retirement->left == 0)
        finish(retirement);
}
