/* Getting results from peers.   Source: distributed.worker (gather_dep, get_data_from_worker). */
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "node/held.h"
#include "node/share.h"
#include "node/worker/parts.h"
#include "payload/value.h"
#include "wire/build.h"
#include "wire/unpack.h"

/* A small one does not keep the whole message that it came in. */
#define KEEP_NBYTES ((size_t)64 * 1024)

/* ---- reading results ---- */

/* Whether cdask has packed it, which its header says. */
static bool is_ours(struct worker_node *node, const struct wire_value *from)
{
    struct wire_value header;
    struct arena arena;
    if (from->kind != WIRE_SERIALIZED)
        return false;
    arena_init(&arena, node->memory);
    bool is = wire_unpack(&arena, from->as.payload->header, &header, NULL) == DK_OK &&
              wire_text_is(wire_find(&header, "serializer"), "cdask");
    arena_deinit(&arena);
    return is;
}

static size_t frames_nbytes(const struct wire_value *from)
{
    size_t nbytes = 0;
    for (size_t i = 0; i < from->as.payload->nframes; i++)
        nbytes += from->as.payload->frames[i].nbytes;
    return nbytes;
}

/* Of what is large the frames stay with their owner. */
static dk_status box(struct memory *memory, const struct wire_value *from,
                     const struct payload_owner *owner, struct content *out)
{
    size_t nbytes = from->kind == WIRE_SERIALIZED && owner ? frames_nbytes(from) : 0;
    bool keeps = nbytes >= KEEP_NBYTES;
    out->box =
        keeps ? wire_box_keep(memory, from, owner->self, owner->unref) : wire_box_new(memory, from);
    if (!out->box)
        return DK_ENOMEM;
    if (keeps)
        owner->ref(owner->self);
    out->nbytes = (int64_t)(out->box->nbytes + (keeps ? nbytes : 0));
    return DK_OK;
}

dk_status worker_read_content(struct worker_node *node, const struct wire_value *from,
                              const struct payload_owner *owner, struct content *out, dk_error *err)
{
    *out = (struct content){.value = dk_value_null()};
    if (!is_ours(node, from))
        return box(node->memory, from, owner, out) == DK_OK ? DK_OK : error_nomem(err);
    DK_TRY(payload_unpack_value(node->options.context, from, owner, &out->value, err));
    out->has_value = true;
    out->nbytes = dk_value_nbytes(out->value);
    return DK_OK;
}

/* ---- one gather ---- */

struct gather {
    struct worker_node *node;
    uint32_t epoch;
    struct wkr_peer_id peer;
    uint64_t asked_ns;
};

/* What the answer brought, as the core and the store want it. */
struct harvest {
    struct worker_node *node;
    struct vector brought;  /* of struct brought */
    struct vector gathered; /* of struct wkr_gathered_task */
    struct vector scratch;  /* of char */
    struct payload_owner owner;
    bool cannot_map; /* what is shared */
};

static dk_status read_shared(struct harvest *harvest, const struct wire_value *entry,
                             struct content *out, dk_error *err)
{
    struct worker_node *node = harvest->node;
    struct shared shared;
    dk_status status = shared_open(node->memory, entry, &shared, err);
    harvest->cannot_map = status == DK_EIO;
    DK_TRY(status);
    struct wire_value value = shared_value(&shared);
    struct payload_owner owner = shared_owner(&shared);
    status = worker_read_content(node, &value, &owner, out, err);
    shared_close(&shared);
    return status;
}

/* `value` NULL: it is shared as `entry` says. */
static dk_status read_one(struct harvest *harvest, const struct wire_value *value,
                          const struct wire_value *entry, struct content *out, dk_error *err)
{
    return value ? worker_read_content(harvest->node, value, &harvest->owner, out, err)
                 : read_shared(harvest, entry, out, err);
}

