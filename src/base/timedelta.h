/* Spans of time as Dask writes them: "30 s", "1.5 hours", "200ms". */
#ifndef BASE_TIMEDELTA_H
#define BASE_TIMEDELTA_H

#include <stddef.h>

#include <cdask/status.h>

/* The seconds in `text`: a number and its unit, which is seconds when there is none. A unit without
 * a number is one of it. Spaces do not count, nor does the case of letters.
 *
 * Errors: DK_EKEY (there is no such unit), DK_EPARSE (no number stands before it).
 * Source: dask.utils.parse_timedelta, whose oddities are kept; Python's are not (digits that are
 * not ASCII, "1_000"). */
dk_status timedelta_parse(const char *text, size_t nbytes, double *seconds,
                          dk_error *err) DK_NODISCARD;

#endif
