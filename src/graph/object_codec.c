#include "graph/object_codec.h"

#include "base/error.h"
#include "graph/context.h"
#include "graph/value.h"

static dk_status check_type(dk_context *dk, const dk_object_type *type, dk_error *err)
{
    if (!type->pack) {
        return error_set(err, DK_ENOTSUP,
                         "an object of type '%s' cannot leave its process: use the threads "
                         "scheduler, or give its type functions to pack and unpack",
                         type->name);
    }
    if (registry_find_type(&dk->registry, type->name) != type) {
        return error_set(err, DK_ENOTSUP,
                         "an object of type '%s' cannot leave its process: register its type with "
                         "dk_register_type(), or use the threads scheduler",
                         type->name);
    }
    return DK_OK;
}

/* What the program's own functions say is told with the type they belong to. */
static dk_status blame_type(dk_error *err, const char *verb, const char *type, dk_status status)
{
    if (!*err->message)
        error_set(err, status, "%s", dk_status_text(status));
    error_prefix(err, "cannot %s an object of type '%s'", verb, type);
    return status;
}

dk_status object_pack(dk_context *dk, dk_value object, dk_value *bytes, dk_error *err)
{
    dk_error unwanted = {0};
    const struct dk_block *block = object.as.block;
    const dk_object_type *type = block->type;
    err = err ? err : &unwanted;
    DK_TRY(check_type(dk, type, err));
    err->message[0] = 0;
    dk_status status = type->pack(dk, block->object, bytes, err);
    if (status != DK_OK)
        return blame_type(err, "pack", type->name, status);
    if (bytes->kind == DK_KIND_BYTES)
        return DK_OK;
    dk_value_unref(*bytes);
    return error_set(err, DK_ETYPE, "packing an object of type '%s' gave a value of kind '%s'",
                     type->name, dk_kind_name(bytes->kind));
}

dk_status object_unpack(dk_context *dk, const char *name, const void *bytes, size_t nbytes,
                        dk_value *out, dk_error *err)
{
    dk_error unwanted = {0};
    void *object = NULL;
    const dk_object_type *type = registry_find_type(&dk->registry, name);
    err = err ? err : &unwanted;
    if (!type) {
        return error_set(err, DK_ENOTSUP,
                         "an object of type '%s' has come from another process: register the "
                         "type here, too, with dk_register_type()",
                         name);
    }
    err->message[0] = 0;
    dk_status status = type->unpack(dk, bytes, nbytes, &object, err);
    if (status != DK_OK)
        return blame_type(err, "unpack", name, status);
    err->message[0] = 0;
    return value_object(dk->memory, type, object, out);
}

/* ---- in parts ---- */

void object_parts_init(struct dk_parts *parts, struct memory *memory)
{
    vector_init(&parts->list, memory, sizeof(struct held_part));
}

void object_parts_deinit(struct dk_parts *parts)
{
    const struct held_part *list = parts->list.data;
    for (size_t i = 0; i < parts->list.count; i++)
        list[i].release(list[i].self);
    vector_deinit(&parts->list);
}

dk_status dk_parts_add(dk_parts *parts, const void *data, size_t nbytes,
                       void (*release)(void *self), void *self)
{
    struct held_part part = {{data, nbytes}, release, self};
    dk_status status = vector_append(&parts->list, &part, 1);
    if (status != DK_OK)
        release(self);
    return status;
}

dk_status object_pack_parts(dk_context *dk, dk_value object, struct dk_parts *parts, dk_error *err)
{
    dk_error unwanted = {0};
    const struct dk_block *block = object.as.block;
    const dk_object_type *type = block->type;
    err = err ? err : &unwanted;
    DK_TRY(check_type(dk, type, err));
    err->message[0] = 0;
    dk_status status = type->pack_parts(dk, block->object, parts, err);
    if (status != DK_OK)
        return blame_type(err, "pack", type->name, status);
    if (parts->list.count)
        return DK_OK;
    return error_set(err, DK_ETYPE, "packing an object of type '%s' gave no parts", type->name);
}

dk_status object_unpack_parts(dk_context *dk, const dk_object_type *type, const dk_part *parts,
                              size_t nparts, dk_value *out, dk_error *err)
{
    dk_error unwanted = {0};
    void *object = NULL;
    err = err ? err : &unwanted;
    if (!type->unpack_parts)
        return error_set(err, DK_ENOTSUP, "an object of type '%s' in %zu parts", type->name,
                         nparts);
    err->message[0] = 0;
    dk_status status = type->unpack_parts(dk, parts, nparts, &object, err);
    if (status != DK_OK)
        return blame_type(err, "unpack", type->name, status);
    err->message[0] = 0;
    return value_object(dk->memory, type, object, out);
}
