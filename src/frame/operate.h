/* Operations on column expressions: columns of different rows are brought to the same ones first.
 */
#ifndef FRAME_OPERATE_H
#define FRAME_OPERATE_H

#include "frame/expression.h"

/* a op b. Over the rows of both, or of one when the other is a literal or a single row; else over
 * the outer join of their labels.
 * Errors: DK_ETYPE, DK_EALIGN, DK_EPARSE (a text that is no timestamp), DK_ENOMEM. */
dk_status column_binary(dk_context *dk, enum binary_op op, const struct col *a, const struct col *b,
                        const struct col **out, dk_error *err) DK_NODISCARD;
/* Errors: DK_ETYPE, DK_ENOMEM. */
dk_status column_unary(dk_context *dk, enum unary_op op, const struct col *column,
                       const struct col **out, dk_error *err) DK_NODISCARD;
/* Errors: DK_ETYPE, DK_ENOMEM. */
dk_status column_cast(dk_context *dk, dk_type type, const struct col *column,
                      const struct col **out, dk_error *err) DK_NODISCARD;

#endif
