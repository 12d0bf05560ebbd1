/* Operators of series, and of frames column by column. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frame/build.h"
#include "frame/operate.h"

bool is_series(dk_frame frame)
{
    enum shape shape = frame.expression->shape;
    return shape == SHAPE_SERIES || shape == SHAPE_SCALAR || shape == SHAPE_LITERAL;
}

static const struct col *only_column(dk_frame series)
{
    return series.expression->columns[0];
}

/* What the user would call an operand. */
static const char *operand_name(dk_frame operand)
{
    if (!is_series(operand))
        return "a frame";
    const char *name = operand.expression->names[0];
    if (!name)
        name = only_column(operand)->text;
    return name ? name : "an unnamed series";
}

/* Beside a series, literals and scalars have no say in its name. */
static const char *common_name(dk_frame a, dk_frame b)
{
    const char *left = a.expression->names[0];
    const char *right = b.expression->names[0];
    bool is_left_series = a.expression->shape == SHAPE_SERIES;
    bool is_right_series = b.expression->shape == SHAPE_SERIES;
    if (b.expression->shape == SHAPE_LITERAL || (is_left_series && !is_right_series))
        return left;
    if (a.expression->shape == SHAPE_LITERAL || (is_right_series && !is_left_series))
        return right;
    return left && right && strcmp(left, right) == 0 ? left : NULL;
}

static dk_frame operate_series(enum binary_op op, dk_frame a, dk_frame b)
{
    dk_error err = {0};
    const struct col *column = NULL;
    if (column_binary(a.dk, op, only_column(a), only_column(b), &column, &err) != DK_OK) {
        error_prefix(&err, "%s %s %s", operand_name(a), binary_op_symbol(op), operand_name(b));
        return frame_error(a.dk, &err);
    }
    return frame_series(a.dk, column->rows, common_name(a, b), column);
}

/* ---- frames ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_columns_of(dk_frame a, dk_frame b)
{
    for (int32_t i = 0; i < b.expression->ncolumns; i++) {
        if (column_find(a, b.expression->names[i]) < 0)
            return false;
    }
    return true;
}

/* As pandas aligns columns: the same ones keep the order of the first frame, others are sorted. */
static void unite_names(dk_frame a, dk_frame b, struct columns *out)
{
    const struct dk_expression *left = a.expression;
    const struct dk_expression *right = b.expression;
    for (int32_t i = 0; i < left->ncolumns; i++)
        out->names[out->count++] = left->names[i];
    for (int32_t i = 0; i < right->ncolumns; i++) {
        if (column_find(a, right->names[i]) < 0)
            out->names[out->count++] = right->names[i];
    }
    if (!has_columns_of(a, b) || !has_columns_of(b, a))
        qsort(out->names, (size_t)out->count, sizeof(*out->names), by_name);
}

/* The operand's column `name`, or its only one; NULL: it has none of that name. */
static const struct col *operand_column(dk_frame operand, const char *name)
{
    if (is_series(operand))
        return only_column(operand);
    int32_t at = column_find(operand, name);
    return at < 0 ? NULL : operand.expression->columns[at];
}

/* The columns that both have; those that one lacks stay NULL. */
static dk_status operate_common(enum binary_op op, dk_frame a, dk_frame b, struct columns *out,
                                const struct rowset **rows, dk_error *err)
{
    for (int32_t i = 0; i < out->count; i++) {
        const struct col *left = operand_column(a, out->names[i]);
        const struct col *right = operand_column(b, out->names[i]);
        if (!left || !right)
            continue;
        dk_status status = column_binary(a.dk, op, left, right, &out->columns[i], err);
        if (status != DK_OK) {
            error_prefix(err, "column '%s'", out->names[i]);
            return status;
        }
        *rows = out->columns[i]->rows;
    }
    if (*rows)
        return DK_OK;
    return error_set(err, DK_EALIGN, "%s of two frames that have no column in common",
                     binary_op_symbol(op));
}

