/* Number to number, a block at a time: C's conversions, without any check. */
#ifndef KERNELS_CONVERT_H
#define KERNELS_CONVERT_H

#include "column/vec.h"

/* Converts `n` values; nothing overlaps. Integers wrap, floats must be in range of an integer type.
 */
typedef void (*convert_fn)(const void *in, void *out, int64_t n);

/* From and to bool, integers and floats; timestamps, durations and category codes are their
 * integers. NULL for text. Equal types copy. */
convert_fn convert_find(dk_type from, dk_type to);

/* The type whose values `type` stores: DK_INT64 for timestamps and durations, DK_INT32 for
 * category. */
dk_type storage_type(dk_type type);

#endif
