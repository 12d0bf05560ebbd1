#include "node/worker/parcel.h"

#include "payload/value.h"

struct parcel parcel_of(struct wire_bytes key, const struct content *content, uint64_t number)
{
    return (struct parcel){
        .key = key,
        .value = dk_value_ref(content->value),
        .box = wire_box_ref(content->box),
        .spilled = spilled_ref(content->spilled),
        .number = number,
        .share.fd = -1,
    };
}

static void unpack(struct parcel *parcel)
{
    if (parcel->is_packed)
        payload_value_deinit(&parcel->packed);
    parcel->is_packed = false;
}

void parcel_deinit(struct parcel *parcel)
{
    share_close(&parcel->share);
    unpack(parcel);
    dk_value_unref(parcel->value);
    wire_box_unref(parcel->box);
    spilled_view_close(&parcel->view);
    spilled_unref(parcel->spilled);
}

bool parcel_may_wait(const struct parcel *parcel)
{
    return parcel->spilled || parcel->value.kind == DK_KIND_OBJECT;
}

/* Tables are lent as they are, unless they are shared. */
int64_t parcel_copied_nbytes(const struct parcel *parcel, bool may_share)
{
    bool is_lent = parcel->box || (parcel->value.kind == DK_KIND_TABLE && !may_share);
    return is_lent ? 0 : dk_value_nbytes(parcel->value);
}

struct wire_value parcel_wire(const struct parcel *parcel)
{
    if (parcel->is_packed)
        return payload_wire(&parcel->packed);
    return parcel->view.bytes ? parcel->view.message.root : wire_box_value(parcel->box);
}

/* ---- packing ---- */

static dk_status pack_value(struct parcel *parcel, dk_context *dk, dk_error *err)
{
    dk_error why = {0};
    dk_status status = payload_pack_value(dk, parcel->value, &parcel->packed, &why);
    if (status != DK_OK && status != DK_ENOMEM) /* nobody would gain by asking again */
        status = payload_pack_failure(dk, why.message, &parcel->packed, err);
    parcel->is_packed = status == DK_OK;
    return status == DK_ENOMEM ? error_nomem(err) : status;
}

/* A full worker has no room for all that a peer has asked for in a second form: that goes by way of
 * the disk, one after the other. If the disk is full as well, it stays in memory. */
static void put_on_disk(struct parcel *parcel, struct worker_node *node)
{
    struct wire_value packed = payload_wire(&parcel->packed);
    if (worker_write_spilled(node, parcel->number, &packed, &parcel->spilled, NULL) == DK_OK &&
        worker_view_spilled(node, parcel->spilled, &parcel->view, NULL) == DK_OK)
        unpack(parcel);
}

/* What cannot be shared is sent. */
static void share(struct parcel *parcel, struct worker_node *node)
{
    if (share_put(node->memory, &parcel->packed, &parcel->share, NULL) == DK_OK)
        unpack(parcel);
}

/* What is packed may be there twice meanwhile. */
dk_status parcel_pack(struct parcel *parcel, struct worker_node *node, bool may_share,
                      dk_error *err)
{
    if (parcel->spilled)
        return worker_view_spilled(node, parcel->spilled, &parcel->view, err);
    if (parcel->box)
        return DK_OK;
    int64_t nbytes = dk_value_nbytes(parcel->value);
    bool is_lent = parcel->value.kind == DK_KIND_TABLE;
    bool has_room = nbytes < (int64_t)SHARE_NBYTES || worker_has_room(node, 2 * nbytes);
    DK_TRY(pack_value(parcel, node->options.context, err));
    if (!has_room && !is_lent)
        put_on_disk(parcel, node);
    else if (may_share && has_room && parcel->packed.nbytes >= SHARE_NBYTES)
        share(parcel, node);
    return DK_OK;
}
