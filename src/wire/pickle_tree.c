#include "wire/pickle_tree.h"

#include "base/error.h"

struct reader {
    struct pickle_tree *tree;
    struct cursor cursor;
    const char *opcode;  /* where the one at hand lies */
    struct vector stack; /* of struct pickle_node * */
    struct vector marks; /* of size_t: heights of the stack */
    struct vector memo;  /* of struct pickle_node *; NULL: nothing was put there */
    dk_error *err;
};

static dk_status broken(struct reader *reader, const char *why)
{
    error_set(reader->err, DK_EPARSE, "no pickle: %s", why);
    return DK_EPARSE;
}

/* ---- the stack ---- */

static dk_status push(struct reader *reader, struct pickle_node *node)
{
    if (!node || vector_append(&reader->stack, &node, 1) != DK_OK)
        return error_nomem(reader->err);
    return DK_OK;
}

static size_t floor_of(const struct reader *reader)
{
    const struct vector *marks = &reader->marks;
    return marks->count ? ((const size_t *)marks->data)[marks->count - 1] : 0;
}

static struct pickle_node *top_of(const struct reader *reader)
{
    size_t height = reader->stack.count;
    return height > floor_of(reader) ? ((struct pickle_node **)reader->stack.data)[height - 1]
                                     : NULL;
}

/* The top `count` nodes, taken off: they stay where they are until something is pushed. */
static dk_status pop(struct reader *reader, size_t count, struct pickle_node ***out)
{
    if (reader->stack.count - floor_of(reader) < count)
        return broken(reader, "its stack is empty");
    reader->stack.count -= count;
    *out =
        reader->stack.data ? (struct pickle_node **)reader->stack.data + reader->stack.count : NULL;
    return DK_OK;
}

static dk_status pop_mark(struct reader *reader, struct pickle_node ***out, size_t *count)
{
    if (!reader->marks.count)
        return broken(reader, "a mark is missing");
    *count = reader->stack.count - floor_of(reader);
    DK_TRY(pop(reader, *count, out));
    reader->marks.count--;
    return DK_OK;
}

static dk_status mark(struct reader *reader)
{
    size_t height = reader->stack.count;
    return vector_append(&reader->marks, &height, 1) == DK_OK ? DK_OK : error_nomem(reader->err);
}

/* ---- nodes ---- */

static struct pickle_node *make(struct reader *reader, enum pickle_kind kind)
{
    struct pickle_node *node = arena_calloc(reader->tree->arena, sizeof(*node));
    if (node)
        node->kind = kind;
    return node;
}

static struct pickle_node **keep(struct reader *reader, struct pickle_node **nodes, size_t count)
{
    struct pickle_node **copy = arena_alloc(reader->tree->arena, count * sizeof(*copy));
    if (copy && nodes)
        memcpy(copy, nodes, count * sizeof(*copy));
    return copy;
}

static dk_status push_parts(struct reader *reader, enum pickle_kind kind,
                            struct pickle_node **parts, size_t count)
{
    struct pickle_node *node = make(reader, kind);
    if (!node || !(node->parts = keep(reader, parts, count)))
        return error_nomem(reader->err);
    node->count = (uint32_t)count;
    return push(reader, node);
}

static dk_status push_top(struct reader *reader, enum pickle_kind kind, size_t count)
{
    struct pickle_node **parts = NULL;
    DK_TRY(pop(reader, count, &parts));
    return push_parts(reader, kind, parts, count);
}

static dk_status push_from_mark(struct reader *reader, enum pickle_kind kind)
{
    struct pickle_node **parts = NULL;
    size_t count = 0;
    DK_TRY(pop_mark(reader, &parts, &count));
    if (count > UINT32_MAX)
        return broken(reader, "a container of too many items");
    return push_parts(reader, kind, parts, count);
}

