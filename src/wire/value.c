#include "wire/value.h"

#include <string.h>

struct wire_value wire_array(struct wire_value *items, uint32_t count)
{
    return (struct wire_value){WIRE_ARRAY, count, .as.items = items};
}

struct wire_value wire_map(struct wire_entry *entries, uint32_t count)
{
    return (struct wire_value){WIRE_MAP, count, .as.entries = entries};
}

const struct wire_value *wire_find_bytes(const struct wire_value *map, struct wire_bytes key)
{
    if (!map || map->kind != WIRE_MAP)
        return NULL;
    for (uint32_t i = map->count; i-- > 0;) {
        const struct wire_value *found = &map->as.entries[i].key;
        if (found->kind == WIRE_TEXT && found->count == key.nbytes &&
            memcmp(found->as.bytes, key.data, key.nbytes) == 0)
            return &map->as.entries[i].value;
    }
    return NULL;
}

bool wire_read_int(const struct wire_value *value, int64_t *out)
{
    if (!value || value->kind != WIRE_INT)
        return false;
    *out = value->as.integer;
    return true;
}

bool wire_read_float(const struct wire_value *value, double *out)
{
    if (!value)
        return false;
    switch (value->kind) {
    case WIRE_INT:
        *out = (double)value->as.integer;
        return true;
    case WIRE_UINT:
        *out = (double)value->as.natural;
        return true;
    case WIRE_FLOAT:
        *out = value->as.real;
        return true;
    default:
        return false;
    }
}

bool wire_read_text(const struct wire_value *value, struct wire_bytes *out)
{
    if (!value || value->kind != WIRE_TEXT)
        return false;
    *out = (struct wire_bytes){value->as.bytes, value->count};
    return true;
}

bool wire_text_is(const struct wire_value *value, const char *text)
{
    struct wire_bytes found;
    return wire_read_text(value, &found) && found.nbytes == strlen(text) &&
           memcmp(found.data, text, found.nbytes) == 0;
}

const char *wire_kind_name(enum wire_kind kind)
{
    static const char *const names[] = {
        [WIRE_NIL] = "nil",
        [WIRE_BOOL] = "a bool",
        [WIRE_INT] = "an integer",
        [WIRE_UINT] = "an integer beyond 63 bits",
        [WIRE_FLOAT] = "a float",
        [WIRE_TEXT] = "text",
        [WIRE_BIN] = "bytes",
        [WIRE_ARRAY] = "an array",
        [WIRE_SET] = "a set",
        [WIRE_MAP] = "a map",
        [WIRE_SERIALIZED] = "a serialized value",
        [WIRE_PICKLED] = "a pickle",
        [WIRE_PACKED] = "packed bytes",
    };
    return names[kind];
}
