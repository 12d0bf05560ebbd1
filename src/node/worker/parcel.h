/* One result on its way to a peer: as it is, packed, in shared memory, or on disk. */
#ifndef NODE_WORKER_PARCEL_H
#define NODE_WORKER_PARCEL_H

#include "node/share.h"
#include "node/worker/parts.h"

struct parcel {
    struct wire_bytes key;
    dk_value value;
    struct wire_box *box;
    struct spilled *spilled;
    uint64_t number;             /* of a file, should it need one */
    struct payload_value packed; /* of the value */
    bool is_packed;
    struct share share; /* where it is for a peer of this machine */
    struct spilled_view view;
};

/* With references of its own.   Ownership: `key` is borrowed. */
struct parcel parcel_of(struct wire_bytes key, const struct content *content, uint64_t number);
/* For the disk, or an interpreter. */
bool parcel_may_wait(const struct parcel *parcel);
/* How many bytes have to be copied until it can be sent. */
int64_t parcel_copied_nbytes(const struct parcel *parcel, bool may_share);
/* Until then its wire is not to be asked for.   Thread: any.   Errors: DK_EIO, DK_ENOMEM. */
dk_status parcel_pack(struct parcel *parcel, struct worker_node *node, bool may_share,
                      dk_error *err) DK_NODISCARD;
/* Of one that is not shared. */
struct wire_value parcel_wire(const struct parcel *parcel);
void parcel_deinit(struct parcel *parcel);

#endif
