#include "frame/expression.h"

#include <string.h>

#include "column/table.h"
#include "graph/value.h"

/* Exactly one is set. */
struct owned {
    struct csv_source *csv;
    dk_table *table;
    struct column *column;
    const struct call *call;
};

struct expressions *expressions_new(struct memory *memory)
{
    struct expressions *expressions = memory_calloc(memory, sizeof(*expressions));
    if (!expressions)
        return NULL;
    expressions->memory = memory;
    pthread_mutex_init(&expressions->lock, NULL);
    arena_init(&expressions->arena, memory);
    vector_init(&expressions->owned, memory, sizeof(struct owned));
    return expressions;
}

static void release(const struct owned *owned)
{
    if (owned->csv)
        csv_source_unref(owned->csv);
    dk_table_unref(owned->table);
    column_unref(owned->column);
    for (size_t i = 0; owned->call && i < owned->call->nargs; i++) {
        dk_value_unref(owned->call->args[i]);
    }
}

void expressions_free(struct expressions *expressions)
{
    if (!expressions)
        return;
    const struct owned *owned = expressions->owned.data;
    for (size_t i = 0; i < expressions->owned.count; i++)
        release(&owned[i]);
    vector_deinit(&expressions->owned);
    arena_deinit(&expressions->arena);
    pthread_mutex_destroy(&expressions->lock);
    memory_free(expressions->memory, expressions->slots, expressions->capacity * sizeof(void *));
    memory_free(expressions->memory, expressions, sizeof(*expressions));
}

/* ---- interning ---- */

static const void **slot_of(const struct expressions *expressions, struct token token)
{
    size_t mask = expressions->capacity - 1;
    size_t at = token.lo & mask;
    while (expressions->slots[at] &&
           !token_equal(*(const struct token *)expressions->slots[at], token)) {
        at = (at + 1) & mask;
    }
    return &expressions->slots[at];
}

static dk_status make_room(struct expressions *expressions)
{
    if (expressions->count * 2 < expressions->capacity)
        return DK_OK;
    const void **old = expressions->slots;
    size_t old_capacity = expressions->capacity;
    size_t capacity = old_capacity ? old_capacity * 2 : 64;
    const void **slots = memory_calloc(expressions->memory, capacity * sizeof(*slots));
    if (!slots)
        return DK_ENOMEM;
    expressions->slots = slots;
    expressions->capacity = capacity;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            *slot_of(expressions, *(const struct token *)old[i]) = old[i];
    }
    memory_free(expressions->memory, old, old_capacity * sizeof(*old));
    return DK_OK;
}

/* The known node of that token, or a copy of `wanted`, `nbytes` long. `*is_new` tells which. */
static void *intern(struct expressions *expressions, const void *wanted, size_t nbytes,
                    bool *is_new)
{
    *is_new = false;
    if (make_room(expressions) != DK_OK)
        return NULL;
    const void **slot = slot_of(expressions, *(const struct token *)wanted);
    if (*slot)
        return (void *)(uintptr_t)*slot;
    void *node = arena_alloc(&expressions->arena, nbytes);
    if (!node)
        return NULL;
    memcpy(node, wanted, nbytes);
    *slot = node;
    expressions->count++;
    *is_new = true;
    return node;
}

static struct token no_token(void)
{
    return (struct token){0, 0};
}

static struct token rowset_token(const struct rowset *rows)
{
    struct {
        struct token left, right, column, csv, index_name;
        uint64_t table, call;
        int64_t kind, npartitions;
    } parts = {
        .left = rows->left ? rows->left->token : no_token(),
        .right = rows->right ? rows->right->token : no_token(),
        .column = rows->column ? rows->column->token : no_token(),
        .csv = rows->csv ? csv_source_token(rows->csv) : no_token(),
        .index_name =
            rows->index_name ? token_of(rows->index_name, strlen(rows->index_name)) : no_token(),
        .table = (uint64_t)(uintptr_t)rows->table,
        .call = rows->call ? rows->call->number + 1 : 0,
        .kind = rows->kind,
        .npartitions = rows->npartitions,
    };
    return token_of(&parts, sizeof(parts));
}

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
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

static int32_t col_depth(const struct col *col)
{
    bool is_result =
        col->kind == COL_AGGREGATE || col->kind == COL_SCALAR || col->kind == COL_ALIGNED;
    int32_t depth = col->rows ? col->rows->depth : 0;
    if (col->a)
        depth = larger(depth, col->a->depth + (is_result ? 1 : 0));
    return col->b ? larger(depth, col->b->depth) : depth;
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

/* Makes room for what the node owns first, so that it cannot be interned and then leak. */
static struct owned *reserve_owned(struct expressions *expressions)
{
    return vector_push(&expressions->owned);
}

static void *intern_owning(struct expressions *expressions, const void *wanted, size_t nbytes,
                           const struct owned *holds, bool *is_new)
{
    bool holds_any = holds->csv || holds->table || holds->column;
    struct owned *owned = holds_any ? reserve_owned(expressions) : NULL;
    void *node = NULL;
    *is_new = false;
    if (owned || !holds_any)
        node = intern(expressions, wanted, nbytes, is_new);
    if (*is_new && owned) {
        *owned = *holds;
    } else {
        if (owned)
            expressions->owned.count--;
        release(holds);
    }
    return node;
}

dk_status expressions_own_call(struct expressions *expressions, const struct call *call)
{
    struct owned owned = {.call = call};
    return vector_append(&expressions->owned, &owned, 1);
}

const struct rowset *rowset_intern(struct expressions *expressions, const struct rowset *wanted)
{
    struct rowset rows = *wanted;
    rows.token = rowset_token(wanted);
    rows.depth = rowset_depth(wanted);
    rows.height = height_over(wanted->left, wanted->right, wanted->column, NULL);
    for (int32_t i = 0; rows.call && i < rows.call->lazy[0]->ncolumns; i++)
        rows.height = larger(rows.height, rows.call->lazy[0]->columns[i]->height + 1);
    struct owned holds = {.csv = rows.csv, .table = rows.table};
    bool is_new = false;
    pthread_mutex_lock(&expressions->lock);
    if (rows.index_name) {
        rows.index_name = arena_strdup(&expressions->arena, rows.index_name);
    }
    const struct rowset *node = NULL;
    if (wanted->index_name && !rows.index_name) {
        release(&holds);
    } else {
        node = intern_owning(expressions, &rows, sizeof(rows), &holds, &is_new);
    }
    pthread_mutex_unlock(&expressions->lock);
    return node;
}

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
        .rows = col->rows ? col->rows->token : no_token(),
        .a = col->a ? col->a->token : no_token(),
        .b = col->b ? col->b->token : no_token(),
        .literal = col->literal ? literal_token(col->literal) : no_token(),
        .kind = col->kind,
        .type = col->type,
        .number = col->number,
        .unit_ns = col->unit_ns,
    };
    return token_of(&parts, sizeof(parts));
}

