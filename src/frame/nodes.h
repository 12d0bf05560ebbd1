/* The nodes that frames are made of.
 *
 * Interned: equal work is one node, found again by its token. A node begins with a `struct node`
 * and is one block of the ledger, with its texts and arrays behind it; but for the count it is
 * never changed.
 *
 * Counted: a node lives as long as a node that it is part of, a frame that somebody was handed, or
 * a program that was compiled from it. One that was just made or found is nobody's yet, so nothing
 * is freed while anybody is building; the last to end does it.   Thread: any.
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
    int64_t refs;
    bool is_loose;     /* in the list of those that nobody may need any more */
    struct node *next; /* in that list */
};

struct nodes;

typedef void (*node_visit)(struct nodes *nodes, const struct node *node);

struct node_type {
    /* A copy of `wanted` and all its texts and arrays in a new block, whose size it notes; NULL:
     * out of memory. */
    struct node *(*copy)(struct memory *memory, const struct node *wanted);
    /* Calls `visit` for each node that `node` points to. */
    void (*parts)(struct nodes *nodes, const struct node *node, node_visit visit);
    /* Lets go of what the node owns beyond its block: objects of the program's own may be freed. */
    void (*release)(const struct node *node);
};

struct nodes {
    pthread_mutex_t lock;
    struct memory *memory;
    struct node **slots; /* open addressing by token */
    size_t capacity;
    size_t count;
    struct node *loose;
    int64_t nbuilding; /* calls that are between nodes_begin() and nodes_end() */
};

void nodes_init(struct nodes *nodes, struct memory *memory);
/* Frees all nodes, whoever needs them. */
void nodes_deinit(struct nodes *nodes);

/* Between these two the nodes that the caller makes or finds stay, whoever forgets what. Nests. */
void nodes_begin(struct nodes *nodes);
void nodes_end(struct nodes *nodes);

/* The node with the type and token of `wanted`, copied from it if need be. NULL: out of memory. The
 * caller is building. */
const struct node *nodes_intern(struct nodes *nodes, const struct node *wanted,
                                bool *is_new) DK_NODISCARD;

/* Count somebody who needs `node`, or no longer does. */
void nodes_ref(struct nodes *nodes, const struct node *node);
void nodes_unref(struct nodes *nodes, const struct node *node);

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
