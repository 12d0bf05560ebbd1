#include <string.h>

#include "base/error.h"
#include "column/table_codec.h"
#include "graph/context.h"
#include "graph/object_codec.h"
#include "graph/value.h"
#include "payload/plain.h"

/* Buffers that lie as their numbers need it are used where they are. */
#define ALIGNMENT 8

static dk_status damaged(struct plain_unpacker *unpacker, const char *what)
{
    return error_set(unpacker->err, DK_EPARSE, "%s is damaged", what);
}

static bool next_frame(struct plain_unpacker *unpacker, struct wire_bytes *out)
{
    if (!unpacker->nframes)
        return false;
    *out = *unpacker->frames++;
    unpacker->nframes--;
    return true;
}

/* ---- tables ---- */

static dk_status copy_buffer(struct memory *memory, struct wire_bytes bytes, struct buffer **out)
{
    *out = buffer_new(memory, bytes.nbytes);
    if (!*out)
        return DK_ENOMEM;
    if (bytes.nbytes)
        memcpy((*out)->data, bytes.data, bytes.nbytes);
    return DK_OK;
}

static dk_status get_frame(void *self, uint64_t offset, uint64_t nbytes, struct buffer **out)
{
    struct plain_unpacker *unpacker = self;
    struct memory *memory = unpacker->dk->memory;
    const struct payload_owner *owner = unpacker->owner;
    struct wire_bytes frame;
    (void)offset;
    if (!next_frame(unpacker, &frame) || frame.nbytes != nbytes)
        return DK_EPARSE;
    if (!owner || (uintptr_t)frame.data % ALIGNMENT || !nbytes)
        return copy_buffer(memory, frame, out);
    owner->ref(owner->self);
    *out = buffer_wrap(memory, frame.data, nbytes, owner->unref, owner->self);
    return *out ? DK_OK : DK_ENOMEM;
}

/* What a stranger sent may be anything. */
static dk_status check_table(struct plain_unpacker *unpacker, dk_table *table, dk_value *out)
{
    dk_status status = table_check(table, unpacker->err);
    if (status == DK_OK)
        *out = dk_value_table(table);
    else
        dk_table_unref(table);
    return status;
}

static dk_status unpack_table(struct plain_unpacker *unpacker, const struct wire_value *content,
                              dk_value *out)
{
    struct memory *memory = unpacker->dk->memory;
    bool is_whole = content->kind == WIRE_ARRAY && content->count == 1;
    const struct wire_value *bin = is_whole ? content->as.items : content;
    if (bin->kind != WIRE_BIN)
        return damaged(unpacker, "a table");
    dk_table *table = NULL;
    struct cursor cursor = {bin->as.bytes, bin->as.bytes + bin->count, false};
    struct buffer_source buffers = {get_frame, unpacker};
    dk_status status = is_whole ? table_get_whole(memory, &cursor, &table)
                                : table_get(memory, &cursor, buffers, &table);
    if (status == DK_EPARSE)
        return damaged(unpacker, "the schema of a table");
    return status == DK_OK ? check_table(unpacker, table, out) : error_nomem(unpacker->err);
}

/* ---- objects ---- */

/* Names of types are looked up as C strings. */
#define TYPE_NAME_MAX 256

static dk_status get_object(struct plain_unpacker *unpacker, const struct wire_value *type,
                            struct wire_bytes bytes, dk_value *out)
{
    char name[TYPE_NAME_MAX];
    if (type->kind != WIRE_TEXT || type->count >= sizeof(name))
        return damaged(unpacker, "the type of an object");
    memcpy(name, type->as.bytes, type->count);
    name[type->count] = '\0';
    dk_status status =
        object_unpack(unpacker->dk, name, bytes.data, bytes.nbytes, out, unpacker->err);
    return status == DK_ENOMEM ? error_nomem(unpacker->err) : status;
}

/* True for [type, bytes]. */
static bool is_pair(const struct wire_value *value)
{
    return value->kind == WIRE_ARRAY && value->count == 2 && value->as.items[1].kind == WIRE_BIN;
}

static dk_status unpack_object(struct plain_unpacker *unpacker, const struct wire_value *content,
                               dk_value *out)
{
    struct wire_bytes bytes;
    if (is_pair(content)) {
        const struct wire_value *bin = &content->as.items[1];
        bytes = (struct wire_bytes){bin->as.bytes, bin->count};
        return get_object(unpacker, &content->as.items[0], bytes, out);
    }
    if (!next_frame(unpacker, &bytes))
        return damaged(unpacker, "an object");
    return get_object(unpacker, content, bytes, out);
}

