/* Arrow data on the ledger of a context. */
#include "io/arrow.h"

#include "graph/context.h"

dk_status dk_table_from_arrow(dk_context *dk, struct ArrowSchema *schema, struct ArrowArray *array,
                              const char *index, dk_table **out, dk_error *err)
{
    return arrow_import(dk->memory, schema, array, index, out, err);
}
