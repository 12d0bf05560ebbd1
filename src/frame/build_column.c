/* Columns of frames, and what is computed from them element by element. */
#include <stdio.h>
#include <string.h>

#include "column/kernels/align.h"
#include "frame/build.h"
#include "frame/expression.h"

/* "no column 'x': use any of [...]" */
static dk_frame column_missing(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    char list[512] = "";
    size_t length = 0;
    for (int32_t i = 0; i < expression->ncolumns && length < sizeof(list); i++) {
        const char *known = expression->names[i] ? expression->names[i] : "";
        int written =
            snprintf(list + length, sizeof(list) - length, "%s'%s'", i ? ", " : "", known);
        length += (size_t)written;
    }
    return frame_fail(frame.dk, DK_ECOLUMN, "no column '%s': use any of [%s]", name, list);
}

int32_t column_find(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    for (int32_t i = 0; i < expression->ncolumns; i++) {
        if (expression->names[i] && strcmp(expression->names[i], name) == 0)
            return i;
    }
    return -1;
}

/* A part of a groupby keeps its key. */
static dk_frame with_key_of(dk_frame part, dk_frame whole, bool one_column)
{
    if (part.expression->error)
        return part;
    struct dk_expression *copy = frame_copy(part);
    if (!copy)
        return frame_nomem(part.dk);
    copy->key = whole.expression->key;
    copy->key_name = whole.expression->key_name;
    copy->one_column = one_column;
    return (dk_frame){part.dk, copy};
}

dk_frame dk_col(dk_frame frame, const char *name)
{
    const struct dk_expression *expression = frame.expression;
    if (expression->error)
        return frame;
    bool is_groupby = expression->shape == SHAPE_GROUPBY;
    if (expression->shape != SHAPE_FRAME && !is_groupby) {
        return frame_fail(frame.dk, DK_EINVAL, "column '%s' of something that has no columns",
                          name);
    }
    int32_t i = column_find(frame, name);
    if (i < 0)
        return column_missing(frame, name);
    if (!is_groupby) {
        return frame_series(frame.dk, expression->rows, name, expression->columns[i]);
    }
    dk_frame part =
        frame_new(frame.dk, SHAPE_GROUPBY, expression->rows, 1, &name, &expression->columns[i]);
    return with_key_of(part, frame, true);
}

/* `columns` is scratch for one pointer a name. */
static dk_frame select_into(dk_frame frame, dk_names names, const struct col **columns)
{
    const struct dk_expression *expression = frame.expression;
    for (size_t i = 0; i < names.count; i++) {
        int32_t at = column_find(frame, names.names[i]);
        if (at < 0)
            return column_missing(frame, names.names[i]);
        columns[i] = expression->columns[at];
    }
    dk_frame part = frame_new(frame.dk, expression->shape, expression->rows, (int32_t)names.count,
                              names.names, columns);
    return expression->shape == SHAPE_GROUPBY ? with_key_of(part, frame, false) : part;
}

dk_frame dk_select(dk_frame frame, dk_names names)
{
    if (frame.expression->error)
        return frame;
    if (frame.expression->shape != SHAPE_FRAME && frame.expression->shape != SHAPE_GROUPBY) {
        return frame_fail(frame.dk, DK_EINVAL, "select works on frames and groupbys");
    }
    size_t nbytes = names.count * sizeof(struct col *);
    const struct col **columns = memory_calloc(frame.dk->memory, nbytes);
    if (!columns)
        return frame_nomem(frame.dk);
    dk_frame part = select_into(frame, names, columns);
    memory_free(frame.dk->memory, columns, nbytes);
    return part;
}

dk_frame dk_rename(dk_frame series, const char *name)
{
    if (series.expression->error)
        return series;
    if (series.expression->ncolumns != 1 || series.expression->shape == SHAPE_GROUPBY) {
        return frame_fail(series.dk, DK_EINVAL, "rename to '%s': not a series", name);
    }
    return frame_new(series.dk, series.expression->shape, series.expression->rows, 1, &name,
                     series.expression->columns);
}

/* ---- operators ---- */

static const struct col *only_column(dk_frame series)
{
    return series.expression->columns[0];
}

