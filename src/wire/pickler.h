/* The opcodes of a pickle, put one after the other.   Source: Python's pickletools.
 *
 * Puts never fail by themselves: what has failed is asked for at the end. Texts and bytes are of
 * less than 4 GiB. */
#ifndef WIRE_PICKLER_H
#define WIRE_PICKLER_H

#include "base/vector.h"
#include "wire/pickle_op.h"

struct pickler {
    struct vector *out; /* of char */
    bool failed;        /* out of memory */
    dk_error *err;
};

void pickler_put(struct pickler *pickler, const void *bytes, size_t nbytes);
void pickler_op(struct pickler *pickler, int opcode);
void pickler_ops(struct pickler *pickler, int first, int second);
/* `opcode` is OP_BINUNICODE or OP_BINBYTES. */
void pickler_string(struct pickler *pickler, int opcode, struct wire_bytes bytes);
void pickler_text(struct pickler *pickler, const char *text);
/* 32 bits, or as many bytes as there are, with a zero more for what has no sign. */
void pickler_int(struct pickler *pickler, int64_t value, bool is_natural);
void pickler_float(struct pickler *pickler, double value);
void pickler_global(struct pickler *pickler, const char *module, const char *qualname);
/* A plain value: arrays as lists, text as str, bin as bytes.
 * Errors: DK_EINVAL (nested deeper than WIRE_DEPTH_MAX, or with a payload inside). */
dk_status pickler_value(struct pickler *pickler, const struct wire_value *value) DK_NODISCARD;
/* A key of Dask's: arrays are tuples.   Errors: DK_EINVAL (it is none). */
dk_status pickler_key(struct pickler *pickler, const struct wire_value *key) DK_NODISCARD;
/* "This is a pickle of that protocol"; and the end of it. */
void pickler_begin(struct pickler *pickler, int protocol);
dk_status pickler_end(struct pickler *pickler) DK_NODISCARD;

#endif
