/* A part of a pickle's tree as a pickle of its own: protocol 5, with what is shared in it shared.
 * More can be put around it, by pickler.h. */
#ifndef WIRE_PICKLE_PART_H
#define WIRE_PICKLE_PART_H

#include "wire/pickle_tree.h"
#include "wire/pickler.h"

struct pickle_part {
    struct pickler pickler;
    struct pickle_tree *tree;
    struct vector *buffers; /* of uint32_t: numbers of the buffers it takes, in its order */
    uint64_t writer;
    uint32_t nmemo;
    bool refers; /* Dask's futures are written as references to their tasks */
};

/* Begins a pickle in `out`, a vector of char. Of a tree, one part at a time is written. */
void pickle_part_begin(struct pickle_part *part, struct pickle_tree *tree, struct vector *out,
                       struct vector *buffers, dk_error *err);
/* Errors: DK_ENOTSUP (a tuple that contains itself, or nested too deep), DK_ENOMEM. */
dk_status pickle_part_put(struct pickle_part *part, struct pickle_node *node) DK_NODISCARD;
/* Errors: DK_ENOMEM. */
dk_status pickle_part_end(struct pickle_part *part) DK_NODISCARD;

#endif