static dk_status push_text(struct reader *reader, struct wire_bytes text)
{
    struct pickle_node *node = make(reader, PICKLE_TEXT);
    if (text.nbytes > UINT32_MAX)
        return error_set(reader->err, DK_ENOTSUP, "a text beyond 4 GiB");
    if (node)
        node->bytes = text;
    return push(reader, node);
}

/* The opcode at hand, with all that belongs to it. */
static dk_status push_plain(struct reader *reader)
{
    struct pickle_node *node = make(reader, PICKLE_PLAIN);
    if (node)
        node->bytes =
            (struct wire_bytes){reader->opcode, (size_t)(reader->cursor.at - reader->opcode)};
    return push(reader, node);
}

static dk_status push_buffer(struct reader *reader)
{
    struct pickle_node *node = make(reader, PICKLE_BUFFER);
    if (node)
        node->number = reader->tree->nbuffers++;
    return push(reader, node);
}

static dk_status push_global(struct reader *reader, const struct pickle_op *op)
{
    DK_TRY(push_text(reader, op->bytes));
    DK_TRY(push_text(reader, op->second));
    return push_top(reader, PICKLE_GLOBAL, 2);
}

static dk_status push_stack_global(struct reader *reader)
{
    DK_TRY(push_top(reader, PICKLE_GLOBAL, 2));
    const struct pickle_node *global = top_of(reader);
    if (global->parts[0]->kind != PICKLE_TEXT || global->parts[1]->kind != PICKLE_TEXT)
        return broken(reader, "a name that is no text");
    return DK_OK;
}

/* ---- deeds ---- */

static dk_status add_deed(struct reader *reader, int code, struct pickle_node **parts, size_t count)
{
    struct pickle_node *object = top_of(reader);
    struct pickle_deed *deed = arena_calloc(reader->tree->arena, sizeof(*deed));
    if (!object)
        return broken(reader, "its stack is empty");
    if (count > UINT32_MAX || (code == OP_SETITEMS && count % 2))
        return broken(reader, "a dict with half an item");
    if (!deed || !(deed->parts = keep(reader, parts, count)))
        return error_nomem(reader->err);
    deed->code = code;
    deed->count = (uint32_t)count;
    if (object->last_deed)
        object->last_deed->next = deed;
    else
        object->deeds = deed;
    object->last_deed = deed;
    return DK_OK;
}

static dk_status do_top(struct reader *reader, int code, size_t count)
{
    struct pickle_node **parts = NULL;
    DK_TRY(pop(reader, count, &parts));
    return add_deed(reader, code, parts, count);
}

static dk_status do_from_mark(struct reader *reader, int code)
{
    struct pickle_node **parts = NULL;
    size_t count = 0;
    DK_TRY(pop_mark(reader, &parts, &count));
    return add_deed(reader, code, parts, count);
}

/* A call that is dropped was made for what it does to its first argument; all else that is dropped
 * is in the memo. */
static dk_status drop(struct reader *reader)
{
    struct pickle_node **parts = NULL;
    DK_TRY(pop(reader, 1, &parts));
    struct pickle_node *dropped = parts[0];
    if (dropped->kind != PICKLE_CALL)
        return DK_OK;
    if (!top_of(reader) || pickle_node_arg(dropped, 0) != top_of(reader))
        return error_set(reader->err, DK_ENOTSUP, "a pickle with a call for nothing");
    return add_deed(reader, OP_POP, &dropped, 1);
}

/* ---- the memo ---- */

static dk_status memoize(struct reader *reader, uint64_t at)
{
    struct pickle_node *node = top_of(reader);
    if (!node || at > reader->memo.count)
        return broken(reader, "a memo of nothing");
    if (at == reader->memo.count)
        return vector_append(&reader->memo, &node, 1) == DK_OK ? DK_OK : error_nomem(reader->err);
    ((struct pickle_node **)reader->memo.data)[at] = node;
    return DK_OK;
}

static dk_status share(struct reader *reader, struct pickle_node *node)
{
    node->is_shared = true;
    return push(reader, node);
}

