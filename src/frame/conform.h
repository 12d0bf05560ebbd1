/* What a function gave for a partition, as the table that was promised for it. */
#ifndef FRAME_CONFORM_H
#define FRAME_CONFORM_H

#include <cdask/graph.h>

/* frame.conform(meta, given) -> a table with the names and types of `meta`. Numbers widen to
 * float64 where that was promised; a scalar is a row labelled 0.
 * Errors: DK_ETYPE, naming the column and both types. */
dk_status conform(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                  dk_error *err);

#endif