/* ---- the rest ---- */

static dk_status unpack_bytes(struct plain_unpacker *unpacker, const struct wire_value *from,
                              dk_value *out)
{
    struct memory *memory = unpacker->dk->memory;
    dk_status status = from->kind == WIRE_TEXT
                           ? value_text(memory, from->as.bytes, from->count, out)
                           : value_bytes(memory, from->as.bytes, from->count, out);
    return status == DK_OK ? DK_OK : error_nomem(unpacker->err);
}

static void unref_all(const dk_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_value_unref(values[i]);
}

/* `values` is room for `count`, all of which are given or none. */
static dk_status unpack_each(struct plain_unpacker *unpacker, const struct wire_value *items,
                             size_t count, dk_value *values)
{
    for (size_t i = 0; i < count; i++) {
        dk_status status = plain_unpack(unpacker, &items[i], &values[i]);
        if (status == DK_OK)
            continue;
        unref_all(values, i);
        return status;
    }
    return DK_OK;
}

static dk_status unpack_items(struct plain_unpacker *unpacker, const struct wire_value *items,
                              size_t count, dk_kind kind, dk_value *out)
{
    struct memory *memory = unpacker->dk->memory;
    dk_value *values = memory_alloc(memory, count * sizeof(*values));
    if (!values)
        return error_nomem(unpacker->err);
    dk_status status = unpack_each(unpacker, items, count, values);
    if (status == DK_OK) {
        status = kind == DK_KIND_MAP ? value_map(memory, values, count, out)
                                     : value_list(memory, values, count, out);
        if (status == DK_ENOMEM)
            status = error_nomem(unpacker->err);
    }
    memory_free(memory, values, count * sizeof(*values));
    return status;
}

static dk_status unpack_map(struct plain_unpacker *unpacker, const struct wire_value *map,
                            dk_value *out)
{
    for (uint32_t i = 0; i < map->count; i++) {
        enum wire_kind kind = map->as.entries[i].key.kind;
        if (kind == WIRE_TEXT)
            continue;
        return error_set(unpacker->err, DK_ETYPE, "a map with %s as a key: a dk_value has texts",
                         wire_kind_name(kind));
    }
    const struct wire_value *items = (const struct wire_value *)(const void *)map->as.entries;
    return unpack_items(unpacker, items, (size_t)map->count * 2, DK_KIND_MAP, out);
}

const struct wire_value *plain_tagged(const struct wire_value *value, enum plain_tag *tag)
{
    if (value->kind != WIRE_MAP || value->count != 1 || value->as.entries->key.kind != WIRE_INT)
        return NULL;
    int64_t number = value->as.entries->key.as.integer;
    if (number < TAG_RESULT || number > TAG_OBJECT)
        return NULL;
    *tag = (enum plain_tag)number;
    return &value->as.entries->value;
}

static dk_status unpack_tagged(struct plain_unpacker *unpacker, const struct wire_value *map,
                               dk_value *out)
{
    enum plain_tag tag;
    const struct wire_value *content = unpacker->has_tags ? plain_tagged(map, &tag) : NULL;
    if (!content)
        return unpack_map(unpacker, map, out);
    if (tag == TAG_TABLE)
        return unpack_table(unpacker, content, out);
    if (tag == TAG_OBJECT)
        return unpack_object(unpacker, content, out);
    return damaged(unpacker, "the result of a task inside a value");
}

dk_status plain_unpack(struct plain_unpacker *unpacker, const struct wire_value *from,
                       dk_value *out)
{
    switch (from->kind) {
    case WIRE_NIL:
        *out = dk_value_null();
        return DK_OK;
    case WIRE_BOOL:
        *out = dk_value_bool(from->as.boolean);
        return DK_OK;
    case WIRE_INT:
        *out = dk_value_int(from->as.integer);
        return DK_OK;
    case WIRE_FLOAT:
        *out = dk_value_float(from->as.real);
        return DK_OK;
    case WIRE_TEXT:
    case WIRE_BIN:
        return unpack_bytes(unpacker, from, out);
    case WIRE_ARRAY:
    case WIRE_SET:
        return unpack_items(unpacker, from->as.items, from->count, DK_KIND_LIST, out);
    case WIRE_MAP:
        return unpack_tagged(unpacker, from, out);
    case WIRE_UINT:
        return error_set(unpacker->err, DK_EOVERFLOW, "an integer beyond 63 bits");
    default:
        return error_set(unpacker->err, DK_ENOTSUP, "%s inside a value",
                         wire_kind_name(from->kind));
    }
}
