/* Events go into the core, instructions come out and are carried out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "core/worker/messages.h"
#include "node/worker/parts.h"
#include "payload/value.h"

/* Enough for a thread to be busy while the loop is at something else. */
#define AHEAD_MAX 16

static void on_deadline(uv_timer_t *timer);

/* ---- opening and closing ---- */

void worker_init_core(struct worker_node *node)
{
    wkr_instructions_init(&node->instructions, node->memory);
    store_init(&node->store, node->memory);
    vector_init(&node->failed_gathers, node->memory, sizeof(struct wkr_peer_id));
}

dk_status worker_open_core(struct worker_node *node, dk_error *err)
{
    struct wkr_options options = {
        .address = {node->address, strlen(node->address)},
        .nthreads = node->options.nthreads,
        .ahead_max = AHEAD_MAX,
        .resources = node->resources,
        .nresources = node->nresources,
    };
    if (node->options.memory_limit)
        options.incoming_nbytes_max = node->options.memory_limit / 10;
    dk_status status = wkr_new(node->memory, &options, &node->core);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

void worker_close_core(struct worker_node *node)
{
    wkr_free(node->core);
    node->core = NULL;
    wkr_instructions_deinit(&node->instructions);
    store_deinit(&node->store);
    vector_deinit(&node->failed_gathers);
    worker_init_core(node);
}

/* ---- instructions ---- */

static struct wkr_type type_of(struct worker_node *node, struct wkr_task_id task)
{
    const struct stored *stored = store_find(&node->store, task);
    dk_value value = stored ? stored->content.value : dk_value_null();
    return (struct wkr_type){payload_typename(value), payload_type(value)};
}

static dk_status tell_scheduler(struct worker_node *node, const struct wkr_instruction *instruction,
                                struct wire_bytes stimulus)
{
    struct arena arena;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wkr_type type = type_of(node, instruction->task);
    struct wire_value message =
        wkr_message(&builder, node->core, &node->instructions, instruction, stimulus, type);
    if (!builder.failed)
        worker_tell(node, &message);
    arena_deinit(&arena);
    return builder.failed ? DK_ENOMEM : DK_OK;
}

static dk_status carry_out(struct worker_node *node, const struct wkr_instruction *instruction,
                           struct wire_bytes stimulus)
{
    switch (instruction->kind) {
    case WKR_EXECUTE:
        return worker_execute(node, instruction);
    case WKR_GATHER:
        if (worker_gather(node, instruction) == DK_OK)
            return DK_OK;
        return vector_append(&node->failed_gathers, &instruction->peer, 1);
    case WKR_KEEP:
        store_keep(&node->store, instruction->task);
        return DK_OK;
    case WKR_RELEASE_DATA:
        store_release(&node->store, instruction->task);
        return tell_scheduler(node, instruction, stimulus);
    default:
        return tell_scheduler(node, instruction, stimulus);
    }
}

/* ---- events ---- */

static int64_t now_us(const struct worker_node *node)
{
    return (int64_t)uv_now(node->loop) * 1000;
}

static void set_deadline(struct worker_node *node)
{
    int64_t deadline_us = wkr_deadline(node->core);
    if (deadline_us == INT64_MAX) {
        uv_timer_stop(&node->deadline);
        return;
    }
    int64_t wait_us = deadline_us - now_us(node);
    uv_timer_start(&node->deadline, on_deadline, wait_us > 0 ? (uint64_t)(wait_us + 999) / 1000 : 0,
                   0);
}

/* Puts what came where the core's instructions will look for it. */
static dk_status bring(struct worker_node *node, struct brought *brought, size_t nbrought)
{
    dk_status status = DK_OK;
    for (size_t i = 0; i < nbrought; i++) {
        bool is_known =
            !brought[i].key.nbytes || wkr_find(node->core, brought[i].key, &brought[i].task);
        brought[i].key.nbytes = is_known ? 0 : brought[i].key.nbytes;
        if (!is_known || status != DK_OK)
            content_deinit(&brought[i].content);
        else
            status = store_bring(&node->store, brought[i].task, brought[i].content);
    }
    return status;
}

static void discard(struct worker_node *node, const struct brought *brought, size_t nbrought)
{
    for (size_t i = 0; i < nbrought; i++)
        if (!brought[i].key.nbytes)
            store_discard(&node->store, brought[i].task);
}

static void retry_failed_gathers(struct worker_node *node)
{
    while (node->failed_gathers.count && node->status != WORKER_CLOSING) {
        struct wkr_peer_id *peers = node->failed_gathers.data;
        struct wkr_event event = {.kind = WKR_GATHER_NETWORK_FAILED};
        event.as.gathered.peer = peers[--node->failed_gathers.count];
        worker_happen(node, &event, "gather-dep-failed", NULL, 0);
    }
}

void worker_handle(struct worker_node *node, struct wkr_event *event, struct wire_bytes stimulus,
                   struct brought *brought, size_t nbrought)
{
    dk_error err = {0};
    event->now_us = now_us(node);
    wkr_instructions_clear(&node->instructions);
    dk_status status = wkr_step(node->core, event, &node->instructions, &err);
    dk_status brought_status = bring(node, brought, nbrought);
    if (status == DK_OK)
        status = brought_status;
    for (size_t i = 0; i < node->instructions.list.count && status == DK_OK; i++)
        status = carry_out(node, wkr_instruction_at(&node->instructions, i), stimulus);
    discard(node, brought, nbrought);
    if (status != DK_OK) {
        if (status == DK_ENOMEM)
            (void)error_nomem(&err);
        worker_leave(node, "worker-state-broken", &err);
        return;
    }
    set_deadline(node);
    retry_failed_gathers(node);
    worker_check_replications(node);
    worker_watch_memory(node);
}

struct wire_bytes worker_stimulus(struct worker_node *node, const char *name, char out[64])
{
    int length = snprintf(out, 64, "%s-%" PRIu64, name, ++node->nstimuli);
    return (struct wire_bytes){out, (size_t)length};
}

void worker_happen(struct worker_node *node, struct wkr_event *event, const char *name,
                   struct brought *brought, size_t nbrought)
{
    char text[64];
    worker_handle(node, event, worker_stimulus(node, name, text), brought, nbrought);
}

static void on_deadline(uv_timer_t *timer)
{
    struct wkr_event event = {.kind = WKR_DEADLINE};
    worker_happen(timer->data, &event, "deadline", NULL, 0);
}

/* ---- the scheduler's messages ---- */

/* What the scheduler says that is no event of the core's. */
static void receive_other(struct worker_node *node, const struct wire_value *message,
                          const dk_error *why)
{
    const struct wire_value *op = wire_find(message, "op");
    const struct wire_value *status = wire_find(message, "status");
    if (wire_text_is(op, "close")) {
        worker_leave(node, "the scheduler has said so", NULL);
    } else if (wire_text_is(op, "worker-status-change")) {
        worker_set_status(node, wire_text_is(status, "running") ? WORKER_RUNNING
                                                                : WORKER_CLOSING_GRACEFULLY);
    } else if (!wire_text_is(op, "shuffle-fail")) {
        worker_log(node, "WARNING", "%s", why->message);
    }
}

void worker_receive(struct worker_node *node, const struct wire_value *message)
{
    struct arena arena;
    struct vector scratch;
    dk_error err = {0};
    struct wkr_event event;
    struct wire_bytes stimulus = {"", 0};
    arena_init(&arena, node->memory);
    vector_init(&scratch, node->memory, 1);
    struct wkr_decoder decoder = {&arena, &scratch, &err};
    (void)wire_read_text(wire_find(message, "stimulus_id"), &stimulus);
    dk_status status = wkr_decode(&decoder, message, &event);
    if (status == DK_OK)
        worker_handle(node, &event, stimulus, NULL, 0);
    else if (status == DK_ENOTSUP)
        receive_other(node, message, &err);
    else
        worker_leave(node, "worker-stream-broken", &err);
    if (status == DK_OK && event.kind == WKR_COMPUTE_TASK)
        wire_box_unref(event.as.compute.run_spec);
    vector_deinit(&scratch);
    arena_deinit(&arena);
}
