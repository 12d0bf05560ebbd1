/* Numbers as people read them, three digits or so: "1.2 s", "45 ms", "12.3 MiB", "1,204". */
#ifndef DIAGNOSTICS_HUMAN_H
#define DIAGNOSTICS_HUMAN_H

#include <stdint.h>

#define HUMAN_MAX 32

/* Writes into `out` and returns it. */
const char *human_duration(int64_t ns, char out[HUMAN_MAX]);
const char *human_bytes(int64_t nbytes, char out[HUMAN_MAX]);
/* All digits, with thousands separators. */
const char *human_count(int64_t count, char out[HUMAN_MAX]);
/* Three digits: "15.0 M". */
const char *human_rate(double per_second, char out[HUMAN_MAX]);

#endif
