#include "frame/operate.h"

#include <string.h>

#include "column/kernels/align.h"
#include "column/kernels/binary.h"

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

/* Files say nothing of the labels in their partitions, and number their rows each from 0. */
static bool has_divisions(const struct rowset *rows)
{
    const struct rowset *source = rowset_source(rows);
    while (source->kind == ROWS_MAP)
        source = rowset_source(source->left);
    return source->kind != ROWS_CSV;
}

static dk_status meet_by_label(dk_context *dk, struct meeting *meeting, dk_error *err)
{
    const struct rowset *left = meeting->a->rows;
    const struct rowset *right = meeting->b->rows;
    bool is_whole = left->npartitions == 1 && right->npartitions == 1;
    if (!is_whole && !(has_divisions(left) && has_divisions(right))) {
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
    return rows && rows->is_reduced;
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

/* The timestamp that `text` says, which may be the missing one. */
static dk_status parse_timestamp(const char *text, struct vec *out, dk_error *err)
{
    size_t nbytes = strlen(text);
    if (vec_reset(out, 1) != DK_OK)
        return error_nomem(err);
    if (timestamp_parse(text, nbytes, out->data))
        return DK_OK;
    if (nbytes && !timestamp_is_missing_word(text, nbytes))
        return error_set(err, DK_EPARSE, "cannot read '%s' as a timestamp (YYYY-MM-DD HH:MM:SS)",
                         text);
    memset(out->data, 0, sizeof(int64_t));
    vec_set_null(out, 0);
    return DK_OK;
}

/* A text literal compared with timestamps is one; DK_EPARSE when it cannot be read, which makes ==
 * false for all. */
static dk_status read_timestamp(dk_context *dk, const struct col **literal, dk_error *err)
{
    struct vec vec;
    vec_init(&vec, dk->memory, DK_TIMESTAMP);
    dk_status status = parse_timestamp((*literal)->text, &vec, err);
    if (status == DK_OK)
        status = literal_of(dk, &vec, (*literal)->text, literal, err);
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

/* The columns of a meeting are over the same rows here. */
static dk_status combine(dk_context *dk, enum binary_op op, struct meeting *meeting,
                         const struct col **out, dk_error *err)
{
    struct operand_type a = {meeting->a->type, meeting->a->kind == COL_LITERAL};
    struct operand_type b = {meeting->b->type, meeting->b->kind == COL_LITERAL};
    struct col wanted = {.kind = COL_BINARY, .rows = meeting->rows, .number = op};
    DK_TRY(binary_type(op, a, b, &wanted.type, err));
    DK_TRY(adapt_literal(dk, op, meeting->a, &meeting->b, err));
    DK_TRY(adapt_literal(dk, op, meeting->b, &meeting->a, err));
    wanted.a = meeting->a;
    wanted.b = meeting->b;
    *out = col_intern(dk->expressions, &wanted);
    return *out ? DK_OK : error_nomem(err);
}

dk_status column_unary(dk_context *dk, enum unary_op op, const struct col *column,
                       const struct col **out, dk_error *err)
{
    struct col wanted = {.kind = COL_UNARY, .rows = column->rows, .number = op, .a = column};
    DK_TRY(unary_type(op, column->type, &wanted.type, err));
    *out = col_intern(dk->expressions, &wanted);
    return *out ? DK_OK : error_nomem(err);
}

/* As pandas: a text that is no timestamp equals none of them, missing or not. */
static dk_status compare_with_nothing(dk_context *dk, enum binary_op op, const struct col *column,
                                      const struct col **out, dk_error *err)
{
    struct meeting both = {.rows = column->rows};
    DK_TRY(column_unary(dk, OP_NOTNA, column, &both.a, err));
    DK_TRY(column_unary(dk, OP_ISNA, column, &both.b, err));
    return combine(dk, op == OP_EQ ? OP_AND : OP_OR, &both, out, err);
}

dk_status column_binary(dk_context *dk, enum binary_op op, const struct col *a, const struct col *b,
                        const struct col **out, dk_error *err)
{
    struct meeting meeting = {.a = a, .b = b};
    dk_status status = DK_OK;
    bool is_timestamp = a->type == DK_TIMESTAMP;
    if (is_timestamp && binary_is_compare(op) && is_text_literal(b)) {
        status = read_timestamp(dk, &meeting.b, err);
    } else if (b->type == DK_TIMESTAMP && binary_is_compare(op) && is_text_literal(a)) {
        status = read_timestamp(dk, &meeting.a, err);
    }
    if (status == DK_EPARSE && (op == OP_EQ || op == OP_NE))
        return compare_with_nothing(dk, op, is_timestamp ? a : b, out, err);
    DK_TRY(status);
    DK_TRY(meet(dk, &meeting, err));
    return combine(dk, op, &meeting, out, err);
}

dk_status column_cast(dk_context *dk, dk_type type, const struct col *column,
                      const struct col **out, dk_error *err)
{
    if ((unsigned)type >= DK_TYPE_COUNT || !cast_is_possible(column->type, type)) {
        return error_set(err, DK_ETYPE, "cannot convert %s to %s", dk_type_name(column->type),
                         dk_type_name(type));
    }
    *out = column;
    if (column->type == type)
        return DK_OK;
    struct col wanted = {.kind = COL_CAST, .type = type, .rows = column->rows, .a = column};
    *out = col_intern(dk->expressions, &wanted);
    return *out ? DK_OK : error_nomem(err);
}
