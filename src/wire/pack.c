/* msgpack-c's packer is a template, too: made here, it writes into the vector without a call for
 * each of its bytes. Its functions return 0, or nonzero when there is no memory. */
#include "wire/pack.h"

#include <string.h>

#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>

#include "base/error.h"

static inline int append(struct vector *to, const void *bytes, size_t nbytes)
{
    if (nbytes > to->capacity - to->count && vector_reserve(to, to->count + nbytes) != DK_OK)
        return -1;
    if (nbytes)
        memcpy((char *)to->data + to->count, bytes, nbytes);
    to->count += nbytes;
    return 0;
}

#define msgpack_pack_user                        struct vector *
#define msgpack_pack_inline_func(name)           static inline int msgpack_pack##name
#define msgpack_pack_append_buffer(to, bytes, n) return append(to, bytes, n)
#include <msgpack/pack_template.h>

static inline int msgpack_pack_str_with_body(struct vector *to, const char *bytes, size_t nbytes)
{
    return msgpack_pack_str(to, nbytes) || append(to, bytes, nbytes);
}

struct packer {
    struct vector *to; /* frame 0 */
    struct vector *frames;
    dk_error *err;
};

static int pack_text(struct packer *packer, const char *text)
{
    return msgpack_pack_str_with_body(packer->to, text, strlen(text));
}

/* {NAME: which frame its header is} */
static int pack_payload(struct packer *packer, const char *name, const struct wire_payload *payload)
{
    size_t index = packer->frames->count;
    if (vector_append(packer->frames, &payload->header, 1) != DK_OK ||
        vector_append(packer->frames, payload->frames, payload->nframes) != DK_OK)
        return -1;
    return msgpack_pack_map(packer->to, 1) || pack_text(packer, name) ||
           msgpack_pack_uint64(packer->to, index);
}

static int pack_plain(struct packer *packer, const struct wire_value *value)
{
    switch (value->kind) {
    case WIRE_BOOL:
        return value->as.boolean ? msgpack_pack_true(packer->to) : msgpack_pack_false(packer->to);
    case WIRE_INT:
        return msgpack_pack_int64(packer->to, value->as.integer);
    case WIRE_UINT:
        return msgpack_pack_uint64(packer->to, value->as.natural);
    case WIRE_FLOAT:
        return msgpack_pack_double(packer->to, value->as.real);
    case WIRE_TEXT:
        return msgpack_pack_str_with_body(packer->to, value->as.bytes, value->count);
    case WIRE_BIN:
        return msgpack_pack_bin(packer->to, value->count) ||
               append(packer->to, value->as.bytes, value->count);
    case WIRE_PACKED:
        return append(packer->to, value->as.bytes, value->count);
    case WIRE_SERIALIZED:
        return pack_payload(packer, "__Serialized__", value->as.payload);
    case WIRE_PICKLED:
        return pack_payload(packer, "__Pickled__", value->as.payload);
    default:
        return msgpack_pack_nil(packer->to);
    }
}

static dk_status pack_value(struct packer *packer, const struct wire_value *value, int depth);

static dk_status pack_items(struct packer *packer, const struct wire_value *array, int depth)
{
    if (msgpack_pack_array(packer->to, array->count))
        return error_nomem(packer->err);
    for (uint32_t i = 0; i < array->count; i++)
        DK_TRY(pack_value(packer, &array->as.items[i], depth + 1));
    return DK_OK;
}

static dk_status pack_entries(struct packer *packer, const struct wire_value *map, int depth)
{
    if (msgpack_pack_map(packer->to, map->count))
        return error_nomem(packer->err);
    for (uint32_t i = 0; i < map->count; i++) {
        DK_TRY(pack_value(packer, &map->as.entries[i].key, depth + 1));
        DK_TRY(pack_value(packer, &map->as.entries[i].value, depth + 1));
    }
    return DK_OK;
}

static dk_status pack_set(struct packer *packer, const struct wire_value *set, int depth)
{
    if (msgpack_pack_map(packer->to, 2) || pack_text(packer, "__Set__") ||
        msgpack_pack_true(packer->to) || pack_text(packer, "as-list"))
        return error_nomem(packer->err);
    return pack_items(packer, set, depth + 1);
}

static dk_status pack_value(struct packer *packer, const struct wire_value *value, int depth)
{
    if (depth > WIRE_DEPTH_MAX) {
        return error_set(packer->err, DK_EINVAL, "a message nested deeper than %d", WIRE_DEPTH_MAX);
    }
    switch (value->kind) {
    case WIRE_ARRAY:
        return pack_items(packer, value, depth);
    case WIRE_SET:
        return pack_set(packer, value, depth);
    case WIRE_MAP:
        return pack_entries(packer, value, depth);
    default:
        return pack_plain(packer, value) ? error_nomem(packer->err) : DK_OK;
    }
}

dk_status wire_pack(struct vector *frame0, struct vector *frames, const struct wire_value *value,
                    dk_error *err)
{
    struct packer packer = {frame0, frames, err};
    return pack_value(&packer, value, 0);
}
