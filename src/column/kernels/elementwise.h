/* Element by element: arithmetic, comparison, logic, casts. Inputs are views, output is a reusable
 * vec.
 *
 * A view of one row is broadcast against one of many rows (that is how a literal enters). Missing
 * in, missing out, except that comparisons give false (NE: true), as pandas' do; and/or/xor treat
 * missing as false. Dispatch on types happens once a call; dense and nullable inputs have separate
 * loops. Integer results that have no value (x // 0, x % 0) are missing. Source: pandas Series
 * arithmetic, numpy 2 promotion (a literal takes the type of the column where it can). */
#ifndef KERNELS_ELEMENTWISE_H
#define KERNELS_ELEMENTWISE_H

#include "column/vec.h"

/* name, operator as pandas spells it, method name */
#define BINARY_OP_LIST(X)                                                                          \
    X(OP_ADD, "+", "add")                                                                          \
    X(OP_SUB, "-", "sub")                                                                          \
    X(OP_MUL, "*", "mul")                                                                          \
    X(OP_DIV, "/", "truediv")                                                                      \
    X(OP_FLOORDIV, "//", "floordiv")                                                               \
    X(OP_MOD, "%", "mod")                                                                          \
    X(OP_POW, "**", "pow")                                                                         \
    X(OP_EQ, "==", "eq")                                                                           \
    X(OP_NE, "!=", "ne")                                                                           \
    X(OP_LT, "<", "lt")                                                                            \
    X(OP_LE, "<=", "le")                                                                           \
    X(OP_GT, ">", "gt")                                                                            \
    X(OP_GE, ">=", "ge")                                                                           \
    X(OP_AND, "&", "and")                                                                          \
    X(OP_OR, "|", "or")                                                                            \
    X(OP_XOR, "^", "xor")

enum binary_op {
#define BINARY_OP_ENUM(name, symbol, text) name,
    BINARY_OP_LIST(BINARY_OP_ENUM)
#undef BINARY_OP_ENUM
};

const char *binary_op_symbol(enum binary_op op);
const char *binary_op_name(enum binary_op op);

/* One operand's type; `literal` ones adapt to the other side. */
struct operand_type {
    dk_type type;
    bool literal;
};

/* The result type of `a op b`; DK_ETYPE when there is none ("cannot apply + to str and float64").
 */
dk_status binary_type(enum binary_op op, struct operand_type a, struct operand_type b, dk_type *out,
                      dk_error *err) DK_NODISCARD;
/* out = a op b, as `out->type`, which binary_type gave. One row stands for as many as the other
 * side has; a literal has the type that binary_adapt_literal() gave it. Errors: DK_EOVERFLOW (a
 * timestamp or duration leaves the range), DK_EINVAL (an integer to a negative power), DK_ENOMEM.
 */
dk_status binary_apply(enum binary_op op, const struct view *a, const struct view *b,
                       struct vec *out, dk_error *err) DK_NODISCARD;

/* out = the one-row view `literal` in the type it takes beside a column of type `column`
 * (`out->type` is set here). A literal prepared so gives the same results whether the column's view
 * has one row or many. Errors: DK_EOVERFLOW ("the integer 1000 is out of bounds for int8"),
 * DK_ENOMEM. */
dk_status binary_adapt_literal(enum binary_op op, dk_type column, const struct view *literal,
                               struct vec *out, dk_error *err) DK_NODISCARD;

#define UNARY_OP_LIST(X)                                                                           \
    X(OP_NEG, "-")                                                                                 \
    X(OP_ABS, "abs")                                                                               \
    X(OP_NOT, "~")                                                                                 \
    X(OP_ISNA, "isna")                                                                             \
    X(OP_NOTNA, "notna")

enum unary_op {
#define UNARY_OP_ENUM(name, symbol) name,
    UNARY_OP_LIST(UNARY_OP_ENUM)
#undef UNARY_OP_ENUM
};

const char *unary_op_symbol(enum unary_op op);
dk_status unary_type(enum unary_op op, dk_type in, dk_type *out, dk_error *err) DK_NODISCARD;
dk_status unary_apply(enum unary_op op, const struct view *in, struct vec *out,
                      dk_error *err) DK_NODISCARD;

/* Converts values (pandas astype). Float to integer truncates; NaN or out of range to integer:
 * DK_ETYPE. Text to numbers and timestamps parses; anything to text prints; category to text and
 * back. */
bool cast_is_possible(dk_type from, dk_type to);
dk_status cast_apply(const struct view *in, struct vec *out, dk_error *err) DK_NODISCARD;

/* Writes the positions of the true rows of a bool view (missing: false) and returns how many;
 * `rows` has room for mask->nrows. */
int64_t filter_rows(const struct view *mask, int32_t *rows);
/* out = the values of `in` at `rows`. */
dk_status take_rows(const struct view *in, const int32_t *rows, int64_t nrows,
                    struct vec *out) DK_NODISCARD;

#endif
