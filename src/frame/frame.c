/* Frames: interned like the nodes they are made of. */
#include <string.h>

#include "frame/expression.h"
#include "graph/value.h"

/* ---- interning ---- */

static struct token error_token(const dk_error *err)
{
    struct token parts[3] = {
        token_of_text(err->message),
        token_of_text(err->key),
        {(uint64_t)err->status, (uint64_t)err->line},
    };
    return token_of(parts, sizeof(parts));
}

static struct token frame_token(const struct dk_expression *frame)
{
    struct {
        struct token rows, key, key_name, error;
        uint64_t call;
        int64_t shape, one_column;
    } parts = {
        .rows = frame->rows ? frame->rows->node.token : token_none(),
        .key = frame->key ? frame->key->node.token : token_none(),
        .key_name = token_of_text(frame->key_name),
        .error = frame->error ? error_token(frame->error) : token_none(),
        .call = frame->call ? frame->call->number : 0,
        .shape = frame->shape,
        .one_column = frame->one_column,
    };
    struct token token = token_of(&parts, sizeof(parts));
    for (int32_t i = 0; i < frame->ncolumns; i++) {
        token = token_mix(token, token_of_text(frame->names[i]));
        token = token_mix(token, frame->columns[i]->node.token);
    }
    return token;
}

size_t call_nbytes(const struct call *call)
{
    if (!call)
        return 0;
    return sizeof(*call) + call->nargs * sizeof(*call->args) + call->nlazy * sizeof(*call->lazy);
}

static size_t behind_nbytes(const struct dk_expression *frame)
{
    size_t n = (size_t)frame->ncolumns;
    size_t nbytes = n * (sizeof(*frame->columns) + sizeof(*frame->names));
    nbytes += call_nbytes(frame->call);
    nbytes += frame->error ? sizeof(*frame->error) : 0;
    nbytes += node_text_nbytes(frame->key_name);
    for (size_t i = 0; i < n; i++)
        nbytes += node_text_nbytes(frame->names[i]);
    return nbytes;
}

const struct call *call_put(char **at, const struct call *wanted)
{
    if (!wanted)
        return NULL;
    struct call *call = node_put(at, wanted, sizeof(*wanted));
    call->args = node_put(at, wanted->args, wanted->nargs * sizeof(*wanted->args));
    call->lazy = node_put(at, wanted->lazy, wanted->nlazy * sizeof(*wanted->lazy));
    return call;
}

/* Texts come last, so that all before them is aligned. */
static struct node *copy_frame(struct memory *memory, const struct node *node)
{
    const struct dk_expression *wanted = (const struct dk_expression *)node;
    struct dk_expression *frame = node_new(memory, node, sizeof(*frame), behind_nbytes(wanted));
    if (!frame)
        return NULL;
    size_t n = (size_t)frame->ncolumns;
    char *at = (char *)(frame + 1);
    frame->columns = node_put(&at, wanted->columns, n * sizeof(*wanted->columns));
    const char **names = node_put(&at, wanted->names, n * sizeof(*wanted->names));
    frame->call = call_put(&at, wanted->call);
    if (wanted->error)
        frame->error = node_put(&at, wanted->error, sizeof(*wanted->error));
    frame->key_name = node_put_text(&at, wanted->key_name);
    for (size_t i = 0; i < n; i++)
        names[i] = node_put_text(&at, wanted->names[i]);
    frame->names = names;
    return &frame->node;
}

void call_release(const struct call *call)
{
    for (size_t i = 0; call && i < call->nargs; i++)
        dk_value_unref(call->args[i]);
}

static void release_frame(const struct node *node)
{
    call_release(((const struct dk_expression *)node)->call);
}

static void parts_of_frame(struct nodes *nodes, const struct node *node, node_visit visit)
{
    const struct dk_expression *frame = (const struct dk_expression *)node;
    if (frame->rows)
        visit(nodes, &frame->rows->node);
    if (frame->key)
        visit(nodes, &frame->key->node);
    for (int32_t i = 0; i < frame->ncolumns; i++)
        visit(nodes, &frame->columns[i]->node);
    for (size_t i = 0; frame->call && i < frame->call->nlazy; i++)
        visit(nodes, &frame->call->lazy[i]->node);
}

static const struct node_type frame_type = {copy_frame, parts_of_frame, release_frame};

static bool is_too_high(const struct dk_expression *frame)
{
    if (frame->rows && frame->rows->height > HEIGHT_MAX)
        return true;
    for (int32_t i = 0; i < frame->ncolumns; i++) {
        if (frame->columns[i]->height > HEIGHT_MAX)
            return true;
    }
    return false;
}

dk_frame frame_intern(dk_context *dk, const struct dk_expression *wanted)
{
    if (is_too_high(wanted)) {
        return frame_fail(
            dk, DK_ENOTSUP,
            "the expression is nested more than %d operations deep: compute a part of "
            "it and go on from there with dk_from_table()",
            HEIGHT_MAX);
    }
    struct dk_expression frame = *wanted;
    frame.node.type = &frame_type;
    frame.node.token = frame_token(wanted);
    bool is_new = false;
    const struct node *node = nodes_intern(&dk->expressions->nodes, &frame.node, &is_new);
    return node ? (dk_frame){dk, (const struct dk_expression *)node} : frame_nomem(dk);
}

/* ---- making frames ---- */

dk_frame frame_nomem(dk_context *dk)
{
    return (dk_frame){dk, &dk->expressions->nomem};
}

dk_frame frame_error(dk_context *dk, const dk_error *err)
{
    return frame_intern(dk, &(struct dk_expression){.error = err});
}

dk_frame frame_fail(dk_context *dk, dk_status status, const char *format, ...)
{
    dk_error err = {0};
    va_list args;
    va_start(args, format);
    error_setv(&err, status, format, args);
    va_end(args);
    return frame_error(dk, &err);
}

dk_frame frame_new(dk_context *dk, enum shape shape, const struct rowset *rows, int32_t ncolumns,
                   const char *const *names, const struct col *const *columns)
{
    struct dk_expression wanted = {
        .shape = shape,
        .rows = rows,
        .ncolumns = ncolumns,
        .names = names,
        .columns = columns,
    };
    return frame_intern(dk, &wanted);
}

dk_frame frame_series(dk_context *dk, const struct rowset *rows, const char *name,
                      const struct col *column)
{
    if (!column)
        return frame_nomem(dk);
    enum shape shape = SHAPE_SERIES;
    if (!rows)
        shape = SHAPE_LITERAL;
    if (rows && rows->is_reduced)
        shape = SHAPE_SCALAR;
    return frame_new(dk, shape, rows, 1, &name, &column);
}

/* ---- what is known of them ---- */

const dk_error *dk_frame_error(dk_frame frame)
{
    return frame.expression->error;
}

int32_t dk_frame_npartitions(dk_frame frame)
{
    return frame.expression->rows ? frame.expression->rows->npartitions : 1;
}

int32_t dk_frame_ncolumns(dk_frame frame)
{
    return frame.expression->ncolumns;
}

const char *dk_frame_column_name(dk_frame frame, int32_t i)
{
    return frame.expression->names[i];
}

dk_type dk_frame_column_type(dk_frame frame, int32_t i)
{
    return frame.expression->columns[i]->type;
}

const char *dk_frame_index_name(dk_frame frame)
{
    return frame.expression->rows ? frame.expression->rows->index_name : NULL;
}

dk_type dk_frame_index_type(dk_frame frame)
{
    return frame.expression->rows ? frame.expression->rows->index_type : DK_INT64;
}
