/* Sockets that listen: at a host and the first port of a range that is free.
 * Source: distributed.comm.tcp (listeners), distributed.utils.get_ip. */
#ifndef NODE_LISTENING_H
#define NODE_LISTENING_H

#include <uv.h>

#include "node/address.h"

#define LISTENING_BACKLOG 1024

struct listening {
    const char *host;        /* a name or a number; NULL or "": all of this machine's */
    struct node_ports ports; /* {0, 0}: any that is free */
    enum node_protocol protocol;
};

/* A socket that listens and does not block, and where it does: with the real port; for all of the
 * machine's addresses it is one by which others reach it.
 *
 * Ownership: the caller closes `*fd`.   Blocks: for as long as a name server takes, if the host is
 * a name.   Errors: DK_EIO (the address is in use, or not this machine's; `err` names it). */
dk_status listening_open(uv_loop_t *loop, const struct listening *where, int *fd,
                         struct node_address *address, dk_error *err) DK_NODISCARD;

#endif