const struct col *col_intern(struct expressions *expressions, const struct col *wanted)
{
    struct col col = *wanted;
    col.token = col_token(wanted);
    col.depth = col_depth(wanted);
    col.height = height_over(wanted->rows, NULL, wanted->a, wanted->b);
    struct owned holds = {.column = col.literal};
    bool is_new = false;
    pthread_mutex_lock(&expressions->lock);
    if (col.text)
        col.text = arena_strdup(&expressions->arena, col.text);
    const struct col *node = NULL;
    if (wanted->text && !col.text) {
        release(&holds);
    } else {
        node = intern_owning(expressions, &col, sizeof(col), &holds, &is_new);
    }
    pthread_mutex_unlock(&expressions->lock);
    return node;
}

const struct rowset *rowset_source(const struct rowset *rows)
{
    while (rows->kind == ROWS_FILTER)
        rows = rows->left;
    return rows;
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

/* ---- frames ---- */

dk_frame frame_nomem(dk_context *dk)
{
    static const dk_error error = {.status = DK_ENOMEM, .message = "out of memory"};
    static const struct dk_expression expression = {.error = &error};
    return (dk_frame){dk, &expression};
}

dk_frame frame_error(dk_context *dk, const dk_error *err)
{
    struct expressions *expressions = dk->expressions;
    pthread_mutex_lock(&expressions->lock);
    struct dk_expression *expression = arena_calloc(&expressions->arena, sizeof(*expression));
    dk_error *copy = arena_alloc(&expressions->arena, sizeof(*copy));
    pthread_mutex_unlock(&expressions->lock);
    if (!expression || !copy)
        return frame_nomem(dk);
    *copy = *err;
    expression->error = copy;
    return (dk_frame){dk, expression};
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

static bool copy_columns(struct arena *arena, struct dk_expression *to, const char *const *names,
                         const struct col *const *columns)
{
    size_t n = (size_t)to->ncolumns;
    to->names = arena_calloc(arena, (n + 1) * sizeof(*to->names));
    to->columns = arena_calloc(arena, (n + 1) * sizeof(*to->columns));
    if (!to->names || !to->columns)
        return false;
    for (size_t i = 0; i < n; i++) {
        to->columns[i] = columns[i];
        if (!names[i])
            continue;
        to->names[i] = arena_strdup(arena, names[i]);
        if (!to->names[i])
            return false;
    }
    return true;
}

static bool is_too_high(const struct rowset *rows, int32_t ncolumns,
                        const struct col *const *columns)
{
    if (rows && rows->height > HEIGHT_MAX)
        return true;
    for (int32_t i = 0; i < ncolumns; i++) {
        if (columns[i]->height > HEIGHT_MAX)
            return true;
    }
    return false;
}

dk_frame frame_new(dk_context *dk, enum shape shape, const struct rowset *rows, int32_t ncolumns,
                   const char *const *names, const struct col *const *columns)
{
    if (is_too_high(rows, ncolumns, columns)) {
        return frame_fail(
            dk, DK_ENOTSUP,
            "the expression is nested more than %d operations deep: compute a part of "
            "it and go on from there with dk_from_table()",
            HEIGHT_MAX);
    }
    struct expressions *expressions = dk->expressions;
    pthread_mutex_lock(&expressions->lock);
    struct dk_expression *frame = arena_calloc(&expressions->arena, sizeof(*frame));
    bool copied = false;
    if (frame) {
        frame->shape = shape;
        frame->rows = rows;
        frame->ncolumns = ncolumns;
        copied = copy_columns(&expressions->arena, frame, names, columns);
    }
    pthread_mutex_unlock(&expressions->lock);
    return copied ? (dk_frame){dk, frame} : frame_nomem(dk);
}

dk_frame frame_series(dk_context *dk, const struct rowset *rows, const char *name,
                      const struct col *column)
{
    if (!column)
        return frame_nomem(dk);
    enum shape shape = SHAPE_SERIES;
    if (!rows)
        shape = SHAPE_LITERAL;
    if (rows && rows->kind == ROWS_REDUCE)
        shape = SHAPE_SCALAR;
    return frame_new(dk, shape, rows, 1, &name, &column);
}

struct dk_expression *frame_copy(dk_frame frame)
{
    struct expressions *expressions = frame.dk->expressions;
    pthread_mutex_lock(&expressions->lock);
    struct dk_expression *copy = arena_alloc(&expressions->arena, sizeof(*copy));
    pthread_mutex_unlock(&expressions->lock);
    if (copy)
        *copy = *frame.expression;
    return copy;
}

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