static dk_status recall(struct reader *reader, uint64_t at)
{
    if (at >= reader->memo.count)
        return broken(reader, "it remembers what it has not seen");
    return share(reader, ((struct pickle_node **)reader->memo.data)[at]);
}

/* ---- opcodes ---- */

static dk_status take_rare(struct reader *reader, const struct pickle_op *op)
{
    struct pickle_node **parts = NULL;
    size_t count = 0;
    switch (op->code) {
    case OP_PROTO:
        if (op->number < 2 || op->number > 5)
            return broken(reader, "of a protocol other than 2 to 5");
        return DK_OK;
    case OP_FRAME:
        return DK_OK;
    case OP_POP:
        return drop(reader);
    case OP_POP_MARK:
        return pop_mark(reader, &parts, &count);
    case OP_DUP:
        return top_of(reader) ? share(reader, top_of(reader))
                              : broken(reader, "its stack is empty");
    case OP_GLOBAL:
        return push_global(reader, op);
    case OP_NEWOBJ_EX:
        return push_top(reader, PICKLE_NEW_EX, 3);
    case OP_NEXT_BUFFER:
        return push_buffer(reader);
    case OP_READONLY_BUFFER:
        return push_top(reader, PICKLE_READONLY, 1);
    default:
        return error_set(reader->err, DK_ENOTSUP,
                         "a pickle with opcode 0x%02x cannot be read without Python", op->code);
    }
}

static dk_status take_object(struct reader *reader, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_MARK:
        return mark(reader);
    case OP_MEMOIZE:
        return memoize(reader, reader->memo.count);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return memoize(reader, op->number);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return recall(reader, op->number);
    case OP_STACK_GLOBAL:
        return push_stack_global(reader);
    case OP_REDUCE:
        return push_top(reader, PICKLE_CALL, 2);
    case OP_NEWOBJ:
        return push_top(reader, PICKLE_NEW, 2);
    case OP_BUILD:
        return do_top(reader, OP_BUILD, 1);
    default:
        return take_rare(reader, op);
    }
}

static dk_status take_container(struct reader *reader, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_EMPTY_LIST:
        return push(reader, make(reader, PICKLE_LIST));
    case OP_EMPTY_DICT:
        return push(reader, make(reader, PICKLE_DICT));
    case OP_EMPTY_SET:
        return push(reader, make(reader, PICKLE_SET));
    case OP_EMPTY_TUPLE:
        return push_top(reader, PICKLE_TUPLE, 0);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return push_top(reader, PICKLE_TUPLE, (size_t)(op->code - OP_TUPLE1) + 1);
    case OP_TUPLE:
        return push_from_mark(reader, PICKLE_TUPLE);
    case OP_FROZENSET:
        return push_from_mark(reader, PICKLE_FROZENSET);
    case OP_APPEND:
        return do_top(reader, OP_APPENDS, 1);
    case OP_APPENDS:
        return do_from_mark(reader, OP_APPENDS);
    case OP_SETITEM:
        return do_top(reader, OP_SETITEMS, 2);
    case OP_SETITEMS:
        return do_from_mark(reader, OP_SETITEMS);
    case OP_ADDITEMS:
        return do_from_mark(reader, OP_ADDITEMS);
    default:
        return take_object(reader, op);
    }
}

static dk_status take(struct reader *reader, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_NONE:
    case OP_NEWTRUE:
    case OP_NEWFALSE:
    case OP_BININT:
    case OP_BININT1:
    case OP_BININT2:
    case OP_LONG1:
    case OP_LONG4:
    case OP_BINFLOAT:
    case OP_BINBYTES:
    case OP_SHORT_BINBYTES:
    case OP_BINBYTES8:
    case OP_BYTEARRAY8:
        return push_plain(reader);
    case OP_BINUNICODE:
    case OP_SHORT_BINUNICODE:
    case OP_BINUNICODE8:
        return push_text(reader, op->bytes);
    default:
        return take_container(reader, op);
    }
}