/* A column that one of the frames lacks is missing in every row. */
static dk_status fill_lacking(dk_context *dk, const struct rowset *rows, struct columns *out,
                              dk_error *err)
{
    const struct dk_expression *nan = float_literal(dk, NAN).expression;
    if (nan->error)
        return error_nomem(err);
    struct col wanted = {.kind = COL_SPREAD, .type = DK_FLOAT64, .rows = rows};
    wanted.a = nan->columns[0];
    for (int32_t i = 0; i < out->count; i++) {
        if (out->columns[i])
            continue;
        out->columns[i] = col_intern(dk->expressions, &wanted);
        if (!out->columns[i])
            return error_nomem(err);
    }
    return DK_OK;
}

static bool is_comparison(enum binary_op op)
{
    return op >= OP_EQ && op <= OP_GE;
}

static dk_status operate_into(enum binary_op op, dk_frame a, dk_frame b, struct columns *out,
                              const struct rowset **rows, dk_error *err)
{
    if (is_series(a)) {
        unite_names(b, b, out);
    } else if (is_series(b)) {
        unite_names(a, a, out);
    } else if (is_comparison(op) && !(has_columns_of(a, b) && has_columns_of(b, a))) {
        return error_set(err, DK_EALIGN, "can only compare identically-labeled frames");
    } else {
        unite_names(a, b, out);
    }
    DK_TRY(operate_common(op, a, b, out, rows, err));
    return fill_lacking(a.dk, *rows, out, err);
}

static dk_frame operate_frames(enum binary_op op, dk_frame a, dk_frame b)
{
    dk_error err = {0};
    const struct rowset *rows = NULL;
    struct columns out;
    dk_status status =
        columns_init(&out, a.dk->memory, a.expression->ncolumns + b.expression->ncolumns);
    status = status == DK_OK ? operate_into(op, a, b, &out, &rows, &err) : error_nomem(&err);
    dk_frame frame = status == DK_OK
                         ? frame_new(a.dk, SHAPE_FRAME, rows, out.count, out.names, out.columns)
                         : frame_error(a.dk, &err);
    columns_deinit(&out);
    return frame;
}

/* ---- public operators ---- */

/* pandas matches the labels of a series to the columns of a frame, which is hardly ever meant. */
static bool fits_frames(dk_frame operand)
{
    enum shape shape = operand.expression->shape;
    return shape == SHAPE_FRAME || shape == SHAPE_SCALAR || shape == SHAPE_LITERAL;
}

static dk_frame operate(enum binary_op op, dk_frame a, dk_frame b)
{
    if (a.expression->error)
        return a;
    if (b.expression->error)
        return b;
    if (is_series(a) && is_series(b))
        return operate_series(op, a, b);
    if (fits_frames(a) && fits_frames(b))
        return operate_frames(op, a, b);
    return frame_fail(a.dk, DK_EINVAL,
                      "operator %s of a frame and a series, or of a groupby: pick a column with "
                      "dk_col(), or aggregate first",
                      binary_op_symbol(op));
}

/* Public operators, one line each. */
#define BINARY_FUNCTION(function, op)                                                              \
    dk_frame function(dk_frame a, dk_frame b)                                                      \
    {                                                                                              \
        building_begin(a.dk);                                                                      \
        return hand_out(operate(op, a, b));                                                        \
    }

BINARY_FUNCTION(dk_add, OP_ADD)
BINARY_FUNCTION(dk_sub, OP_SUB)
BINARY_FUNCTION(dk_mul, OP_MUL)
BINARY_FUNCTION(dk_div, OP_DIV)
BINARY_FUNCTION(dk_floordiv, OP_FLOORDIV)
BINARY_FUNCTION(dk_mod, OP_MOD)
BINARY_FUNCTION(dk_pow, OP_POW)
BINARY_FUNCTION(dk_eq, OP_EQ)
BINARY_FUNCTION(dk_ne, OP_NE)
BINARY_FUNCTION(dk_lt, OP_LT)
BINARY_FUNCTION(dk_le, OP_LE)
BINARY_FUNCTION(dk_gt, OP_GT)
BINARY_FUNCTION(dk_ge, OP_GE)
BINARY_FUNCTION(dk_and, OP_AND)
BINARY_FUNCTION(dk_or, OP_OR)
BINARY_FUNCTION(dk_xor, OP_XOR)
