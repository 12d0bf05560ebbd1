/* Rowsets and column expressions. */
#include "frame/expression.h"

#include <string.h>

#include "column/table.h"

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t height_over(const struct rowset *rows, const struct rowset *other,
                           const struct col *a, const struct col *b)
{
    int32_t height = rows ? rows->height : 0;
    if (other)
        height = larger(height, other->height);
    if (a)
        height = larger(height, a->height);
    return (b ? larger(height, b->height) : height) + 1;
}

/* ---- rowsets ---- */

/* Tables are not compared, but told apart; an address alone comes again when a table has gone. */
static struct token table_token(const dk_table *table)
{
    const uint64_t parts[2] = {(uint64_t)(uintptr_t)table, table->serial};
    return token_of(parts, sizeof(parts));
}

static struct token rowset_token(const struct rowset *rows)
{
    struct {
        struct token left, right, column, csv, table, index_name;
        uint64_t call, number;
        int64_t kind, npartitions;
    } parts = {
        .left = rows->left ? rows->left->node.token : token_none(),
        .right = rows->right ? rows->right->node.token : token_none(),
        .column = rows->column ? rows->column->node.token : token_none(),
        .csv = rows->csv ? csv_source_token(rows->csv) : token_none(),
        .index_name = token_of_text(rows->index_name),
        .table = rows->table ? table_token(rows->table) : token_none(),
        .call = rows->call ? rows->call->number : 0,
        .number = rows->number,
        .kind = rows->kind,
        .npartitions = rows->npartitions,
    };
    return token_of(&parts, sizeof(parts));
}

static int32_t rowset_depth(const struct rowset *rows)
{
    int32_t depth = rows->left ? rows->left->depth : 0;
    if (rows->right)
        depth = larger(depth, rows->right->depth);
    if (rows->column)
        depth = larger(depth, rows->column->depth);
    for (int32_t i = 0; rows->call && i < rows->call->lazy[0]->ncolumns; i++)
        depth = larger(depth, rows->call->lazy[0]->columns[i]->depth);
    return depth + (rows->kind >= ROWS_GROUP ? 1 : 0);
}

static int32_t rowset_height(const struct rowset *rows)
{
    int32_t height = height_over(rows->left, rows->right, rows->column, NULL);
    for (int32_t i = 0; rows->call && i < rows->call->lazy[0]->ncolumns; i++)
        height = larger(height, rows->call->lazy[0]->columns[i]->height + 1);
    return height;
}

static struct node *copy_rowset(struct memory *memory, const struct node *node)
{
    const struct rowset *wanted = (const struct rowset *)node;
    size_t behind_nbytes = call_nbytes(wanted->call) + node_text_nbytes(wanted->index_name);
    struct rowset *rows = node_new(memory, node, sizeof(*rows), behind_nbytes);
    if (!rows)
        return NULL;
    char *at = (char *)(rows + 1);
    rows->call = call_put(&at, wanted->call);
    rows->index_name = node_put_text(&at, wanted->index_name);
    return &rows->node;
}

static void parts_of_rowset(struct nodes *nodes, const struct node *node, node_visit visit)
{
    const struct rowset *rows = (const struct rowset *)node;
    if (rows->left)
        visit(nodes, &rows->left->node);
    if (rows->right)
        visit(nodes, &rows->right->node);
    if (rows->column)
        visit(nodes, &rows->column->node);
    if (rows->call)
        visit(nodes, &rows->call->lazy[0]->node);
}

static void release_rowset(const struct node *node)
{
    const struct rowset *rows = (const struct rowset *)node;
    if (rows->csv)
        csv_source_unref(rows->csv);
    dk_table_unref(rows->table);
    dk_value_unref(rows->results);
    call_release(rows->call);
}

static const struct node_type rowset_type = {copy_rowset, parts_of_rowset, release_rowset};

const struct rowset *rowset_intern(struct expressions *expressions, const struct rowset *wanted)
{
    struct rowset rows = *wanted;
    rows.node.type = &rowset_type;
    rows.node.token = rowset_token(wanted);
    rows.depth = rowset_depth(wanted);
    rows.height = rowset_height(wanted);
    bool is_new = false;
    const struct node *node = nodes_intern(&expressions->nodes, &rows.node, &is_new);
    if (!is_new)
        release_rowset(&rows.node);
    return (const struct rowset *)node;
}

