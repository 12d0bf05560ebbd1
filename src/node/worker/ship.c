/* Results for peers: get_data. What is large, or on disk, is packed in a thread of its own.
 *
 * Source: distributed.worker.Worker.get_data. */
#include <string.h>

#include "base/error.h"
#include "core/worker/decode.h"
#include "node/worker/parcel.h"
#include "wire/build.h"

#define OUTGOING_MAX 50                    /* transfers at a time; twice that to this host */
#define LARGE_NBYTES ((int64_t)256 * 1024) /* of what has to be packed */

/* Stays until the peer has everything. */
struct shipment {
    struct worker_node *node;
    struct request *request;
    bool may_share;
    struct arena arena;
    uv_work_t work;
    struct parcel *parcels;
    size_t nparcels;
    int64_t nbytes;
    uint32_t nusers; /* the loan, and the peer's OK */
    dk_status status;
    dk_error err;
};

static void leave(struct shipment *shipment)
{
    struct memory *memory = shipment->node->memory;
    if (--shipment->nusers)
        return;
    for (size_t i = 0; i < shipment->nparcels; i++)
        parcel_deinit(&shipment->parcels[i]);
    arena_deinit(&shipment->arena);
    memory_free(memory, shipment, sizeof(*shipment));
}

/* ---- sending ---- */

static void on_shipped(void *self)
{
    leave(self);
}

static void on_confirmed(void *self, bool is_ok)
{
    struct shipment *shipment = self;
    struct worker_node *node = shipment->node;
    node->noutgoing--;
    node->outgoing_nbytes -= shipment->nbytes;
    if (!is_ok && node->status != WORKER_CLOSING)
        worker_log(node, "WARNING", "a peer has not confirmed the data it was sent");
    leave(shipment);
}

static void refuse(struct shipment *shipment)
{
    shipment->err.status = shipment->status;
    shipment->node->noutgoing--;
    shipment->node->outgoing_nbytes -= shipment->nbytes;
    request_fail(shipment->request, &shipment->err);
    shipment->nusers = 1;
    leave(shipment);
}

static void send_off(struct shipment *shipment)
{
    struct wire_builder builder = {&shipment->arena, false};
    struct wire_filling data = wire_begin_map(&builder, shipment->nparcels);
    struct wire_filling shared = wire_begin_array(&builder, shipment->nparcels);
    struct wire_filling map = wire_begin_map(&builder, 3);
    for (size_t i = 0; i < shipment->nparcels; i++) {
        const struct parcel *parcel = &shipment->parcels[i];
        if (parcel->share.fd >= 0)
            wire_add(&shared, share_wire(&parcel->share, parcel->key, &builder));
        else
            wire_put_key(&data, wire_packed(parcel->key), parcel_wire(parcel));
    }
    wire_put(&map, "status", wire_text("OK"));
    wire_put(&map, "data", wire_end_map(&data));
    if (shipment->may_share)
        wire_put(&map, "shared", wire_end_array(&shared));
    struct wire_value answer = wire_end_map(&map);
    if (builder.failed)
        shipment->status = error_nomem(&shipment->err);
    if (shipment->status != DK_OK) {
        refuse(shipment);
        return;
    }
    shipment->nusers = 2;
    request_reply_data(shipment->request, &answer, (struct loan){on_shipped, shipment},
                       (struct confirmation){on_confirmed, shipment});
}

/* ---- packing ---- */

static void pack(struct shipment *shipment)
{
    for (size_t i = 0; i < shipment->nparcels && shipment->status == DK_OK; i++)
        shipment->status =
            parcel_pack(&shipment->parcels[i], shipment->node, shipment->may_share, &shipment->err);
}

static void pack_in_thread(uv_work_t *work)
{
    pack(work->data);
}

static void on_packed(uv_work_t *work, int status)
{
    struct shipment *shipment = work->data;
    struct worker_node *node = shipment->node;
    (void)status;
    send_off(shipment);
    worker_part_closed(node);
}

