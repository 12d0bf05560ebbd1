/* Tables on their way to another process: the schema as a few bytes of a message, the buffers as
 * pieces of a segment. Of a slice only its window is written. */
#ifndef LOCAL_SHARED_TABLE_H
#define LOCAL_SHARED_TABLE_H

#include "column/table.h"
#include "local/processes/pipe_message.h"
#include "local/processes/segment.h"

/* Puts the schema and adds the buffers, which are borrowed until they are written.   Errors:
 * DK_ENOMEM. */
dk_status table_put(struct outbox *outbox, struct pieces *pieces,
                    const dk_table *table) DK_NODISCARD;

/* Makes the table that table_put() described, on the buffers of `segment`.
 * Errors: DK_ENOMEM, DK_EPARSE (the description is none). */
dk_status table_get(struct memory *memory, struct cursor *cursor, struct segment *segment,
                    dk_table **out) DK_NODISCARD;

#endif
