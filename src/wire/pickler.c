#include "wire/pickler.h"

#include <endian.h>

#include "base/error.h"

void pickler_put(struct pickler *pickler, const void *bytes, size_t nbytes)
{
    if (vector_append(pickler->out, bytes, nbytes) != DK_OK)
        pickler->failed = true;
}

void pickler_op(struct pickler *pickler, int opcode)
{
    char byte = (char)opcode;
    pickler_put(pickler, &byte, 1);
}

void pickler_ops(struct pickler *pickler, int first, int second)
{
    pickler_op(pickler, first);
    pickler_op(pickler, second);
}

void pickler_string(struct pickler *pickler, int opcode, struct wire_bytes bytes)
{
    uint32_t nbytes = htole32((uint32_t)bytes.nbytes);
    pickler_op(pickler, opcode);
    pickler_put(pickler, &nbytes, sizeof(nbytes));
    pickler_put(pickler, bytes.data, bytes.nbytes);
}

void pickler_text(struct pickler *pickler, const char *text)
{
    pickler_string(pickler, OP_BINUNICODE, (struct wire_bytes){text, strlen(text)});
}

void pickler_int(struct pickler *pickler, int64_t value, bool is_natural)
{
    if (!is_natural && value >= INT32_MIN && value <= INT32_MAX) {
        uint32_t bits = htole32((uint32_t)(int32_t)value);
        pickler_op(pickler, OP_BININT);
        pickler_put(pickler, &bits, sizeof(bits));
        return;
    }
    uint64_t bits = htole64((uint64_t)value);
    char nbytes = is_natural ? 9 : 8;
    pickler_op(pickler, OP_LONG1);
    pickler_put(pickler, &nbytes, 1);
    pickler_put(pickler, &bits, sizeof(bits));
    if (is_natural)
        pickler_put(pickler, "", 1);
}

void pickler_float(struct pickler *pickler, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htobe64(bits);
    pickler_op(pickler, OP_BINFLOAT);
    pickler_put(pickler, &bits, sizeof(bits));
}

void pickler_global(struct pickler *pickler, const char *module, const char *qualname)
{
    pickler_text(pickler, module);
    pickler_text(pickler, qualname);
    pickler_op(pickler, OP_STACK_GLOBAL);
}

void pickler_begin(struct pickler *pickler, int protocol)
{
    pickler_ops(pickler, OP_PROTO, protocol);
}

dk_status pickler_end(struct pickler *pickler)
{
    pickler_op(pickler, OP_STOP);
    return pickler->failed ? error_nomem(pickler->err) : DK_OK;
}

/* ---- values ---- */

static dk_status put_value(struct pickler *pickler, const struct wire_value *value, int depth);

static dk_status put_items(struct pickler *pickler, const struct wire_value *value, int empty,
                           int fill, int depth)
{
    pickler_op(pickler, empty);
    if (!value->count)
        return DK_OK;
    pickler_op(pickler, OP_MARK);
    for (uint32_t i = 0; i < value->count; i++)
        DK_TRY(put_value(pickler, &value->as.items[i], depth + 1));
    pickler_op(pickler, fill);
    return DK_OK;
}

static dk_status put_entries(struct pickler *pickler, const struct wire_value *map, int depth)
{
    pickler_op(pickler, OP_EMPTY_DICT);
    if (!map->count)
        return DK_OK;
    pickler_op(pickler, OP_MARK);
    for (uint32_t i = 0; i < map->count; i++) {
        DK_TRY(put_value(pickler, &map->as.entries[i].key, depth + 1));
        DK_TRY(put_value(pickler, &map->as.entries[i].value, depth + 1));
    }
    pickler_op(pickler, OP_SETITEMS);
    return DK_OK;
}

static dk_status put_value(struct pickler *pickler, const struct wire_value *value, int depth)
{
    struct wire_bytes bytes = {value->as.bytes, value->count};
    if (depth > WIRE_DEPTH_MAX)
        return error_set(pickler->err, DK_EINVAL, "nested deeper than %d", WIRE_DEPTH_MAX);
    switch (value->kind) {
    case WIRE_NIL:
        pickler_op(pickler, OP_NONE);
        return DK_OK;
    case WIRE_BOOL:
        pickler_op(pickler, value->as.boolean ? OP_NEWTRUE : OP_NEWFALSE);
        return DK_OK;
    case WIRE_INT:
        pickler_int(pickler, value->as.integer, false);
        return DK_OK;
    case WIRE_UINT:
        pickler_int(pickler, (int64_t)value->as.natural, true);
        return DK_OK;
    case WIRE_FLOAT:
        pickler_float(pickler, value->as.real);
        return DK_OK;
    case WIRE_TEXT:
        pickler_string(pickler, OP_BINUNICODE, bytes);
        return DK_OK;
    case WIRE_BIN:
        pickler_string(pickler, OP_BINBYTES, bytes);
        return DK_OK;
    case WIRE_ARRAY:
        return put_items(pickler, value, OP_EMPTY_LIST, OP_APPENDS, depth);
    case WIRE_SET:
        return put_items(pickler, value, OP_EMPTY_SET, OP_ADDITEMS, depth);
    case WIRE_MAP:
        return put_entries(pickler, value, depth);
    default:
        return error_set(pickler->err, DK_EINVAL, "%s cannot be pickled",
                         wire_kind_name(value->kind));
    }
}

dk_status pickler_value(struct pickler *pickler, const struct wire_value *value)
{
    return put_value(pickler, value, 0);
}

/* ---- keys ---- */

static dk_status put_key(struct pickler *pickler, const struct wire_value *key, int depth)
{
    if (key->kind != WIRE_ARRAY) {
        bool is_key = key->kind == WIRE_TEXT || (key->kind >= WIRE_INT && key->kind <= WIRE_FLOAT);
        if (is_key)
            return put_value(pickler, key, depth);
        return error_set(pickler->err, DK_EINVAL, "%s is no key", wire_kind_name(key->kind));
    }
    if (depth > WIRE_DEPTH_MAX)
        return error_set(pickler->err, DK_EINVAL, "nested deeper than %d", WIRE_DEPTH_MAX);
    pickler_op(pickler, OP_MARK);
    for (uint32_t i = 0; i < key->count; i++)
        DK_TRY(put_key(pickler, &key->as.items[i], depth + 1));
    pickler_op(pickler, OP_TUPLE);
    return DK_OK;
}

dk_status pickler_key(struct pickler *pickler, const struct wire_value *key)
{
    return put_key(pickler, key, 0);
}
