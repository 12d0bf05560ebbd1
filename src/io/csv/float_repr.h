/* The shortest text that reads back to the same number; of several, the one nearest to it.
 * Source: Python's repr(); for single precision numpy's str(). Method: Giulietti, "The Schubfach
 * way to render doubles" (2020). */
#ifndef IO_FLOAT_REPR_H
#define IO_FLOAT_REPR_H

#include <stddef.h>

#define FLOAT_REPR_MAX 32

/* Writes "0.1", "1e+16", "-0.0", "inf", "nan" without a terminating zero and returns the length. */
size_t float_repr(double value, char out[FLOAT_REPR_MAX]);
size_t float_repr_single(float value, char out[FLOAT_REPR_MAX]);

#endif
