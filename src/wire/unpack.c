/* msgpack-c's parser is a template: it walks over the bytes and calls what is defined here, so the
 * values go straight into the arena. */
#include "wire/unpack.h"

#include "base/error.h"

#define MSGPACK_EMBED_STACK_SIZE WIRE_DEPTH_MAX
#include <msgpack/unpack_define.h>

/* What the parser returns for itself; the template names them without defining them. */
enum {
    MSGPACK_UNPACK_PARSE_ERROR = -1,
    MSGPACK_UNPACK_NOMEM_ERROR = -2, /* its stack is full */
    REFUSED = -3                     /* by a callback, which has set the error */
};

struct builder {
    struct arena *arena;
    dk_error *err;
    dk_status status;
    size_t promised; /* items and entries that may still be announced: each takes a byte */
};

typedef struct wire_value object;

static int refuse(struct builder *builder, dk_status status, const char *why)
{
    builder->status = error_set(builder->err, status, "%s", why);
    return REFUSED;
}

static object unpack_callback_root(struct builder *builder)
{
    (void)builder;
    return wire_nil();
}

static int unpack_callback_nil(struct builder *builder, object *out)
{
    (void)builder;
    *out = wire_nil();
    return 0;
}

static int unpack_callback_true(struct builder *builder, object *out)
{
    (void)builder;
    *out = wire_bool(true);
    return 0;
}

static int unpack_callback_false(struct builder *builder, object *out)
{
    (void)builder;
    *out = wire_bool(false);
    return 0;
}

static int unpack_callback_int64(struct builder *builder, int64_t integer, object *out)
{
    (void)builder;
    *out = wire_int(integer);
    return 0;
}

static int unpack_callback_uint64(struct builder *builder, uint64_t natural, object *out)
{
    if (natural <= INT64_MAX)
        return unpack_callback_int64(builder, (int64_t)natural, out);
    *out = (object){.kind = WIRE_UINT, .as.natural = natural};
    return 0;
}

static int unpack_callback_double(struct builder *builder, double real, object *out)
{
    (void)builder;
    *out = (object){.kind = WIRE_FLOAT, .as.real = real};
    return 0;
}

/* Narrower numbers are of the widest kind. */
#define unpack_callback_uint8  unpack_callback_int64
#define unpack_callback_uint16 unpack_callback_int64
#define unpack_callback_uint32 unpack_callback_int64
#define unpack_callback_int8   unpack_callback_int64
#define unpack_callback_int16  unpack_callback_int64
#define unpack_callback_int32  unpack_callback_int64
#define unpack_callback_float  unpack_callback_double

static int unpack_callback_str(struct builder *builder, const char *base, const char *bytes,
                               unsigned nbytes, object *out)
{
    (void)builder, (void)base;
    *out = (object){WIRE_TEXT, nbytes, .as.bytes = bytes};
    return 0;
}

static int unpack_callback_bin(struct builder *builder, const char *base, const char *bytes,
                               unsigned nbytes, object *out)
{
    (void)builder, (void)base;
    *out = (object){WIRE_BIN, nbytes, .as.bytes = bytes};
    return 0;
}

static int unpack_callback_ext(struct builder *builder, const char *base, const char *bytes,
                               unsigned nbytes, object *out)
{
    (void)base, (void)bytes, (void)nbytes, (void)out;
    return refuse(builder, DK_EPARSE, "a msgpack extension type, of which Dask has none");
}

/* Room for `count` elements, if the bytes that are left can hold as many; counts them off, so that
 * nested promises add up. */
static int promise(struct builder *builder, size_t count, size_t nbytes, void **room)
{
    *room = NULL;
    if (count > builder->promised)
        return refuse(builder, DK_EPARSE, "a container of more items than there are bytes left");
    builder->promised -= count;
    if (count == 0)
        return 0;
    *room = arena_alloc(builder->arena, count * nbytes);
    return *room ? 0 : refuse(builder, DK_ENOMEM, dk_status_text(DK_ENOMEM));
}

/* The container's count says how many of its elements have come. */
static int unpack_callback_array(struct builder *builder, unsigned count, object *out)
{
    void *items;
    int failed = promise(builder, count, sizeof(object), &items);
    *out = wire_array(items, 0);
    return failed;
}

static int unpack_callback_array_item(struct builder *builder, object *array, object item)
{
    (void)builder;
    array->as.items[array->count++] = item;
    return 0;
}

static int unpack_callback_map(struct builder *builder, unsigned count, object *out)
{
    void *entries;
    int failed = promise(builder, count, sizeof(struct wire_entry), &entries);
    *out = wire_map(entries, 0);
    return failed;
}

static int unpack_callback_map_item(struct builder *builder, object *map, object key, object value)
{
    (void)builder;
    map->as.entries[map->count++] = (struct wire_entry){key, value};
    return 0;
}

#define msgpack_unpack_struct(name)      struct parser##name
#define msgpack_unpack_struct_decl(name) struct parser##name
#define msgpack_unpack_func(ret, name)   static inline ret parser##name
#define msgpack_unpack_callback(name)    unpack_callback##name
#define msgpack_unpack_object            object
#define msgpack_unpack_user              struct builder
#include <msgpack/unpack_template.h>

static dk_status explain(int result, const struct builder *builder, size_t at)
{
    if (result == REFUSED)
        return builder->status;
    if (result == MSGPACK_UNPACK_NOMEM_ERROR) {
        return error_set(builder->err, DK_EPARSE, "containers nested deeper than %d",
                         WIRE_DEPTH_MAX);
    }
    if (result == 0)
        return error_set(builder->err, DK_EPARSE, "it ends in the middle of a value");
    return error_set(builder->err, DK_EPARSE, "no msgpack at byte %zu", at);
}

dk_status wire_unpack(struct arena *arena, struct wire_bytes bytes, struct wire_value *out,
                      dk_error *err)
{
    struct parser_context parser;
    size_t at = 0;
    parser.user = (struct builder){arena, err, DK_OK, bytes.nbytes};
    parser_init(&parser);
    /* Of no bytes there may be no address, to which the parser would add. */
    const char *data = bytes.nbytes ? bytes.data : "";
    int result = parser_execute(&parser, data, bytes.nbytes, &at);
    if (result != 1)
        return explain(result, &parser.user, at);
    if (at != bytes.nbytes) {
        return error_set(err, DK_EPARSE, "%zu bytes after the end of its value", bytes.nbytes - at);
    }
    *out = parser_data(&parser);
    return DK_OK;
}
