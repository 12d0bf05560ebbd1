/* Dask's protocol has changed with the years, and peers in Python fail at what they do not know:
 * which words a peer understands is told by the version of distributed that it has.
 *
 * Source: distributed.versions.get_versions; the messages of 2022.12 and of 2026. */
#ifndef NODE_DIALECT_H
#define NODE_DIALECT_H

#include "wire/value.h"

#include <cdask/status.h>

enum dialect {
    DIALECT_NATIVE, /* cdask's own peers: the words of 2026, and messages of our own */
    DIALECT_2026,   /* and of a peer that does not say */
    DIALECT_2022,   /* up to the year's end; the one in Debian 12 */
    DIALECT_BETWEEN /* neither: we cannot talk */
};

struct peer_version {
    enum dialect dialect;
    char dask[32]; /* "2022.12.1"; "" for none */
};

/* Reads what a peer tells about its versions: {"packages": {"distributed": "2022.12.1"}}, and
 * "cdask" of our scheduler's. NULL will do. */
void peer_version_read(const struct wire_value *versions, struct peer_version *out);
/* DK_ENOTSUP unless we can talk to `whom` ("tcp://...", "the scheduler"), which `err` names. */
dk_status peer_version_check(const struct peer_version *version, const char *whom,
                             dk_error *err) DK_NODISCARD;

#endif
