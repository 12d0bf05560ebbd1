#include "column/kernels/binary.h"

#include <string.h>

#include "column/kernels/operand.h"

static bool is_words(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

dk_status binary_apply(enum binary_op op, const struct view *a, const struct view *b,
                       struct vec *out, dk_error *err)
{
    if (binary_is_compare(op)) {
        if (is_words(a->type) && is_words(b->type))
            return compare_words_apply(op, a, b, out, err);
        return compare_apply(op, a, b, out, err);
    }
    if (binary_is_logic(op))
        return logic_apply(op, a, b, out, err);
    if (a->type == DK_TEXT)
        return concatenate_apply(a, b, out, err);
    if (type_is_temporal(a->type) || type_is_temporal(b->type))
        return temporal_apply(op, a, b, out, err);
    return arithmetic_apply(op, a, b, out, err);
}

dk_status binary_adapt_literal(enum binary_op op, dk_type column, const struct view *literal,
                               struct vec *out, dk_error *err)
{
    struct operand operand;
    dk_type type = literal->type;
    if (type_is_countable(type) && type_is_countable(column))
        type =
            binary_promote((struct operand_type){column, false}, (struct operand_type){type, true});
    /* Integers are compared exactly in any width, and divided as floats: a literal may lie outside
     * the column's type. */
    if ((binary_is_compare(op) || op == OP_DIV) && !type_is_float(type))
        type = literal->type;
    vec_deinit(out);
    vec_init(out, out->memory, type);
    if (type == DK_TEXT || type == DK_CATEGORY) {
        if (vec_append_view(out, literal) != DK_OK)
            return error_nomem(err);
        return DK_OK;
    }
    DK_TRY(operand_open(&operand, literal, type, 1, err));
    if (vec_reset(out, 1) != DK_OK)
        return error_nomem(err);
    memcpy(out->data, operand_block(&operand, 0, 1), type_nbytes(type));
    if (view_is_null(literal, 0))
        vec_set_null(out, 0);
    return DK_OK;
}