static dk_status harvest_one(struct harvest *harvest, const struct wire_value *name,
                             const struct wire_value *value, const struct wire_value *entry,
                             dk_error *err)
{
    struct worker_node *node = harvest->node;
    struct wkr_task_id task;
    DK_TRY(key_pack(name, &harvest->scratch, err));
    struct wire_bytes key = {harvest->scratch.data, harvest->scratch.count};
    if (!wkr_find(node->core, key, &task))
        return DK_OK; /* not asked for */
    struct brought *brought = vector_push(&harvest->brought);
    struct wkr_gathered_task *gathered = vector_push(&harvest->gathered);
    if (!brought || !gathered)
        return error_nomem(err);
    brought->content.value = dk_value_null();
    DK_TRY(read_one(harvest, value, entry, &brought->content, err));
    brought->task = gathered->task = task;
    gathered->nbytes = brought->content.nbytes;
    return DK_OK;
}

static dk_status harvest_all(struct harvest *harvest, const struct wire_value *answer,
                             dk_error *err)
{
    const struct wire_value *data = wire_find(answer, "data");
    if (!data || data->kind != WIRE_MAP)
        return error_set(err, DK_EPARSE, "get_data: the answer has no data");
    for (uint32_t i = 0; i < data->count; i++) {
        const struct wire_entry *entry = &data->as.entries[i];
        DK_TRY(harvest_one(harvest, &entry->key, &entry->value, NULL, err));
    }
    const struct wire_value *shared = wire_find(answer, "shared");
    for (uint32_t i = 0; shared && shared->kind == WIRE_ARRAY && i < shared->count; i++) {
        const struct wire_value *entry = &shared->as.items[i];
        if (entry->kind == WIRE_ARRAY && entry->count)
            DK_TRY(harvest_one(harvest, &entry->as.items[0], NULL, entry, err));
    }
    return DK_OK;
}

static void learn_bandwidth(const struct gather *gather, const struct harvest *harvest)
{
    struct worker_node *node = gather->node;
    const struct wkr_gathered_task *tasks = harvest->gathered.data;
    int64_t nbytes = 0;
    for (size_t i = 0; i < harvest->gathered.count; i++)
        nbytes += tasks[i].nbytes;
    bandwidth_learn(&node->bandwidth, wkr_peer_address(node->core, gather->peer), nbytes,
                    uv_hrtime() - gather->asked_ns);
}

static void tell_success(struct gather *gather, struct harvest *harvest)
{
    learn_bandwidth(gather, harvest);
    struct wkr_event event = {.kind = WKR_GATHER_SUCCEEDED};
    event.as.gathered =
        (struct wkr_gathered){gather->peer, harvest->gathered.data, harvest->gathered.count, NULL};
    worker_happen(gather->node, &event, "gather-dep-success", harvest->brought.data,
                  harvest->brought.count);
}

static void tell_failure(struct gather *gather, enum wkr_event_kind kind, const char *name,
                         const dk_error *why)
{
    struct wkr_event event = {.kind = kind};
    event.as.gathered = (struct wkr_gathered){gather->peer, NULL, 0, NULL};
    if (kind == WKR_GATHER_FAILED)
        event.as.gathered.error = worker_error(gather->node, why);
    worker_happen(gather->node, &event, name, NULL, 0);
    wire_box_unref(event.as.gathered.error);
}

/* From now on peers send what they would share. */
static void ask_again(struct gather *gather, const dk_error *why)
{
    gather->node->cannot_map = true;
    worker_log(gather->node, "WARNING", "cannot open what a peer of this machine shares: %s",
               why->message);
    tell_failure(gather, WKR_GATHER_BUSY, "gather-dep-busy", NULL);
}

static void take_data(struct gather *gather, struct held *held)
{
    struct worker_node *node = gather->node;
    struct harvest harvest = {.node = node, .owner = held_owner(held)};
    dk_error err = {0};
    vector_init(&harvest.brought, node->memory, sizeof(struct brought));
    vector_init(&harvest.gathered, node->memory, sizeof(struct wkr_gathered_task));
    vector_init(&harvest.scratch, node->memory, 1);
    dk_status status = harvest_all(&harvest, &held->message.root, &err);
    if (status == DK_OK) {
        tell_success(gather, &harvest);
    } else {
        struct brought *brought = harvest.brought.data;
        for (size_t i = 0; i < harvest.brought.count; i++)
            content_deinit(&brought[i].content);
        if (harvest.cannot_map)
            ask_again(gather, &err);
        else
            tell_failure(gather, WKR_GATHER_FAILED, "gather-dep-failure", &err);
    }
    vector_deinit(&harvest.brought);
    vector_deinit(&harvest.gathered);
    vector_deinit(&harvest.scratch);
}

