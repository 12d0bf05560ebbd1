#include "wire/pickle_part.h"

#include <endian.h>

#include "base/error.h"

/* Python itself nests about half as deep when it reads. */
#define DEPTH_MAX 2000
/* Begun, and not yet to be referred to. */
#define MEMO_PENDING UINT32_MAX

static dk_status put(struct pickle_part *part, struct pickle_node *node, int depth);

void pickle_part_begin(struct pickle_part *part, struct pickle_tree *tree, struct vector *out,
                       struct vector *buffers, dk_error *err)
{
    *part = (struct pickle_part){.pickler = {.out = out, .err = err},
                                 .tree = tree,
                                 .buffers = buffers,
                                 .writer = ++tree->nwriters};
    pickler_begin(&part->pickler, 5);
}

static void put_recall(struct pickle_part *part, const struct pickle_node *node)
{
    uint32_t number = htole32(node->memo);
    bool is_small = node->memo < 256;
    pickler_op(&part->pickler, is_small ? OP_BINGET : OP_LONG_BINGET);
    pickler_put(&part->pickler, &number, is_small ? 1 : sizeof(number));
}

static dk_status put_each(struct pickle_part *part, struct pickle_node **nodes, uint32_t count,
                          int depth)
{
    for (uint32_t i = 0; i < count; i++)
        DK_TRY(put(part, nodes[i], depth));
    return DK_OK;
}

static dk_status put_marked(struct pickle_part *part, struct pickle_node **nodes, uint32_t count,
                            int opcode, int depth)
{
    pickler_op(&part->pickler, OP_MARK);
    DK_TRY(put_each(part, nodes, count, depth));
    pickler_op(&part->pickler, opcode);
    return DK_OK;
}

static dk_status put_tuple(struct pickle_part *part, const struct pickle_node *node, int depth)
{
    if (node->count > 3)
        return put_marked(part, node->parts, node->count, OP_TUPLE, depth);
    DK_TRY(put_each(part, node->parts, node->count, depth));
    pickler_op(&part->pickler, node->count ? OP_TUPLE1 + (int)node->count - 1 : OP_EMPTY_TUPLE);
    return DK_OK;
}

static dk_status put_parts(struct pickle_part *part, const struct pickle_node *node, int opcode,
                           int depth)
{
    DK_TRY(put_each(part, node->parts, node->count, depth));
    pickler_op(&part->pickler, opcode);
    return DK_OK;
}

static void put_short_text(struct pickle_part *part, struct wire_bytes text)
{
    char nbytes = (char)text.nbytes;
    pickler_op(&part->pickler, OP_SHORT_BINUNICODE);
    pickler_put(&part->pickler, &nbytes, 1);
    pickler_put(&part->pickler, text.data, text.nbytes);
}

static dk_status put_call(struct pickle_part *part, const struct pickle_node *node, int depth)
{
    if (!part->refers || !pickle_node_is_call(node, "distributed.client", "Future"))
        return put_parts(part, node, OP_REDUCE, depth);
    pickler_global(&part->pickler, "dask._task_spec", "TaskRef");
    DK_TRY(put(part, node->parts[1], depth));
    pickler_op(&part->pickler, OP_REDUCE);
    return DK_OK;
}

/* The object as it is before anything is done to it. */
static dk_status put_new(struct pickle_part *part, const struct pickle_node *node, int depth)
{
    struct pickler *pickler = &part->pickler;
    switch (node->kind) {
    case PICKLE_PLAIN:
        pickler_put(pickler, node->bytes.data, node->bytes.nbytes);
        return DK_OK;
    case PICKLE_TEXT:
        if (node->bytes.nbytes < 256)
            put_short_text(part, node->bytes);
        else
            pickler_string(pickler, OP_BINUNICODE, node->bytes);
        return DK_OK;
    case PICKLE_TUPLE:
        return put_tuple(part, node, depth);
    case PICKLE_FROZENSET:
        return put_marked(part, node->parts, node->count, OP_FROZENSET, depth);
    case PICKLE_LIST:
        pickler_op(pickler, OP_EMPTY_LIST);
        return DK_OK;
    case PICKLE_DICT:
        pickler_op(pickler, OP_EMPTY_DICT);
        return DK_OK;
    case PICKLE_SET:
        pickler_op(pickler, OP_EMPTY_SET);
        return DK_OK;
    case PICKLE_GLOBAL:
        return put_parts(part, node, OP_STACK_GLOBAL, depth);
    case PICKLE_CALL:
        return put_call(part, node, depth);
    case PICKLE_NEW:
        return put_parts(part, node, OP_NEWOBJ, depth);
    case PICKLE_NEW_EX:
        return put_parts(part, node, OP_NEWOBJ_EX, depth);
    case PICKLE_READONLY:
        return put_parts(part, node, OP_READONLY_BUFFER, depth);
    case PICKLE_BUFFER:
        pickler_op(pickler, OP_NEXT_BUFFER);
        return vector_append(part->buffers, &node->number, 1);
    }
    return DK_EINVAL;
}

static dk_status put_deeds(struct pickle_part *part, const struct pickle_node *node, int depth)
{
    for (const struct pickle_deed *d = node->deeds; d; d = d->next) {
        if (d->code == OP_BUILD || d->code == OP_POP) {
            DK_TRY(put_each(part, d->parts, d->count, depth));
            pickler_op(&part->pickler, d->code);
        } else {
            DK_TRY(put_marked(part, d->parts, d->count, d->code, depth));
        }
    }
    return DK_OK;
}

static dk_status put(struct pickle_part *part, struct pickle_node *node, int depth)
{
    bool is_begun = node->written_by == part->writer;
    if (is_begun && node->memo == MEMO_PENDING)
        return error_set(part->pickler.err, DK_ENOTSUP, "an object that is made of itself");
    if (is_begun) {
        put_recall(part, node);
        return DK_OK;
    }
    if (depth > DEPTH_MAX)
        return error_set(part->pickler.err, DK_ENOTSUP, "nested deeper than %d", DEPTH_MAX);
    if (node->is_shared) {
        node->written_by = part->writer;
        node->memo = MEMO_PENDING;
    }
    DK_TRY(put_new(part, node, depth + 1));
    if (node->is_shared) {
        node->memo = part->nmemo++;
        pickler_op(&part->pickler, OP_MEMOIZE);
    }
    return put_deeds(part, node, depth + 1);
}

dk_status pickle_part_put(struct pickle_part *part, struct pickle_node *node)
{
    dk_status status = put(part, node, 0);
    return status == DK_ENOMEM ? error_nomem(part->pickler.err) : status;
}

dk_status pickle_part_end(struct pickle_part *part)
{
    return pickler_end(&part->pickler);
}