const struct rowset *rowset_source(const struct rowset *rows)
{
    while (rows->kind == ROWS_FILTER)
        rows = rows->left;
    return rows;
}

/* ---- column expressions ---- */

static struct token literal_token(const struct column *literal)
{
    const struct view *view = &literal->view;
    if (view->type != DK_TEXT)
        return token_of(view->data, type_nbytes(view->type));
    return token_of(view->data, (size_t)view->offsets[1]);
}

static struct token col_token(const struct col *col)
{
    struct {
        struct token rows, a, b, literal;
        int64_t kind, type, number, unit_ns;
    } parts = {
        .rows = col->rows ? col->rows->node.token : token_none(),
        .a = col->a ? col->a->node.token : token_none(),
        .b = col->b ? col->b->node.token : token_none(),
        .literal = col->literal ? literal_token(col->literal) : token_none(),
        .kind = col->kind,
        .type = col->type,
        .number = col->number,
        .unit_ns = col->unit_ns,
    };
    return token_of(&parts, sizeof(parts));
}

static int32_t col_depth(const struct col *col)
{
    bool is_result =
        col->kind == COL_AGGREGATE || col->kind == COL_SCALAR || col->kind == COL_ALIGNED;
    int32_t depth = col->rows ? col->rows->depth : 0;
    if (col->a)
        depth = larger(depth, col->a->depth + (is_result ? 1 : 0));
    return col->b ? larger(depth, col->b->depth) : depth;
}

static struct node *copy_col(struct memory *memory, const struct node *wanted)
{
    const char *text = ((const struct col *)wanted)->text;
    struct col *col = node_new(memory, wanted, sizeof(*col), node_text_nbytes(text));
    if (!col)
        return NULL;
    char *at = (char *)(col + 1);
    col->text = node_put_text(&at, text);
    return &col->node;
}

static void parts_of_col(struct nodes *nodes, const struct node *node, node_visit visit)
{
    const struct col *col = (const struct col *)node;
    if (col->rows)
        visit(nodes, &col->rows->node);
    if (col->a)
        visit(nodes, &col->a->node);
    if (col->b)
        visit(nodes, &col->b->node);
}

static void release_col(const struct node *node)
{
    column_unref(((const struct col *)node)->literal);
}

static const struct node_type col_type = {copy_col, parts_of_col, release_col};

const struct col *col_intern(struct expressions *expressions, const struct col *wanted)
{
    struct col col = *wanted;
    col.node.type = &col_type;
    col.node.token = col_token(wanted);
    col.depth = col_depth(wanted);
    col.height = height_over(wanted->rows, NULL, wanted->a, wanted->b);
    bool is_new = false;
    const struct node *node = nodes_intern(&expressions->nodes, &col.node, &is_new);
    if (!is_new)
        release_col(&col.node);
    return (const struct col *)node;
}

const struct col *index_column(struct expressions *expressions, const struct rowset *rows)
{
    struct col wanted = {.kind = COL_INDEX, .type = rows->index_type, .rows = rows};
    if (rows->kind == ROWS_FILTER) {
        wanted.kind = COL_TAKE;
        wanted.a = index_column(expressions, rows->left);
        if (!wanted.a)
            return NULL;
    }
    return col_intern(expressions, &wanted);
}

const struct col *size_column(struct expressions *expressions, const struct rowset *rows)
{
    struct col wanted = {.kind = COL_AGGREGATE, .type = DK_INT64, .rows = rows, .number = AGG_SIZE};
    return col_intern(expressions, &wanted);
}

const struct col *aligned_column(struct expressions *expressions, const struct rowset *rows,
                                 const struct col *column, bool left)
{
    struct col wanted = {.kind = COL_ALIGNED, .type = column->type, .rows = rows, .a = column};
    wanted.number = left ? 0 : 1;
    return col_intern(expressions, &wanted);
}
