#include "node/worker/bandwidth.h"

#include <string.h>

#include "node/address.h"

/* Bytes a second before anything was measured, and how much of what was known each transfer keeps:
 * Dask's. */
#define FIRST_GUESS 1e8
#define KEPT        0.95
#define SMALL       1000000
#define SHORTEST_S  1e-3

struct peer {
    char address[ADDRESS_TEXT_MAX];
    double sum; /* of the bandwidths of `count` transfers */
    int64_t count;
};

void bandwidth_init(struct bandwidth *bandwidth, struct memory *memory)
{
    bandwidth->total = FIRST_GUESS;
    vector_init(&bandwidth->peers, memory, sizeof(struct peer));
}

void bandwidth_deinit(struct bandwidth *bandwidth)
{
    vector_deinit(&bandwidth->peers);
}

/* NULL: out of memory, or no address. */
static struct peer *find(struct bandwidth *bandwidth, struct wire_bytes address)
{
    struct peer *peers = bandwidth->peers.data;
    for (size_t i = 0; i < bandwidth->peers.count; i++)
        if (strlen(peers[i].address) == address.nbytes &&
            memcmp(peers[i].address, address.data, address.nbytes) == 0)
            return &peers[i];
    struct peer *peer = address.nbytes < ADDRESS_TEXT_MAX ? vector_push(&bandwidth->peers) : NULL;
    if (!peer)
        return NULL;
    *peer = (struct peer){.count = 0};
    memcpy(peer->address, address.data, address.nbytes);
    return peer;
}

void bandwidth_learn(struct bandwidth *bandwidth, struct wire_bytes peer, int64_t nbytes,
                     uint64_t duration_ns)
{
    double seconds = (double)duration_ns / 1e9;
    double measured = (double)nbytes / (seconds > SHORTEST_S ? seconds : SHORTEST_S);
    if (nbytes <= SMALL)
        return;
    bandwidth->total = KEPT * bandwidth->total + (1 - KEPT) * measured;
    struct peer *known = find(bandwidth, peer);
    if (!known)
        return;
    known->sum += measured;
    known->count++;
}

void bandwidth_begin_anew(struct bandwidth *bandwidth)
{
    bandwidth->peers.count = 0;
}

/* Types are Python's; we tell of none. */
struct wire_value bandwidth_describe(const struct bandwidth *bandwidth,
                                     struct wire_builder *builder)
{
    const struct peer *peers = bandwidth->peers.data;
    struct wire_filling types = wire_begin_map(builder, 0);
    struct wire_filling workers = wire_begin_map(builder, (uint32_t)bandwidth->peers.count);
    struct wire_filling map = wire_begin_map(builder, 3);
    for (size_t i = 0; i < bandwidth->peers.count; i++) {
        struct wire_filling pair = wire_begin_array(builder, 2);
        wire_add(&pair, wire_float(peers[i].sum));
        wire_add(&pair, wire_int(peers[i].count));
        wire_put(&workers, peers[i].address, wire_end_array(&pair));
    }
    wire_put(&map, "total", wire_float(bandwidth->total));
    wire_put(&map, "workers", wire_end_map(&workers));
    wire_put(&map, "types", wire_end_map(&types));
    return wire_end_map(&map);
}
