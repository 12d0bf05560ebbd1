/* Numbers and durations as text and back, as Python writes and reads them, whatever the process's
 * locale. */
#ifndef KERNELS_NUMBER_TEXT_H
#define KERNELS_NUMBER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX 40

/* The shortest text that reads back to `value` ("0.1", "1e+16", "inf", "nan"); returns its length,
 * not terminated.   Source: Python repr(); float32 as numpy prints it, with an exponent from 1e6
 * on. */
size_t number_format_float64(double value, char out[NUMBER_TEXT_MAX]);
size_t number_format_float32(float value, char out[NUMBER_TEXT_MAX]);
size_t number_format_uint64(uint64_t value, bool negative, char out[NUMBER_TEXT_MAX]);
/* "-1 days +23:59:53.500000": six digits behind the point, nine when needed, none when zero.
 * Source: pandas str(Timedelta). */
size_t number_format_duration(int64_t ns, char out[NUMBER_TEXT_MAX]);

/* What Python's float() reads: blanks around, "_" between digits, "inf", "Infinity" and "nan" in
 * any case. */
bool number_parse_float64(const char *text, size_t nbytes, double *out);
/* What Python's int() reads. False also when the magnitude is beyond 64 bits. */
bool number_parse_uint64(const char *text, size_t nbytes, bool *negative, uint64_t *magnitude);

#endif
