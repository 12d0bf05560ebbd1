#include "wire/pickle.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"

/* The opcodes that are written: those of protocol 4.   Source: Python's pickletools. */
enum opcode {
    PROTO = 0x80,
    STOP = '.',
    MARK = '(',
    NONE = 'N',
    NEWTRUE = 0x88,
    NEWFALSE = 0x89,
    BININT = 'J',
    LONG1 = 0x8a,
    BINFLOAT = 'G',
    BINUNICODE = 'X',
    BINBYTES = 'B',
    EMPTY_LIST = ']',
    APPENDS = 'e',
    EMPTY_TUPLE = ')',
    TUPLE = 't',
    EMPTY_DICT = '}',
    SETITEMS = 'u',
    EMPTY_SET = 0x8f,
    ADDITEMS = 0x90,
    STACK_GLOBAL = 0x93,
    REDUCE = 'R',
    BUILD = 'b'
};

#define PROTOCOL 4

/* Puts never fail by themselves. */
struct pickler {
    struct vector *out;
    bool failed;
    dk_error *err;
};

static void put(struct pickler *pickler, const void *bytes, size_t nbytes)
{
    if (vector_append(pickler->out, bytes, nbytes) != DK_OK)
        pickler->failed = true;
}

static void put_op(struct pickler *pickler, enum opcode opcode)
{
    char byte = (char)opcode;
    put(pickler, &byte, 1);
}

static void put_ops(struct pickler *pickler, enum opcode first, enum opcode second)
{
    put_op(pickler, first);
    put_op(pickler, second);
}

static void put_string(struct pickler *pickler, enum opcode opcode, struct wire_bytes bytes)
{
    uint32_t nbytes = htole32((uint32_t)bytes.nbytes);
    put_op(pickler, opcode);
    put(pickler, &nbytes, sizeof(nbytes));
    put(pickler, bytes.data, bytes.nbytes);
}

static void put_text(struct pickler *pickler, const char *text)
{
    put_string(pickler, BINUNICODE, (struct wire_bytes){text, strlen(text)});
}

/* 32 bits, or as many bytes as there are, with a zero more for what has no sign. */
static void put_int(struct pickler *pickler, int64_t value, bool is_natural)
{
    if (!is_natural && value >= INT32_MIN && value <= INT32_MAX) {
        uint32_t bits = htole32((uint32_t)(int32_t)value);
        put_op(pickler, BININT);
        put(pickler, &bits, sizeof(bits));
        return;
    }
    uint64_t bits = htole64((uint64_t)value);
    char nbytes = is_natural ? 9 : 8;
    put_op(pickler, LONG1);
    put(pickler, &nbytes, 1);
    put(pickler, &bits, sizeof(bits));
    if (is_natural)
        put(pickler, "", 1);
}

static void put_float(struct pickler *pickler, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    bits = htobe64(bits);
    put_op(pickler, BINFLOAT);
    put(pickler, &bits, sizeof(bits));
}

static void put_global(struct pickler *pickler, const char *module, const char *qualname)
{
    put_text(pickler, module);
    put_text(pickler, qualname);
    put_op(pickler, STACK_GLOBAL);
}

static void begin(struct pickler *pickler)
{
    const char head[] = {(char)PROTO, PROTOCOL};
    put(pickler, head, sizeof(head));
}

static dk_status end(struct pickler *pickler)
{
    put_op(pickler, STOP);
    return pickler->failed ? error_nomem(pickler->err) : DK_OK;
}

/* ---- values ---- */

static dk_status put_value(struct pickler *pickler, const struct wire_value *value, int depth);

static dk_status put_items(struct pickler *pickler, const struct wire_value *value,
                           enum opcode empty, enum opcode fill, int depth)
{
    put_op(pickler, empty);
    if (!value->count)
        return DK_OK;
    put_op(pickler, MARK);
    for (uint32_t i = 0; i < value->count; i++)
        DK_TRY(put_value(pickler, &value->as.items[i], depth + 1));
    put_op(pickler, fill);
    return DK_OK;
}

static dk_status put_entries(struct pickler *pickler, const struct wire_value *map, int depth)
{
    put_op(pickler, EMPTY_DICT);
    if (!map->count)
        return DK_OK;
    put_op(pickler, MARK);
    for (uint32_t i = 0; i < map->count; i++) {
        DK_TRY(put_value(pickler, &map->as.entries[i].key, depth + 1));
        DK_TRY(put_value(pickler, &map->as.entries[i].value, depth + 1));
    }
    put_op(pickler, SETITEMS);
    return DK_OK;
}

