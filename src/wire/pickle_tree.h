/* What a pickle would make, as a tree: read, but nothing of it is imported or called. Any part of
 * the tree can be written as a pickle of its own (pickle_part.h), code that is not understood
 * included.
 *
 *     \x8c"builtins" \x8c"len" \x93   a global
 *     ... ( args t R                  a call of it
 *
 * What changes an object after it was made (items, state) is kept with it as its deeds, in order.
 * Source: Python's pickle and pickletools; cloudpickle for calls whose result is dropped. */
#ifndef WIRE_PICKLE_TREE_H
#define WIRE_PICKLE_TREE_H

#include "base/arena.h"
#include "base/vector.h"
#include "wire/pickle_op.h"

enum pickle_kind {
    PICKLE_PLAIN,     /* None, a number, bytes ...: one opcode, as it lies there */
    PICKLE_TEXT,      /* `bytes` */
    PICKLE_GLOBAL,    /* module and qualified name, two texts */
    PICKLE_TUPLE,     /* parts */
    PICKLE_FROZENSET, /* parts */
    PICKLE_LIST,      /* deeds */
    PICKLE_DICT,
    PICKLE_SET,
    PICKLE_CALL,    /* what is called, tuple of arguments */
    PICKLE_NEW,     /* class, tuple of arguments: made without calling it */
    PICKLE_NEW_EX,  /* class, tuple, dict */
    PICKLE_BUFFER,  /* `number`: one of those that travel beside the pickle */
    PICKLE_READONLY /* a buffer, seen as one that nobody writes to */
};

struct pickle_node {
    enum pickle_kind kind;
    bool is_shared;  /* used in more than one place */
    uint32_t count;  /* of parts */
    uint32_t number; /* of a buffer */
    struct wire_bytes bytes;
    struct pickle_node **parts;
    struct pickle_deed *deeds;
    struct pickle_deed *last_deed;
    uint64_t written_by; /* for pickle_part.c: the number of the last writer, */
    uint32_t memo;       /* and where it remembers it */
};

/* OP_APPENDS, OP_SETITEMS (keys and values in turn), OP_ADDITEMS, OP_BUILD (with one part), OP_POP
 * (a call with the object as its first argument, whose result is dropped). */
struct pickle_deed {
    int code;
    uint32_t count;
    struct pickle_node **parts;
    struct pickle_deed *next;
};

struct pickle_tree {
    struct arena *arena;
    struct pickle_node *root;
    uint32_t nbuffers;
    uint64_t nwriters;
};

/* Reads a pickle of protocol 2 to 5. The tree lives in the arena, and texts and bytes where they
 * are in `bytes`.
 *
 * Memory: at most some 150 bytes for each byte of the pickle.
 * Errors: DK_EPARSE (no pickle), DK_ENOTSUP (persistent ids, extension codes: `err` has the
 * opcode), DK_ENOMEM. */
dk_status pickle_tree_read(struct pickle_tree *tree, struct arena *arena, struct wire_bytes bytes,
                           dk_error *err) DK_NODISCARD;

bool pickle_node_is_text(const struct pickle_node *node, const char *text);
/* The global of that name, and a call of it. */
bool pickle_node_is_global(const struct pickle_node *node, const char *module,
                           const char *qualname);
bool pickle_node_is_call(const struct pickle_node *node, const char *module, const char *qualname);
/* The `i`th argument of a call or of what is new; NULL when there is none. */
struct pickle_node *pickle_node_arg(const struct pickle_node *node, uint32_t i);
/* What OP_BUILD gives it; NULL without. */
struct pickle_node *pickle_node_state(const struct pickle_node *node);

/* The items of a tuple, list, set or frozenset, and keys and values of a dict in turn: into `out`,
 * a vector of struct pickle_node *.   Errors: DK_ENOTSUP (it is none of these, or more happens to
 * it), DK_ENOMEM. */
dk_status pickle_node_items(const struct pickle_node *node, struct vector *out) DK_NODISCARD;

#endif
