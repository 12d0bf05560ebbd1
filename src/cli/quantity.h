/* Quantities as Dask writes them: "4GB", "2 GiB", "500 ms", "5 minutes". */
#ifndef CLI_QUANTITY_H
#define CLI_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

/* False when the text is none.   Source: dask.utils.parse_bytes, parse_timedelta. */
bool quantity_parse_bytes(const char *text, double *nbytes);
/* A number alone is seconds. */
bool quantity_parse_seconds(const char *text, double *seconds);

#endif
