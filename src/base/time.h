/* The clock, for measurements only. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

int64_t time_now_ns(void); /* monotonic */

#endif
