/* The schema that goes with an exported table. */
#ifndef IO_ARROW_EXPORT_SCHEMA_H
#define IO_ARROW_EXPORT_SCHEMA_H

#include <cdask/arrow.h>

#include "column/table.h"

/* Fills `schema`, which the caller releases.   Errors: DK_ENOMEM; there is nothing to release then.
 */
dk_status arrow_export_schema(const dk_table *table, struct ArrowSchema *schema) DK_NODISCARD;

#endif
