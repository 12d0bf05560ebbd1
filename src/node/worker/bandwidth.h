/* How fast results come from peers.   Source: distributed.worker.Worker.gather_dep. */
#ifndef NODE_WORKER_BANDWIDTH_H
#define NODE_WORKER_BANDWIDTH_H

#include "base/vector.h"
#include "wire/build.h"

struct bandwidth {
    double total;        /* bytes a second: of all transfers, the last ones count most */
    struct vector peers; /* those of whom something came lately */
};

void bandwidth_init(struct bandwidth *bandwidth, struct memory *memory);
void bandwidth_deinit(struct bandwidth *bandwidth);
/* One transfer. Small ones tell of the delay rather, and are not counted. */
void bandwidth_learn(struct bandwidth *bandwidth, struct wire_bytes peer, int64_t nbytes,
                     uint64_t duration_ns);
/* The scheduler knows what was told of the peers. */
void bandwidth_begin_anew(struct bandwidth *bandwidth);
/* As heartbeats tell it. Borrows from `bandwidth` until the next transfer. */
struct wire_value bandwidth_describe(const struct bandwidth *bandwidth,
                                     struct wire_builder *builder);

#endif