static dk_status take_all(struct reader *reader, struct wire_bytes bytes)
{
    struct pickle_op op;
    if (!bytes.nbytes || (unsigned char)*bytes.data != OP_PROTO)
        return broken(reader, "it does not begin as one");
    reader->opcode = reader->cursor.at;
    while (pickle_op_next(&reader->cursor, &op)) {
        if (op.code == OP_STOP)
            return DK_OK;
        DK_TRY(take(reader, &op));
        reader->opcode = reader->cursor.at;
    }
    return broken(reader, "it is cut off, or has an unknown opcode");
}

dk_status pickle_tree_read(struct pickle_tree *tree, struct arena *arena, struct wire_bytes bytes,
                           dk_error *err)
{
    struct reader reader = {.tree = tree, .err = err};
    *tree = (struct pickle_tree){.arena = arena};
    reader.cursor = (struct cursor){bytes.data, bytes.data + bytes.nbytes, false};
    vector_init(&reader.stack, arena->memory, sizeof(struct pickle_node *));
    vector_init(&reader.marks, arena->memory, sizeof(size_t));
    vector_init(&reader.memo, arena->memory, sizeof(struct pickle_node *));
    dk_status status = take_all(&reader, bytes);
    if (status == DK_OK && (reader.stack.count != 1 || reader.marks.count))
        status = broken(&reader, "it ends with more or less than one value");
    if (status == DK_OK)
        tree->root = top_of(&reader);
    vector_deinit(&reader.memo);
    vector_deinit(&reader.marks);
    vector_deinit(&reader.stack);
    return status;
}

/* ---- looking at nodes ---- */

bool pickle_node_is_text(const struct pickle_node *node, const char *text)
{
    size_t nbytes = strlen(text);
    return node && node->kind == PICKLE_TEXT && node->bytes.nbytes == nbytes &&
           memcmp(node->bytes.data, text, nbytes) == 0;
}

bool pickle_node_is_global(const struct pickle_node *node, const char *module, const char *qualname)
{
    return node && node->kind == PICKLE_GLOBAL && pickle_node_is_text(node->parts[0], module) &&
           pickle_node_is_text(node->parts[1], qualname);
}

bool pickle_node_is_call(const struct pickle_node *node, const char *module, const char *qualname)
{
    return node && node->kind == PICKLE_CALL &&
           pickle_node_is_global(node->parts[0], module, qualname);
}

struct pickle_node *pickle_node_arg(const struct pickle_node *node, uint32_t i)
{
    bool has_args = node && node->kind >= PICKLE_CALL && node->kind <= PICKLE_NEW_EX;
    const struct pickle_node *args = has_args ? node->parts[1] : NULL;
    return args && args->kind == PICKLE_TUPLE && i < args->count ? args->parts[i] : NULL;
}

struct pickle_node *pickle_node_state(const struct pickle_node *node)
{
    struct pickle_node *state = NULL;
    for (const struct pickle_deed *d = node->deeds; d; d = d->next)
        if (d->code == OP_BUILD)
            state = d->parts[0];
    return state;
}

dk_status pickle_node_items(const struct pickle_node *node, struct vector *out)
{
    static const int codes[] = {
        [PICKLE_LIST] = OP_APPENDS, [PICKLE_DICT] = OP_SETITEMS, [PICKLE_SET] = OP_ADDITEMS};
    out->count = 0;
    if (node->kind == PICKLE_TUPLE || node->kind == PICKLE_FROZENSET)
        return vector_append(out, node->parts, node->count);
    if (node->kind < PICKLE_LIST || node->kind > PICKLE_SET)
        return DK_ENOTSUP;
    for (const struct pickle_deed *d = node->deeds; d; d = d->next) {
        if (d->code != codes[node->kind])
            return DK_ENOTSUP;
        DK_TRY(vector_append(out, d->parts, d->count));
    }
    return DK_OK;
}