bool is_series(dk_frame frame)
{
    enum shape shape = frame.expression->shape;
    return shape == SHAPE_SERIES || shape == SHAPE_SCALAR || shape == SHAPE_LITERAL;
}

/* `column`, of one row, for use in every row of `rows`. */
static const struct col *broadcast(struct expressions *expressions, const struct rowset *rows,
                                   const struct col *column)
{
    struct col wanted = {.kind = COL_SCALAR, .type = column->type, .rows = rows, .a = column};
    return col_intern(expressions, &wanted);
}

/* Brings `a` and `b` to the rows of one rowset, or says why not. */
struct meeting {
    const struct rowset *rows;
    const struct col *a;
    const struct col *b;
};

static dk_status meet_by_label(dk_context *dk, struct meeting *meeting, dk_error *err)
{
    const struct rowset *left = meeting->a->rows;
    const struct rowset *right = meeting->b->rows;
    if (left->npartitions > 1 || right->npartitions > 1) {
        return error_set(err, DK_EALIGN,
                         "not all divisions are known, can't align partitions of different frames "
                         "(%d and %d partitions)",
                         left->npartitions, right->npartitions);
    }
    dk_type index_type;
    DK_TRY(align_type(left->index_type, right->index_type, &index_type, err));
    struct rowset wanted = {
        .kind = ROWS_ALIGN,
        .npartitions = 1,
        .index_type = index_type,
        .index_name = left->index_name, /* as pandas 3 does, whatever the other one is called */
        .left = left,
        .right = right,
    };
    meeting->rows = rowset_intern(dk->expressions, &wanted);
    if (!meeting->rows)
        return error_nomem(err);
    meeting->a = aligned_column(dk->expressions, meeting->rows, meeting->a, true);
    meeting->b = aligned_column(dk->expressions, meeting->rows, meeting->b, false);
    return meeting->a && meeting->b ? DK_OK : error_nomem(err);
}

static bool is_scalar(const struct rowset *rows)
{
    return rows && rows->kind == ROWS_REDUCE;
}

static dk_status meet(dk_context *dk, struct meeting *meeting, dk_error *err)
{
    const struct rowset *left = meeting->a->rows;
    const struct rowset *right = meeting->b->rows;
    meeting->rows = left ? left : right;
    if (!left || !right || left == right)
        return DK_OK;
    if (is_scalar(right)) {
        meeting->b = broadcast(dk->expressions, left, meeting->b);
        return meeting->b ? DK_OK : error_nomem(err);
    }
    if (is_scalar(left)) {
        meeting->rows = right;
        meeting->a = broadcast(dk->expressions, right, meeting->a);
        return meeting->a ? DK_OK : error_nomem(err);
    }
    return meet_by_label(dk, meeting, err);
}

/* The literal in `vec`, which stays the caller's, written as the user wrote it. */
static dk_status literal_of(dk_context *dk, struct vec *vec, const char *text,
                            const struct col **out, dk_error *err)
{
    struct col wanted = {.kind = COL_LITERAL, .type = vec->type, .text = text};
    if (vec_freeze(vec, &wanted.literal) != DK_OK)
        return error_nomem(err);
    *out = col_intern(dk->expressions, &wanted);
    return *out ? DK_OK : error_nomem(err);
}

/* A text literal against timestamps is one; DK_EPARSE when it cannot be read, which makes == false
 * for all. */
static dk_status read_timestamp(dk_context *dk, const struct col **literal, dk_error *err)
{
    int64_t ns = 0;
    const char *text = (*literal)->text;
    if (!timestamp_parse(text, strlen(text), &ns))
        return error_set(err, DK_EPARSE, "cannot read '%s' as a timestamp (YYYY-MM-DD HH:MM:SS)",
                         text);
    struct vec vec;
    vec_init(&vec, dk->memory, DK_TIMESTAMP);
    dk_status status = vec_reset(&vec, 1) == DK_OK ? DK_OK : error_nomem(err);
    if (status == DK_OK) {
        memcpy(vec.data, &ns, sizeof(ns));
        status = literal_of(dk, &vec, text, literal, err);
    }
    vec_deinit(&vec);
    return status;
}

