#include "graph/value.h"

#include <string.h>

#include "graph/context.h"

static struct dk_block *block_new(struct memory *memory, size_t nbytes)
{
    struct dk_block *block = memory_alloc(memory, sizeof(*block) + nbytes + 1);
    if (!block)
        return NULL;
    atomic_init(&block->refs, 1);
    block->memory = memory;
    block->type = NULL;
    block->object = NULL;
    block->nbytes = nbytes;
    block->kinds = 0;
    block->data[nbytes] = 0;
    return block;
}

static dk_status block_value(struct memory *memory, dk_kind kind, const void *bytes, size_t nbytes,
                             dk_value *out)
{
    struct dk_block *block = block_new(memory, nbytes);
    if (!block)
        return DK_ENOMEM;
    if (nbytes)
        memcpy(block->data, bytes, nbytes);
    out->kind = kind;
    out->as.block = block;
    return DK_OK;
}

dk_status value_text(struct memory *memory, const char *text, size_t nbytes, dk_value *out)
{
    return block_value(memory, DK_KIND_TEXT, text, nbytes, out);
}

dk_status value_bytes(struct memory *memory, const void *bytes, size_t nbytes, dk_value *out)
{
    return block_value(memory, DK_KIND_BYTES, bytes, nbytes, out);
}

static void unref_all(const dk_value *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dk_value_unref(items[i]);
}

static uint32_t kinds_of(const dk_value *items, size_t count)
{
    uint32_t kinds = 0;
    for (size_t i = 0; i < count; i++) {
        kinds |= (uint32_t)1 << items[i].kind;
        if (items[i].kind == DK_KIND_LIST || items[i].kind == DK_KIND_MAP)
            kinds |= items[i].as.block->kinds;
    }
    return kinds;
}

static dk_status items_value(struct memory *memory, dk_kind kind, const dk_value *items,
                             size_t count, dk_value *out)
{
    dk_status status = block_value(memory, kind, items, count * sizeof(dk_value), out);
    if (status != DK_OK) {
        unref_all(items, count);
        return status;
    }
    out->as.block->kinds = kinds_of(items, count);
    return DK_OK;
}

dk_status value_list(struct memory *memory, const dk_value *items, size_t count, dk_value *out)
{
    return items_value(memory, DK_KIND_LIST, items, count, out);
}

dk_status value_map(struct memory *memory, const dk_value *items, size_t count, dk_value *out)
{
    bool well_formed = count % 2 == 0;
    for (size_t i = 0; well_formed && i < count; i += 2) {
        well_formed = items[i].kind == DK_KIND_TEXT;
    }
    if (well_formed)
        return items_value(memory, DK_KIND_MAP, items, count, out);
    unref_all(items, count);
    return DK_EINVAL;
}

dk_status value_object(struct memory *memory, const dk_object_type *type, void *object,
                       dk_value *out)
{
    struct dk_block *block = block_new(memory, 0);
    if (!block) {
        type->free(object);
        return DK_ENOMEM;
    }
    block->type = type;
    block->object = object;
    out->kind = DK_KIND_OBJECT;
    out->as.block = block;
    return DK_OK;
}

dk_status dk_value_text(dk_context *dk, const char *text, size_t nbytes, dk_value *out)
{
    return value_text(dk->memory, text, nbytes, out);
}

dk_status dk_value_bytes(dk_context *dk, const void *bytes, size_t nbytes, dk_value *out)
{
    return value_bytes(dk->memory, bytes, nbytes, out);
}

dk_status dk_value_list(dk_context *dk, const dk_value *items, size_t count, dk_value *out)
{
    return value_list(dk->memory, items, count, out);
}

dk_status dk_value_map(dk_context *dk, const dk_value *items, size_t count, dk_value *out)
{
    return value_map(dk->memory, items, count, out);
}

dk_status dk_value_object(dk_context *dk, const dk_object_type *type, void *object, dk_value *out)
{
    return value_object(dk->memory, type, object, out);
}

dk_status dk_register_type(dk_context *dk, const dk_object_type *type, dk_error *err)
{
    return registry_add_type(&dk->registry, type, err);
}

dk_value dk_value_ref(dk_value value)
{
    if (value.kind == DK_KIND_TABLE) {
        dk_table_ref(value.as.table);
    } else if (value_is_counted(value)) {
        atomic_fetch_add_explicit(&value.as.block->refs, 1, memory_order_relaxed);
    }
    return value;
}

static void block_free(dk_value value)
{
    struct dk_block *block = value.as.block;
    size_t count = 0;
    const dk_value *items = dk_value_items(value, &count);
    unref_all(items, count);
    if (value.kind == DK_KIND_OBJECT)
        block->type->free(block->object);
    memory_free(block->memory, block, sizeof(*block) + block->nbytes + 1);
}

void dk_value_unref(dk_value value)
{
    if (value.kind == DK_KIND_TABLE) {
        dk_table_unref(value.as.table);
    } else if (value_is_counted(value)) {
        if (atomic_fetch_sub_explicit(&value.as.block->refs, 1, memory_order_acq_rel) == 1) {
            block_free(value);
        }
    }
}

const char *dk_value_data(dk_value value, size_t *nbytes)
{
    if (value.kind != DK_KIND_TEXT && value.kind != DK_KIND_BYTES)
        return NULL;
    if (nbytes)
        *nbytes = value.as.block->nbytes;
    return value.as.block->data;
}

const dk_value *dk_value_items(dk_value value, size_t *count)
{
    *count = 0;
    if (value.kind != DK_KIND_LIST && value.kind != DK_KIND_MAP)
        return NULL;
    *count = value.as.block->nbytes / sizeof(dk_value);
    return (const dk_value *)(const void *)value.as.block->data;
}

dk_value dk_value_find(dk_value map, const char *key)
{
    size_t count = 0;
    const dk_value *items = dk_value_items(map, &count);
    if (map.kind != DK_KIND_MAP)
        return dk_value_null();
    for (size_t i = 0; i + 1 < count; i += 2) {
        if (strcmp(dk_value_data(items[i], NULL), key) == 0)
            return items[i + 1];
    }
    return dk_value_null();
}

void *dk_value_as_object(dk_value value, const dk_object_type *type)
{
    if (value.kind != DK_KIND_OBJECT || value.as.block->type != type)
        return NULL;
    return value.as.block->object;
}

int64_t dk_value_nbytes(dk_value value)
{
    if (value.kind == DK_KIND_TABLE)
        return dk_table_nbytes(value.as.table);
    if (!value_is_counted(value))
        return 0;
    const struct dk_block *block = value.as.block;
    int64_t nbytes = (int64_t)(sizeof(*block) + block->nbytes + 1);
    size_t count = 0;
    const dk_value *items = dk_value_items(value, &count);
    for (size_t i = 0; i < count; i++)
        nbytes += dk_value_nbytes(items[i]);
    if (value.kind == DK_KIND_OBJECT && block->type->nbytes)
        nbytes += block->type->nbytes(block->object);
    return nbytes;
}

const char *dk_kind_name(dk_kind kind)
{
    static const char *const names[] = {"null", "bool", "int",   "float",  "text", "bytes",
                                        "list", "map",  "table", "object", "task"};
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