static bool is_work(const struct shipment *shipment)
{
    int64_t nbytes = 0;
    for (size_t i = 0; i < shipment->nparcels && nbytes <= LARGE_NBYTES; i++) {
        if (parcel_may_wait(&shipment->parcels[i]))
            return true;
        nbytes += parcel_copied_nbytes(&shipment->parcels[i], shipment->may_share);
    }
    return nbytes > LARGE_NBYTES;
}

static void pack_and_send(struct shipment *shipment)
{
    struct worker_node *node = shipment->node;
    shipment->work.data = shipment;
    if (shipment->status == DK_OK && is_work(shipment) &&
        uv_queue_work(node->loop, &shipment->work, pack_in_thread, on_packed) == 0) {
        node->nopen++;
        return;
    }
    pack(shipment);
    send_off(shipment);
}

/* ---- collecting ---- */

static dk_status collect_one(struct shipment *shipment, struct wire_bytes key)
{
    struct worker_node *node = shipment->node;
    struct wkr_task_id task;
    struct stored *stored = NULL;
    if (wkr_find(node->core, key, &task))
        stored = store_find(&node->store, task);
    if (!stored)
        return DK_OK; /* the peer will ask somebody else */
    char *copy = arena_alloc(&shipment->arena, key.nbytes);
    if (!copy)
        return error_nomem(&shipment->err);
    memcpy(copy, key.data, key.nbytes);
    shipment->parcels[shipment->nparcels++] =
        parcel_of((struct wire_bytes){copy, key.nbytes}, &stored->content, node->nspilled++);
    shipment->nbytes += stored->content.nbytes;
    worker_count_use(node, &stored->content);
    return DK_OK;
}

static dk_status collect(struct shipment *shipment)
{
    struct wkr_keys keys;
    struct vector scratch;
    struct wkr_decoder decoder = {&shipment->arena, &scratch, &shipment->err};
    vector_init(&scratch, shipment->node->memory, 1);
    dk_status status =
        wkr_decode_keys(&decoder, wire_find(request_message(shipment->request), "keys"), &keys);
    vector_deinit(&scratch);
    DK_TRY(status);
    shipment->parcels = arena_alloc(&shipment->arena, keys.count * sizeof(*shipment->parcels));
    if (!shipment->parcels)
        return error_nomem(&shipment->err);
    for (size_t i = 0; i < keys.count; i++)
        DK_TRY(collect_one(shipment, keys.list[i]));
    return DK_OK;
}

static bool is_busy(const struct worker_node *node, const char *peer)
{
    const char *colon = strrchr(node->address, ':');
    size_t nbytes = colon ? (size_t)(colon - node->address) : 0;
    uint32_t limit = strncmp(node->address, peer, nbytes) == 0 ? 2 * OUTGOING_MAX : OUTGOING_MAX;
    if (node->status == WORKER_PAUSED)
        limit = 1;
    return node->noutgoing >= limit;
}

static void say_busy(struct request *request)
{
    struct wire_entry entry = {wire_text("status"), wire_text("busy")};
    struct wire_value answer = wire_map(&entry, 1);
    request_reply(request, &answer);
}

/* A peer that cannot open what is shared does not say who it is. */
static bool says_who(const struct request *request)
{
    struct wire_bytes who;
    return wire_read_text(wire_find(request_message(request), "who"), &who);
}

void worker_get_data(void *self, struct request *request)
{
    struct worker_node *node = self;
    struct shipment *shipment;
    if (is_busy(node, request_peer(request)) ||
        !(shipment = memory_calloc(node->memory, sizeof(*shipment)))) {
        say_busy(request);
        return;
    }
    shipment->node = node;
    shipment->request = request;
    arena_init(&shipment->arena, node->memory);
    shipment->may_share = request_shares_machine(request) && says_who(request);
    shipment->status = collect(shipment);
    node->noutgoing++;
    node->noutgoing_ever++;
    node->outgoing_nbytes += shipment->nbytes;
    node->outgoing_nbytes_ever += shipment->nbytes;
    pack_and_send(shipment);
}
