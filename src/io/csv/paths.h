/* The files behind paths and patterns. */
#ifndef IO_CSV_PATHS_H
#define IO_CSV_PATHS_H

#include "io/csv/plan.h"

/* Fills source->files: each path in turn, the matches of a pattern sorted by their bytes.
 * Errors: DK_ENOFILE, DK_EIO. */
dk_status csv_paths_resolve(struct csv_source *source, const char *const *paths, size_t npaths,
                            dk_error *err) DK_NODISCARD;

#endif