/* Gives a literal the type it takes beside `column`, once and for all rows. */
static dk_status adapt_literal(dk_context *dk, enum binary_op op, const struct col *column,
                               const struct col **literal, dk_error *err)
{
    if ((*literal)->kind != COL_LITERAL || column->kind == COL_LITERAL)
        return DK_OK;
    struct vec vec;
    vec_init(&vec, dk->memory, (*literal)->type);
    dk_status status =
        binary_adapt_literal(op, column->type, &(*literal)->literal->view, &vec, err);
    if (status == DK_OK)
        status = literal_of(dk, &vec, (*literal)->text, literal, err);
    vec_deinit(&vec);
    return status;
}

static bool is_text_literal(const struct col *column)
{
    return column->kind == COL_LITERAL && column->type == DK_TEXT;
}

static const struct col *binary(dk_context *dk, enum binary_op op, struct meeting *meeting,
                                dk_error *err)
{
    struct operand_type a = {meeting->a->type, meeting->a->kind == COL_LITERAL};
    struct operand_type b = {meeting->b->type, meeting->b->kind == COL_LITERAL};
    struct col wanted = {.kind = COL_BINARY, .rows = meeting->rows, .number = op};
    if (binary_type(op, a, b, &wanted.type, err) != DK_OK ||
        adapt_literal(dk, op, meeting->a, &meeting->b, err) != DK_OK ||
        adapt_literal(dk, op, meeting->b, &meeting->a, err) != DK_OK)
        return NULL;
    wanted.a = meeting->a;
    wanted.b = meeting->b;
    const struct col *column = col_intern(dk->expressions, &wanted);
    if (!column)
        error_nomem(err);
    return column;
}

/* As pandas: a text that is no timestamp equals none of them. */
static dk_frame compare_with_nothing(dk_frame series, enum binary_op op)
{
    dk_frame missing = op == OP_EQ ? dk_notna(series) : dk_isna(series);
    dk_frame both =
        op == OP_EQ ? dk_and(missing, dk_isna(series)) : dk_or(missing, dk_notna(series));
    const char *name = series.expression->names[0];
    return name ? dk_rename(both, name) : both;
}

static const char *common_name(dk_frame a, dk_frame b)
{
    const char *left = a.expression->names[0];
    const char *right = b.expression->names[0];
    if (b.expression->shape == SHAPE_LITERAL)
        return left;
    if (a.expression->shape == SHAPE_LITERAL)
        return right;
    return left && right && strcmp(left, right) == 0 ? left : NULL;
}

/* What the user would call an operand. */
static const char *operand_name(dk_frame operand)
{
    const char *name = operand.expression->names[0];
    if (!name)
        name = only_column(operand)->text;
    return name ? name : "an unnamed series";
}

static dk_frame operate(enum binary_op op, dk_frame a, dk_frame b)
{
    if (a.expression->error)
        return a;
    if (b.expression->error)
        return b;
    if (!is_series(a) || !is_series(b)) {
        return frame_fail(a.dk, DK_EINVAL,
                          "operator %s works on series; pick a column with dk_col()",
                          binary_op_symbol(op));
    }
    dk_error err = {0};
    struct meeting meeting = {.a = only_column(a), .b = only_column(b)};
    dk_status status = DK_OK;
    if (is_text_literal(meeting.b) && meeting.a->type == DK_TIMESTAMP) {
        status = read_timestamp(a.dk, &meeting.b, &err);
        if (status == DK_EPARSE && (op == OP_EQ || op == OP_NE))
            return compare_with_nothing(a, op);
    } else if (is_text_literal(meeting.a) && meeting.b->type == DK_TIMESTAMP) {
        status = read_timestamp(a.dk, &meeting.a, &err);
        if (status == DK_EPARSE && (op == OP_EQ || op == OP_NE))
            return compare_with_nothing(b, op);
    }
    if (status == DK_OK)
        status = meet(a.dk, &meeting, &err);
    const struct col *column = status == DK_OK ? binary(a.dk, op, &meeting, &err) : NULL;
    if (!column) {
        error_prefix(&err, "%s %s %s", operand_name(a), binary_op_symbol(op), operand_name(b));
        return frame_error(a.dk, &err);
    }
    return frame_series(a.dk, meeting.rows, common_name(a, b), column);
}

