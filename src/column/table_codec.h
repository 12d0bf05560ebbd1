/* Tables on their way to another process: the schema as a few bytes of a message, the buffers as
 * pieces beside it. Of a slice only its window is written. */
#ifndef COLUMN_TABLE_CODEC_H
#define COLUMN_TABLE_CODEC_H

#include "base/cursor.h"
#include "base/writer.h"
#include "column/pieces.h"
#include "column/table.h"

/* Puts the schema and adds the buffers, which are borrowed until they are written.   Errors:
 * DK_ENOMEM, also when `out` has failed. */
dk_status table_put(struct writer *out, struct pieces *pieces, const dk_table *table) DK_NODISCARD;

/* Gives the buffers of a table that is read, in the order in which table_put() added them: `offset`
 * as pieces_add() gave it. Errors: DK_ENOMEM, DK_EPARSE (there is no such buffer). */
struct buffer_source {
    dk_status (*get)(void *self, uint64_t offset, uint64_t nbytes, struct buffer **out);
    void *self;
};

/* Makes the table that table_put() described. What it says of itself is checked, but not what lies
 * in the buffers: table_check() does that.
 * Errors: DK_ENOMEM, DK_EPARSE (the description is none). */
dk_status table_get(struct memory *memory, struct cursor *cursor, struct buffer_source buffers,
                    dk_table **out) DK_NODISCARD;

/* The same with the buffers, in one run of bytes; reading copies them once.   Errors: as those two.
 */
dk_status table_put_whole(struct writer *out, const dk_table *table) DK_NODISCARD;
dk_status table_get_whole(struct memory *memory, struct cursor *cursor,
                          dk_table **out) DK_NODISCARD;

/* Whether no kernel will read beyond the buffers, whatever is in them: for tables of strangers.
 * `err` names the column.   Errors: DK_EPARSE. */
dk_status table_check(const dk_table *table, dk_error *err) DK_NODISCARD;

#endif
