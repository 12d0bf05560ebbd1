/* The nodes that frames are made of, interned: equal work is one node, found again by its token.
 *
 * A node begins with a `struct node` and is one block of the ledger, with its texts and arrays
 * behind it. It is never changed once it is interned.   Thread: any.
 */
#ifndef FRAME_NODES_H
#define FRAME_NODES_H

#include <pthread.h>
#include <stdbool.h>

#include "base/hash.h"
#include "base/memory.h"

struct node {
    struct token token;
    const struct node_type *type;
    size_t nbytes; /* of the block */
};

struct node_type {
    /* A copy of `wanted` and all its texts and arrays in a new block, whose size it notes; NULL:
     * out of memory. */
    struct node *(*copy)(struct memory *memory, const struct node *wanted);
    /* Lets go of what the node owns beyond its block. */
    void (*release)(const struct node *node);
};

struct nodes {
    pthread_mutex_t lock;
    struct memory *memory;
    struct node **slots; /* open addressing by token */
    size_t capacity;
    size_t count;
};

void nodes_init(struct nodes *nodes, struct memory *memory);
/* Frees all nodes. */
void nodes_deinit(struct nodes *nodes);

/* The node with the type and token of `wanted`, copied from it if need be. NULL: out of memory. */
const struct node *nodes_intern(struct nodes *nodes, const struct node *wanted,
                                bool *is_new) DK_NODISCARD;

/* For `copy`: a block that begins with the `nbytes` of `wanted`, with room behind them. */
void *node_new(struct memory *memory, const struct node *wanted, size_t nbytes,
               size_t behind_nbytes) DK_NODISCARD;
/* Copies `nbytes` to `*at`, a place in such room, which moves on. */
void *node_put(char **at, const void *bytes, size_t nbytes);
/* The same for a text; NULL stays NULL. */
const char *node_put_text(char **at, const char *text);
/* What node_put_text() takes. */
size_t node_text_nbytes(const char *text);

#endif