/* Public operators, one line each. */
#define BINARY_FUNCTION(function, op)                                                              \
    dk_frame function(dk_frame a, dk_frame b)                                                      \
    {                                                                                              \
        return operate(op, a, b);                                                                  \
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

/* A column made from the only one of `series`, of the same rows and name. */
static dk_frame derive(dk_frame series, struct col wanted)
{
    wanted.a = only_column(series);
    wanted.rows = series.expression->rows;
    return frame_series(series.dk, series.expression->rows, series.expression->names[0],
                        col_intern(series.dk->expressions, &wanted));
}

static dk_frame not_a_series(dk_frame frame, const char *what)
{
    return frame_fail(frame.dk, DK_EINVAL, "%s works on a series; pick a column with dk_col()",
                      what);
}

static dk_frame operate_one(enum unary_op op, dk_frame series)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, unary_op_symbol(op));
    dk_error err = {0};
    struct col wanted = {.kind = COL_UNARY, .number = op};
    if (unary_type(op, only_column(series)->type, &wanted.type, &err) != DK_OK) {
        return frame_error(series.dk, &err);
    }
    return derive(series, wanted);
}

dk_frame dk_neg(dk_frame series)
{
    return operate_one(OP_NEG, series);
}

dk_frame dk_abs(dk_frame series)
{
    return operate_one(OP_ABS, series);
}

dk_frame dk_not(dk_frame series)
{
    return operate_one(OP_NOT, series);
}

dk_frame dk_isna(dk_frame series)
{
    return operate_one(OP_ISNA, series);
}

dk_frame dk_notna(dk_frame series)
{
    return operate_one(OP_NOTNA, series);
}

dk_frame dk_astype(dk_frame series, dk_type type)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, "astype");
    dk_type from = only_column(series)->type;
    if ((unsigned)type >= DK_TYPE_COUNT || !cast_is_possible(from, type)) {
        return frame_fail(series.dk, DK_ETYPE, "cannot convert %s to %s", dk_type_name(from),
                          dk_type_name(type));
    }
    if (from == type)
        return series;
    return derive(series, (struct col){.kind = COL_CAST, .type = type});
}

/* ---- timestamps ---- */

static dk_frame not_a_time(dk_frame series, const char *what)
{
    const char *name = series.expression->names[0];
    return frame_fail(series.dk, DK_ETYPE, "dt.%s: column '%s' is %s, not datetime64[ns]", what,
                      name ? name : "", dk_type_name(only_column(series)->type));
}

static dk_frame round_to(enum round_mode mode, const char *what, dk_frame series, const char *freq)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, what);
    dk_type type = only_column(series)->type;
    if (type != DK_TIMESTAMP && type != DK_DURATION)
        return not_a_time(series, what);
    dk_error err = {0};
    struct col wanted = {.kind = COL_ROUND, .type = type, .number = mode, .text = freq};
    if (freq_parse(freq, &wanted.unit_ns, &err) != DK_OK)
        return frame_error(series.dk, &err);
    return derive(series, wanted);
}

dk_frame dk_dt_round(dk_frame series, const char *freq)
{
    return round_to(ROUND_HALF_EVEN, "round", series, freq);
}

dk_frame dk_dt_floor(dk_frame series, const char *freq)
{
    return round_to(ROUND_FLOOR, "floor", series, freq);
}

dk_frame dk_dt_ceil(dk_frame series, const char *freq)
{
    return round_to(ROUND_CEIL, "ceil", series, freq);
}

dk_frame dk_dt(dk_frame series, const char *field)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, field);
    dk_error err = {0};
    enum dt_field number = DT_YEAR;
    if (dt_field_find(field, &number, &err) != DK_OK)
        return frame_error(series.dk, &err);
    if (only_column(series)->type != DK_TIMESTAMP)
        return not_a_time(series, field);
    return derive(series, (struct col){.kind = COL_FIELD,
                                       .type = dt_field_type(number),
                                       .number = (int32_t)number,
                                       .text = field});
}