static dk_status put_value(struct pickler *pickler, const struct wire_value *value, int depth)
{
    struct wire_bytes bytes = {value->as.bytes, value->count};
    if (depth > WIRE_DEPTH_MAX)
        return error_set(pickler->err, DK_EINVAL, "nested deeper than %d", WIRE_DEPTH_MAX);
    switch (value->kind) {
    case WIRE_NIL:
        put_op(pickler, NONE);
        return DK_OK;
    case WIRE_BOOL:
        put_op(pickler, value->as.boolean ? NEWTRUE : NEWFALSE);
        return DK_OK;
    case WIRE_INT:
        put_int(pickler, value->as.integer, false);
        return DK_OK;
    case WIRE_UINT:
        put_int(pickler, (int64_t)value->as.natural, true);
        return DK_OK;
    case WIRE_FLOAT:
        put_float(pickler, value->as.real);
        return DK_OK;
    case WIRE_TEXT:
        put_string(pickler, BINUNICODE, bytes);
        return DK_OK;
    case WIRE_BIN:
        put_string(pickler, BINBYTES, bytes);
        return DK_OK;
    case WIRE_ARRAY:
        return put_items(pickler, value, EMPTY_LIST, APPENDS, depth);
    case WIRE_SET:
        return put_items(pickler, value, EMPTY_SET, ADDITEMS, depth);
    case WIRE_MAP:
        return put_entries(pickler, value, depth);
    default:
        return error_set(pickler->err, DK_EINVAL, "%s cannot be pickled",
                         wire_kind_name(value->kind));
    }
}

dk_status pickle_pack(struct vector *out, const struct wire_value *value, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    begin(&pickler);
    DK_TRY(put_value(&pickler, value, 0));
    return end(&pickler);
}

/* ---- templates ---- */

dk_status pickle_class(struct vector *out, const char *module, const char *qualname)
{
    struct pickler pickler = {.out = out};
    begin(&pickler);
    put_global(&pickler, module, qualname);
    return end(&pickler);
}

dk_status pickle_exception(struct vector *out, const char *module, const char *qualname,
                           struct wire_bytes text)
{
    struct pickler pickler = {.out = out};
    begin(&pickler);
    put_global(&pickler, module, qualname);
    put_op(&pickler, MARK);
    put_string(&pickler, BINUNICODE, text);
    put_ops(&pickler, TUPLE, REDUCE);
    return end(&pickler);
}

/* A key of Dask's: arrays are tuples. */
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
    put_op(pickler, MARK);
    for (uint32_t i = 0; i < key->count; i++)
        DK_TRY(put_key(pickler, &key->as.items[i], depth + 1));
    put_op(pickler, TUPLE);
    return DK_OK;
}

/* The second argument is a worker's state there; str() wants its address only. */
dk_status pickle_killed_worker(struct vector *out, const struct wire_value *key,
                               const char *address, int64_t allowed, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    begin(&pickler);
    put_global(&pickler, "distributed.scheduler", "KilledWorker");
    put_op(&pickler, MARK);
    DK_TRY(put_key(&pickler, key, 0));
    put_global(&pickler, "types", "SimpleNamespace");
    put_ops(&pickler, EMPTY_TUPLE, REDUCE);
    put_ops(&pickler, EMPTY_DICT, MARK);
    put_text(&pickler, "address");
    put_text(&pickler, address);
    put_ops(&pickler, SETITEMS, BUILD);
    put_int(&pickler, allowed, false);
    put_ops(&pickler, TUPLE, REDUCE);
    return end(&pickler);
}

/* Expr._reconstruct(LLGExpr, {key: Task(...), ...}, token, {}) */
dk_status pickle_expr_begin(struct vector *out)
{
    struct pickler pickler = {.out = out};
    begin(&pickler);
    put_global(&pickler, "dask._expr", "Expr._reconstruct");
    put_op(&pickler, MARK);
    put_global(&pickler, "dask._expr", "LLGExpr");
    put_ops(&pickler, EMPTY_DICT, MARK);
    return pickler.failed ? DK_ENOMEM : DK_OK;
}

dk_status pickle_expr_task(struct vector *out, const struct wire_value *key,
                           struct wire_bytes payload, const struct wire_value *dependencies,
                           size_t ndependencies, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    DK_TRY(put_key(&pickler, key, 0));
    put_global(&pickler, "dask._task_spec", "Task");
    put_op(&pickler, MARK);
    DK_TRY(put_key(&pickler, key, 0));
    put_global(&pickler, "builtins", "bytes");
    put_string(&pickler, BINBYTES, payload);
    for (size_t i = 0; i < ndependencies; i++) {
        put_global(&pickler, "dask._task_spec", "TaskRef");
        put_op(&pickler, MARK);
        DK_TRY(put_key(&pickler, &dependencies[i], 0));
        put_ops(&pickler, TUPLE, REDUCE);
    }
    put_ops(&pickler, TUPLE, REDUCE);
    return pickler.failed ? error_nomem(err) : DK_OK;
}

dk_status pickle_expr_end(struct vector *out, const char *token)
{
    struct pickler pickler = {.out = out};
    put_op(&pickler, SETITEMS);
    put_text(&pickler, token);
    put_ops(&pickler, EMPTY_DICT, TUPLE);
    put_op(&pickler, REDUCE);
    return end(&pickler);
}