static void take_answer(struct gather *gather, struct held *held)
{
    const struct wire_value *status = wire_find(&held->message.root, "status");
    if (wire_text_is(status, "OK")) {
        take_data(gather, held);
    } else if (wire_text_is(status, "busy")) {
        tell_failure(gather, WKR_GATHER_BUSY, "gather-dep-busy", NULL);
    } else {
        worker_log(gather->node, "WARNING", "a peer has no answer to get_data");
        tell_failure(gather, WKR_GATHER_NETWORK_FAILED, "gather-dep-failed", NULL);
    }
}

static void on_answer(void *self, struct message *answer, const dk_error *why)
{
    struct gather *gather = self;
    struct worker_node *node = gather->node;
    struct held *held = answer ? held_new(node->memory, answer) : NULL;
    if (node->status != WORKER_CLOSING && gather->epoch == node->epoch) {
        if (held && !why) {
            take_answer(gather, held);
        } else {
            worker_log(node, "WARNING", "get_data: %s",
                       why ? why->message : dk_status_text(DK_ENOMEM));
            tell_failure(gather, WKR_GATHER_NETWORK_FAILED, "gather-dep-failed", NULL);
        }
    }
    held_unref(held);
    memory_free(node->memory, gather, sizeof(*gather));
}

static struct wire_value question(struct worker_node *node,
                                  const struct wkr_instruction *instruction,
                                  struct wire_builder *builder)
{
    const struct wkr_task_id *tasks = wkr_instruction_tasks(&node->instructions, instruction);
    struct wire_filling keys = wire_begin_array(builder, instruction->ntasks);
    struct wire_filling message = wire_begin_map(builder, 4);
    for (uint32_t i = 0; i < instruction->ntasks; i++)
        wire_add(&keys, wire_packed(wkr_task_key(node->core, tasks[i])));
    wire_put(&message, "op", wire_text("get_data"));
    wire_put(&message, "keys", wire_end_array(&keys));
    wire_put(&message, "who", node->cannot_map ? wire_nil() : wire_text(node->address));
    wire_put(&message, "reply", wire_bool(true));
    return wire_end_map(&message);
}

static dk_status ask(struct gather *gather, const struct wkr_instruction *instruction,
                     dk_error *err)
{
    struct worker_node *node = gather->node;
    struct wire_bytes address = wkr_peer_address(node->core, instruction->peer);
    struct pool_question asked = {.confirms = true, .answered = on_answer, .self = gather};
    struct arena arena;
    arena_init(&arena, node->memory);
    struct wire_builder builder = {&arena, false};
    struct wire_value message = question(node, instruction, &builder);
    char *text = arena_text(&arena, address.data, address.nbytes);
    dk_status status = builder.failed || !text ? DK_ENOMEM : DK_OK;
    asked.message = &message;
    if (status == DK_OK)
        status = node_address_parse(text, &asked.address, err);
    if (status == DK_OK)
        status = pool_ask(node->pool, &asked, NULL, err);
    arena_deinit(&arena);
    return status;
}

dk_status worker_gather(struct worker_node *node, const struct wkr_instruction *instruction)
{
    dk_error err = {0};
    struct gather *gather = memory_alloc(node->memory, sizeof(*gather));
    if (!gather)
        return DK_ENOMEM;
    *gather = (struct gather){node, node->epoch, instruction->peer, uv_hrtime()};
    dk_status status = ask(gather, instruction, &err);
    if (status != DK_OK) {
        worker_log(node, "WARNING", "get_data: %s", err.message);
        memory_free(node->memory, gather, sizeof(*gather));
    }
    return status;
}
