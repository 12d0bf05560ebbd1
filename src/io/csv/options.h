/* The options of a source: copied, checked, defaults filled in. */
#ifndef IO_CSV_OPTIONS_H
#define IO_CSV_OPTIONS_H

#include "io/csv/plan.h"

/* `given` may be NULL. Errors: DK_EINVAL. */
dk_status csv_options_init(struct csv_source *source, const dk_csv_options *given,
                           dk_error *err) DK_NODISCARD;

/* min(64 MB, memory / processors / 10), as Dask. */
int64_t csv_options_blocksize(void);

/* True when `name` is one of `names`. */
bool csv_names_have(const dk_names *names, const char *name);

struct token csv_options_token(const dk_csv_options *options);

#endif
