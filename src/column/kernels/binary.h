/* The families of binary operations, and the type rules they share. */
#ifndef KERNELS_BINARY_H
#define KERNELS_BINARY_H

#include "column/kernels/elementwise.h"

static inline bool binary_is_compare(enum binary_op op)
{
    return op >= OP_EQ && op <= OP_GE;
}

static inline bool binary_is_logic(enum binary_op op)
{
    return op >= OP_AND;
}

static inline bool type_is_temporal(dk_type type)
{
    return type == DK_TIMESTAMP || type == DK_DURATION;
}

/* bool counts as the smallest number. */
static inline bool type_is_countable(dk_type type)
{
    return type == DK_BOOL || type_is_number(type);
}

/* The type in which numbers meet: the wider one; a literal gives way to the column where its kind
 * (bool, integer, float) is not above the column's.   Source: numpy 2, NEP 50. */
dk_type binary_promote(struct operand_type a, struct operand_type b);

/* The same for columns, and for literals that binary_adapt_literal() has prepared. */
static inline dk_type binary_common(dk_type a, dk_type b)
{
    return binary_promote((struct operand_type){a, false}, (struct operand_type){b, false});
}

/* Each computes out = a op b for its family of types; binary_apply chooses. */
dk_status arithmetic_apply(enum binary_op op, const struct view *a, const struct view *b,
                           struct vec *out, dk_error *err) DK_NODISCARD;
dk_status logic_apply(enum binary_op op, const struct view *a, const struct view *b,
                      struct vec *out, dk_error *err) DK_NODISCARD;
dk_status compare_apply(enum binary_op op, const struct view *a, const struct view *b,
                        struct vec *out, dk_error *err) DK_NODISCARD;
dk_status compare_words_apply(enum binary_op op, const struct view *a, const struct view *b,
                              struct vec *out, dk_error *err) DK_NODISCARD;
dk_status temporal_apply(enum binary_op op, const struct view *a, const struct view *b,
                         struct vec *out, dk_error *err) DK_NODISCARD;
dk_status concatenate_apply(const struct view *a, const struct view *b, struct vec *out,
                            dk_error *err) DK_NODISCARD;

#endif
