/* Import by the Arrow C data interface. The export is dk_table_to_arrow() itself. */
#ifndef IO_ARROW_H
#define IO_ARROW_H

#include <cdask/arrow.h>

#include "column/table.h"

/* dk_table_from_arrow() on a ledger. Besides what is said there:
 *  - a column of type null becomes float64 NaN; dates become timestamps; dictionaries of text
 * become categories (their order is not kept);
 *  - time zones: UTC only, its timestamps become naive ones;
 *  - a schema of our own export with "cdask.series" gives a series again; all other metadata is
 * ignored. */
dk_status arrow_import(struct memory *memory, struct ArrowSchema *schema, struct ArrowArray *array,
                       const char *index, dk_table **out, dk_error *err) DK_NODISCARD;

#endif
