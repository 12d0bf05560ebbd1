#include <math.h>

#include "base/error.h"
#include "core/keys.h"
#include "wire/pack.h"

#define KEY_DEPTH_MAX  8
#define KEY_NBYTES_MAX 65536

static dk_status pack_key(const struct wire_value *value, struct vector *out, int depth,
                          dk_error *err);

static dk_status pack_whole(struct vector *out, struct wire_value value, dk_error *err)
{
    struct vector frames; /* stays empty: there is no payload in a key */
    vector_init(&frames, out->memory, sizeof(struct wire_bytes));
    return wire_pack(out, &frames, &value, err);
}

static dk_status pack_header(struct vector *out, uint32_t count, dk_error *err)
{
    char header[3] = {(char)0xdc, (char)(count >> 8), (char)count};
    if (count < 16)
        header[0] = (char)(0x90 | count);
    if (count > UINT16_MAX)
        return error_set(err, DK_EPARSE, "a key of %u parts", count);
    return vector_append(out, header, count < 16 ? 1 : 3);
}

static dk_status pack_parts(const struct wire_value *value, struct vector *out, int depth,
                            dk_error *err)
{
    if (depth == KEY_DEPTH_MAX)
        return error_set(err, DK_EPARSE, "a key nested deeper than %d", KEY_DEPTH_MAX);
    DK_TRY(pack_header(out, value->count, err));
    for (uint32_t i = 0; i < value->count; i++)
        DK_TRY(pack_key(&value->as.items[i], out, depth + 1, err));
    return DK_OK;
}

static bool is_whole(double real)
{
    return real >= -0x1p63 && real < 0x1p63 && floor(real) == real;
}

static dk_status pack_key(const struct wire_value *value, struct vector *out, int depth,
                          dk_error *err)
{
    switch (value->kind) {
    case WIRE_BOOL:
        return pack_whole(out, wire_int(value->as.boolean), err);
    case WIRE_FLOAT:
        if (is_whole(value->as.real))
            return pack_whole(out, wire_int((int64_t)value->as.real), err);
        return pack_whole(out, *value, err);
    case WIRE_TEXT:
    case WIRE_INT:
    case WIRE_UINT:
        return pack_whole(out, *value, err);
    case WIRE_ARRAY:
        return pack_parts(value, out, depth, err);
    default:
        return error_set(err, DK_EPARSE, "%s is no key: expected text, a number or an array",
                         wire_kind_name(value->kind));
    }
}

dk_status key_pack(const struct wire_value *value, struct vector *out, dk_error *err)
{
    out->count = 0;
    DK_TRY(pack_key(value, out, 0, err));
    if (out->count > KEY_NBYTES_MAX)
        return error_set(err, DK_EPARSE, "a key of %zu bytes: at most %d are allowed", out->count,
                         KEY_NBYTES_MAX);
    return DK_OK;
}
