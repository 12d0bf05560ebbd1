#include "column/kernels/binary.h"

static const struct {
    const char *symbol;
    const char *name;
} ops[] = {
#define BINARY_OP_ENTRY(op, symbol, text) [op] = {symbol, text},
    BINARY_OP_LIST(BINARY_OP_ENTRY)
#undef BINARY_OP_ENTRY
};

const char *binary_op_symbol(enum binary_op op)
{
    return ops[op].symbol;
}

const char *binary_op_name(enum binary_op op)
{
    return ops[op].name;
}

enum kind { KIND_BOOL, KIND_INTEGER, KIND_FLOAT };

static enum kind kind_of(dk_type type)
{
    if (type == DK_BOOL)
        return KIND_BOOL;
    return type_is_float(type) ? KIND_FLOAT : KIND_INTEGER;
}

/* Both are columns. The types are listed in rising order, so that the larger wins, except where
 * neither holds all values of the other. */
static dk_type promote_columns(dk_type a, dk_type b)
{
    dk_type low = a < b ? a : b, high = a < b ? b : a;
    if (low == high || low == DK_BOOL)
        return high;
    if (high == DK_UINT64 && low != DK_UINT64)
        return DK_FLOAT64;
    if (high == DK_FLOAT32 && low != DK_INT8 && low != DK_INT16)
        return DK_FLOAT64;
    return high;
}

dk_type binary_promote(struct operand_type a, struct operand_type b)
{
    if (a.literal == b.literal)
        return promote_columns(a.type, b.type);
    struct operand_type column = a.literal ? b : a, literal = a.literal ? a : b;
    if (kind_of(literal.type) <= kind_of(column.type))
        return column.type;
    return kind_of(literal.type) == KIND_FLOAT ? DK_FLOAT64 : literal.type;
}

static dk_status refuse(enum binary_op op, dk_type a, dk_type b, const char *hint, dk_error *err)
{
    return error_set(err, DK_ETYPE, "cannot apply %s to %s and %s%s", binary_op_symbol(op),
                     dk_type_name(a), dk_type_name(b), hint);
}

static dk_status arithmetic_type(enum binary_op op, struct operand_type a, struct operand_type b,
                                 dk_type *out, dk_error *err)
{
    *out = binary_promote(a, b);
    if (op == OP_DIV && !type_is_float(*out))
        *out = DK_FLOAT64;
    if (a.type != DK_BOOL || b.type != DK_BOOL || op == OP_ADD || op == OP_MUL)
        return DK_OK;
    if (op == OP_MOD) {
        *out = DK_INT8;
        return DK_OK;
    }
    const char *hint = op == OP_SUB ? "; use ^" : "; convert one to a number with astype";
    return refuse(op, a.type, b.type, hint, err);
}

static dk_status logic_type(enum binary_op op, struct operand_type a, struct operand_type b,
                            dk_type *out, dk_error *err)
{
    *out = DK_BOOL;
    if (!type_is_countable(a.type) || !type_is_countable(b.type) || type_is_float(a.type) ||
        type_is_float(b.type))
        return refuse(op, a.type, b.type, "", err);
    if (a.type == DK_BOOL || b.type == DK_BOOL)
        return DK_OK;
    *out = binary_promote(a, b);
    return type_is_float(*out) ? refuse(op, a.type, b.type, "; convert one with astype", err)
                               : DK_OK;
}

static bool is_words(dk_type type)
{
    return type == DK_TEXT || type == DK_CATEGORY;
}

static dk_status compare_type(enum binary_op op, dk_type a, dk_type b, dk_type *out, dk_error *err)
{
    *out = DK_BOOL;
    bool only_equality = op == OP_EQ || op == OP_NE;
    if ((a == DK_TEXT && type_is_temporal(b)) || (type_is_temporal(a) && b == DK_TEXT))
        return refuse(op, a, b, "; convert the text with to_datetime or astype", err);
    /* What can never be equal is unequal everywhere, as in pandas; only an order is refused. */
    if (only_equality)
        return DK_OK;
    if (is_words(a) && is_words(b) && (a == DK_CATEGORY || b == DK_CATEGORY))
        return refuse(op, a, b, "; unordered categories can only be compared by == and !=", err);
    if ((type_is_countable(a) && type_is_countable(b)) ||
        (a == b && (is_words(a) || type_is_temporal(a))))
        return DK_OK;
    return refuse(op, a, b, "", err);
}

/* Of the types that are left, at least one is a timestamp or a duration; DK_TYPE_COUNT: no such
 * operation. */
static dk_type temporal_type(enum binary_op op, dk_type a, dk_type b)
{
    bool scales = type_is_number(b) && a == DK_DURATION;
    if (op == OP_ADD && a != b && type_is_temporal(a) && type_is_temporal(b))
        return DK_TIMESTAMP;
    if (op == OP_SUB && a == DK_TIMESTAMP && type_is_temporal(b))
        return b == DK_TIMESTAMP ? DK_DURATION : DK_TIMESTAMP;
    if (op == OP_MUL && (scales || (type_is_number(a) && b == DK_DURATION)))
        return DK_DURATION;
    if (scales && (op == OP_DIV || op == OP_FLOORDIV || op == OP_MOD))
        return DK_DURATION;
    if (a != DK_DURATION || b != DK_DURATION)
        return DK_TYPE_COUNT;
    if (op == OP_DIV)
        return DK_FLOAT64;
    if (op == OP_FLOORDIV)
        return DK_INT64;
    return op == OP_MUL || op == OP_POW ? DK_TYPE_COUNT : DK_DURATION;
}

dk_status binary_type(enum binary_op op, struct operand_type a, struct operand_type b, dk_type *out,
                      dk_error *err)
{
    if (binary_is_compare(op))
        return compare_type(op, a.type, b.type, out, err);
    if (binary_is_logic(op))
        return logic_type(op, a, b, out, err);
    if (type_is_countable(a.type) && type_is_countable(b.type))
        return arithmetic_type(op, a, b, out, err);
    *out = DK_TYPE_COUNT;
    if (op == OP_ADD && a.type == DK_TEXT && b.type == DK_TEXT)
        *out = DK_TEXT;
    if (type_is_temporal(a.type) || type_is_temporal(b.type))
        *out = temporal_type(op, a.type, b.type);
    return *out == DK_TYPE_COUNT ? refuse(op, a.type, b.type, "", err) : DK_OK;
}
