/* "gather": somebody wants this worker to get copies, and to be told when it has them.
 *
 * The core fetches them as it does for the scheduler's acquire-replicas.
 * Source: distributed.worker.Worker.gather, distributed.scheduler (gather_on_worker). */
#include "base/error.h"
#include "core/worker/decode.h"
#include "node/worker/parts.h"
#include "wire/build.h"

struct replication {
    struct worker_node *node;
    struct request *request;
    struct arena arena;
    struct wkr_replicas_list wanted;
    struct list link;
};

static void free_replication(struct replication *replication)
{
    list_remove(&replication->link);
    arena_deinit(&replication->arena);
    memory_free(replication->node->memory, replication, sizeof(*replication));
}

static enum wkr_state state_of(const struct replication *replication, size_t index)
{
    struct wkr_task_id task;
    const struct wkr *core = replication->node->core;
    bool is_known = wkr_find(core, replication->wanted.list[index].key, &task);
    return is_known ? wkr_task_state(core, task) : WKR_FORGOTTEN;
}

/* Still on its way. */
static bool is_pending(enum wkr_state state)
{
    return state == WKR_FETCH || state == WKR_FLIGHT;
}

static void answer(struct replication *replication)
{
    struct wire_builder builder = {&replication->arena, false};
    struct wire_filling failed = wire_begin_array(&builder, replication->wanted.count);
    struct wire_filling map = wire_begin_map(&builder, 2);
    for (size_t i = 0; i < replication->wanted.count; i++)
        if (state_of(replication, i) != WKR_MEMORY)
            wire_add(&failed, wire_packed(replication->wanted.list[i].key));
    wire_put(&map, "status", wire_text(failed.count ? "partial-fail" : "OK"));
    if (failed.count)
        wire_put(&map, "keys", wire_end_array(&failed));
    struct wire_value value = wire_end_map(&map);
    request_reply(replication->request, &value);
}

/* What nobody has would be looked for until it is found. */
static void give_up_missing(struct replication *replication)
{
    struct worker_node *node = replication->node;
    for (size_t i = 0; i < replication->wanted.count; i++) {
        struct wkr_event event = {.kind = WKR_FREE_KEYS,
                                  .as.keys = {&replication->wanted.list[i].key, 1}};
        struct wkr_task_id task;
        if (wkr_find(node->core, replication->wanted.list[i].key, &task) &&
            wkr_task_state(node->core, task) == WKR_MISSING &&
            !wkr_task_is_needed(node->core, task))
            worker_happen(node, &event, "gather-given-up", NULL, 0);
    }
}

/* One that has come to an end, taken from the list. */
static struct replication *take_ended(struct worker_node *node)
{
    LIST_EACH (at, &node->replications) {
        struct replication *replication = LIST_ENTRY(at, struct replication, link);
        size_t npending = 0;
        for (size_t i = 0; i < replication->wanted.count; i++)
            npending += is_pending(state_of(replication, i));
        if (!npending) {
            list_remove(&replication->link);
            return replication;
        }
    }
    return NULL;
}

/* Giving up is an event, after which this is called again, from within. */
void worker_check_replications(struct worker_node *node)
{
    struct replication *replication;
    while ((replication = take_ended(node)) != NULL) {
        answer(replication);
        give_up_missing(replication);
        free_replication(replication);
    }
}

void worker_end_replications(struct worker_node *node)
{
    while (!list_is_empty(&node->replications)) {
        struct replication *replication =
            LIST_ENTRY(node->replications.next, struct replication, link);
        request_raise(replication->request, "OSError", "the worker has lost its scheduler");
        free_replication(replication);
    }
}

static struct replication *new_replication(struct worker_node *node, struct request *request)
{
    struct replication *replication = memory_calloc(node->memory, sizeof(*replication));
    if (!replication)
        return NULL;
    replication->node = node;
    replication->request = request;
    arena_init(&replication->arena, node->memory);
    list_append(&node->replications, &replication->link);
    return replication;
}

static dk_status decode(struct replication *replication, dk_error *err)
{
    struct vector scratch;
    struct wkr_decoder decoder = {&replication->arena, &scratch, err};
    vector_init(&scratch, replication->node->memory, 1);
    dk_status status =
        wkr_decode_who_has(&decoder, wire_find(request_message(replication->request), "who_has"),
                           &replication->wanted);
    vector_deinit(&scratch);
    return status;
}

void worker_gather_copies(void *self, struct request *request)
{
    struct worker_node *node = self;
    dk_error err = {0};
    struct replication *replication = new_replication(node, request);
    dk_status status = replication ? decode(replication, &err) : error_nomem(&err);
    if (status != DK_OK) {
        err.status = status;
        request_fail(request, &err);
        if (replication)
            free_replication(replication);
        return;
    }
    struct wkr_event event = {.kind = WKR_ACQUIRE_REPLICAS, .as.replicas = replication->wanted};
    worker_happen(node, &event, "gather", NULL, 0); /* which checks the replications */
}
